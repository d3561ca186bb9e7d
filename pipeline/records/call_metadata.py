"""What is known of a call besides its recording."""

CALL_METADATA = ("call_id", "agent", "queue", "date", "direction", "language")
"""Metadata that have a name of their own in every file; all others have the names that the user gave them."""
