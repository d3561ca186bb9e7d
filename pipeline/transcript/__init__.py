"""Transcripts of others' making: files -> words, and words -> the turns in which they were said."""
