"""A recording in, a conversation out: `run.py` holds the steps in order, each room here holds one of them."""
