"""One virtual patient."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from engager.app.web.rendering import render
from engager.core import PATIENT_DAYS
from engager.model import presets_of
from engager.protocol import shipped_protocols
from engager.study import model_table, regimen_by_id, regimens_for_arms


async def patient(request: Request) -> Response:
    """One virtual patient: presets, sliders, one or two regimens."""
    arms = await run_in_threadpool(regimens_for_arms)
    label = await run_in_threadpool(regimen_by_id, "blinatumomab")
    presets = presets_of()
    return render(request, "patient", "One patient", sliders=presets.sliders, presets=presets.cases, regimens=arms,
                  days=f"{PATIENT_DAYS:g}", dexamethasone_mg=f"{label.premedication.dexamethasone_mg:g}")  # fmt: skip


async def model(request: Request) -> Response:
    """Every parameter of the model: prior beside posterior, source or assumption."""
    rows = await run_in_threadpool(model_table)
    return render(request, "model", "The model", rows=rows, studies=shipped_protocols())
