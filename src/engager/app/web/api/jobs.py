"""Jobs: asked for, looked at, canceled, gone on with."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse

from engager.app.web.api.asking import asked_of, whole
from engager.app.web.jobs import WAITING, Job, JobStore, replicates_of
from engager.app.web.security import named_inside
from engager.core import InputError, Problem
from engager.protocol import read_protocol
from engager.study import RunFolder, patients_simulated

# seconds for a patient of a trial where no run has told yet
_SECONDS_PER_PATIENT = 0.0015
_FEWEST_TO_TELL, _MOST_LOOKED_AT = 2000, 10
_KINDS = ("trial", "design", "sensitivity")
# A sensitivity analysis simulates its sets, and this many patients for each base sample, whatever the study's size.
_PATIENTS_PER_SAMPLE = 40


async def add_job(request: Request) -> JSONResponse:
    """Check a study and put it into the queue."""
    asked = await asked_of(request)
    kind = str(asked.get("kind", "trial"))
    if kind not in _KINDS:
        raise InputError(Problem("kind", kind, f"must be one of {', '.join(_KINDS)}"))
    text = str(asked.get("text", ""))
    protocol = read_protocol(text, "study")
    replicates, seed = whole("replicates", asked.get("replicates", 40), 1), whole("seed", asked.get("seed", 1), 0)
    jobs: JobStore = request.app.state.jobs
    title = str(asked.get("title") or protocol.study)[:60]
    if kind == "sensitivity":
        return JSONResponse(_job(jobs, _add_sensitivity(jobs, title, text, seed)))
    run = _finished_design(jobs, kind, str(asked.get("run") or ""), replicates)
    most = jobs.settings.max_patients
    patients = whole("patients", asked["patients"], 1) if asked.get("patients") else protocol.n_patients
    if patients * replicates > most:
        rule = f"patients x replicates must be at most {most}"
        raise InputError(Problem("size", patients * replicates, rule, "Use the command line for larger runs."))
    arguments = ["--replicates", str(replicates), "--seed", str(seed)]
    if asked.get("patients") and kind == "trial":
        arguments += ["--patients", str(patients)]
    new = replicates - (replicates_of(jobs.settings.runs / run) if run else 0)
    followed = patients_simulated(protocol) if kind == "design" else patients
    job = jobs.add(kind, title, text, arguments, estimate_seconds(jobs, followed, new), run)
    return JSONResponse(_job(jobs, job))


def _add_sensitivity(jobs: JobStore, title: str, text: str, seed: int) -> Job:
    size = jobs.settings
    sets, patients, samples = size.sensitivity_sets, size.sensitivity_patients, size.sensitivity_samples
    arguments = ["--sets", str(sets), "--patients", str(patients), "--samples", str(samples), "--seed", str(seed)]
    estimate = estimate_seconds(jobs, sets * patients + _PATIENTS_PER_SAMPLE * samples, 1)
    return jobs.add("sensitivity", f"Sensitivity of {title}"[:60], text, arguments, estimate)


def _finished_design(jobs: JobStore, kind: str, run: str, replicates: int) -> str:
    """The finished design that a job adds virtual trials to; empty for a job of its own."""
    if kind != "design" or not run:
        return ""
    there = replicates_of(named_inside(jobs.settings.runs, run, "design"))
    if replicates <= there:
        rule = f"must be more than the {there} that the design has"
        raise InputError(
            Problem("replicates", replicates, rule, "Its virtual trials are kept; ask for a larger number.")
        )
    return run


async def job(request: Request) -> JSONResponse:
    """How a job stands."""
    jobs: JobStore = request.app.state.jobs
    return JSONResponse(_job(jobs, jobs.get(request.path_params["job"])))


async def act_on_job(request: Request) -> JSONResponse:
    """Cancel a job, or let it go on."""
    jobs: JobStore = request.app.state.jobs
    action = request.path_params["action"]
    if action not in ("cancel", "again"):
        raise InputError(Problem("action", action, "must be cancel or again"))
    act = jobs.cancel if action == "cancel" else jobs.again
    return JSONResponse(_job(jobs, act(request.path_params["job"])))


def _job(jobs: JobStore, one: Job) -> dict[str, Any]:
    share, line = jobs.progress(one)
    return {
        "id": one.id,
        "title": one.title,
        "state": one.state,
        "share": share,
        "before": jobs.before(one) if one.state == WAITING else 0,
        "line": line[:300],
        "estimate_s": one.estimate_s,
        "note": one.note,
        "result": f"/runs/{one.result}" if jobs.has_result(one) else None,
    }


def estimate_seconds(jobs: JobStore, patients: int, replicates: int) -> float:
    """How long a run may take, by the last finished run of this home that was large enough to tell."""
    per_patient = _SECONDS_PER_PATIENT
    finished = sorted(jobs.settings.runs.glob("*/run.json"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in finished[:_MOST_LOOKED_AT]:
        try:
            manifest = RunFolder.open(path).manifest
            followed = int(manifest["replicates"]) * int(manifest["patients_per_replicate"])
            if followed >= _FEWEST_TO_TELL:  # in a smaller one the start of the program counts more than the patients
                per_patient = float(manifest["seconds"]) / followed
                break
        except (InputError, KeyError):
            continue
    return round(3.0 + per_patient * patients * replicates, 1)
