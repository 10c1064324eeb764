"""What all patients of one virtual trial share, whatever their arm, beyond the description of the trial.

Trials of patients described alike differ: by who is referred, how they are nursed, what follows. Population values name
the spread of such an effect (`trial_effect:sensitivity`); a trial draws its own effect from it. It multiplies a
parameter of the model by exp(effect), and is added to an assumption of the trial.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from engager.core import InputError, Problem, Stream, nearest
from engager.population import PopulationValues, ValueName
from engager.trial.assumptions import assumption_table

if TYPE_CHECKING:
    from engager.model import Model


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
    one = np.zeros(1, dtype=np.int64)
    effects = {
        name: spread * float(stream.of(f"trial-effect/{name}").normal(one)[0])
        for name, spread in values.trial_effect.items()
        if spread
    }
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
