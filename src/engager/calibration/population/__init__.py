"""The population fitted to many trials at once."""
