"""Records, searched and shown; forest plot, network and map; a record of one's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from engager.app.web.rendering import render
from engager.core import InputError
from engager.study import (
    EvidenceView,
    evidence_choices,
    evidence_rows,
    forest_view,
    map_view,
    network_view,
    poolable_endpoints,
    record_choices,
    record_rows,
    regimen_classes,
)

_SETTINGS = ("relapsed_refractory", "mrd_positive", "first_line", "any")
_STATISTICS = ("proportion", "median", "hazard_ratio")


async def evidence(request: Request) -> Response:
    """All records, searched and filtered."""
    words = request.query_params.get("search", "")[:100]
    choices = await run_in_threadpool(evidence_choices)
    chosen = {name: request.query_params.get(name, "")[:60] for name in choices}
    rows = await run_in_threadpool(evidence_rows, words, **chosen)
    return render(request, "evidence", "Evidence", rows=rows, search=words, choices=choices, chosen=chosen)


async def evidence_record(request: Request) -> Response:
    """One record: every figure with its source, what was never seen, the citation."""
    found = await run_in_threadpool(record_rows, request.path_params["record"])
    return render(request, "record", found["title"], record=found)


async def forest(request: Request) -> Response:
    """The forest plot of an endpoint."""
    asked = {
        name: request.query_params.get(name, "")[:60] for name in ("endpoint", "drug_class", "setting", "statistic")
    }
    endpoint = asked.pop("endpoint") or "CR"
    given: dict[str, Any] = {name: value or None for name, value in asked.items()}
    choices = [
        ("endpoint", "Endpoint", poolable_endpoints(), endpoint, False),
        ("drug_class", "Class", (*regimen_classes(), "any"), asked["drug_class"], True),
        ("setting", "Setting", _SETTINGS, asked["setting"], True),
        ("statistic", "Statistic", _STATISTICS, asked["statistic"], True),
    ]
    return await _drawn(request, "forest", lambda: forest_view(endpoint, **given), choices)


async def network(request: Request) -> Response:
    """The randomized comparisons of an endpoint."""
    endpoint = request.query_params.get("endpoint", "OS")[:60]
    choices = [("endpoint", "Endpoint", poolable_endpoints(), endpoint, False)]
    return await _drawn(request, "network", lambda: network_view(endpoint), choices)


async def evidence_map(request: Request) -> Response:
    """Patients behind the published figures, by regimen and endpoint."""
    return await _drawn(request, "map", map_view, [])


async def _drawn(request: Request, kind: str, make: Callable[[], EvidenceView], choices: list[Any]) -> Response:
    view, problems = None, []
    try:
        view = await run_in_threadpool(make)
    except InputError as error:  # what cannot be pooled is an answer to what was asked
        problems = [str(one).replace("--", "") for one in error.problems]
    title = view.title if view else {"forest": "Forest plot", "network": "Network", "map": "Map"}[kind]
    return render(request, "synthesis", title, view=view, problems=problems, choices=choices, kind=kind)


async def add(request: Request) -> Response:
    """A record of one's own, by form."""
    return render(request, "add_record", "Add a record", choices=record_choices(), endpoints=poolable_endpoints())
