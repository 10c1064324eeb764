"""The review, executable: one row for each of its references."""
