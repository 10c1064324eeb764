"""Solves a `System` for many patients at once: exact at doses, the same bits however it is cut up."""

from engager.engine.problem import Action, Problem, Schedule, Status, Trajectories

__all__ = ["Action", "Problem", "Schedule", "Status", "Trajectories"]
