"""The historical control of a design: which earlier arms it stands on, and the prior that follows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from engager.core import InputError, Problem, nearest
from engager.evidence import (
    HistoricalMedian,
    HistoricalPrior,
    Selection,
    known_endpoint,
    load_records,
    median_prior_from_records,
    prior_from_records,
    select,
    without_overlap,
)
from engager.protocol import DesignBlock, PriorChoice


def historical_control(design: DesignBlock) -> tuple[HistoricalPrior | HistoricalMedian, Selection]:
    """The prior of a design's control, with the selection of earlier arms behind it.

    Raises
    ------
    InputError
        When a record, filter or endpoint is unknown, or no usable figure is left.
    """
    choice = design.prior
    assert choice is not None  # checked when the file was read
    selection = _selection(choice, choice.endpoint or design.primary, design.is_time_to_event)
    settings = {"robust_weight": choice.robust_weight}
    if design.is_time_to_event:
        return median_prior_from_records(selection, choice.tau_scale or 0.5, **settings), selection
    tau_scale = choice.tau_scale or 1.0
    return prior_from_records(selection, tau_scale, robust_mean=choice.robust_mean, **settings), selection


def _selection(choice: PriorChoice, endpoint: str, is_time: bool) -> Selection:
    where = "design.prior"
    _check(choice, endpoint, is_time, where)
    filters: dict[str, Any] = {
        "regimens": choice.regimens,
        "drug_class": choice.drug_class,
        "setting": choice.setting,
        "design": choice.study_design,
        "year": choice.year,
    }
    statistic = "median" if is_time else "proportion"
    try:
        if not choice.records:
            return select(endpoint, statistic, **filters)
        # Chosen first, overlaps after: a report that is not asked for must not push out one that is.
        every = select(endpoint, statistic, allow_overlap=True, **filters)
    except InputError as error:
        raise InputError([Problem(where, endpoint, one.rule, one.next_step) for one in error.problems]) from None
    wanted = [one for one in every.studies if {one.record, f"{one.record}/{one.arm}"} & set(choice.records)]
    kept, shared = without_overlap([(f"{s.record}/{s.arm}", s.n or 0, s) for s in wanted], load_records())
    without = set(choice.records) - {name for s in wanted for name in (s.record, f"{s.record}/{s.arm}")}
    if without:
        rule = f"has no published {statistic} of {endpoint} that can be used with these filters"
        raise InputError([Problem(f"{where}.records", name, rule) for name in sorted(without)])
    about = [text for text in every.left_out if any(text.startswith(name) for name in choice.records)]
    derived = [one.label for one in kept if one.is_derived]
    remarks = (f"events computed from a printed share: {'; '.join(derived)}",) if derived else ()
    left_out = (*about, *(str(one) for one in shared))
    return replace(every, studies=tuple(kept), left_out=left_out, remarks=remarks)


def _check(choice: PriorChoice, endpoint: str, is_time: bool, where: str) -> None:
    records = load_records()
    known = [*records, *(f"{record.id}/{arm.id}" for record in records.values() for arm in record.arms)]
    problems = [
        Problem(f"{where}.records", name, "must be an evidence record or an arm of one", nearest(name, known))
        for name in choice.records
        if name not in known
    ]
    try:
        kind = known_endpoint(endpoint, f"{where}.endpoint").kind
        if (kind == "time_to_event") is not is_time:
            rule = f"must be {'a time to event' if is_time else 'a yes/no endpoint'}, as the primary endpoint is"
            problems.append(Problem(f"{where}.endpoint", endpoint, rule))
    except InputError as error:
        problems += error.problems
    if problems:
        raise InputError(problems)
