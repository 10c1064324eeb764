"""Rules of a record that need more than one key at once.

Counts: events cannot exceed n, nor n the patients of the arm. Values: what the statistic can be at all. Intervals and
ranges: low <= value <= high. Proportions: the printed share may differ from events / n by one unit of its second
decimal (papers round, and some truncate), no more. Sources: every figure names one that is listed, and a listed source
that nobody saw carries no figure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from engager.core import Problem, nearest
from engager.evidence.records import vocabulary as words
from engager.evidence.records.baseline import baseline_problems
from engager.evidence.records.record import Record
from engager.evidence.records.schema import Contrast, Figure, PublishedArm, SubgroupFigure

# The second decimal may be off by one (rounded, truncated or slipped in print).
_SHARE_TOLERANCE = 0.01
_ROUNDOFF = 1e-9
# What a figure can be at all, by what its statistic takes (times in months), and what to do where it is not.
_POSSIBLE = {
    "share": (0.0, 1.0, "Write 0.42 for 42 %."),
    "difference": (-1.0, 1.0, "Write 0.42 for 42 %."),
    "ratio": (0.001, 1000.0, "Check the number."),
    "time": (0.0, 1200.0, "Check the number and its unit."),
}
_TIMES = ("value_months", "value_weeks", "value_days", "value_years")
_SHARES = ("events", "proportion", "proportion_range")


def check_record(record: Record, name: str) -> list[Problem]:
    """Everything that is wrong with a record whose keys and types are right; empty when nothing is."""
    problems: list[Problem] = []
    for index, arm in enumerate(record.arms):
        place = f"{name}: arms[{index}]"
        problems += _arm_problems(arm, place, record)
        for number, figure in enumerate(arm.figures):
            problems += _figure_problems(figure, f"{place}.outcomes[{number}]", record)
            problems += _whole_problems(figure, arm, f"{place}.outcomes[{number}]")
        problems += _repeated_figures(arm.figures, f"{place}.outcomes")
    for index, contrast in enumerate(record.comparisons):
        problems += _contrast_problems(contrast, f"{name}: comparisons[{index}]", record)
    for index, part in enumerate(record.subgroups):
        place = f"{name}: subgroups[{index}]"
        problems += _figure_problems(part, place, record)
        problems += _subgroup_problems(part, place, record)
    problems += _repeated_figures(record.subgroups, f"{name}: subgroups")
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
        whole = _whole(arm)
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
        wrong = list(baseline_problems(trait, summary, _whole(arm), f"{place}.baseline"))
        yield from wrong
        if summary.get("source") and not wrong:
            named = summary["source"] if isinstance(summary["source"], str) else tuple(summary["source"])
            yield from _source_problems(named, f"{place}.baseline.{trait}.source", record)


def _whole(arm: PublishedArm) -> int:
    """Patients of an arm, or those they were taken from; 0: not known."""
    return max(arm.n or 0, arm.n_enrolled or 0)


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
    yield from _form_problems(figure, place)
    for unit in ("", "_weeks", "_days"):
        center = getattr(figure, f"value{unit}") if unit else figure.value
        if not unit and center is None:
            center = figure.proportion if figure.proportion is not None else figure.value_months
            if center is None and figure.events is not None and figure.n:
                center = figure.events / figure.n
        yield from _interval_problems(center, getattr(figure, f"ci95{unit}"), f"{place}.ci95{unit}")
        yield from _range_problems(center, getattr(figure, f"range{unit}"), f"{place}.range{unit}")
    yield from _interval_problems(figure.value, figure.ci975, f"{place}.ci975")
    yield from _order_problems(figure.proportion_range, f"{place}.proportion_range")
    for name, keys in (("value", _TIMES), ("time", ("time_months", "time_weeks", "time_days"))):
        yield from _same_time_problems(name, {key: getattr(figure, key) for key in keys}, place)
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


def _form_problems(figure: Figure, place: str) -> Iterator[Problem]:
    """A figure is written as its statistic is, and is what that can be at all."""
    name = "proportion" if figure.statistic is None else words.statistic(figure.statistic)
    if name is None:  # told already
        return
    takes = words.takes(name)
    for key in _TIMES if takes == "share" else _SHARES if takes == "time" else ():
        if getattr(figure, key) is not None:
            rule = f"is not how a {name.replace('_', ' ')} is written"
            step = "Add `statistic`, e.g. median." if key in _TIMES else "Leave it out, or make it a figure of its own."
            yield Problem(f"{place}.{key}", getattr(figure, key), rule, step)
            return
    plain = "days" if takes == "time" and words.endpoint(figure.endpoint).kind == "onset" else "months"
    for key in ("value", "ci95", "ci975", *(("range",) if takes == "time" else ())):
        yield from _possible_problems(takes, getattr(figure, key), f"{place}.{key}", plain)
    for key in ("value", "ci95", "range", "time"):
        for unit in ("months", "weeks", "days", "years"):
            given = getattr(figure, f"{key}_{unit}", None)
            yield from _possible_problems("time", given, f"{place}.{key}_{unit}", unit)
    for key in ("ci95", "ci975", "ci95_weeks", "ci95_days"):
        yield from _width_problems(takes, getattr(figure, key), f"{place}.{key}")
    if name == "median" and plain == "months":
        for key in ("value", *_TIMES):
            if getattr(figure, key) == 0:
                yield Problem(f"{place}.{key}", 0, "a median must be > 0", "Check the number.")


def _possible_problems(takes: str, given: Any, place: str, unit: str = "months") -> Iterator[Problem]:
    """A number, or an interval with an open end, that no figure of its kind can be."""
    if takes not in _POSSIBLE:
        return
    low, high, step = _POSSIBLE[takes]
    if takes == "time":
        high = round(high / words.months(1.0, unit))
    ends = given if isinstance(given, tuple) else (given,)
    if any(end is not None and not low <= end <= high for end in ends):
        shown = list(given) if isinstance(given, tuple) else given
        yield Problem(place, shown, f"must lie in {low:g} to {high:g}", step)


def _width_problems(takes: str, interval: tuple[float | None, float | None] | None, place: str) -> Iterator[Problem]:
    """What is weighed by the width of its interval cannot have one of no width."""
    if takes in ("ratio", "time") and interval is not None and interval[0] is not None and interval[0] == interval[1]:
        yield Problem(place, list(interval), "must have a width", "Check the two numbers.")


def _count_problems(figure: Figure, place: str) -> Iterator[Problem]:
    if figure.events is None or figure.n is None:
        return
    if figure.events > figure.n:
        yield Problem(f"{place}.events", figure.events, f"must not exceed n = {figure.n}", "Check both numbers.")
        return
    exact = figure.events / figure.n
    for key in ("proportion", "value"):
        share = getattr(figure, key)
        if share is not None and min(abs(round(exact, 2) - share), abs(exact - share)) > _SHARE_TOLERANCE + _ROUNDOFF:
            rule = f"must match events / n = {figure.events}/{figure.n} = {exact:.3f}"
            yield Problem(f"{place}.{key}", share, rule, "Check the three numbers.")


def _whole_problems(figure: Figure, arm: PublishedArm, place: str) -> Iterator[Problem]:
    """A figure of more patients than the arm has counts others as well."""
    whole = _whole(arm)
    for key in ("n", "events"):
        count = getattr(figure, key)
        if count is not None and whole and count > whole:
            rule = f"is more than the arm's {whole} patients"
            yield Problem(f"{place}.{key}", count, rule, "Check both numbers, or give the arm's n_enrolled.")
            return


def _repeated_figures(figures: Sequence[Figure], place: str) -> Iterator[Problem]:
    for index, figure in enumerate(figures):
        if figure in figures[:index]:
            yield Problem(f"{place}[{index}]", figure.endpoint, "stands there twice, word for word", "Leave one out.")


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
        return
    if contrast.treatment == contrast.control:
        yield Problem(f"{place}.control", contrast.control, "must differ from the treatment", "Name the other group.")
    alone = None if isinstance(contrast.value, tuple) else contrast.value
    yield from _possible_problems(words.takes(name), contrast.value, f"{place}.value")
    for key in ("ci95", "ci975"):
        interval = getattr(contrast, key)
        yield from _possible_problems(words.takes(name), interval, f"{place}.{key}")
        yield from _interval_problems(alone, interval, f"{place}.{key}")
        yield from _width_problems(words.takes(name), interval, f"{place}.{key}")


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


def _range_problems(value: float | None, span: tuple[float, float] | None, place: str) -> Iterator[Problem]:
    yield from _order_problems(span, place)
    if span is not None and value is not None and span[0] <= span[1]:
        yield from _interval_problems(value, span, place)


def _same_time_problems(name: str, times: Mapping[str, float | None], place: str) -> Iterator[Problem]:
    """The same time written in two units must be the same time, within rounding of the coarser."""
    given = [(key, value) for key, value in times.items() if value is not None]
    for key, value in given[1:]:
        first, printed = given[0]
        months = words.months(printed, first.removeprefix(f"{name}_"))
        if abs(words.months(value, key.removeprefix(f"{name}_")) - months) > 0.06 + 0.01 * months:
            yield Problem(f"{place}.{first}", printed, f"must be the same time as {key} = {value}", "Give one of them.")


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
