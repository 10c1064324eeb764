"""What a model offers to those who use it: which of its names plays which part.

A trial gives doses; it does not know that a model keeps the drug in a state `drug_b`. The file ``roles.yaml`` beside
a model's equations says so, in the words of the study file. It stands apart from the parameter table because the
table's text is what a fitted posterior is tied to, and roles change no number.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from engager.core import InputError, Problem, nearest
from engager.model.system import System

# A part of a study's words, and whether an input or a state of the model can play it.
_DOSES = {
    "iv_continuous": "input",
    "iv_bolus": "state",
    "subcutaneous": "state",
    "dexamethasone": "state",
    "chemotherapy": "state",
    "tocilizumab": "state",
}


@dataclass(frozen=True)
class DiseaseRoles:
    """Names of a model by the part they play.

    Attributes
    ----------
    model : id, for messages.
    doses : where a dose goes, by route (``iv_continuous`` [ug/day], ``iv_bolus``, ``subcutaneous`` [ug]) or drug
        (``dexamethasone`` [mg], ``chemotherapy``: 1 for each day of a course).
    """

    model: str
    doses: Mapping[str, str] = field(default_factory=dict)

    def lacking(self, wanted: Iterable[str]) -> list[str]:
        """Which of these dotted roles, e.g. ``doses.iv_bolus``, the model does not have."""
        return [name for name in wanted if self._named(name) is None]

    def refuse_without(self, wanted: Iterable[str], what: str) -> None:
        """Stop when a role is missing.

        Parameters
        ----------
        wanted : dotted roles. what : what needs them, for the message.

        Raises
        ------
        InputError
            With every role that is missing.
        """
        problems = [
            Problem(
                f"model {self.model}",
                what,
                f"needs the role {name}, which this model does not have",
                "Name it in the model's roles.yaml, or choose another model.",
            )
            for name in self.lacking(wanted)
        ]
        if problems:
            raise InputError(problems)

    def _named(self, dotted: str) -> object | None:
        block, _, name = dotted.partition(".")
        found = getattr(self, block, None)
        return found.get(name) if name and isinstance(found, Mapping) else found or None


def read_roles(path: Path, model: str, system: System) -> DiseaseRoles:
    """The roles file of a model; without one the model plays no part.

    Raises
    ------
    InputError
        With every key that is no role, and every name that the equations do not have.
    """
    if not path.is_file():
        return DiseaseRoles(model)
    content = yaml.safe_load(path.read_text()) or {}
    problems: list[Problem] = []
    _unknown(content, ("doses",), path.name, problems)
    doses = dict(content.get("doses", {}))
    _unknown(doses, _DOSES, f"{path.name}: doses", problems)
    for word, name in doses.items():
        has = system.inputs if _DOSES.get(word) == "input" else system.states
        _must_have(name, has, f"{path.name}: doses.{word}", problems)
    if problems:
        raise InputError(problems)
    return DiseaseRoles(model, doses=doses)


def _unknown(found: Mapping[str, Any], known: Iterable[str], where: str, problems: list[Problem]) -> None:
    for key in sorted(set(found) - set(known), key=str):
        problems.append(Problem(f"{where}.{key}", found[key], "is no role", nearest(str(key), list(known))))


def _must_have(name: Any, known: Iterable[str], where: str, problems: list[Problem]) -> None:
    if name not in known:
        problems.append(Problem(where, name, "the equations do not have it", nearest(str(name), list(known))))
