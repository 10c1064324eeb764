"""A published baseline as targets for matching, in the columns of a virtual trial's patients table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from engager.core import InputError, Problem
from engager.evidence.records.baseline import published_share

if TYPE_CHECKING:
    from engager.evidence.records.record import Record


def baseline_targets(record: Record, arm: str) -> dict[str, dict[str, float]]:
    """What of an arm's published baseline can be matched.

    Parameters
    ----------
    record, arm : whose baseline.

    Returns
    -------
    column to target, as `match` takes them: ``age_years`` (mean and sd, else median), ``female`` and
    ``prior_hsct`` (proportion), ``marrow_blasts_percent`` (share at or above 50 %, else median),
    ``salvage_line`` (share in second or later salvage). Only what was published.

    Raises
    ------
    InputError
        When none of these was published.

    Notes
    -----
    Patients for whom a characteristic is unknown are left out of its denominator.
    """
    baseline = record.arm(arm).baseline
    found = {
        "age_years": _age(baseline),
        "female": _female(baseline),
        "prior_hsct": _share(baseline.get("prior_hsct", {})),
        "marrow_blasts_percent": _blasts(baseline),
        "salvage_line": _salvage(baseline),
    }
    targets = {column: target for column, target in found.items() if target}
    if not targets:
        rule = "has no baseline in the record that can be matched"
        raise InputError(Problem(f"{record.id}/{arm}", arm, rule, "Write the targets in a YAML file."))
    return targets


def _age(baseline: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    age = baseline.get("age_years", {})
    if "mean" in age and "sd" in age:
        return {"mean": float(age["mean"]), "sd": float(age["sd"])}
    median = baseline.get("age_years_median", {}).get("median", age.get("median"))
    return {} if median is None else {"median": float(median)}


def _female(baseline: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    male = published_share(baseline.get("male", {}))
    return {} if male is None else {"proportion": 1 - male}


def _share(summary: Mapping[str, Any]) -> dict[str, float]:
    share = published_share(summary)
    return {} if share is None else {"proportion": float(share)}


def _blasts(baseline: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    share = published_share(baseline.get("blasts_marrow_class", {}), ">=50%")
    if share is not None:
        return {"above": 50.0, "share": share}
    median = baseline.get("blasts_marrow_percent", {}).get("median")
    return {} if median is None else {"median": float(median)}


def _salvage(baseline: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    first = published_share(baseline.get("salvage_phase", {}), "first")
    return {} if first is None else {"above": 2.0, "share": 1 - first}
