"""Rules of a record that need more than one key at once.

Counts: events cannot exceed n. Intervals: low <= value <= high. Proportions: the printed share may differ
from events / n by one unit of its second decimal (papers round, and some truncate), no more. Sources: every
figure names one that is listed, and a listed source that nobody saw carries no figure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from engager.core import Problem, nearest
from engager.evidence.records import vocabulary as words
from engager.evidence.records.baseline_checks import baseline_problems
from engager.evidence.records.record import Record
from engager.evidence.records.schema import Contrast, Figure, PublishedArm, SubgroupFigure

# The second decimal may be off by one (rounded, truncated or slipped in print).
_SHARE_TOLERANCE = 0.01
_ROUNDOFF = 1e-9


def check_record(record: Record, name: str) -> list[Problem]:
    """Everything that is wrong with a record whose keys and types are right; empty when nothing is."""
    problems: list[Problem] = []
    for index, arm in enumerate(record.arms):
        place = f"{name}: arms[{index}]"
        problems += _arm_problems(arm, place, record)
        for number, figure in enumerate(arm.figures):
            problems += _figure_problems(figure, f"{place}.outcomes[{number}]", record)
    for index, contrast in enumerate(record.comparisons):
        problems += _contrast_problems(contrast, f"{name}: comparisons[{index}]", record)
    for index, part in enumerate(record.subgroups):
        place = f"{name}: subgroups[{index}]"
        problems += _figure_problems(part, place, record)
        problems += _subgroup_problems(part, place, record)
    for index, quantity in enumerate(record.quantities):
        place = f"{name}: quantities[{index}]"
        problems += _source_problems(quantity.source, f"{place}.source", record)
        problems += _interval_problems(quantity.value, quantity.ci95, f"{place}.ci95")
        problems += _order_problems(quantity.range, f"{place}.range")
        problems += _order_problems(quantity.value_range, f"{place}.value_range")
    for index, rule in enumerate(record.dose_rules):
        problems += _source_problems(rule.source, f"{name}: dose_rules[{index}].source", record)
    if record.design and record.design.source:
        problems += _source_problems(record.design.source, f"{name}: design.source", record)
    problems += _nested_source_problems(record.dosing or {}, f"{name}: dosing", record)
    return problems + list(_repeated_arms(record, name))


def _arm_problems(arm: PublishedArm, place: str, record: Record) -> Iterator[Problem]:
    for key in ("n_treated", "n_evaluable", "n_eligible"):
        count = getattr(arm, key)
        whole = max(arm.n or 0, arm.n_enrolled or 0)
        if count is not None and whole and count > whole:
            yield Problem(f"{place}.{key}", count, f"must not exceed the arm's {whole} patients", "Check both numbers.")
    if arm.source:
        yield from _source_problems(arm.source, f"{place}.source", record)
    if arm.exposure:
        yield from _order_problems(arm.exposure.cycles_range, f"{place}.exposure.cycles_range")
        if arm.exposure.source:
            yield from _source_problems(arm.exposure.source, f"{place}.exposure.source", record)
    ids = [other.id for other in record.arms]
    for number, other in enumerate(arm.shares_patients_with):
        if "/" not in other and (other not in ids or other == arm.id):
            rule = "must be another arm of this record, or `record/arm`"
            yield Problem(f"{place}.shares_patients_with[{number}]", other, rule, nearest(other, ids))
    for trait, summary in arm.baseline.items():
        wrong = list(baseline_problems(summary, f"{place}.baseline.{trait}"))
        yield from wrong
        if summary.get("source") and not wrong:
            named = summary["source"] if isinstance(summary["source"], str) else tuple(summary["source"])
            yield from _source_problems(named, f"{place}.baseline.{trait}.source", record)


def _figure_problems(figure: Figure, place: str, record: Record) -> Iterator[Problem]:
    yield from _source_problems(figure.source, f"{place}.source", record)
    found = words.endpoint(figure.endpoint)
    if not found.known and not figure.definition and not figure.text:
        hint = nearest(figure.endpoint, words.vocabulary()["endpoints"])
        rule = "is not in the vocabulary; an endpoint of your own needs a `definition`"
        yield Problem(f"{place}.endpoint", figure.endpoint, rule, hint)
    if figure.statistic is not None:
        yield from _statistic_problems(figure, place)
    yield from _count_problems(figure, place)
    known = words.vocabulary()["origins"]
    if figure.origin is not None and figure.origin not in known:
        rule = "must be one of " + ", ".join(known)
        yield Problem(f"{place}.origin", figure.origin, rule, nearest(figure.origin, known))
    times = ("value_months", "value_weeks", "value_days", "value_years")
    for unit in ("", "_weeks", "_days"):
        center = getattr(figure, f"value{unit}") if unit else figure.value
        if not unit and center is None:
            center = figure.proportion if figure.proportion is not None else figure.value_months
            if center is None and figure.events is not None and figure.n:
                center = figure.events / figure.n
        yield from _interval_problems(center, getattr(figure, f"ci95{unit}"), f"{place}.ci95{unit}")
        yield from _order_problems(getattr(figure, f"range{unit}"), f"{place}.range{unit}")
    yield from _interval_problems(figure.value, figure.ci975, f"{place}.ci975")
    yield from _order_problems(figure.proportion_range, f"{place}.proportion_range")
    yield from _same_time_problems({key: getattr(figure, key) for key in times}, place)
    if not _says_something(figure):
        rule = "must hold a figure: events, proportion, value, an interval, a range or text"
        yield Problem(place, figure.endpoint, rule, "Add what was printed, or leave the entry out.")


def _statistic_problems(figure: Figure, place: str) -> Iterator[Problem]:
    name = words.statistic(figure.statistic or "")
    known = words.vocabulary()["statistics"]
    if name is None:
        rule = "must be one of " + ", ".join(known)
        yield Problem(f"{place}.statistic", figure.statistic, rule, nearest(figure.statistic or "", known))
        return
    if known[name].get("needs_time") and figure.time_months is figure.time_weeks is figure.time_days is None:
        yield Problem(f"{place}.time_months", None, f"a figure of {name} needs its time", "Add `time_months`.")
    if known[name]["takes"] == "share" and figure.value is not None and not 0 <= figure.value <= 1:
        yield Problem(f"{place}.value", figure.value, "must lie in 0 to 1", "Write 0.42 for 42 %.")


def _count_problems(figure: Figure, place: str) -> Iterator[Problem]:
    if figure.events is None or figure.n is None:
        return
    if figure.events > figure.n:
        yield Problem(f"{place}.events", figure.events, f"must not exceed n = {figure.n}", "Check both numbers.")
    elif figure.proportion is not None:
        exact = figure.events / figure.n
        if abs(round(exact, 2) - figure.proportion) > _SHARE_TOLERANCE + _ROUNDOFF and (
            abs(exact - figure.proportion) > _SHARE_TOLERANCE + _ROUNDOFF
        ):
            rule = f"must match events / n = {figure.events}/{figure.n} = {exact:.3f}"
            yield Problem(f"{place}.proportion", figure.proportion, rule, "Check the three numbers.")


def _contrast_problems(contrast: Contrast, place: str, record: Record) -> Iterator[Problem]:
    yield from _source_problems(contrast.source, f"{place}.source", record)
    if not words.endpoint(contrast.endpoint).known and not contrast.definition:
        hint = nearest(contrast.endpoint, words.vocabulary()["endpoints"])
        rule = "is not in the vocabulary; an endpoint of your own needs a `definition`"
        yield Problem(f"{place}.endpoint", contrast.endpoint, rule, hint)
    name = words.measure(contrast.measure)
    if name is None:
        known = words.vocabulary()["measures"]
        rule = "must be one of " + ", ".join(known)
        yield Problem(f"{place}.measure", contrast.measure, rule, nearest(contrast.measure, known))
    elif isinstance(contrast.value, float | int):
        if words.takes(name) == "ratio" and contrast.value <= 0:
            yield Problem(f"{place}.value", contrast.value, "a ratio must be > 0", "Check the number.")
        yield from _interval_problems(contrast.value, contrast.ci95, f"{place}.ci95")
        yield from _interval_problems(contrast.value, contrast.ci975, f"{place}.ci975")


def _subgroup_problems(part: SubgroupFigure, place: str, record: Record) -> Iterator[Problem]:
    arms = {arm.id: arm for arm in record.arms}
    if part.arm not in arms and part.arm != "both":
        yield Problem(f"{place}.arm", part.arm, "must be an arm of this record or `both`", nearest(part.arm, arms))
    elif part.arm in arms and part.n is not None and arms[part.arm].n is not None:
        whole = arms[part.arm].n or 0
        if part.n > whole:
            yield Problem(f"{place}.n", part.n, f"must not exceed the arm's {whole} patients", "Check both numbers.")


def _interval_problems(
    value: float | None, interval: tuple[float | None, float | None] | None, place: str
) -> Iterator[Problem]:
    if interval is None:
        return
    low, high = interval
    if low is not None and high is not None and low > high:
        yield Problem(place, list(interval), "must be [low, high] with low <= high", "Swap or correct the bounds.")
    elif value is not None and (
        (low is not None and value < low - _ROUNDOFF) or (high is not None and value > high + _ROUNDOFF)
    ):
        yield Problem(place, list(interval), f"must hold its value {value:.6g}", "Check the three numbers.")


def _order_problems(span: tuple[float, float] | None, place: str) -> Iterator[Problem]:
    if span is not None and span[0] > span[1]:
        yield Problem(place, list(span), "must be [lowest, highest]", "Swap or correct the numbers.")


def _same_time_problems(times: Mapping[str, float | None], place: str) -> Iterator[Problem]:
    """The same time written in two units must be the same time, within rounding of the coarser."""
    given = {key.removeprefix("value_"): value for key, value in times.items() if value is not None}
    if len(given) < 2 or "months" not in given:
        return
    for unit, value in given.items():
        if abs(words.months(value, unit) - given["months"]) > 0.06 + 0.01 * given["months"]:
            rule = f"must be the same time as value_{unit} = {value}"
            yield Problem(f"{place}.value_months", given["months"], rule, "Give one of them.")


def _source_problems(source: str | tuple[str, ...], place: str, record: Record) -> Iterator[Problem]:
    for name in (source,) if isinstance(source, str) else source:
        if name not in record.sources:
            yield Problem(place, name, "must be one of the record's `sources`", nearest(name, record.sources))
        elif not record.sources[name].seen:
            rule = "is a source nobody saw and cannot carry a figure"
            yield Problem(place, name, rule, "Move the figure to `unseen`, or name the text it was read in.")


def _nested_source_problems(content: Any, place: str, record: Record) -> Iterator[Problem]:
    if not isinstance(content, Mapping):
        return
    for key, value in content.items():
        if key == "source":
            names = value if isinstance(value, list) else [value]
            yield from _source_problems(tuple(str(name) for name in names), f"{place}.source", record)
        else:
            yield from _nested_source_problems(value, f"{place}.{key}", record)


def _repeated_arms(record: Record, name: str) -> Iterator[Problem]:
    ids = [arm.id for arm in record.arms]
    for index, arm_id in enumerate(ids):
        if arm_id in ids[:index]:
            yield Problem(f"{name}: arms[{index}].id", arm_id, "must be given to one arm only", "Rename one of them.")


def _says_something(figure: Figure) -> bool:
    keys = ("events", "proportion", "proportion_range", "value", "value_months", "value_weeks", "value_days")
    more = (
        "value_years",
        "ci95",
        "ci95_weeks",
        "ci95_days",
        "ci975",
        "range",
        "range_weeks",
        "range_days",
        "text",
    )
    return any(getattr(figure, key) is not None for key in keys + more)
