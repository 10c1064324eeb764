"""The application: routes to pages and to what their scripts ask for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from engager.app.web.api import (
    evidence as evidence_api,
    jobs as jobs_api,
    patient as patient_api,
    runs as runs_api,
    studies as studies_api,
)
from engager.app.web.api.asking import problems
from engager.app.web.jobs import JobStore
from engager.app.web.pages import downloads, evidence, patient, runs, start, teach, trial, trust
from engager.app.web.rendering import message
from engager.app.web.security import Guard
from engager.app.web.settings import Settings
from engager.core import InputError

HERE = Path(__file__).parent


def create_app(settings: Settings) -> Starlette:
    """The dashboard of one home folder; its worker runs while the application does."""
    jobs = JobStore(settings)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        jobs.start()
        if settings.makes_example:
            start.ensure_example(jobs)
        yield
        jobs.stop()

    routes: list[BaseRoute] = [
        Route("/", start.start),
        Route("/login", start.login, methods=["GET", "POST"]),
        Route("/patient", patient.patient),
        Route("/cases/{name}.svg", start.picture),
        Route("/story", teach.story),
        Route("/runs/{run}/handout", teach.handout),
        Route("/runs/{run}/survival-{width}.svg", start.survival),
        Route("/model", patient.model),
        Route("/trial", trial.trial),
        Route("/runs", runs.runs),
        Route("/runs/{run}", runs.run),
        Route("/runs/{run}/report.html", runs.run_report),
        Route("/runs/{run}/files/{name}", runs.run_file),
        Route("/runs/{run}/download/{form}", downloads.download),
        Route("/jobs/{job}", runs.job),
        Route("/compare", runs.compare),
        Route("/design", trial.design),
        Route("/evidence", evidence.evidence),
        Route("/evidence/forest", evidence.forest),
        Route("/evidence/network", evidence.network),
        Route("/evidence/map", evidence.evidence_map),
        Route("/evidence/add", evidence.add),
        Route("/api/evidence/check", evidence_api.check_record, methods=["POST"]),
        Route("/evidence/{record}", evidence.evidence_record),
        Route("/review", trust.review),
        Route("/trust", trust.trust),
        Route("/api/patient", patient_api.patient),
        Route("/api/band", patient_api.band),
        Route("/api/observations", patient_api.observations, methods=["POST"]),
        Route("/api/patient.ant", patient_api.antimony),
        Route("/api/study/{study}", studies_api.study),
        Route("/api/check", studies_api.check, methods=["POST"]),
        Route("/api/jobs", jobs_api.add_job, methods=["POST"]),
        Route("/api/jobs/{job}", jobs_api.job),
        Route("/api/jobs/{job}/study", studies_api.study_of_job),
        Route("/api/jobs/{job}/{action}", jobs_api.act_on_job, methods=["POST"]),
        Route("/api/runs/{run}/study", studies_api.study_of_run),
        Route("/api/runs/{run}/replicates", runs_api.replicates),
        Route("/api/runs/{run}/curves", runs_api.curves),
        Route("/static/plotly.js", start.plotly),
        Mount("/static", StaticFiles(directory=HERE / "static")),
    ]
    app = Starlette(
        routes=routes,
        lifespan=lifespan,
        middleware=[Middleware(Guard, settings=settings)],
        exception_handlers={InputError: _input_error, 404: _not_found},
    )
    app.state.settings, app.state.jobs = settings, jobs
    return app


async def _input_error(request: Request, error: Exception) -> Response:
    """Bad input in words: JSON for a script, a page for a person."""
    assert isinstance(error, InputError)
    if request.url.path.startswith("/api/"):
        return problems(error)
    return message(request, "That did not work", [str(one) for one in error.problems], status=404)


async def _not_found(request: Request, error: Exception) -> Response:
    return message(request, "There is no such page", ["Choose one of the pages above."], status=404)
