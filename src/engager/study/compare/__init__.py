"""Runs beside each other: what they were, what they found, and by how much that differs."""
