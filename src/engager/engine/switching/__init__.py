"""Formulas of time: where they jump is found before a course is solved, and steps end there."""
