"""Mechanistic models: SBML or Antimony text plus a parameter table become a `System` of equations."""

from engager.model.expression import Entry, Graph, Node
from engager.model.system import TIME, Event, System

__all__ = ["TIME", "Entry", "Event", "Graph", "Node", "System"]
