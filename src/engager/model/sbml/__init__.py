"""SBML and Antimony files become a `System` of equations."""
