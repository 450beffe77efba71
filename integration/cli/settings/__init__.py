"""Reading detect.toml."""
