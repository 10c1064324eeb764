"""Chance that belongs to a patient: keyed draws, and the machine code that makes many of them."""
