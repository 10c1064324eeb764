"""What comes unplanned between two decisions: deaths, toxicities, the last cell of a clone."""
