"""What to estimate for a study: each endpoint it names, by arm, and the comparisons between arms.

Definitions are those that targets are compared by (`calibration.request_of`), so that the tables of a report and
its comparisons count the same things.
"""

from __future__ import annotations

from itertools import combinations
from typing import Any

from engager.analysis import EndpointRequest
from engager.calibration import request_of
from engager.evidence import trial_endpoints
from engager.protocol import Endpoint, Estimand, Protocol, disease_of

_LANDMARKS_MONTHS = (6.0, 12.0)
# Not every study has an induction; a study that has one names its deaths.
_ASKED_FOR = ("death_induction",)


def requests_of(protocol: Protocol) -> list[EndpointRequest]:
    """One request per number the report shows.

    A yes/no endpoint gives a share for each arm; a time to event its median and landmarks; a competing-risks
    endpoint its incidence at the landmarks; two arms a hazard ratio of each time from randomization.
    """
    return [request for _, request in _asked_by_endpoint(protocol)]


def page_requests_of(protocol: Protocol) -> list[EndpointRequest]:
    """What a page shows beyond `requests_of`: adverse events that the study does not name and its model can show, and
    with three or more arms the hazard ratio of each pair.
    """
    roles = disease_of(protocol.model).roles
    arms = protocol.arm_ids
    named = {endpoint.id for endpoint in protocol.endpoints}
    shown = {name: one for name, one in trial_endpoints().items() if not roles.lacking(one.needs)}
    safety = [name for name, one in shown.items() if one.table == "safety" and name not in _ASKED_FOR]
    found = [
        request_for(protocol, Endpoint.model_validate(name), arm, "proportion")
        for name in safety if name not in named
        for arm in arms
    ]  # fmt: skip
    if len(arms) > 2:
        times = [one for one in protocol.endpoints if one.is_time_to_event and one.origin == "randomization"]
        found += [comparison_of(protocol, one, *pair) for one in times for pair in combinations(arms, 2)]
    return found


def definitions_of(protocol: Protocol) -> list[str]:
    """What tells the request of each place in `requests_of` from others of the same endpoint; empty when it stands
    once, e.g. ``within 4 weeks`` or ``ends at transplant``.
    """
    ids = [endpoint.id for endpoint in protocol.endpoints]
    asked = _asked_by_endpoint(protocol)
    return [_definition(endpoint) if ids.count(endpoint.id) > 1 else "" for endpoint, _ in asked]


def _definition(endpoint: Endpoint) -> str:
    parts = []
    if endpoint.window_weeks is not None:
        parts.append(f"within {endpoint.window_weeks:g} weeks")
    if endpoint.window_cycles is not None:
        parts.append(f"within {endpoint.window_cycles} cycle{'s' if endpoint.window_cycles > 1 else ''}")
    if endpoint.among is not None:
        parts.append(f"among {endpoint.among}")
    if endpoint.is_time_to_event:
        parts.append(f"from {endpoint.origin.replace('_', ' ')}")
    if endpoint.censor_at_hsct:
        parts.append("ends at transplant")
    if endpoint.no_response is not None:
        parts.append(f"no response: {endpoint.no_response.replace('_', ' ')}")
    return ", ".join(parts)


def _asked_by_endpoint(protocol: Protocol) -> list[tuple[Endpoint, EndpointRequest]]:
    landmarks = [month for month in _LANDMARKS_MONTHS if month <= protocol.follow_up.months]
    pairs: list[tuple[Endpoint, EndpointRequest]] = []
    for endpoint in protocol.endpoints:
        found: list[EndpointRequest] = []
        for arm in protocol.arms:
            if endpoint.is_time_to_event:
                found.append(request_for(protocol, endpoint, arm, "median"))
            if endpoint.is_time_to_event or endpoint.is_competing:
                statistic = "survival_at" if endpoint.is_time_to_event else "cumulative_at"
                found += [request_for(protocol, endpoint, arm, statistic, month) for month in landmarks]
            else:
                found.append(request_for(protocol, endpoint, arm, "proportion"))
        if endpoint.is_time_to_event and endpoint.origin == "randomization" and len(protocol.arms) == 2:
            found.append(comparison_of(protocol, endpoint, *protocol.arm_ids))
        pairs += [(endpoint, request) for request in found]
    return pairs


def request_for(
    protocol: Protocol, endpoint: Endpoint, arm: str, statistic: str, time_months: float | None = None
) -> EndpointRequest:
    """One statistic of one of a study's endpoints in one arm."""
    return request_of(_estimand(endpoint, statistic, arm=arm, at_months=time_months), protocol, endpoint)


def comparison_of(protocol: Protocol, endpoint: Endpoint, treatment: str, control: str) -> EndpointRequest:
    """The hazard ratio of one arm against another."""
    asked = _estimand(endpoint, "hazard_ratio", measure="HR", treatment=treatment, control=control)
    return request_of(asked, protocol, endpoint)


def _estimand(endpoint: Endpoint, statistic: str, **what: Any) -> Estimand:
    """A statistic of an endpoint of the study, counted as the study says."""
    return Estimand(
        endpoint.id,
        statistic,
        among=endpoint.among,
        window_weeks=endpoint.window_weeks,
        window_cycles=endpoint.window_cycles,
        **what,
    )
