"""Labelled speech: corpora, their clips and truth, and the same speech through telephones, codecs, rooms and noise."""
