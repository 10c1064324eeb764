"""From figures as printed to `Outcome`s: one spelling, one unit, nothing invented.

Shares become fractions, times months (days for an onset), a comparison becomes an outcome of the arm
``treatment vs control``. A share printed only as counts is events / n. What was printed only as a range, an
interval or in words stays that, with no value.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from engager.evidence.records import vocabulary as words
from engager.evidence.records.outcome import Outcome
from engager.evidence.records.schema import Contrast, Figure, PublishedArm, RecordFile, SubgroupFigure

_UNIT = {
    "share": "fraction",
    "time": "months",
    "rate": "per_patient_year",
    "ratio": "ratio",
    "difference": "fraction",
}
_WEEKS = re.compile(r"^(?:within |first )?(\d+(?:\.\d+)?) weeks?$")


def normalize(record: RecordFile) -> tuple[Outcome, ...]:
    """Every figure of a record as outcomes: arms first, then comparisons, then subgroups."""
    outcomes: list[Outcome] = []
    for arm in record.arms:
        outcomes += [_of_figure(figure, arm, record) for figure in arm.figures]
    for contrast in record.comparisons:
        outcomes += _of_contrast(contrast, record)
    arms = {arm.id: arm for arm in record.arms}
    for part in record.subgroups:
        outcome = _of_figure(part, arms.get(part.arm), record)
        outcomes.append(replace(outcome, arm=part.arm, subgroup=part.subgroup))
    return tuple(outcomes)


def _of_figure(figure: Figure, arm: PublishedArm | None, record: RecordFile) -> Outcome:
    endpoint = words.endpoint(figure.endpoint)
    statistic = words.statistic(figure.statistic) if figure.statistic else "proportion"
    assert statistic is not None  # checked at load
    center, low, high, level, unit = _value(figure, statistic, endpoint.kind)
    spread = _spread(figure, unit)
    if center is None and low is None and high is None:
        if spread is not None:
            statistic = "range" if unit != "fraction" else statistic
        elif figure.events is None:
            statistic = "text"
    is_n_of_arm = _takes_n_of_arm(figure, endpoint, arm)
    n = arm.n if is_n_of_arm and arm is not None else figure.n
    source = (figure.source,) if isinstance(figure.source, str) else figure.source
    return Outcome(
        record=record.id,
        arm=arm.id if arm else "",
        endpoint=endpoint.name,
        statistic=statistic,
        value=center,
        unit=unit,
        time_months=_time(figure),
        origin=None if figure.origin == "start" else figure.origin,
        low=low,
        high=high,
        level=level,
        events=figure.events,
        n=n,
        is_n_of_arm=is_n_of_arm,
        spread=spread,
        se=figure.se,
        window_weeks=_window_weeks(figure),
        window=figure.window,
        definition=figure.definition,
        population=_population(n, arm, record),
        source=source,
        source_text=_source_text(source, record),
        derived=bool(figure.derived or figure.derived_months or figure.derived_proportion),
        note=_note(figure),
    )


def _value(figure: Figure, statistic: str, kind: str) -> tuple[float | None, float | None, float | None, float, str]:
    """Value, low, high, level and unit; a printed number wins over one computed from counts."""
    level = 0.95 if figure.ci975 is None else 0.975
    takes = words.takes(statistic)
    if takes == "time":
        return (*_time_value(figure, kind), level, "days" if kind == "onset" else "months")
    center = figure.proportion if figure.proportion is not None else figure.value
    if center is None and takes == "share" and figure.events is not None and figure.n:
        center = figure.events / figure.n
    if center is None and figure.proportion_range is None and (figure.range_weeks or figure.range_days):
        return None, None, None, level, "months"
    low, high = figure.ci95 or figure.ci975 or (None, None)
    return center, low, high, level, _UNIT[takes]


def _time_value(figure: Figure, kind: str) -> tuple[float | None, float | None, float | None]:
    """Value and interval of a time, in months (days for an onset)."""
    if kind == "onset":
        days = figure.value_days if figure.value_days is not None else figure.value
        return (days, *(figure.ci95_days or figure.ci95 or (None, None)))
    center = figure.value_months
    low, high = figure.ci95 or figure.ci975 or (None, None)
    for unit in ("weeks", "days", "years"):
        printed = getattr(figure, f"value_{unit}")
        # The unit the paper printed is the more exact one; months beside it were computed from it.
        if printed is not None and (center is None or figure.derived_months):
            center = words.months(printed, unit)
        interval = getattr(figure, f"ci95_{unit}", None)
        if interval is not None:
            low, high = (None if bound is None else words.months(bound, unit) for bound in interval)
    return (center if center is not None else figure.value), low, high


def _spread(figure: Figure, unit: str) -> tuple[float, float] | None:
    if figure.proportion_range is not None:
        return figure.proportion_range
    if figure.range is not None:
        return figure.range
    for name in ("weeks", "days"):
        span: tuple[float, float] | None = getattr(figure, f"range_{name}")
        if span is not None and not (unit == "days" and name == "days"):
            return words.months(span[0], name), words.months(span[1], name)
        if span is not None:
            return span
    return None


def _time(figure: Figure) -> float | None:
    for unit in ("months", "weeks", "days"):
        value = getattr(figure, f"time_{unit}")
        if value is not None:
            return words.months(value, unit)
    return None


def _takes_n_of_arm(figure: Figure, endpoint: words.KnownEndpoint, arm: PublishedArm | None) -> bool:
    """A survival figure of a whole arm is about all its patients; one of responders, or of a part, may not
    be.
    """
    if figure.n is not None or arm is None or isinstance(figure, SubgroupFigure):
        return False
    return endpoint.kind == "time_to_event" and endpoint.counts == "arm" and arm.n is not None


def _population(n: int | None, arm: PublishedArm | None, record: RecordFile) -> str | None:
    if arm is None or n is None:
        return None
    if record.kind == "randomized_trial" and n == arm.n:
        return "randomized"
    return "treated" if n == arm.n_treated else None


def _window_weeks(figure: Figure) -> float | None:
    if figure.window_weeks is not None:
        return figure.window_weeks
    found = _WEEKS.match(figure.window or "")
    return float(found[1]) if found else None


def _note(figure: Figure) -> str | None:
    said = [text for text in (figure.note, figure.text) if text]
    if figure.plus_minus is not None:
        said.append(f"printed as +/- {figure.plus_minus:g}, of what is not said")
    if figure.range_open:
        said.append("the longest was still going on")
    return "; ".join(said) or None


def _of_contrast(contrast: Contrast, record: RecordFile) -> list[Outcome]:
    statistic = words.measure(contrast.measure)
    assert statistic is not None  # checked at load
    source = (contrast.source,) if isinstance(contrast.source, str) else contrast.source
    low, high = contrast.ci95 or contrast.ci975 or (None, None)
    said = [text for text in (contrast.note, contrast.text) if text]
    if " " in contrast.measure:
        said.append(f"given as: {contrast.measure}")
    takes = words.takes(statistic)
    common: dict[str, Any] = {
        "record": record.id,
        "endpoint": words.endpoint(contrast.endpoint).name,
        "statistic": statistic,
        "unit": _UNIT.get(takes, "fraction"),
        "definition": contrast.definition,
        "p": _p_text(contrast.p),
        "source": source,
        "source_text": _source_text(source, record),
        "derived": bool(contrast.derived),
        "note": "; ".join(said) or None,
    }
    if isinstance(contrast.value, tuple):
        pairs = zip((contrast.treatment, contrast.control), contrast.value, strict=True)
        return [Outcome(arm=arm, value=value, **common) for arm, value in pairs]
    arm = f"{contrast.treatment} vs {contrast.control}"
    level = 0.95 if contrast.ci975 is None else 0.975
    return [Outcome(arm=arm, value=contrast.value, low=low, high=high, level=level, **common)]


def _p_text(p: float | str | tuple[float, float] | None) -> str | None:
    if p is None or isinstance(p, str):
        return p
    return ", ".join(f"{value:g}" for value in (p if isinstance(p, tuple) else (p,)))


def _source_text(source: tuple[str, ...], record: RecordFile) -> str:
    return "; ".join(record.sources[name].what for name in source if name in record.sources)
