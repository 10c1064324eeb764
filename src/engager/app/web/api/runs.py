"""What a run's page draws."""

from __future__ import annotations

import math

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse

from engager.app.web.security import named_inside
from engager.study import RunFolder, curves_of, figures_by_replicate


async def curves(request: Request) -> JSONResponse:
    """Simulated survival of a run, for the interactive figure."""
    runs = request.app.state.settings.runs
    found = RunFolder.open(named_inside(runs, request.path_params["run"], "run"))
    table = await run_in_threadpool(curves_of, [found])
    lines = []
    for (endpoint, arm), rows in table.group_by(["endpoint", "arm"], maintain_order=True):
        kept = rows.filter(rows["survival"].is_not_nan() & (rows["at_risk"] >= 1))
        columns = {
            name: [_plain(value) for value in kept[name].to_list()] for name in ("month", "survival", "low", "high")
        }
        lines.append({"endpoint": endpoint, "arm": arm, "at_risk": kept["at_risk"].to_list(), **columns})
    points = [
        {"endpoint": one["endpoint"], "arm": one["arm"], "month": one["time_months"], **one["published"]}
        for one in found.comparisons
        if one["statistic"] == "survival_at" and not one.get("subgroup")
    ]
    return JSONResponse({"lines": lines, "published": points})


def _plain(value: float) -> float | None:
    return None if value is None or not math.isfinite(value) else round(value, 4)


async def replicates(request: Request) -> JSONResponse:
    """Each figure in every virtual trial, for the histograms."""
    runs = request.app.state.settings.runs
    found = RunFolder.open(named_inside(runs, request.path_params["run"], "run"))
    return JSONResponse({"figures": await run_in_threadpool(figures_by_replicate, found)})
