"""`detect watch`, the built-in scheduler."""
