"""From the bytes of a log file to events."""
