"""Many recordings into a library: which there are, which are done, and worker processes for the rest."""
