"""One patient's courses."""

from __future__ import annotations

from typing import Any

import numpy as np
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse

from engager.app.web.api.asking import number, problems
from engager.core import InputError
from engager.study import regimen_by_id, simulate_patient

MAX_REGIMENS = 2
_STEP = 4  # courses are hourly; a screen shows every fourth hour


async def patient(request: Request) -> JSONResponse:
    """Courses of one virtual patient under one or two regimens."""
    asked = dict(request.query_params)
    names = [asked.pop(key) for key in ("regimen", "other") if asked.get(key)]
    asked.pop("other", None)
    try:
        days = number("days", asked.pop("days", "84"))
        changes = {name: number(name, value) for name, value in asked.items() if value != ""}
        found = await run_in_threadpool(_courses, names or ["blinatumomab"], days, changes)
    except InputError as error:  # what cannot be simulated is an answer to what was asked
        return problems(error, status=200)
    return JSONResponse(found)


def _courses(names: list[str], days: float, changes: dict[str, float]) -> dict[str, Any]:
    told: dict[str, Any] = {"regimens": [], "panels": []}
    panels: dict[str, dict[str, Any]] = {}
    for name in names[:MAX_REGIMENS]:
        one = simulate_patient(regimen_by_id(name), days=days, changes=changes)
        courses = one.courses()
        told["covariates"] = {key: round(value, 4) for key, value in one.covariates.items()}
        told["regimens"].append(name)
        for label, course in courses.courses.items():
            panel = panels.setdefault(
                course.panel, {"title": course.panel, "unit": course.unit, "floor": course.floor, "lines": [],
                               "limits": [[float(at), words] for at, words in (course.limits or {}).items()]},
            )  # fmt: skip
            shown = np.maximum(np.asarray(course.values, dtype=float)[::_STEP], course.floor or 0.0)
            panel["lines"].append({"regimen": name, "label": label, "y": [float(f"{value:.4g}") for value in shown]})
        told["days"] = [round(float(day), 3) for day in one.days[::_STEP]]
    told["panels"] = list(panels.values())
    sets = " ".join(f"--set {name}={value:g}" for name, value in changes.items())
    compare = f" --compare {names[1]}" if len(names) > 1 else ""
    told["command"] = f"engager patient --regimen {names[0]}{compare} --days {days:g} {sets}".strip()
    told["python"] = (
        f"from engager.study import regimen_by_id, simulate_patient\n"
        f"simulate_patient(regimen_by_id({names[0]!r}), days={days:g}, changes={changes!r})"
    )
    return told
