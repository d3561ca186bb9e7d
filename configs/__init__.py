"""Presets that a user copies and edits; `pipeline.config` reads them."""
