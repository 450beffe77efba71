"""What a rule says: its model, loading, schedule, fields and portable regular expressions."""
