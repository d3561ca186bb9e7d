"""Labelled speech -> simulated conversations with a known truth: who speaks when, with which emotion."""
