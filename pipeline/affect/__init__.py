"""Turn class scores into points in the valence-arousal plane, trajectories over time, and key moments."""
