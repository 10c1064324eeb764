"""What a run's page draws."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse

from engager.app.web.api.asking import problems
from engager.app.web.security import named_inside
from engager.core import InputError
from engager.evidence import endpoint
from engager.report import what
from engager.study import RunFolder, curves_of, figures_by_replicate

_LONGEST = 200


async def curves(request: Request) -> JSONResponse:
    """Simulated survival of a run, for the interactive figure."""
    runs = request.app.state.settings.runs
    found = RunFolder.open(named_inside(runs, request.path_params["run"], "run"))
    subgroup = request.query_params.get("subgroup", "").strip()[:_LONGEST]
    try:
        table = await run_in_threadpool(curves_of, [found], subgroup or None)
    except InputError as error:  # a condition that cannot be read is an answer to what was asked
        return problems(error, status=200)
    lines = []
    for (name, arm), rows in table.group_by(["endpoint", "arm"], maintain_order=True):
        kept = rows.filter(rows["survival"].is_not_nan() & (rows["at_risk"] >= 1))
        columns = {
            name: [_plain(value) for value in kept[name].to_list()] for name in ("month", "survival", "low", "high")
        }
        lines.append({"endpoint": name, "arm": arm, "at_risk": kept["at_risk"].to_list(), **columns})
    points = [_point(one) for one in found.comparisons if _is_point(one, subgroup)]
    names = {line["endpoint"]: _name(line["endpoint"]) for line in lines}
    return JSONResponse({"lines": lines, "published": points, "names": names})


def _name(known: str) -> str:
    """E.g. ``Overall survival (OS)``."""
    label = endpoint(known).label
    return f"{label[:1].upper()}{label[1:]} ({known})"


def _is_point(one: Mapping[str, Any], subgroup: str) -> bool:
    is_of_these = (one.get("subgroup") or "").replace(" ", "") == subgroup.replace(" ", "")
    return is_of_these and one["statistic"] in ("survival_at", "median") and one["published"]["value"] is not None


def _point(one: Mapping[str, Any]) -> dict[str, Any]:
    """A published landmark, or a median as the month at which half are left, with its interval of months or shares."""
    published, is_median = one["published"], one["statistic"] == "median"
    return {
        "endpoint": one["endpoint"],
        "arm": one["arm"],
        "month": published["value"] if is_median else one["time_months"],
        "value": 0.5 if is_median else published["value"],
        "low": published["low"],
        "high": published["high"],
        "is_median": is_median,
    }


def _plain(value: float) -> float | None:
    return None if value is None or not math.isfinite(value) else round(value, 4)


async def replicates(request: Request) -> JSONResponse:
    """Each figure in every virtual trial, for the histograms."""
    runs = request.app.state.settings.runs
    found = RunFolder.open(named_inside(runs, request.path_params["run"], "run"))
    figures = await run_in_threadpool(figures_by_replicate, found)
    return JSONResponse({"figures": [{**one, "name": _figure_name(one)} for one in figures]})


def _figure_name(one: Mapping[str, Any]) -> str:
    """As the tables call it, with its arm; of an endpoint that is asked for in two ways, with its definition."""
    return ", ".join(word for word in (what(one), one["definition"], one["arm"]) if word)
