"""A target that points at a figure of an evidence record: the figure is looked up, not typed again.

In: the keys of one target as written. Out: the same keys with the record's numbers and sources filled in, or a refusal
that says what the record holds. A curve is read elsewhere (`curves`); a figure that no record holds may still be typed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from engager.core import MONTHS_PER, InputError
from engager.evidence import endpoint, record
from engager.protocol.parts import refuse

_VALUES = ("events", "n", "proportion", "value", *(f"value_{unit}" for unit in MONTHS_PER), "ci95", "p")
_TIMES = tuple(f"time_{unit}" for unit in MONTHS_PER)
_FILLED = (*_VALUES, *_TIMES, "window_weeks", "derived")
_MEASURES = {"HR": "hazard_ratio", "OR": "odds_ratio", "difference": "difference"}


def filled_from_record(raw: Mapping[str, Any]) -> dict[str, Any]:
    """A target's keys with the figure of its record.

    Parameters
    ----------
    raw : keys as written, ``record`` among them. Numbers that stand there all the same must be the record's; `n` may be
        given where the record prints none.
    """
    found = _candidates(raw)
    what = f"{raw.get('record_endpoint') or raw.get('endpoint')} {_statistic(raw)}"
    if not found:
        refuse(f"record {raw['record']} holds no {what} of this arm", f"See engager evidence show {raw['record']}.")
    agreeing = [one for one in found if _agrees(raw, one)]
    if not agreeing:
        said = "; ".join(_told(one) for one in found)
        refuse(f"must be the figure of record {raw['record']} ({said})", "Leave the numbers out, or leave record out.")
    if len({_told(one) for one in agreeing}) > 1:
        said = "; ".join(f"{_told(one)}, source {'/'.join(one['source'])}" for one in agreeing)
        refuse(f"record {raw['record']} holds several figures of {what}: {said}", "Name the source of one of them.")
    figure = agreeing[0]
    window = {} if raw.get("window_cycles") is not None else {"window_weeks": figure.get("window_weeks")}
    filled = {key: figure[key] for key in _FILLED if figure.get(key) is not None} | window
    source = [f"{raw['record']}#{one}" for one in _named_sources(raw) or figure["source"]]
    given = {key: value for key, value in raw.items() if value is not None and key != "source"}
    merged = {**{key: value for key, value in filled.items() if value is not None}, **given}
    return {**merged, "source": source[0] if len(source) == 1 else source}


def _candidates(raw: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Figures of the record for the endpoint, statistic, arm and landmark that a target names."""
    try:
        held = record(str(raw["record"]))
    except InputError as error:
        refuse("record must be an evidence record", error.problems[0].next_step or "See engager evidence list.")
    if raw.get("measure") is not None:
        figures = [_plain(one) for one in held.comparisons]
        sides = ("treatment", "control", "measure")
        figures = [one for one in figures if all(one.get(side) == raw.get(side) for side in sides)]
    elif raw.get("record_subgroup") is not None:
        figures = [
            _plain(one)
            for one in held.subgroups
            if one.subgroup == raw["record_subgroup"] and raw.get("record_arm") in (None, one.arm)
        ]
    else:
        name = raw.get("record_arm") or raw.get("arm")
        arms = [one for one in held.arms if one.id == name] or (list(held.arms) if len(held.arms) == 1 else [])
        if not arms:
            known = ", ".join(one.id for one in held.arms)
            refuse(f"record {raw['record']} has no arm {name}", f"Name it by record_arm. Its arms: {known}.")
        figures = [_with_n(_plain(one), arms[0].n) for one in arms[0].figures]
    wanted, at = endpoint(str(raw.get("record_endpoint") or raw.get("endpoint"))).name, _months(raw, "time")
    return [
        one
        for one in figures
        if endpoint(str(one["endpoint"])).name == wanted
        and _statistic(one) == _statistic(raw)
        and any(one.get(key) is not None for key in _VALUES if key not in ("n", "ci95", "p"))
        and (at is None or _same(_months(one, "time"), at))
    ]


def _plain(figure: Any) -> dict[str, Any]:
    found: dict[str, Any] = figure.model_dump(exclude_none=True)
    source = found.get("source") or ()
    if found.get("derived_months"):
        del found["value_months"]  # worked out from the unit that was printed
    return found | {"source": [source] if isinstance(source, str) else list(source)}


def _with_n(figure: dict[str, Any], n_arm: int | None) -> dict[str, Any]:
    """A survival figure of the whole arm that was printed without n is about the whole arm."""
    known = endpoint(str(figure["endpoint"]))
    is_of_arm = known.kind == "time_to_event" and known.counts == "arm" and "n" not in figure and n_arm is not None
    return {**figure, "n": n_arm} if is_of_arm else figure


def _statistic(keys: Mapping[str, Any]) -> str:
    """The statistic by name, or by the keys that stand there."""
    if keys.get("statistic") is not None:
        return str(keys["statistic"])
    if keys.get("measure") is not None:
        return _MEASURES.get(str(keys["measure"]), str(keys["measure"]))
    if any(keys.get(key) is not None for key in _TIMES):
        return "survival_at"
    if any(keys.get(f"value_{unit}") is not None for unit in MONTHS_PER):
        return "median"
    return "proportion"


def _months(keys: Mapping[str, Any], what: str) -> float | None:
    given = [float(keys[f"{what}_{u}"]) * by for u, by in MONTHS_PER.items() if keys.get(f"{what}_{u}") is not None]
    return given[0] if given else None


def _agrees(raw: Mapping[str, Any], figure: Mapping[str, Any]) -> bool:
    """Whether what the target says of the figure is what the record says; what it leaves out agrees."""
    if not set(_named_sources(raw)) <= set(figure["source"]):
        return False
    for key in _VALUES:
        given, held = raw.get(key), figure.get(key)
        if given is None or (key == "n" and held is None):
            continue
        if not _same(given, held):
            return False
    return True


def _named_sources(raw: Mapping[str, Any]) -> list[str]:
    """Sources that a target names, as the record numbers them; what is no text is told later, with its place."""
    named = raw.get("source") or ()
    return [str(one).rpartition("#")[2] for one in (named if isinstance(named, list | tuple) else [named])]


def _same(given: Any, held: Any) -> bool:
    if isinstance(given, Sequence) and not isinstance(given, str):
        both = isinstance(held, Sequence) and not isinstance(held, str) and len(given) == len(held)
        return both and all(_same(one, other) for one, other in zip(given, held, strict=True))
    if isinstance(given, int | float) and isinstance(held, int | float):
        return math.isclose(float(given), float(held), rel_tol=1e-9)
    return bool(given == held)


def _told(figure: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} {figure[key]}" for key in _VALUES if figure.get(key) is not None)
