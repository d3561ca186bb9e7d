"""Know voices again that the user stored: embeddings of voices, their likeness, and who a speaker may be."""

LITTLE_S = 10.0
"""Seconds of speech; with less, voices are hard to tell apart, and whoever reads a name is told so."""
