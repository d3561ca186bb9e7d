"""Class scores -> points in the valence-arousal plane, their course over time, and the moments that stand out."""
