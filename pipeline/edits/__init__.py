"""Functions that apply people's edits to a conversation: corrections, words, silenced spans, pseudonyms."""
