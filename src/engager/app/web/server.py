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

from engager.app.web import api, pages
from engager.app.web.jobs import JobStore
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
            pages.ensure_example(jobs)
        yield
        jobs.stop()

    routes: list[BaseRoute] = [
        Route("/", pages.start),
        Route("/login", pages.login, methods=["GET", "POST"]),
        Route("/patient", pages.patient),
        Route("/trial", pages.trial),
        Route("/runs", pages.runs),
        Route("/runs/{run}", pages.run),
        Route("/runs/{run}/report.html", pages.run_report),
        Route("/runs/{run}/files/{name}", pages.run_file),
        Route("/jobs/{job}", pages.job),
        Route("/compare", pages.compare),
        Route("/design", pages.design),
        Route("/evidence", pages.evidence),
        Route("/evidence/{record}", pages.evidence_record),
        Route("/review", pages.review),
        Route("/trust", pages.trust),
        Route("/api/patient", api.patient),
        Route("/api/study/{study}", api.study),
        Route("/api/check", api.check, methods=["POST"]),
        Route("/api/jobs", api.add_job, methods=["POST"]),
        Route("/api/jobs/{job}", api.job),
        Route("/api/jobs/{job}/{action}", api.act_on_job, methods=["POST"]),
        Route("/api/runs/{run}/curves", api.curves),
        Route("/static/plotly.js", pages.plotly),
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
        return api.problems(error)
    return pages.message(request, "That did not work", [str(one) for one in error.problems], status=404)


async def _not_found(request: Request, error: Exception) -> Response:
    return pages.message(request, "There is no such page", ["Choose one of the pages above."], status=404)
