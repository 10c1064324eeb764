"""A record in words: its numbers as it gives them, what it holds, and what to know before it joins the others."""

from __future__ import annotations

from typing import Any

from engager.evidence.records.library import load_records
from engager.evidence.records.record import Record
from engager.evidence.records.regimens import load_regimens
from engager.evidence.records.schema import Quantity
from engager.evidence.records.vocabulary import measure


def quantity_words(quantity: Quantity) -> str:
    """Value or range of a quantity with its unit and remark."""
    told = span_words(quantity.value if quantity.value is not None else quantity.value_range or quantity.range)
    unit = f" {quantity.unit}" if quantity.unit else ""
    remark = f" ({quantity.text})" if quantity.text else ""
    return f"{told}{unit}{remark}".strip()


def span_words(value: Any) -> str:
    """A value, or the ends of a range; nothing for none."""
    if value is None:
        return ""
    if isinstance(value, list | tuple):
        return " to ".join(span_words(part) for part in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def contribution_remarks(contributed: Record) -> list[str]:
    """What a contributor should know about a valid record before it joins the shipped ones."""
    said = []
    shipped = load_records().get(contributed.id)
    if shipped is not None and shipped != contributed:
        said.append(f"a shipped record is called {contributed.id} already; this one would take its place")
    said += [
        f"regimen {slug} is not in the list of regimens; add it to be able to run it"
        for slug in contributed.regimens
        if slug not in load_regimens()
    ]
    arms = {f"{one.id}/{arm.id}" for one in (*load_records().values(), contributed) for arm in one.arms}
    said += [
        f"{other} is not an arm of a shipped record, so nothing is told of patients shared with it"
        for arm in contributed.arms
        for other in arm.shares_patients_with
        if "/" in other and other not in arms
    ]
    own = {arm.id for arm in contributed.arms}
    if contributed.kind == "randomized_trial":
        said += [
            f"{one.treatment} against {one.control} are not two of its arms, so a network leaves that comparison out"
            for one in contributed.comparisons
            if measure(one.measure) == "hazard_ratio" and not {one.treatment, one.control} <= own
        ]
    return list(dict.fromkeys(said))


def contribution_words(contributed: Record) -> str:
    """What a valid record holds, in a line."""
    n_arms = len(contributed.arms)
    arms = f"{n_arms} arm{'' if n_arms == 1 else 's'}"
    patients = "patients not counted" if contributed.n is None else f"n = {contributed.n}"
    return f"valid; {arms}, {len(contributed.outcomes)} figures, {patients}"
