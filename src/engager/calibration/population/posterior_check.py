"""A posterior file as somebody hands it over: every value checked before any patient is simulated.

In: a path and the model of the study. Out: a `Posterior`, or every problem together. A NaN among the spreads would
otherwise switch a scatter off in silence, and a negative rate give patients that nothing can kill.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from engager.calibration.population.hierarchy import STRENGTH_RANGE
from engager.calibration.population.posterior import Posterior
from engager.calibration.population.unknowns import unknowns_of
from engager.core import FloatArray, InputError, Problem, nearest, read_at_most
from engager.model import Model
from engager.population import PopulationValues, ValueName
from engager.trial import assumption_table

_HINT = "Write one with engager calibrate --out."
# Standard deviation of a logarithm: one patient in six would be more than twenty thousand times the middle.
_WIDEST_SPREAD = 10.0
_MOST_BYTES = 500_000_000
# Files hold seven digits; a draw at a bound may be rounded over it.
_ROUNDING = 1e-6
_MOST_TOLD = 12
_LARGEST = sys.float_info.max


def read_posterior(path: Path, model: Model, option: str) -> Posterior:
    """A posterior that `engager calibrate` wrote.

    Parameters
    ----------
    path : of the file. model : it must be of. option : what messages call it.

    Raises
    ------
    InputError
        With everything that is wrong: the file, names, values, shapes.
    """
    content = _content(path, option)
    where = f"{option} {path}"
    problems = list(_shape_problems(content, where))
    if problems:
        raise InputError(problems)
    if content["model"] != model.id:
        rule = f"was fitted to the model {content['model']}; the study's is {model.id}"
        raise InputError(Problem(option, path, rule))
    names = content["names"]
    problems = [*_number_problems(content, where)]
    if not problems:
        draws = np.array(content["draws"], dtype=float)
        columns = {name: draws[:, k] for k, name in enumerate(names)}
        columns |= {name: np.array([float(value)]) for name, value in content["fixed"].items()}
        problems = list(_value_problems(columns, model, where))
        problems += _effect_problems(content.get("trial_effects", {}), model, where)
    if problems:
        more = len(problems) - _MOST_TOLD
        told = problems[:_MOST_TOLD]
        raise InputError(
            told + ([Problem(where, f"{more} more problems", "must hold a posterior")] if more > 0 else [])
        )
    return Posterior.from_content(content)


def names_left_out(posterior: Posterior, model: Model) -> tuple[str, ...]:
    """Unknowns of the model that a posterior says nothing of; a run takes the model's own values for them."""
    held = {*posterior.names, *posterior.fixed}
    return tuple(unknown.name for unknown in unknowns_of(model) if unknown.name not in held)


def _content(path: Path, option: str) -> dict[str, Any]:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise InputError(Problem(option, path, f"must be at most {_MOST_BYTES} bytes", _HINT))
        content = json.loads(read_at_most(path, _MOST_BYTES).decode("utf-8"))
    except OSError as error:
        rule = f"must be a readable file ({error.strerror})"
        raise InputError(Problem(option, path, rule, _HINT)) from error
    except (ValueError, RecursionError) as error:
        raise InputError(Problem(option, path, f"must hold a posterior ({error})", _HINT)) from error
    if not isinstance(content, dict):
        raise InputError(Problem(option, path, "must hold a posterior", _HINT))
    return content


def _shape_problems(content: Mapping[str, Any], where: str) -> Iterator[Problem]:
    """Keys that are missing or of another kind."""
    kinds: dict[str, type | tuple[type, ...]] = {
        "model": str, "model_hash": str, "provenance": dict, "fixed": dict, "names": list, "draws": list,
        "trial_effects": dict,
    }  # fmt: skip
    for key, kind in kinds.items():
        value = content.get(key, {} if key == "trial_effects" else None)
        if not isinstance(value, kind):
            yield Problem(
                f"{where}: {key}", value, f"must hold a posterior: {key} must be there, as calibrate writes it", _HINT
            )
    names, draws = content.get("names"), content.get("draws")
    if not isinstance(names, list) or not isinstance(draws, list):
        return
    if not all(isinstance(name, str) for name in names):
        yield Problem(f"{where}: names", names, "must be words")
        return
    twice = sorted({name for name in names if names.count(name) > 1} | (set(names) & set(content.get("fixed") or {})))
    for name in twice:
        yield Problem(f"{where}: {name}", name, "must be given only once, among names or in fixed")
    if not draws or not names:
        yield Problem(f"{where}: draws", draws, "must be at least one draw of at least one value", _HINT)
    for number, row in enumerate(draws):
        if not isinstance(row, list) or len(row) != len(names):
            yield Problem(f"{where}: draws[{number}]", row, "must have one value for each name in every draw", _HINT)
            return


def _number_problems(content: Mapping[str, Any], where: str) -> Iterator[Problem]:
    """Values that are no finite number."""
    for number, row in enumerate(content["draws"]):
        for name, value in zip(content["names"], row, strict=True):
            if not _is_number(value):
                yield Problem(f"{where}: {name}, draw {number}", value, "must be a finite number")
    for block in ("fixed", "trial_effects"):
        for name, value in content.get(block, {}).items():
            if not _is_number(value):
                yield Problem(f"{where}: {block}.{name}", value, "must be a finite number")


def _is_number(value: Any) -> bool:
    """A finite number that a float can be; JSON has whole numbers beyond."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _LARGEST


def _value_problems(columns: Mapping[str, FloatArray], model: Model, where: str) -> Iterator[Problem]:
    """Names that nothing has, and values outside what the model's table or the trial allows."""
    try:
        PopulationValues.read({name: float(values[0]) for name, values in columns.items()}).refuse_unknown(model)
    except InputError as error:
        yield from (Problem(f"{where}: {one.where}", one.value, one.rule, one.next_step) for one in error.problems)
        return
    assumptions = assumption_table()
    for written, values in columns.items():
        name = ValueName.read(written)
        if name.kind == "assumption" and name.name not in assumptions:
            hint = nearest(name.name, assumptions)
            yield Problem(f"{where}: {written}", float(values[0]), "is no assumption of a trial", hint)
            continue
        low, high = _range_of(name, model)
        outside = values[(values < low - _ROUNDING * abs(low)) | (values > high + _ROUNDING * abs(high))]
        if outside.size:
            yield Problem(f"{where}: {written}", float(outside[0]), _rule(low, high))


def _rule(low: float, high: float) -> str:
    if math.isinf(high):
        return f"must be at least {low:g}" if low else "must not be below 0"
    return f"must be from {low:g} to {high:g}"


def _range_of(name: ValueName, model: Model) -> tuple[float, float]:
    """What a value may be [model units]; infinite where nothing bounds it."""
    if name.kind in ("spread", "trial_effect"):
        return 0.0, _WIDEST_SPREAD
    if name.kind == "strength":
        return STRENGTH_RANGE
    if name.kind == "assumption":
        low, high = assumption_table()[name.name].get("range", (-math.inf, math.inf))
        return float(low), float(high)
    if name.kind == "slope":
        effect = next(one for one in model.effects if (one.parameter, one.covariate) == name.key)
        known = effect.low is not None and effect.high is not None
        return (float(effect.low or 0), float(effect.high or 0)) if known else (-math.inf, math.inf)
    row = model.parameters.get(name.name)
    if row is None:
        return -math.inf, math.inf
    if row.low is not None and row.high is not None:
        scale = row.model_value / row.value if row.value else 1.0
        return row.low * scale, row.high * scale
    return (0.0 if row.model_value >= 0 else -math.inf), math.inf


def _effect_problems(effects: Mapping[str, float], model: Model, where: str) -> list[Problem]:
    known = set(model.system.parameters)
    problems = []
    for name, value in effects.items():
        place = f"{where}: trial_effects.{name}"
        if name not in known:
            problems.append(Problem(place, value, f"is no parameter of {model.id}", nearest(name, known)))
        elif not 0 <= value <= _WIDEST_SPREAD:
            problems.append(Problem(place, value, f"must be from 0 to {_WIDEST_SPREAD:g}"))
    return problems
