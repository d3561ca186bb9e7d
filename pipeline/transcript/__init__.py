"""Transcripts from other programs: files -> words, and words -> their turns."""
