"""Coverage-guided fuzzing of what every log line goes through: `make fuzz`."""
