"""A design study as JSON and as a folder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engager.analysis import Characteristics
from engager.evidence import HistoricalPrior
from engager.study.design.plan import ALTERNATIVE, MEDIAN, NULL, POSTERIOR
from engager.study.plain_json import plain_json

if TYPE_CHECKING:
    from engager.study.design.result import DesignResult, DesignRow

# What each result is called in JSON, by world and setting.
RESULTS = {
    "assurance": (ALTERNATIVE, POSTERIOR),
    "power_at_median": (ALTERNATIVE, MEDIAN),
    "type_1_error": (NULL, POSTERIOR),
    "type_1_error_at_median": (NULL, MEDIAN),
}


def design_json(found: DesignResult) -> dict[str, Any]:
    """The result as plain values; the same seed gives the same object."""
    design, protocol = found.design, found.protocol
    arms = protocol.arms
    test = design.test_of(arms)
    rule = {"threshold": design.threshold} if test == "bayesian" else {"alpha": design.alpha}
    answer: dict[str, Any] = plain_json(
        {
            "study": protocol.study,
            "seed": found.manifest["seed"],
            "replicates": found.manifest["replicates"],
            "parameters": found.manifest["parameters"],
            "test": test,
            **rule,
            "primary": design.primary,
            "treatment": design.treatment_of(arms),
            "control": design.control_of(arms),
            "effect": effect_of(found),
            "prior": prior_json(found),
            "rows": [_row(one) for one in found.rows],
            "notes": list(found.notes),
        }
    )
    return answer


def effect_of(found: DesignResult) -> str:
    """What the estimate is: hazard_ratio, ratio_of_medians, median_months, difference or share."""
    design = found.design
    has_control = design.control_of(found.protocol.arms) is not None
    if design.is_time_to_event:
        if design.test_of(found.protocol.arms) == "log_rank":
            return "hazard_ratio"
        return "ratio_of_medians" if has_control else "median_months"
    return "difference" if has_control else "share"


def prior_json(found: DesignResult) -> dict[str, Any] | None:
    """The historical control: its mixture, what it is worth, and the arms it stands on."""
    if found.prior is None or found.selection is None:
        return None
    studies = [
        {"record": one.record, "arm": one.arm, "events": one.events, "n": one.n, "value": one.outcome.value}
        for one in found.selection.studies
    ]
    content = found.prior.as_dict()
    if isinstance(found.prior, HistoricalPrior):
        content |= effective_sizes(found.prior)
    return {"endpoint": found.selection.endpoint, "studies": studies, **content}


def effective_sizes(prior: HistoricalPrior) -> dict[str, Any]:
    """Patients the prior is worth, robust and without the vague part, and how that was counted.

    Notes
    -----
    The expected local information ratio has no finite value when a component piles up at 0 or 1 (a or b below 1);
    then the beta distribution of the same mean and spread counts.
    """
    by_ratio = bool((prior.prior.a >= 1).all() and (prior.prior.b >= 1).all())
    if by_ratio:
        sizes = prior.effective_sample_size, prior.effective_sample_size_predictive
    else:
        sizes = prior.prior.effective_sample_size_by_moments(), prior.predictive.effective_sample_size_by_moments()
    return {
        "effective_sample_size": sizes[0],
        "effective_sample_size_predictive": sizes[1],
        "effective_sample_size_method": "expected local information ratio" if by_ratio else "moments",
    }


def _row(one: DesignRow) -> dict[str, Any]:
    return {
        "scenario": one.scenario,
        "changes": one.changes,
        "patients": one.n_patients,
        "patients_by_arm": one.n_by_arm,
        "bounds_on": one.rules.scale,
        "looks": one.rules.looks(),
        **{name: _characteristics(one.result(*key)) for name, key in RESULTS.items()},
        "exact": one.exact,
    }


def _characteristics(one: Characteristics | None) -> dict[str, Any] | None:
    return None if one is None else one.as_json()
