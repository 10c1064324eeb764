"""What drives an outcome, and what the data inform."""
