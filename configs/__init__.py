"""Presets that a user copies and edits; `ressenti.pipeline.config` reads them."""
