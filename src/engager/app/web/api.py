"""What the pages' scripts ask for: one patient's courses, a study checked, jobs, curves. All of it by `study`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import yaml
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse

from engager.app.web.jobs import Job, JobStore
from engager.app.web.security import named_inside
from engager.core import InputError, Problem
from engager.protocol import Protocol, read_protocol, write_protocol
from engager.study import RunFolder, curves_of, load_protocol, regimen_by_id, run_notes, simulate_patient

MAX_REGIMENS = 2
_STEP = 4  # courses are hourly; a screen shows every fourth hour
# seconds for a patient of a trial where no run has told yet
_SECONDS_PER_PATIENT = 0.0015


def problems(error: InputError, status: int = 422) -> JSONResponse:
    """Bad input as a list of what, where, value, rule and next step."""
    told = [
        {
            "where": one.where,
            "value": str(one.value)[:200],
            "rule": one.rule,
            "next_step": one.next_step,
            "text": str(one),
        }
        for one in error.problems
    ]
    return JSONResponse({"problems": told}, status_code=status)


async def patient(request: Request) -> JSONResponse:
    """Courses of one virtual patient under one or two regimens."""
    asked = dict(request.query_params)
    names = [asked.pop(key) for key in ("regimen", "other") if asked.get(key)]
    asked.pop("other", None)
    try:
        days = _number("days", asked.pop("days", "84"))
        changes = {name: _number(name, value) for name, value in asked.items() if value != ""}
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


async def study(request: Request) -> JSONResponse:
    """A shipped study as text, with what can be changed in the form."""
    protocol = load_protocol(request.path_params["study"])
    return JSONResponse(_told(protocol, write_protocol(protocol)))


async def check(request: Request) -> JSONResponse:
    """A study's text (and changes of the form, by key) read and checked; the text comes back changed."""
    asked = await _asked(request)
    text = str(asked.get("text", ""))
    changes = asked.get("changes") or {}
    try:
        if changes:
            text = _changed(text, changes)
        protocol = read_protocol(text, "study")
    except InputError as error:  # what is wrong with a study is the answer to this question
        return problems(error, status=200)
    estimate = estimate_seconds(request.app.state.jobs, protocol.n_patients, int(asked.get("replicates") or 40))
    return JSONResponse({**_told(protocol, text), "estimate_s": estimate})


def _told(protocol: Protocol, text: str) -> dict[str, Any]:
    return {
        "text": text,
        "study": protocol.study,
        "title": protocol.title,
        "patients": protocol.n_patients,
        "notes": list(run_notes(protocol)),
        "fields": _fields(protocol.model_dump(mode="json", exclude_none=True)),
    }


_IN_FORM = ("population", "arms", "allocation", "follow_up", "hsct", "visits")


def _fields(content: dict[str, Any]) -> list[dict[str, Any]]:
    """Plain values that a form can change: key (names joined by ``/``), value and kind."""
    found: list[dict[str, Any]] = []

    def walk(value: Any, key: str) -> None:
        if isinstance(value, dict):
            for name, inner in value.items():
                walk(inner, f"{key}/{name}" if key else str(name))
        elif isinstance(value, bool):
            found.append({"key": key, "value": value, "kind": "yes_no"})
        elif isinstance(value, int | float):
            found.append({"key": key, "value": value, "kind": "number"})
        elif isinstance(value, str) and len(value) < 60:
            found.append({"key": key, "value": value, "kind": "text"})

    for block in _IN_FORM:
        walk(content.get(block, {}), block)
    return found


def _changed(text: str, changes: dict[str, Any]) -> str:
    """The text with some plain values changed; comments are lost, as the form says."""
    content = yaml.safe_load(text)
    if not isinstance(content, dict):
        raise InputError(Problem("study", type(content).__name__, "must be a mapping of keys", "Start with study: ..."))
    for key, value in changes.items():
        place: Any = content
        *path, last = str(key).split("/")  # names hold dots (bins), never slashes
        for name in path:
            if not isinstance(place, dict):
                raise InputError(Problem(key, value, "is no key of this study"))
            place = place.setdefault(_as_written(place, name), {})
        if not isinstance(place, dict):
            rule = "stands below a value written in short form"
            raise InputError(Problem(key, value, rule, "Change it in the text."))
        place[_as_written(place, last)] = value
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True)


def _as_written(place: dict[Any, Any], name: str) -> Any:
    """The key that reads `name`: a file may write ``1:`` as a number."""
    return next((key for key in place if str(key) == name), name)


async def _asked(request: Request) -> dict[str, Any]:
    """The JSON object of a post."""
    try:
        found = await request.json()
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise InputError(Problem("request", "its body", "must be one JSON object"))
    return found


async def add_job(request: Request) -> JSONResponse:
    """Check a study and put it into the queue."""
    asked = await _asked(request)
    kind = str(asked.get("kind", "trial"))
    if kind not in ("trial", "design"):
        raise InputError(Problem("kind", kind, "must be trial or design"))
    text = str(asked.get("text", ""))
    protocol = read_protocol(text, "study")
    replicates, seed = _whole("replicates", asked.get("replicates", 40), 1), _whole("seed", asked.get("seed", 1), 0)
    jobs: JobStore = request.app.state.jobs
    most = jobs.settings.max_patients
    patients = _whole("patients", asked["patients"], 1) if asked.get("patients") else protocol.n_patients
    if patients * replicates > most:
        rule = f"patients x replicates must be at most {most}"
        raise InputError(Problem("size", patients * replicates, rule, "Use the command line for larger runs."))
    arguments = ["--replicates", str(replicates), "--seed", str(seed)]
    if asked.get("patients") and kind == "trial":
        arguments += ["--patients", str(patients)]
    title = str(asked.get("title") or protocol.study)[:60]
    job = jobs.add(kind, title, text, arguments, estimate_seconds(jobs, patients, replicates))
    return JSONResponse(_job(jobs, job))


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
    run = jobs.settings.runs / one.id
    return {
        "id": one.id,
        "title": one.title,
        "state": one.state,
        "share": share,
        "line": line[:300],
        "estimate_s": one.estimate_s,
        "result": f"/runs/{one.id}" if (run / "run.json").is_file() or (run / "report.html").is_file() else None,
    }


async def curves(request: Request) -> JSONResponse:
    """Simulated survival of a run, for the interactive figure."""
    runs = request.app.state.settings.runs
    found = RunFolder.open(named_inside(runs, request.path_params["run"], "run"))
    table = await run_in_threadpool(curves_of, [found])
    lines = []
    for (endpoint, arm), rows in table.group_by(["endpoint", "arm"], maintain_order=True):
        kept = rows.filter(rows["survival"].is_not_nan() & (rows["at_risk"] >= 1))
        columns = {
            name: [_plain(value) for value in kept[name].to_list()] for name in ("month", "survival", "low", "high")
        }
        lines.append({"endpoint": endpoint, "arm": arm, "at_risk": kept["at_risk"].to_list(), **columns})
    points = [
        {"endpoint": one["endpoint"], "arm": one["arm"], "month": one["time_months"], **one["published"]}
        for one in found.comparisons
        if one["statistic"] == "survival_at" and not one.get("subgroup")
    ]
    return JSONResponse({"lines": lines, "published": points})


def _plain(value: float) -> float | None:
    return None if value is None or not math.isfinite(value) else round(value, 4)


def estimate_seconds(jobs: JobStore, patients: int, replicates: int) -> float:
    """How long a run may take, by the last finished run of this home."""
    per_patient = _SECONDS_PER_PATIENT
    finished = sorted(jobs.settings.runs.glob("*/run.json"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in finished[:1]:
        try:
            manifest = RunFolder.open(path).manifest
            per_patient = float(manifest["seconds"]) / (manifest["replicates"] * manifest["patients_per_replicate"])
        except (InputError, KeyError, ZeroDivisionError):
            pass
    return round(3.0 + per_patient * patients * replicates, 1)


def _number(name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InputError(Problem(name, text, "must be a number"))
    return value


def _whole(name: str, value: Any, least: int) -> int:
    try:
        number = int(value)
    except (TypeError, ValueError):
        number = least - 1
    if number < least:
        raise InputError(Problem(name, value, f"must be a whole number from {least}"))
    return number
