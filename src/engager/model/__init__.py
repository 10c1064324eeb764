"""Mechanistic models: SBML or Antimony text plus a parameter table become a `System` of equations."""

from engager.model.antimony_text import read_antimony
from engager.model.derivative import derivative
from engager.model.evaluate import evaluate_nodes, evaluate_outputs, initial_states
from engager.model.expression import Entry, Graph, Node
from engager.model.library import Effect, Model, Parameter, load_model, model_ids, read_model
from engager.model.sbml import read_sbml
from engager.model.system import TIME, Event, System

__all__ = [
    "TIME",
    "Effect",
    "Entry",
    "Event",
    "Graph",
    "Model",
    "Node",
    "Parameter",
    "System",
    "derivative",
    "evaluate_nodes",
    "evaluate_outputs",
    "initial_states",
    "load_model",
    "model_ids",
    "read_antimony",
    "read_model",
    "read_sbml",
]
