"""The start page, the login, and the plotting library."""

from __future__ import annotations

import hmac
from functools import lru_cache
from importlib import resources
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response

from engager.app.web.jobs import RUNNING, WAITING, JobStore
from engager.app.web.pages.runs import jobs_told, run_rows
from engager.app.web.rendering import render
from engager.app.web.security import COOKIE, named_inside, proof_of
from engager.app.web.words import CASE_LINKS
from engager.core import InputError, Problem
from engager.protocol import shipped_protocol, write_protocol
from engager.study import GALLERY_CASES, Case, RunFolder, case_picture, survival_pictures

_EXAMPLE_TRIALS = 12
_QUESTION = "What would this trial of a T-cell engager show?"


def ensure_example(jobs: JobStore) -> None:
    """A home without runs begins to make one, so that there is something to look at."""
    if not jobs.all() and not list(jobs.settings.runs.glob("*/run.json")):
        protocol = shipped_protocol("tower")
        jobs.add("trial", "TOWER, example", write_protocol(protocol), ["--replicates", str(_EXAMPLE_TRIALS)], 20.0)


async def start(request: Request) -> Response:
    """What the dashboard answers, the last runs, what to try."""
    jobs: JobStore = request.app.state.jobs
    runs = run_rows(jobs)
    shown = next((one for one in runs if one.get("has_verdict")), None)
    return render(
        request, "start", _QUESTION, runs=runs[:5], jobs=jobs_told(jobs, WAITING, RUNNING), gallery=_gallery(),
        shown=shown,
    )  # fmt: skip


def _gallery() -> list[tuple[str, Case]]:
    """Links and cases."""
    return [(CASE_LINKS.get(one.name, f"/trial?study={one.study}"), one) for one in GALLERY_CASES]


async def picture(request: Request) -> Response:
    """The picture of a case."""
    drawn = await run_in_threadpool(case_picture, request.path_params["name"])
    return Response(drawn, media_type="image/svg+xml", headers={"cache-control": "max-age=3600"})


async def survival(request: Request) -> Response:
    """The picture of a run: simulated survival with what was published; drawn once."""
    folder = named_inside(request.app.state.settings.runs, request.path_params["run"], "run")
    made = named_inside(folder, "run.json", "picture").stat().st_mtime_ns
    drawn = await run_in_threadpool(_survival, folder, made)
    width = request.path_params["width"]
    if width not in drawn:
        raise InputError(Problem("picture", width[:20], "is not there for this run"))
    return Response(drawn[width], media_type="image/svg+xml")


@lru_cache(maxsize=8)
def _survival(folder: Path, changed: int) -> dict[str, str]:
    return survival_pictures(RunFolder.open(folder))


async def login(request: Request) -> Response:
    """Ask for the token once; a cookie remembers that it was right."""
    token = request.app.state.settings.token
    if token is None:
        return RedirectResponse("/", status_code=303)
    if request.method == "POST":
        given = str((await request.form()).get("token", ""))
        if hmac.compare_digest(given.encode(), token.encode()):
            answer = RedirectResponse("/", status_code=303)
            answer.set_cookie(COOKIE, proof_of(token), httponly=True, samesite="strict", max_age=7 * 86400)
            return answer
        return render(request, "login", "Log in", 401, wrong=True)
    return render(request, "login", "Log in", wrong=False)


async def plotly(request: Request) -> Response:
    """The plotting library, from the installed package: no request leaves the machine."""
    path = Path(str(resources.files("plotly") / "package_data" / "plotly.min.js"))
    return FileResponse(path, media_type="text/javascript", headers={"cache-control": "max-age=86400"})
