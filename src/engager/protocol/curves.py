"""Targets that are whole survival curves: all printed points of an evidence record's arm, taken together.

In: targets of a study file. Out: refusals; the points come from `evidence.curve_information`. A curve holds the
medians and landmarks of its arm already, so a study may not fit those beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from engager.core import InputError, Problem
from engager.evidence import trial_names
from engager.protocol.parts import refuse

if TYPE_CHECKING:
    from engager.evidence import CurveInformation

_READ_FROM_RECORD = ("events", "proportion", "value", "ci95", "measure")
_IN_THE_CURVE = ("median", "survival_at", "curve")


class CurveTarget(Protocol):
    """What is read of a target here."""

    @property
    def record(self) -> str | None: ...

    @property
    def record_arm(self) -> str | None: ...

    @property
    def arm(self) -> str | None: ...

    @property
    def endpoint(self) -> str: ...

    @property
    def statistic(self) -> str: ...

    @property
    def n(self) -> int | None: ...

    @property
    def use(self) -> str | None: ...

    @property
    def source(self) -> Any: ...

    @property
    def is_curve(self) -> bool: ...

    @property
    def curve(self) -> CurveInformation: ...


def printed_curve(target: CurveTarget) -> CurveInformation:
    """The printed points behind a curve target.

    Raises
    ------
    InputError
        When the record does not print them; see `evidence.curve_information`.
    """
    from engager.evidence import curve_information, record

    record_id = str(target.record)
    arm = target.record_arm or target.arm
    if arm is None:
        arms = [one.id for one in record(record_id).arms]
        if len(arms) > 1:
            rule = "must be named: the record has several"
            raise InputError(Problem("record_arm", None, rule, f"Its arms: {', '.join(arms)}."))
        arm = arms[0]
    return curve_information(record_id, arm, target.endpoint, target.n)


def check_curve(target: CurveTarget) -> None:
    """Refuse a curve target that says too much or too little."""
    if target.endpoint not in trial_names("time"):
        refuse(f"{target.endpoint} is not a time to event and has no curve", "Give events and n, or a proportion.")
    if target.record is None:
        refuse("a curve needs record, the evidence record that prints its points", "See engager evidence list.")
    timed = [key for key in vars(target) if key.startswith(("value_", "time_"))]
    given = [key for key in (*_READ_FROM_RECORD, *timed) if getattr(target, key) is not None]
    if given:
        refuse(f"a curve is read from its record and takes no {' or '.join(given)}", "Remove it.")
    try:
        printed_curve(target)
    except InputError as error:
        problem = error.problems[0]
        refuse(f"{problem.where} ({problem.value}): {problem.rule}", problem.next_step)


def curve_problems(targets: Any, follow_up_months: float | None) -> list[Problem]:
    """What is wrong between the curve targets of a study and the rest of it.

    Parameters
    ----------
    targets : parsed targets; None where one could not be read.
    follow_up_months : how long the study watches; None when that could not be read.
    """
    problems = []
    for i, target in enumerate(targets):
        if target is None or not target.is_curve:
            continue
        first = float(target.curve.time_months[0])
        if follow_up_months is not None and first > follow_up_months:
            rule = f"must lie within follow_up.months ({follow_up_months:g}); the first printed point lies beyond"
            problems.append(Problem(f"targets[{i}]: first point of the curve [months]", round(first, 1), rule))
        if target.use != "fit":
            continue
        for j, other in enumerate(targets):
            if other is not None and j != i and _is_told_twice(target, other) and not (other.is_curve and j < i):
                rule = f"must not be fitted beside the curve of targets[{i}], which holds it already"
                value = f"{other.endpoint} {other.statistic}"
                problems.append(Problem(f"targets[{j}]", value, rule, "Write `use: check`, or remove one of the two."))
    return problems


def curve_notes(targets: Any, follow_up_months: float) -> list[str]:
    """Which printed points of curves lie beyond what the study watches."""
    return [
        f"targets[{i}]: the curve's points after {follow_up_months:g} months (follow_up.months) are left out"
        for i, target in enumerate(targets)
        if target.is_curve and target.curve.time_months[-1] > follow_up_months
    ]


def _is_told_twice(curve: CurveTarget, other: CurveTarget) -> bool:
    """Whether another fitted target tells what a fitted curve holds: same endpoint, same patients or some of them.

    Two different subgroups may be apart; a subgroup and the whole arm are not.
    """
    if other.use != "fit" or other.statistic not in _IN_THE_CURVE:
        return False
    # Left out, the arm is the only one.
    if None not in (curve.arm, other.arm) and curve.arm != other.arm:
        return False
    for key in ("subgroup", "among"):
        ours, theirs = getattr(curve, key), getattr(other, key)
        if None not in (ours, theirs) and ours != theirs:
            return False
    return curve.endpoint == other.endpoint and _may_share_patients(curve, other)


def _may_share_patients(curve: CurveTarget, other: CurveTarget) -> bool:
    """Another record's figure is other patients' unless the records are linked; without a source nobody knows."""
    from engager.evidence import find_overlaps, load_records

    own = f"{curve.record}/{curve.curve.arm}"
    if other.is_curve:
        if other.record == curve.record:
            return True
        theirs = {f"{other.record}/{other.curve.arm}"}
    else:
        sources = [other.source] if isinstance(other.source, str) else list(other.source or ())
        named = {source.split("#")[0] for source in sources}
        if not named or curve.record in named:
            return True
        theirs = {f"{one.id}/{arm.id}" for one in _records(named) for arm in one.arms}
    groups = find_overlaps(load_records())
    return any(group.joins(own, arm) for group in groups for arm in theirs)


def _records(names: set[str]) -> list[Any]:
    from engager.evidence import load_records

    known = load_records()
    return [known[name] for name in sorted(names) if name in known]
