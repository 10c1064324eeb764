"""Assumptions about how a trial observes and handles patients (``data/assumptions.yaml``), and what trials differ in.

Trials of patients described alike differ: by who is referred, how they are nursed, what follows. Population values name
the spread of such an effect (`trial_effect:sensitivity`); a trial draws its own effect from it. It multiplies a
parameter of the model by exp(effect), and is added to an assumption of the trial.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from engager.core import FloatArray, InputError, Problem, Stream, nearest, normal_of, read_shipped_data
from engager.population import PopulationValues, ValueName

if TYPE_CHECKING:
    from engager.model import Model


@cache
def assumption_table() -> dict[str, dict[str, Any]]:
    """Every assumption with value, unit, reason and, where one is thought possible, a range."""
    text = (resources.files("engager.trial") / "data" / "assumptions.yaml").read_text()
    found: dict[str, dict[str, Any]] = read_shipped_data(text)
    return found


class Assumptions:
    """Values by name, some of them replaced by a calibration.

    Parameters
    ----------
    settings : population values of each replicate.
    replicate : array (patient,), to find each patient's own value.

    Raises
    ------
    InputError
        When the population values name an assumption that there is not.
    """

    def __init__(self, settings: Mapping[int, PopulationValues], replicate: NDArray[np.int64]):
        self._settings = [settings[one] for one in sorted(settings)]
        # one value per replicate of each name that was asked for
        self._found: dict[str, FloatArray] = {}
        self._place = np.searchsorted(sorted(settings), replicate)
        known = assumption_table()
        unknown = {name: value for one in settings.values() for name, value in one.assumption.items()}
        problems = [
            Problem(
                f"population value {ValueName('assumption', name)}",
                value,
                "is no assumption of a trial",
                nearest(name, known),
            )
            for name, value in unknown.items()
            if name not in known
        ]
        if problems:
            raise InputError(problems)

    def __getitem__(self, name: str) -> Any:
        """The table's value; KeyError when there is none of that name."""
        return assumption_table()[name]["value"]

    def of(self, name: str, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Each patient's value, array (row,), where a calibration may give every replicate its own."""
        if name not in self._found:
            self._found[name] = np.array([one.assumption.get(name, self[name]) for one in self._settings], dtype=float)
        return self._found[name][self._place[rows]]

    def spread(self, name: str) -> float:
        """The between-patient spread given beside a value (`sd_log` or `sd`)."""
        row = assumption_table()[name]
        return float(row.get("sd_log", row.get("sd", 0.0)))


def shifted_share(share: FloatArray | float, log_odds: FloatArray) -> FloatArray:
    """A share, moved on its log odds: array like `log_odds`. Shares of 0 and 1 stay."""
    share = np.clip(np.asarray(share, dtype=float), 0.0, 1.0)
    odds = share * np.exp(log_odds)
    return odds / (odds + 1.0 - share)


def with_trial_effects(
    values: PopulationValues, model: Model, study: str, seed: int, replicate: int
) -> PopulationValues:
    """The population values of one virtual trial, its effects drawn.

    Parameters
    ----------
    values : of the replicate; `values.trial_effect` holds the spread of each effect.
    study, seed, replicate : key the draws, so that arms and other effects change none of them.

    Raises
    ------
    InputError
        When an effect is on something that is neither a parameter of the model nor an assumption of a trial.
    """
    known = [*model.system.parameters, *assumption_table()]
    problems = [
        Problem(
            f"population value {ValueName('trial_effect', name)}",
            spread,
            f"is no parameter of {model.id} and no assumption of a trial",
            nearest(name, known),
        )
        for name, spread in values.trial_effect.items()
        if name not in known
    ]
    if problems:
        raise InputError(problems)
    stream = Stream(seed, study, replicate)
    spreads = {name: spread for name, spread in values.trial_effect.items() if spread}
    chance = normal_of([stream.of(f"trial-effect/{name}") for name in spreads], 0)
    effects = {name: spread * float(z) for (name, spread), z in zip(spreads.items(), chance, strict=True)}
    return shifted(values, model, effects)


def shifted(values: PopulationValues, model: Model, effects: Mapping[str, float]) -> PopulationValues:
    """Population values moved by effects: parameters times exp(effect), assumptions plus effect.

    Nothing of `trial_effect` is left, since it has been drawn.
    """
    typical, assumption = dict(values.typical), dict(values.assumption)
    for name, effect in effects.items():
        if name in assumption_table():
            assumption[name] = assumption.get(name, float(assumption_table()[name]["value"])) + effect
        else:
            typical[name] = typical.get(name, float(model.system.defaults[name])) * float(np.exp(effect))
    return replace(values, typical=typical, assumption=assumption, trial_effect={})
