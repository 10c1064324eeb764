"""Whole pages: a run, a design, credibility, sensitivity."""
