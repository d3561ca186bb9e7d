"""A seeded campaign of hostile and damaged input: `pytest -m campaign`, or `python -m campaign` for the counts."""
