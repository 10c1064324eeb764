"""One row for each reference of the review: what it is, what runs it, what was published and what is simulated.

In: the shipped records and studies, and the comparisons of a validation. Out: a `Review`. Nothing is simulated here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from engager.evidence import Record, citation_corrections, cite, load_records, quantity_words
from engager.protocol import Protocol, shipped_protocol, shipped_protocols
from engager.study.review.kinetics_checks import history_checks, liposomal_vincristine_checks
from engager.study.review.label_checks import label_checks
from engager.study.review.result import Check, Review, ReviewRow

N_REFERENCES = 42
_KINDS = {
    "preclinical_study": "laboratory",
    "pharmacokinetic_study": "pharmacokinetics",
    "product_label": "label",
    "review": "review",
    "registry_cohort": "cohort",
    "retrospective_cohort": "cohort",
}
_CHECKS = {
    "blincyto-smpc-2016": label_checks,
    "nagorsen-2012": history_checks,
    "silverman-2013": liposomal_vincristine_checks,
}
# Reviews hold no data of their own; the studies that run what they review, and why these.
_REVIEWED = {
    "frey-2015": ("relapsed_refractory", "a review of relapsed or refractory ALL in adults"),
    "hoelzer-2012": ("untreated", "a review of antibodies added to first-line chemotherapy"),
    "wu-2015": ("blinatumomab", "a review of the blinatumomab trials"),
}

# Why nothing runs a reference, where nothing can.
_NOT_CARRIED_OUT = {
    "sharkey-2012": "Nothing runs it: it has no patients, no model of the package releases a drug from an antibody, and"
    " no dose-response or IC50 of a cell line was seen that a curve could be held against.",
}


def review_of(
    comparisons: Sequence[Mapping[str, Any]], made: Mapping[str, Any], warnings: Sequence[str] = ()
) -> Review:
    """The review's rows.

    Parameters
    ----------
    comparisons : of a validation, as ``engager validate --json`` lists them under ``targets``.
    made : what they were made with. warnings : what a reader should know of that.
    """
    studies = {one: shipped_protocol(one) for one in shipped_protocols()}
    records = sorted((one for one in load_records().values() if one.reference), key=lambda one: one.reference or 0)
    return Review(tuple(_row(one, studies, comparisons) for one in records), dict(made), tuple(warnings))


def _row(record: Record, studies: Mapping[str, Protocol], comparisons: Sequence[Mapping[str, Any]]) -> ReviewRow:
    figures = tuple(dict(one) for one in comparisons if record.id in _records_of(one))
    running = [one for one, study in studies.items() if study.record == record.id]
    # a study of the same patients carries a reference out when its targets cite it, simulated already or not
    running += [one for one, study in studies.items() if record.id in _cited(study)]
    running += [one["trial"] for one in figures]
    checks: tuple[Check, ...] = _CHECKS[record.id]() if record.id in _CHECKS else ()
    links, notes = _links(record, studies)
    if record.id in _NOT_CARRIED_OUT:
        notes.append(_NOT_CARRIED_OUT[record.id])
        seen = [f"{one.name}: {quantity_words(one)}" for one in record.quantities]
        notes += [f"Seen of it: {'; '.join(seen)}."] if seen else []
    if corrected := citation_corrections(record):
        notes.append(f"On the citation: {corrected}.")
    answered = any(record.id in _named(one.source) for study in studies.values() for one in study.targets)
    if not answered and not checks and running:
        notes.append(
            "No figure of this paper that a trial could show was seen, so the study runs and nothing is compared."
        )
    return ReviewRow(
        reference=int(record.reference or 0),
        record=record.id,
        citation=cite(record),
        kind=_kind(record),
        studies=tuple(dict.fromkeys(running)),
        links=links,
        figures=figures,
        checks=checks,
        not_compared=_not_compared(record, figures),
        unseen=tuple(_unseen(one.claim, one.believed) for one in record.unseen),
        notes=tuple(notes),
    )


def _unseen(claim: str, believed: str) -> str:
    return claim if believed.startswith("not recalled") else f"{claim}: believed {believed}"


def _cited(study: Protocol) -> set[str]:
    """Records that a study's targets take their figures from."""
    return {record for target in study.targets for record in _named(target.source)}


def _records_of(comparison: Mapping[str, Any]) -> set[str]:
    return _named(comparison["published"].get("source"))


def _named(source: str | Sequence[str] | None) -> set[str]:
    named = [source] if isinstance(source, str) else source or []
    return {one.partition("#")[0] for one in named}


def _kind(record: Record) -> str:
    if record.population.setting == "transplant":
        return "transplant series"
    if record.id == "nagorsen-2012":
        return "pharmacokinetics"  # a historical review whose seen figures are kinetics
    return _KINDS.get(record.kind, "trial")


def _links(record: Record, studies: Mapping[str, Protocol]) -> tuple[tuple[str, ...], list[str]]:
    if record.id not in _REVIEWED:
        return (), []
    which, what = _REVIEWED[record.id]
    found = [
        one
        for one, study in studies.items()
        if study.population.setting == which or any(arm.regimen.drug == which for arm in study.arms.values())
    ]
    return tuple(found), [f"It holds no data of its own: {what}. These studies run what it reviews."]


def _not_compared(record: Record, figures: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Figures of the record that no comparison uses, in words, each once."""
    used = {(one["endpoint"], one["statistic"], _rounded(one["published"].get("value"))) for one in figures}
    told = []
    for one in record.outcomes:
        if (one.endpoint, one.statistic, _rounded(one.value)) in used:
            continue
        value = (
            "" if one.value is None else f" {100 * one.value:.3g} %" if one.unit == "fraction" else f" {one.value:.3g}"
        )
        unit = "" if one.unit in ("fraction", "ratio") or one.value is None else f" {one.unit.replace('_', ' ')}"
        months = f" at {one.time_months:g} months" if one.time_months else ""
        group = f", {one.subgroup}" if one.subgroup else ""
        statistic = one.statistic.removesuffix("_at").replace("_", " ")
        told.append(f"{one.endpoint} {statistic}{months}{value}{unit} ({one.arm}{group})")
    return tuple(dict.fromkeys(told))


def _rounded(value: Any) -> float | None:
    return None if value is None else float(f"{float(value):.2g}")
