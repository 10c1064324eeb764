"""Published beside simulated."""
