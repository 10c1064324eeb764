"""Survival curves rebuilt from what was printed."""
