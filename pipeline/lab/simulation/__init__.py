"""Labelled speech -> conversations whose truth is known: who speaks when, and how it sounds."""
