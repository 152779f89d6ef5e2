"""Steps, a whole training, and what a run leaves."""
