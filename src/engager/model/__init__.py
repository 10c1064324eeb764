"""Mechanistic models: SBML or Antimony text plus a parameter table become a `System` of equations."""

from engager.model.antimony_text import read_antimony
from engager.model.derivative import derivative
from engager.model.drug import Drug, drug_ids, read_drug
from engager.model.evaluate import evaluate_nodes, evaluate_outputs, initial_states
from engager.model.export_antimony import to_antimony
from engager.model.export_sbml import to_sbml
from engager.model.expression import Entry, Graph, Node
from engager.model.library import Effect, Model, Parameter, load_model, model_ids, read_model
from engager.model.sbml import read_sbml
from engager.model.system import TIME, Event, System
from engager.model.variant import Variant

__all__ = [
    "TIME",
    "Drug",
    "Effect",
    "Entry",
    "Event",
    "Graph",
    "Model",
    "Node",
    "Parameter",
    "System",
    "Variant",
    "derivative",
    "drug_ids",
    "evaluate_nodes",
    "evaluate_outputs",
    "initial_states",
    "load_model",
    "model_ids",
    "read_antimony",
    "read_drug",
    "read_model",
    "read_sbml",
    "to_antimony",
    "to_sbml",
]
