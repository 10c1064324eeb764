"""Slips in a study file: what to write instead, and the file without them, so that what they hide is told too."""
