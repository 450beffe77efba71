"""A real node on this machine, and made-up logs."""
