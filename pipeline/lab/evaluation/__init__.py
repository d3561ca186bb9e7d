"""Results against a known truth."""
