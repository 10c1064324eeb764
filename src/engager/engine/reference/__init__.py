"""A slow, trusted solver that also runs SBML events."""
