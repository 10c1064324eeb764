"""What a study asks of its disease model, and the drugs it puts into it."""
