"""Study files: read, checked with the place of every problem, written, and listed."""
