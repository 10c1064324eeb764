"""What may differ from a model's table in a run: one draw of a fit, a time-course fit, a value set by hand.

In files, on the command line and as labels of unknowns each value has one written name:

    k_kill                     typical value of a parameter [model units]
    growth.sd                  between-patient standard deviation of its logarithm
    sensitivity~salvage_line   slope of a covariate effect
    trial:mrd_sensitivity      how a trial observes and handles patients (`engager.trial`)
    trial_effect:k_kill        spread of what a trial's patients share: log of a factor, or added to an assumption
    regimen:flag               strength of a chemotherapy regimen, relative to standard salvage chemotherapy

Only this module reads and writes these names; everybody else holds `PopulationValues`.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal

from engager.core import InputError, Problem, nearest
from engager.model import Model

Kind = Literal["typical", "spread", "slope", "assumption", "trial_effect", "strength"]
Settings = Callable[[int], "PopulationValues"]

_PREFIX: dict[str, Kind] = {"trial": "assumption", "trial_effect": "trial_effect", "regimen": "strength"}
_WRITTEN_PREFIX = {kind: prefix for prefix, kind in _PREFIX.items()}
_SPREAD = ".sd"


@dataclass(frozen=True)
class ValueName:
    """The name of one value.

    Attributes
    ----------
    kind : what it is.
    name : of a parameter, an assumption or a regimen.
    covariate : of a slope; else empty.
    """

    kind: Kind
    name: str
    covariate: str = ""

    def __str__(self) -> str:
        """As it is written."""
        if self.kind == "spread":
            return f"{self.name}{_SPREAD}"
        if self.kind == "slope":
            return f"{self.name}~{self.covariate}"
        prefix = _WRITTEN_PREFIX.get(self.kind)
        return f"{prefix}:{self.name}" if prefix else self.name

    @property
    def key(self) -> str | tuple[str, str]:
        """Under which the value stands in `PopulationValues`."""
        return (self.name, self.covariate) if self.kind == "slope" else self.name

    @staticmethod
    @functools.lru_cache(maxsize=4096)
    def read(written: str) -> ValueName:
        """From the written name; remembered, since every replicate of a run has the same names.

        Raises
        ------
        InputError
            When it is none of the forms.
        """
        prefix, colon, rest = written.partition(":")
        if colon:
            if prefix not in _PREFIX or not rest:
                hint = nearest(prefix, list(_PREFIX))
                raise InputError(Problem("population value", written, "has a prefix that is not known", hint))
            return ValueName(_PREFIX[prefix], rest)
        if written.endswith(_SPREAD):
            found = ValueName("spread", written.removesuffix(_SPREAD))
        elif "~" in written:
            found = ValueName("slope", *written.split("~", 1))
        else:
            found = ValueName("typical", written)
        if not all(part.isidentifier() for part in (found.name, *([found.covariate] if "~" in written else []))):
            rule = "must be a parameter, parameter.sd or parameter~covariate, or have the prefix " + ", ".join(_PREFIX)
            raise InputError(Problem("population value", written, rule))
        return found


@dataclass(frozen=True)
class PopulationValues:
    """Values of a population that replace those of the model's table, or stand beside them; all may be empty.

    Attributes
    ----------
    typical : parameter -> typical value [model units].
    spread : parameter -> between-patient standard deviation of its logarithm.
    slope : (parameter, covariate) -> slope of the covariate effect, on the logarithm.
    assumption : name -> value of an assumption about how a trial observes and handles patients.
    trial_effect : parameter or assumption -> standard deviation, between trials, of the logarithm of a factor that all
        patients of a trial share; of an assumption, of what is added to it.
    strength : regimen id -> strength, relative to standard salvage chemotherapy.
    """

    typical: Mapping[str, float] = field(default_factory=dict)
    spread: Mapping[str, float] = field(default_factory=dict)
    slope: Mapping[tuple[str, str], float] = field(default_factory=dict)
    assumption: Mapping[str, float] = field(default_factory=dict)
    trial_effect: Mapping[str, float] = field(default_factory=dict)
    strength: Mapping[str, float] = field(default_factory=dict)

    @staticmethod
    def read(written: PopulationValues | Mapping[str, float]) -> PopulationValues:
        """From written names; values that are read already stay as they are.

        Raises
        ------
        InputError
            With every name of no known form and every value that is no finite number.
        """
        if isinstance(written, PopulationValues):
            return written
        blocks: dict[str, Any] = {one.name: {} for one in fields(PopulationValues)}
        problems: list[Problem] = []
        for name, value in written.items():
            try:
                found = ValueName.read(name)
            except InputError as error:
                problems += error.problems
                continue
            if not math.isfinite(value):
                problems.append(Problem(f"population value {name}", value, "must be a finite number"))
            blocks[found.kind][found.key] = float(value)
        if problems:
            raise InputError(problems)
        return PopulationValues(**blocks)

    def written(self) -> dict[str, float]:
        """Every value by its written name."""
        return {str(name): value for name, value in self._items()}

    def __contains__(self, written: str) -> bool:
        """Whether there is a value of this written name."""
        name = ValueName.read(written)
        return name.key in getattr(self, name.kind)

    def __or__(self, later: PopulationValues) -> PopulationValues:
        """Both, `later` where both have a value."""
        return PopulationValues(
            **{one.name: {**getattr(self, one.name), **getattr(later, one.name)} for one in fields(self)}
        )

    def without_spread(self, parameters: Iterable[str]) -> PopulationValues:
        """The same with no difference between patients in these parameters."""
        return replace(self, spread={**self.spread, **dict.fromkeys(parameters, 0.0)})

    def for_model(self, model: Model) -> PopulationValues:
        """The same without what a variant, a disease or a drug of the model has given itself."""
        if not model.own_values and not model.own_spreads:
            return self
        typical = {name: value for name, value in self.typical.items() if name not in model.own_values}
        spread = {name: value for name, value in self.spread.items() if name not in model.own_spreads}
        return replace(self, typical=typical, spread=spread)

    def refuse_unknown(self, model: Model) -> None:
        """Stop at names that the model does not have; a misspelt one would silently be the table's value.

        Assumptions, and what trials differ in, are known to the trial alone, which refuses them itself.

        Raises
        ------
        InputError
            With every such name.
        """
        parameters = set(model.system.parameters)
        slopes = {(effect.parameter, effect.covariate) for effect in model.effects}
        problems = []
        for name, value in self._items():
            if name.kind in ("typical", "spread") and name.name not in parameters:
                hint = nearest(name.name, sorted(parameters))
                problems.append(Problem(f"population value {name}", value, f"is no parameter of {model.id}", hint))
            if name.kind == "slope" and name.key not in slopes:
                hint = nearest(str(name), [str(ValueName("slope", *pair)) for pair in slopes])
                problems.append(Problem(f"population value {name}", value, f"is no effect of {model.id}", hint))
        if problems:
            raise InputError(problems)

    def _items(self) -> Iterable[tuple[ValueName, float]]:
        for one in ("typical", "spread", "slope", "assumption", "trial_effect", "strength"):
            for key, value in getattr(self, one).items():
                yield (ValueName(one, *key) if one == "slope" else ValueName(one, key)), value
