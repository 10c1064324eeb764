"""What to estimate for a study: each endpoint it names, by arm, and the comparisons between arms."""

from __future__ import annotations

from engager.analysis import EndpointRequest
from engager.trial import Endpoint, Protocol

_LANDMARKS_MONTHS = (6.0, 12.0)
_DAYS_PER_WEEK = 7.0
_WINDOW_DAYS = 84.0
_FIRST_DAY = 1.0
_ORIGINS = {
    "randomization": "randomization",
    "treatment_start": "treatment",
    "response": "response",
    "hsct": "hsct",
}


def requests_of(protocol: Protocol) -> list[EndpointRequest]:
    """One request per number the report shows.

    A yes/no endpoint gives a share for each arm; a time to event its median and landmarks; a competing-risks
    endpoint its incidence at the landmarks; two randomized arms a hazard ratio of each time to event.
    """
    found: list[EndpointRequest] = []
    for endpoint in protocol.endpoints:
        if endpoint.is_time_to_event:
            found.append(request_for(endpoint, "median"))
            found += [request_for(endpoint, "survival_at", month) for month in _landmarks(protocol)]
            if len(protocol.arms) == 2 and endpoint.origin == "randomization":
                found.append(_hazard_ratio(protocol, endpoint))
        elif endpoint.is_competing:
            found += [request_for(endpoint, "cumulative_at", month) for month in _landmarks(protocol)]
        else:
            found += _shares(protocol, endpoint)
    return found


def _shares(protocol: Protocol, endpoint: Endpoint) -> list[EndpointRequest]:
    """A share in each arm within the endpoint's window; one request when all arms have the same."""
    from dataclasses import replace

    asked = request_for(endpoint, "proportion")
    # "among: null" where disease is active: the MRD response of all patients, assessed or not.
    if endpoint.id.endswith("MRD_response") and endpoint.among is None:
        asked = replace(asked, among="all" if protocol.population.setting == "mrd_positive" else "everyone")
    windows = {arm: protocol.window_days(endpoint, arm) for arm in protocol.arm_ids}
    if len(set(windows.values())) == 1:
        return [replace(asked, window_days=windows[protocol.arm_ids[0]])]
    return [replace(asked, arm=arm, window_days=days) for arm, days in windows.items()]


def _landmarks(protocol: Protocol) -> list[float]:
    return [month for month in _LANDMARKS_MONTHS if month <= protocol.follow_up.months]


def request_for(endpoint: Endpoint, statistic: str, time_months: float | None = None) -> EndpointRequest:
    """One statistic of a study's endpoint, with the study's own definitions."""
    window_days = (endpoint.window_weeks or _WINDOW_DAYS / _DAYS_PER_WEEK) * _DAYS_PER_WEEK
    failure_day = {"event_at_start": _FIRST_DAY, "event_at_window_end": window_days}.get(endpoint.no_response or "")
    return EndpointRequest(
        endpoint=endpoint.id,
        statistic=statistic,
        time_months=time_months,
        among=endpoint.among,
        origin=_ORIGINS[endpoint.origin] if endpoint.is_time_to_event else None,
        censor_at_hsct=endpoint.censor_at_hsct,
        no_response_event_day=failure_day,
        response_window_days=window_days,
    )


def _hazard_ratio(protocol: Protocol, endpoint: Endpoint) -> EndpointRequest:
    """The first arm against the second; strata as randomized."""
    from dataclasses import replace

    treatment, control = protocol.arm_ids
    strata = protocol.allocation.stratum_conditions() if protocol.allocation.randomized else ()
    request = request_for(endpoint, "hazard_ratio")
    return replace(request, treatment=treatment, control=control, strata=tuple(strata))
