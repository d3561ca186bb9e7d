"""What people add to a conversation: corrections, words, silenced spans, pseudonyms."""
