"""What virtual trials of one size would show at their looks: the endpoint's definition meets the simulated arms."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from engager.analysis import (
    LooksAtTrials,
    looks_at_shares,
    looks_at_times,
    pooled_effect,
    pooled_share,
    shares_in_order,
)
from engager.calibration import strata_of
from engager.core import DAYS_PER_MONTH, RESPONSE_WINDOW_DAYS
from engager.evidence import trial_endpoints
from engager.protocol import NullArm, Protocol
from engager.study.design.rules import Prior, Rules, futility_statistic, share_statistic, time_statistic
from engager.study.run.requests import comparison_of, request_for

if TYPE_CHECKING:
    from engager.analysis import EndpointRequest

Window = Callable[[Protocol, str, NullArm | None], float | None]


@dataclass(frozen=True)
class Simulated:
    """Trials of one size at their looks.

    Attributes
    ----------
    truth : the effect over all their patients, followed to the end.
    counts : events and n of a yes/no endpoint at the end of the middle trial, by side.
    """

    trials: LooksAtTrials
    truth: float
    counts: dict[str, int]


def simulate_looks(
    protocol: Protocol,
    tables: Sequence[pl.DataFrame],
    size: dict[str, int],
    rules: Rules,
    prior: Prior | None,
    null: NullArm | None,
    window: Window,
) -> Simulated:
    """Look at trials of one size.

    Parameters
    ----------
    tables : patients of the treated arm, then of the control arm, as many as the largest size has.
    size : patients by arm. null : what the treated got, in a null world.
    window : days within which the primary endpoint counts, by study, arm and null.
    """
    design = protocol.design
    assert design is not None  # checked when the design was asked for
    treated, control = design.treatment_of(protocol.arms), design.control_of(protocol.arms)
    arms = [treated, *([control] if control is not None else [])]
    patients = pl.concat([t.filter(pl.col("patient") < size[arm]) for arm, t in zip(arms, tables, strict=True)])
    strata = strata_of(protocol) if design.stratified and len(arms) > 1 else ()
    if design.is_time_to_event:
        return _times(protocol, patients, arms, strata, rules, prior)
    requests, known_after = {}, {}
    for arm in arms:
        days = window(protocol, arm, null if arm == treated else None)
        requests[arm] = replace(_share_request(protocol, arm), window_days=days, strata=strata)
        # Without a window a response counts until the usual one, anything else until follow-up ends.
        late = protocol.follow_up.months * DAYS_PER_MONTH
        known_after[arm] = days or (RESPONSE_WINDOW_DAYS if trial_endpoints()[design.primary].is_response else late)
    ordered = shares_in_order(patients, requests, known_after)
    trials = looks_at_shares(
        ordered, rules.patients_by_look, share_statistic(design, rules.test, prior), futility_statistic(rules.test)
    )
    middle = int(np.argsort(ordered.event.sum(axis=1), kind="stable")[len(ordered.event) // 2])
    counts = {}
    for name, side in (("treatment", ordered.treated[middle]), ("control", ~ordered.treated[middle])):
        counts[f"{name}_events"] = int((ordered.event[middle] & side).sum())
        counts[f"{name}_n"] = int((ordered.counted[middle] & side).sum())
    return Simulated(trials, pooled_share(ordered), counts)


def _share_request(protocol: Protocol, arm: str) -> EndpointRequest:
    assert protocol.design is not None
    endpoint = protocol.endpoint(protocol.design.primary)
    assert endpoint is not None  # checked when the file was read
    request = request_for(protocol, endpoint, arm, "proportion")
    # Everybody is in remission there, so MRD is counted among all, as in a run's tables.
    in_remission = protocol.population.setting == "mrd_positive" and endpoint.kind.is_mrd
    return replace(request, among="all") if in_remission and request.among is None else request


def _times(
    protocol: Protocol,
    patients: pl.DataFrame,
    arms: list[str],
    strata: tuple[str, ...],
    rules: Rules,
    prior: Prior | None,
) -> Simulated:
    design = protocol.design
    assert design is not None
    endpoint = protocol.endpoint(design.primary)
    assert endpoint is not None  # checked when the file was read
    if len(arms) > 1:
        request = comparison_of(protocol, endpoint, arms[0], arms[1])
    else:
        request = request_for(protocol, endpoint, arms[0], "median")
    request = replace(request, strata=strata)
    cut = protocol.follow_up.data_cut
    statistic = time_statistic(design, rules.test, prior)
    trials = looks_at_times(
        patients, request, arms, rules.events_by_look, cut.months if cut is not None else None, statistic
    )
    return Simulated(trials, pooled_effect(patients, request, arms, statistic is not None), {})
