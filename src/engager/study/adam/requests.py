"""Which parameters a study's endpoints make, and what each asks for: the same as the run's own estimates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from engager.analysis import EndpointRequest
from engager.protocol import Endpoint, Protocol
from engager.study.run.requests import request_for

# Adverse events are counted from this dataset; every other endpoint has a parameter of its own.
_COUNTED_ELSEWHERE = "ADAE"
_AT_TRANSPLANT = "HC"


@dataclass(frozen=True)
class Asked:
    """One parameter: the endpoint's request in each arm, and whether the study itself counts it so."""

    code: str
    requests: Mapping[str, EndpointRequest]
    is_own: bool


def parameters_of(protocol: Protocol, *, of_time: bool) -> Iterator[Asked]:
    """The parameters of one kind, each code once."""
    taken: dict[str, int] = {}
    for one in protocol.endpoints:
        if (one.is_time_to_event or one.is_competing) != of_time or one.kind.adam == _COUNTED_ELSEWHERE:
            continue
        requests = {arm: _request(protocol, one, arm) for arm in protocol.arms}
        own = any(request.censor_at_hsct for request in requests.values())
        both = one.is_time_to_event and one.origin != "hsct"
        for censor in (False, True) if both else (own,):
            code = one.kind.adam + _AT_TRANSPLANT * (censor and of_time)
            taken[code] = taken.get(code, 0) + 1
            code += str(taken[code]) if taken[code] > 1 else ""
            counted = {arm: replace(request, censor_at_hsct=censor) for arm, request in requests.items()}
            yield Asked(code, counted, censor == own)


def _request(protocol: Protocol, one: Endpoint, arm: str) -> EndpointRequest:
    """What the run's own estimates of this endpoint ask for."""
    if one.is_competing:
        return request_for(protocol, one, arm, "cumulative_at", 12.0)
    request = request_for(protocol, one, arm, "median" if one.is_time_to_event else "proportion")
    if protocol.population.setting == "mrd_positive" and request.among is None and one.kind.is_mrd:
        return replace(request, among="all")
    return request


def by_arm(days: Mapping[str, float | None], word: str = "by") -> str:
    """``by day 84``, or each arm's day when they differ."""
    if len(set(days.values())) == 1:
        day = next(iter(days.values()))
        return "at any time observed" if day is None else f"{word} day {day:g}"
    return ", ".join(f"{arm}: {'any time' if day is None else f'{word} day {day:g}'}" for arm, day in days.items())
