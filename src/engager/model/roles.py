"""What a model offers to those who use it: which of its names plays which part.

A trial gives doses; it does not know that a model keeps the drug in a state `drug_b`. The file ``roles.yaml`` beside
a model's equations says so, in the words of the study file and of the tables. It stands apart from the parameter table
because the table's text is what a fitted posterior is tied to, and roles move no typical value.

In: that file, checked against the equations. Out: `DiseaseRoles`. Who needs a part asks for it by its dotted name
(``doses.iv_bolus``, ``hazards.leukemia``) and is refused with everything that is missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any

from engager.core import DISEASES, InputError, Problem, nearest, read_shipped_data
from engager.model.system import System

# Parts with words of their own, and what of the model can play them.
_WORDS: dict[str, dict[str, str]] = {
    "doses": {
        "iv_continuous": "input", "iv_bolus": "state", "subcutaneous": "state", "dexamethasone": "state",
        "chemotherapy": "state", "tocilizumab": "state",
    },
    "pools": dict.fromkeys(("antigen_positive", "antigen_negative"), "states"),
    "hazards": dict.fromkeys(("leukemia", "infection", "transplant", "background"), "state"),
    "toxicities": dict.fromkeys(("CRS", "neurologic"), "state"),
    "severity": dict.fromkeys(("CRS", "neurologic"), "state"),
    "transplant": {
        "emptied": "states", "stem": "state", "grafted": "states", "window": "state", "late_effects": "state",
    },
    "seen": dict.fromkeys(
        (
            "marrow_blasts_percent", "log10_mrd", "blood_blasts_per_uL", "neutrophils_per_uL", "platelets_per_uL",
            "b_per_uL", "il6_pg_per_mL",
        ),
        "observable",
    ),
    "fixed_by": dict.fromkeys(
        ("bsa_m2", "age_years", "cd8_per_uL", "marrow_blasts_percent", "population_mortality"), "parameters"
    ),
    "burden": dict.fromkeys(("capacity", "normal_marrow", "normal_floor", "reserve", "recovery"), "parameter"),
    "kinetics": dict.fromkeys(("clearance", "volume", "molar_mass", "body_surface"), "parameter"),
    "cytokine": {"level": "state", "release": "parameter", "baseline": "parameter", "refractory": "parameter"},
    "t_cells": dict.fromkeys(("blood_resting", "blood_activated"), "state"),
}  # fmt: skip


@dataclass(frozen=True)
class DiseaseRoles:
    """Names of a model by the part they play.

    Attributes
    ----------
    model : id, for messages.
    doses : where a dose goes, by route (``iv_continuous`` [ug/day], ``iv_bolus``, ``subcutaneous`` [ug]) or drug
        (``dexamethasone``, ``tocilizumab`` [mg], ``chemotherapy``: 1 for each day of a course).
    clones : states that hold cells [cells] and end below their last one, in the order of their draws.
    pools : states that what kills leukemia kills, with the antigen and without.
    sanctuary : the clone outside marrow and blood that imaging sees; empty: none.
    tumor : states whose sum [cells] is nodal disease, read by its size on images; empty: the disease is in marrow.
    disease : what a death of it is called in the tables, one of `core.DISEASES`.
    with_tumor : parameters in proportion to the volume of the tumor, whose table values are those of `tumor_mL` [mL].
    without_antigen : values of parameters in a patient whose disease never has the antigen (T lineage and CD19).
    hazards : integrated hazards of death by cause. toxicities : those of events by kind. severity : the state that
        makes an event of a kind more often severe.
    transplant : states that conditioning empties and the stem cells that it leaves a share of; that a graft switches on
        (set to 1); the hazard of transplantation and late effects, set to their size.
    chemotherapy_sensitivity, marrow_toxicity : parameters that a regimen's strength and its toxicity to marrow
        multiply; empty: none.
    seen : what a visit observes. courses : what is kept of sampled patients and drawn, by column of the tables.
    tolerances : absolute tolerance of a state in a trial, in its unit; others have ``others``.
    with_weight : parameters in proportion to body weight. as_odds : shares whose log-normal draw is read as odds.
    fixed_by : parameters that a covariate gives, by the covariate. burden : parameters of the marrow that turn a share
        of blasts into cells.
    kinetics, cytokine : of the drug and of IL-6, which are published. t_cells : in blood, by what they do.
    culture : values of parameters in a dish, with drug and targets in excess and no traffic.
    key_unknowns : of the fit to trials, shown one by one; as population values are written.
    """

    model: str
    doses: Mapping[str, str] = field(default_factory=dict)
    clones: tuple[str, ...] = ()
    pools: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    sanctuary: str = ""
    hazards: Mapping[str, str] = field(default_factory=dict)
    toxicities: Mapping[str, str] = field(default_factory=dict)
    severity: Mapping[str, str] = field(default_factory=dict)
    transplant: Mapping[str, Any] = field(default_factory=dict)
    chemotherapy_sensitivity: str = ""
    marrow_toxicity: str = ""
    seen: Mapping[str, str] = field(default_factory=dict)
    courses: Mapping[str, str] = field(default_factory=dict)
    tolerances: Mapping[str, float] = field(default_factory=dict)
    with_weight: tuple[str, ...] = ()
    as_odds: tuple[str, ...] = ()
    fixed_by: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    burden: Mapping[str, str] = field(default_factory=dict)
    tumor: tuple[str, ...] = ()
    with_tumor: tuple[str, ...] = ()
    tumor_mL: float = 0.0
    disease: str = "leukemia"
    without_antigen: Mapping[str, float] = field(default_factory=dict)
    kinetics: Mapping[str, str] = field(default_factory=dict)
    cytokine: Mapping[str, str] = field(default_factory=dict)
    t_cells: Mapping[str, str] = field(default_factory=dict)
    culture: Mapping[str, float] = field(default_factory=dict)
    key_unknowns: tuple[str, ...] = ()

    @property
    def leukemia(self) -> tuple[str, ...]:
        """All pools, those without the antigen last."""
        return (*self.pools.get("antigen_positive", ()), *self.pools.get("antigen_negative", ()))

    def tolerance_of(self, states: Iterable[str]) -> list[float]:
        """Absolute tolerance of each state, in its unit."""
        return [self.tolerances.get(name, self.tolerances.get("others", 1e-6)) for name in states]

    @property
    def is_nodal(self) -> bool:
        """Whether the disease is a tumor, read by its size, and not blasts in marrow."""
        return bool(self.tumor)

    def lacking(self, wanted: Iterable[str]) -> list[str]:
        """Which of these dotted parts the model does not have.

        Parameters
        ----------
        wanted : e.g. ``doses.iv_bolus``, a whole block such as ``hazards``, or several of which one is enough,
            ``seen.marrow_blasts_percent|tumor``.
        """
        return [name for name in wanted if not any(self._named(one) for one in name.split("|"))]

    def refuse_without(self, wanted: Iterable[str], what: str) -> None:
        """Stop when a part is missing.

        Parameters
        ----------
        wanted : dotted parts. what : what needs them, for the message.

        Raises
        ------
        InputError
            With every part that is missing.
        """
        if missing := self.lacking(wanted):
            rule = f"needs {', '.join(missing)}, which this model does not offer"
            hint = "Name it in the model's roles.yaml, or choose another model."
            raise InputError(Problem(f"model {self.model}", what, rule, hint))

    def _named(self, dotted: str) -> object | None:
        block, _, name = dotted.partition(".")
        found: Any = getattr(self, block, None)
        return found.get(name) if name and isinstance(found, Mapping) else found


def infusion_of(path: Path) -> tuple[str, ...]:
    """The input that an infusion goes to by the roles file, or none."""
    doses = (read_shipped_data(path.read_text()) or {}).get("doses") if path.is_file() else None
    return (doses["iv_continuous"],) if doses and "iv_continuous" in doses else ()


def read_roles(
    path: Path, model: str, system: System, instead: Mapping[str, Any] = MappingProxyType({})
) -> DiseaseRoles:
    """The roles file of a model; without one the model plays no part.

    Parameters
    ----------
    instead : blocks that take the place of the file's, for a disease of the model; None: it has no such block.

    Raises
    ------
    InputError
        With every key that is no part, and every name that the equations do not have.
    """
    if not path.is_file():
        return DiseaseRoles(model)
    content = {**(read_shipped_data(path.read_text()) or {}), **instead}
    content = {key: value for key, value in content.items() if value is not None}
    problems: list[Problem] = []
    blocks = [one.name for one in fields(DiseaseRoles) if one.name != "model"]
    _unknown(content, blocks, path.name, problems)
    names = {
        "input": system.inputs,
        "state": system.states,
        "parameter": system.parameters,
        "observable": (*system.outputs, *system.states),
    }
    for block, words in _WORDS.items():
        found = content.get(block, {})
        _unknown(found, words, f"{path.name}: {block}", problems)
        for word, value in found.items():
            kind = words.get(word, "state")
            for name in value if isinstance(value, list) else [value]:
                _must_have(name, names[kind.removesuffix("s")], f"{path.name}: {block}.{word}", problems)
    singles = {"clones": "state", "with_weight": "parameter", "as_odds": "parameter"}
    singles |= {"tumor": "state", "with_tumor": "parameter", "without_antigen": "parameter", "culture": "parameter"}
    singles |= {"sanctuary": "state", "chemotherapy_sensitivity": "parameter", "marrow_toxicity": "parameter"}
    for key, kind in singles.items():
        value = content.get(key, [])
        for name in [value] if isinstance(value, str) else value:
            _must_have(name, names[kind], f"{path.name}: {key}", problems)
    for column, name in content.get("courses", {}).items():
        _must_have(name, names["observable"], f"{path.name}: courses.{column}", problems)
    for name in content.get("tolerances", {}):
        if name != "others":
            _must_have(name, system.states, f"{path.name}: tolerances", problems)
    if (disease := content.get("disease", DISEASES[0])) not in DISEASES:
        problems.append(Problem(f"{path.name}: disease", disease, f"must be one of {', '.join(DISEASES)}"))
    if problems:
        raise InputError(problems)
    frozen = {key: _frozen(value) for key, value in content.items()}
    # one parameter or several
    given = {name: (one,) if isinstance(one, str) else one for name, one in frozen.get("fixed_by", {}).items()}
    return DiseaseRoles(model, **{**frozen, "fixed_by": given})


def _frozen(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _frozen(one) for key, one in value.items()}
    return tuple(value) if isinstance(value, list) else value


def _unknown(found: Mapping[str, Any], known: Iterable[str], where: str, problems: list[Problem]) -> None:
    for key in sorted(set(found) - set(known), key=str):
        problems.append(Problem(f"{where}.{key}", found[key], "is no part", nearest(str(key), list(known))))


def _must_have(name: Any, known: Iterable[str], where: str, problems: list[Problem]) -> None:
    if name not in known:
        problems.append(Problem(where, name, "the equations do not have it", nearest(str(name), list(known))))
