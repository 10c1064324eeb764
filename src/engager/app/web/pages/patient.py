"""One virtual patient."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from engager.app.web.rendering import render
from engager.app.web.words import PRESETS, SLIDERS
from engager.study import regimens_for_arms


async def patient(request: Request) -> Response:
    """One virtual patient: presets, sliders, one or two regimens."""
    arms = await run_in_threadpool(regimens_for_arms)
    return render(request, "patient", "One patient", sliders=SLIDERS, presets=PRESETS, regimens=arms)
