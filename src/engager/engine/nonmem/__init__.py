"""NONMEM-style dosing tables."""
