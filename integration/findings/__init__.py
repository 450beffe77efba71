"""What a finding is, its bounded statistics, and the user's filter."""
