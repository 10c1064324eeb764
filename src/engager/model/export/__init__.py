"""A model written as SBML or Antimony."""
