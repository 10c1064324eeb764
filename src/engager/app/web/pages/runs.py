"""Runs and jobs."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response

from engager.app.web.jobs import CANCELED, DONE, FAILED, RUNNING, WAITING, Job, JobStore
from engager.app.web.pages.downloads import FORMS
from engager.app.web.rendering import framed, render
from engager.app.web.same import Same, same_comparison, same_design, same_job, same_run, same_sensitivity
from engager.app.web.security import can_be_named, named_inside
from engager.core import InputError, Problem
from engager.protocol import read_protocol
from engager.report import without_repeats
from engager.study import FATES, RunFolder, compare_runs, comparison_html, figure_cells, hundred_of, run_notes

_FILES = ("report.html", "comparisons.json", "run.json", "study.yaml", "patients.parquet", "visits.parquet",
          "events.parquet", "trajectories.parquet", "estimates.parquet", "design.json", "trials.parquet")  # fmt: skip
_SUBGROUPS = ("age_years < 35", "age_years >= 35 and age_years < 55", "age_years >= 55", "marrow_blasts_percent < 50",
              "marrow_blasts_percent >= 50", "salvage_line == 1", "salvage_line >= 2", "prior_hsct", "not prior_hsct",
              "female", "not female")  # fmt: skip
_SENSITIVITY = "sensitivity.html"


async def runs(request: Request) -> Response:
    """All runs; tick two to compare them."""
    jobs: JobStore = request.app.state.jobs
    return render(
        request, "runs", "Runs", runs=run_rows(jobs), jobs=jobs_told(jobs, WAITING, RUNNING),
        stopped=jobs_told(jobs, FAILED, CANCELED),
    )  # fmt: skip


async def run(request: Request) -> Response:
    """One run: figures published beside simulated, interactive curves, files."""
    folder = named_inside(request.app.state.settings.runs, request.path_params["run"], "run")
    jobs: JobStore = request.app.state.jobs
    if not any((folder / name).is_file() for name in _TOLD):
        if any(one.id == folder.name for one in jobs.all()):
            return RedirectResponse(f"/jobs/{folder.name}", status_code=303)
        hint = "The command that began it goes on with --resume."
        raise InputError(Problem("run", folder.name, "is not finished", hint))
    if (folder / "design.json").is_file():
        return RedirectResponse(f"/runs/{folder.name}/report.html", status_code=303)
    if (folder / _SENSITIVITY).is_file():
        return framed((folder / _SENSITIVITY).read_text(encoding="utf-8"), "runs", _same_sensitivity(jobs, folder.name))
    found = RunFolder.open(folder)
    others = [one for one in run_rows(jobs) if one["kind"] == "trial" and one["id"] != found.id]
    others.sort(key=lambda one: one["study"] != found.protocol.study)  # runs of the same study first
    files = [name for name in _FILES if (folder / name).is_file()]
    told = dict.fromkeys(one["subgroup"] for one in found.comparisons if one.get("subgroup"))
    return render(
        request, "run", found.protocol.title or found.id, run=found, rows=_comparison_rows(found), files=files,
        forms=FORMS, subgroups=list(dict.fromkeys([*told, *_SUBGROUPS])),
        others=others, note=jobs.note(found.id), same=same_run(found),
        hundred_patients=await run_in_threadpool(hundred_of, found), fates=FATES, assumed=run_notes(found.protocol),
    )  # fmt: skip


def _same_sensitivity(jobs: JobStore, run: str) -> Same:
    """By the job that made it; one of the command line says no more than its page."""
    job = next((one for one in jobs.all() if one.result == run), None)
    return same_job(job, jobs.study(job)) if job is not None else same_sensitivity()


def _comparison_rows(found: RunFolder) -> list[dict[str, str]]:
    """Each figure once, also where several publications print it."""
    told = without_repeats(found.comparisons)
    return [figure_cells({**one, "trial": found.protocol.study, "use": one.get("use")}) for one in told]


async def run_report(request: Request) -> Response:
    """The run's own report; it has no scripts and is allowed none."""
    folder = named_inside(request.app.state.settings.runs, request.path_params["run"], "run")
    path = named_inside(folder, "report.html", "report")
    extra = [(f"/runs/{folder.name}", "Back to the run"), (f"/runs/{folder.name}/files/report.html", "Download")]
    if (folder / "design.json").is_file():
        extra[0] = (f"/design?run={folder.name}", "Add virtual trials")
        same = same_design(folder)
    else:
        same = same_run(RunFolder.open(folder))
    return framed(path.read_text(encoding="utf-8"), "runs", same, extra)


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
    if found.state == DONE and jobs.has_result(found):
        return RedirectResponse(f"/runs/{found.result}", status_code=303)
    same = same_job(found, jobs.study(found))
    return render(
        request, "job", found.title, job=found, log=jobs.log(found)[-4000:], same=same, size=job_size(found),
        change=_change(found),
    )  # fmt: skip


def _change(job: Job) -> str:
    """Where the study of a job is changed."""
    if job.run:
        return f"/design?run={job.run}"
    return f"/{'design' if job.kind == 'design' else 'trial'}?job={job.id}"


def job_size(job: Job) -> str:
    """What a job was asked for, e.g. ``trial: 40 replicates, seed 1``."""
    return f"{job.kind}: " + ", ".join(
        f"{name} {value}" if name == "seed" else f"{value} {name}" for name, value in job.options.items()
    )


async def compare(request: Request) -> Response:
    """Runs beside each other: the comparison's own page."""
    names = request.query_params.getlist("run")
    if len(names) < 2:
        raise InputError(Problem("runs", len(names), "are too few to compare", "Go back and tick two or more."))
    folder = request.app.state.settings.runs
    found = await run_in_threadpool(compare_runs, [named_inside(folder, one, "run") for one in names])
    return framed(await run_in_threadpool(comparison_html, found), "runs", same_comparison(names))


def run_rows(jobs: JobStore) -> list[dict[str, Any]]:
    """Finished runs, designs and sensitivity analyses of this home, the newest first."""
    found = []
    paths = [path for name in _TOLD for path in jobs.settings.runs.glob(f"*/{name}")]
    for path in sorted(paths, key=lambda one: one.stat().st_mtime, reverse=True):
        if not can_be_named(path.parent.name):  # one that begins with a point is still being written
            continue
        try:
            made = datetime.fromtimestamp(path.stat().st_mtime).strftime("%Y-%m-%d %H:%M")
            found.append({"id": path.parent.name, "made": made, "study": "", **_TOLD[path.name](path)})
        except (InputError, OSError, ValueError, KeyError, TypeError):
            continue
    return found


def _trial_row(path: Path) -> dict[str, Any]:
    one = RunFolder.open(path)
    n = one.manifest["replicates"]
    return {
        "kind": "trial",
        "title": one.protocol.title or one.protocol.study,
        "size": f"{n} x {one.manifest['patients_per_replicate']} patients, seed {one.manifest['seed']}",
        "told": _verdict_words(one),
        "study": one.protocol.study,
        "has_verdict": bool(one.verdict.headline),
    }


def _verdict_words(one: RunFolder) -> str:
    """What became of the published figures: counted, too few virtual trials to judge them, or none given."""
    if one.verdict.headline:
        return f"inside: {one.verdict.headline}"
    if not one.comparisons:
        return "nothing to compare"
    n = one.manifest["replicates"]
    return f"beside published figures; {n} virtual trial{'s are' if n > 1 else ' is'} too few to judge them"


def _design_row(path: Path) -> dict[str, str]:
    told = json.loads(path.read_text(encoding="utf-8"))
    protocol = read_protocol((path.parent / "study.yaml").read_text(encoding="utf-8"), path.parent.name)
    sizes = sorted({row["patients"] for row in told["rows"]})
    shares = [row["assurance"]["success"]["value"] for row in told["rows"] if row["assurance"]]
    return {
        "kind": "design",
        "title": f"Design: {protocol.title or protocol.study}",
        "size": f"{told['replicates']} x {_span(sizes)} patients, seed {told['seed']}",
        "told": f"assurance {_span([round(100 * one) for one in shares])} %",
    }


def _sensitivity_row(path: Path) -> dict[str, str]:
    told = json.loads(path.read_text(encoding="utf-8"))
    return {
        "kind": "sensitivity",
        "title": f"Sensitivity of {told['study']}",
        "size": f"seed {told['seed']}",
        "told": "what drives it",
    }


def _span(values: Sequence[int]) -> str:
    return f"{min(values)}" if min(values) == max(values) else f"{min(values)} to {max(values)}"


_TOLD: dict[str, Callable[[Path], dict[str, str]]] = {
    "run.json": _trial_row,
    "design.json": _design_row,
    "sensitivity.json": _sensitivity_row,
}


def jobs_told(jobs: JobStore, *states: str) -> list[dict[str, Any]]:
    """Jobs in some states, the newest first."""
    return [
        {
            "id": one.id,
            "title": one.title,
            "state": f"{one.state}, {100 * jobs.progress(one)[0]:.0f} %" if one.state == RUNNING else one.state,
            "size": job_size(one),
        }
        for one in jobs.all()
        if one.state in states
    ]
