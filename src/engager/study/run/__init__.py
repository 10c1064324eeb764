"""A study file becomes a run folder, and is replayed from it."""
