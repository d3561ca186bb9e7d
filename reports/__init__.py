"""Conversation -> one self-contained HTML page. Knows nothing of audio or models."""
