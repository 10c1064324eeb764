"""Runs and jobs."""

from __future__ import annotations

from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response

from engager.app.web.jobs import DONE, JobStore
from engager.app.web.rendering import NO_SCRIPTS, render
from engager.app.web.security import named_inside
from engager.core import InputError, Problem
from engager.study import FATES, RunFolder, compare_runs, comparison_html, figure_cells, hundred_of

_FILES = ("report.html", "comparisons.json", "run.json", "study.yaml", "patients.parquet", "visits.parquet",
          "events.parquet", "trajectories.parquet", "estimates.parquet", "design.json", "trials.parquet")  # fmt: skip


async def runs(request: Request) -> Response:
    """All runs; tick two to compare them."""
    jobs: JobStore = request.app.state.jobs
    return render(request, "runs", "Runs", runs=run_rows(jobs), jobs=open_jobs(jobs))


async def run(request: Request) -> Response:
    """One run: figures published beside simulated, interactive curves, files."""
    folder = named_inside(request.app.state.settings.runs, request.path_params["run"], "run")
    if (folder / "design.json").is_file():
        return RedirectResponse(f"/runs/{folder.name}/report.html", status_code=303)
    found = RunFolder.open(folder)
    jobs: JobStore = request.app.state.jobs
    others = [one for one in run_rows(jobs) if one["kind"] == "trial" and one["id"] != found.id]
    others.sort(key=lambda one: one["study"] != found.protocol.study)  # runs of the same study first
    files = [name for name in _FILES if (folder / name).is_file()]
    return render(
        request, "run", found.protocol.title or found.id, run=found, rows=_comparison_rows(found), files=files,
        others=others, note=jobs.note(found.id),
        hundred_patients=await run_in_threadpool(hundred_of, found), fates=FATES,
    )  # fmt: skip


def _comparison_rows(found: RunFolder) -> list[dict[str, str]]:
    return [figure_cells({**one, "trial": found.protocol.study, "use": one.get("use")}) for one in found.comparisons]


async def run_report(request: Request) -> Response:
    """The run's own report; it has no scripts and is allowed none."""
    folder = named_inside(request.app.state.settings.runs, request.path_params["run"], "run")
    path = named_inside(folder, "report.html", "report")
    headers = {"content-security-policy": NO_SCRIPTS, "x-frame-options": "SAMEORIGIN"}
    return FileResponse(path, media_type="text/html", headers=headers)


async def run_file(request: Request) -> Response:
    """A file of a run, to download."""
    folder = named_inside(request.app.state.settings.runs, request.path_params["run"], "run")
    name = request.path_params["name"]
    if name not in _FILES:
        raise InputError(Problem("file", name[:100], f"must be one of {', '.join(_FILES)}"))
    path = named_inside(folder, name, "file")
    return FileResponse(path, filename=f"{folder.name}-{name}")


async def job(request: Request) -> Response:
    """A job: its progress, and where its result will be."""
    jobs: JobStore = request.app.state.jobs
    found = jobs.get(request.path_params["job"])
    result = jobs.settings.runs / found.id
    if found.state == DONE and result.is_dir():
        return RedirectResponse(f"/runs/{found.id}", status_code=303)
    return render(request, "job", found.title, job=found, log=jobs.log(found)[-4000:])


async def compare(request: Request) -> Response:
    """Runs beside each other: the comparison's own page."""
    names = request.query_params.getlist("run")
    folder = request.app.state.settings.runs
    found = await run_in_threadpool(compare_runs, [named_inside(folder, one, "run") for one in names])
    headers = {"content-security-policy": NO_SCRIPTS}
    return HTMLResponse(await run_in_threadpool(comparison_html, found), headers=headers)


def run_rows(jobs: JobStore) -> list[dict[str, Any]]:
    """Finished runs of this home, the newest first."""
    found = []
    paths = [*jobs.settings.runs.glob("*/run.json"), *jobs.settings.runs.glob("*/design.json")]
    for path in sorted(paths, key=lambda one: one.stat().st_mtime, reverse=True):
        try:
            if path.name == "design.json":
                found.append(
                    {
                        "id": path.parent.name,
                        "title": "Design",
                        "size": "",
                        "told": "design",
                        "kind": "design",
                        "study": "",
                    }
                )
                continue
            one = RunFolder.open(path)
            judged = [entry["inside"] for entry in one.comparisons if entry["inside"] is not None]
            told = f"{sum(judged)} of {len(judged)} published figures inside" if judged else "nothing to compare"
            n = one.manifest["replicates"]
            size = f"{n} x {one.manifest['patients_per_replicate']} patients, seed {one.manifest['seed']}"
            title = one.protocol.title or one.protocol.study
            found.append(
                {"id": one.id, "title": title, "size": size, "told": told, "kind": "trial", "study": one.protocol.study}
            )
        except (InputError, OSError, ValueError, KeyError):
            continue
    return found


def open_jobs(jobs: JobStore) -> list[dict[str, Any]]:
    """Jobs that have not ended well yet."""
    return [
        {"id": one.id, "title": one.title, "state": one.state, "share": round(100 * jobs.progress(one)[0])}
        for one in jobs.all()
        if one.state != DONE
    ]
