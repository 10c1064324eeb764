"""The network of the records' randomized comparisons."""

from __future__ import annotations

import numpy as np

from engager.core import InputError, Problem
from engager.evidence.records import vocabulary as words
from engager.evidence.records.intervals import standard_error_from_interval
from engager.evidence.records.library import load_records
from engager.evidence.records.overlaps import without_overlap
from engager.evidence.records.record import Record
from engager.evidence.synthesis.network import NetworkStudy, study_of_counts, study_of_ratio
from engager.evidence.synthesis.selection import select


def treatment_node(regimen: str) -> str:
    """What a regimen is called in a network; comparators that stand for one another share a name."""
    for name, regimens in words.vocabulary()["comparators"].items():
        if regimen in regimens:
            return str(name)
    return regimen


def published_network(endpoint: str) -> tuple[list[NetworkStudy], str, list[str]]:
    """Studies of the randomized comparisons of an endpoint.

    Parameters
    ----------
    endpoint : a time to event gives log hazard ratios, a share log odds ratios from the arms' counts
        (endpoints of one family are taken together).

    Returns
    -------
    studies; the scale, ``hazard_ratio`` or ``odds_ratio``; what was left out and why.

    Raises
    ------
    InputError
        When no randomized comparison was published.
    """
    wanted = words.known_endpoint(endpoint, "--endpoint")
    left_out: list[str] = []
    if wanted.kind == "time_to_event":
        studies, scale = _ratios(wanted.name, left_out), "hazard_ratio"
    else:
        studies, scale = _counts(wanted.name, left_out), "odds_ratio"
    if not studies:
        rule = "has no comparison of randomized arms in the records"
        raise InputError(Problem("--endpoint", endpoint, rule, "; ".join(left_out)))
    return studies, scale, left_out


def _ratios(endpoint: str, left_out: list[str]) -> list[NetworkStudy]:
    found: list[tuple[str, int, NetworkStudy]] = []
    for record in _randomized():
        arms = {arm.id: arm for arm in record.arms}
        for outcome in record.outcomes:
            treatment, _, control = outcome.arm.partition(" vs ")
            if outcome.endpoint != endpoint or outcome.statistic != "hazard_ratio" or treatment not in arms:
                continue
            if control not in arms:
                left_out.append(f"{record.id}: {outcome.arm}: left out, because {control} is not an arm of the record")
                continue
            if outcome.low is None or outcome.high is None or outcome.value is None:
                left_out.append(
                    f"{record.id}: {outcome.arm} ({outcome.definition}): left out, because the record has no interval"
                )
                continue
            se = standard_error_from_interval(np.log(outcome.low), np.log(outcome.high), outcome.level)
            nodes = (treatment_node(arms[treatment].regimen), treatment_node(arms[control].regimen))
            study = study_of_ratio(record.id, *nodes, float(np.log(outcome.value)), se)
            found.append((f"{record.id}/{treatment}", arms[treatment].n or 0, study))
    kept, shared = without_overlap(found, load_records())
    left_out += [str(entry) for entry in shared]
    return kept


def _counts(endpoint: str, left_out: list[str]) -> list[NetworkStudy]:
    randomized = _randomized()
    selection = select(endpoint, family=True)
    # Why figures of other designs were left out is nobody's question here.
    left_out += [said for said in selection.left_out if said.partition("/")[0] in {one.id for one in randomized}]
    studies = []
    for record in randomized:
        arms = [
            (treatment_node(study.regimen), study.events, study.n)
            for study in selection.studies
            if study.record == record.id and study.events is not None and study.n is not None
        ]
        if len(arms) > 1:
            controls = set(words.vocabulary()["comparators"])
            ordered = sorted(arms, key=lambda arm: arm[0] not in controls)
            studies.append(study_of_counts(record.id, ordered))
    return studies


def _randomized() -> list[Record]:
    return [record for record in load_records().values() if record.kind == "randomized_trial"]
