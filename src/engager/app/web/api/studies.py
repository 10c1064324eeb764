"""A study read, checked and changed by key."""

from __future__ import annotations

from typing import Any

import yaml
from starlette.requests import Request
from starlette.responses import JSONResponse

from engager.app.web.api.asking import asked_of, problems
from engager.app.web.api.jobs import estimate_seconds
from engager.app.web.form import form_fields
from engager.app.web.jobs import JobStore
from engager.app.web.security import named_inside
from engager.core import InputError, Problem
from engager.protocol import Protocol, read_protocol, shipped_protocols, write_protocol
from engager.study import RunFolder, load_protocol, outside_fit, patients_simulated, run_notes, study_differences


async def study(request: Request) -> JSONResponse:
    """A shipped study as text, with what can be changed in the form."""
    name = request.path_params["study"]
    if name not in shipped_protocols():  # never a path: a file of the server's folder is nobody's business
        raise InputError(Problem("study", name[:100], "is no shipped study"))
    protocol = load_protocol(name)
    return JSONResponse(_told(protocol, write_protocol(protocol)))


async def study_of_run(request: Request) -> JSONResponse:
    """The study that a run was made from, to change it."""
    runs = request.app.state.settings.runs
    protocol = RunFolder.open(named_inside(runs, request.path_params["run"], "run")).protocol
    return JSONResponse(_told(protocol, write_protocol(protocol)))


async def study_of_job(request: Request) -> JSONResponse:
    """The study of a job, to change it."""
    jobs: JobStore = request.app.state.jobs
    text = jobs.study(jobs.get(request.path_params["job"]))
    return JSONResponse(_told(read_protocol(text, "study"), text))


async def check(request: Request) -> JSONResponse:
    """A study's text (and changes of the form, by key) read and checked; the text comes back changed."""
    asked = await asked_of(request)
    text = str(asked.get("text", ""))
    changes = asked.get("changes") or {}
    if not isinstance(changes, dict):
        raise InputError(Problem("changes", type(changes).__name__, "must be values by key"))
    try:
        if changes:
            text = _changed(text, changes)
        protocol = read_protocol(text, "study")
    except InputError as error:  # what is wrong with a study is the answer to this question
        return problems(error, status=200)
    try:
        n = _patients_of(protocol, asked)
    except InputError as error:
        return problems(error, status=200)
    estimate = estimate_seconds(request.app.state.jobs, n, _positive(asked.get("replicates"), 40))
    told = {**_told(protocol, text), "estimate_s": estimate, "differences": []}
    base = str(asked.get("base") or "")
    if base in shipped_protocols():  # a name of ours, never a path
        pairs = study_differences(load_protocol(base), protocol)
        told["differences"] = [{"key": key, "base": one, "own": other} for key, one, other in pairs]
    return JSONResponse(told)


def _patients_of(protocol: Protocol, asked: dict[str, Any]) -> int:
    """Patients of one virtual trial, or of all that a design simulates for one."""
    if asked.get("kind") == "design":
        return patients_simulated(protocol)
    return _positive(asked.get("patients"), protocol.n_patients)


def _positive(value: Any, otherwise: int) -> int:
    """What was filled in; a slip there is told when the job is asked for."""
    try:
        return max(int(value), 1)
    except (TypeError, ValueError):
        return otherwise


def _told(protocol: Protocol, text: str) -> dict[str, Any]:
    return {
        "text": text,
        "study": protocol.study,
        "title": protocol.title,
        "patients": protocol.n_patients,
        "notes": list(run_notes(protocol)),
        "outside": outside_fit(protocol),
        "fields": form_fields(protocol),
    }


def _changed(text: str, changes: dict[str, Any]) -> str:
    """The text with some plain values changed; comments are lost, as the form says."""
    content = yaml.safe_load(text)
    if not isinstance(content, dict):
        raise InputError(Problem("study", type(content).__name__, "must be a mapping of keys", "Start with study: ..."))
    for key, value in changes.items():
        *path, last = str(key).split("/")  # names hold dots (bins), never slashes
        place: Any = content
        for name in path:
            place = _below(place, name, key, value)
        if isinstance(place, list):
            place[_place_in(place, last, key, value)] = value
        elif isinstance(place, dict):
            place[_as_written(place, last)] = value
        else:
            raise _short_form(key, value)
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True)


def _below(place: Any, name: str, key: str, value: Any) -> Any:
    if isinstance(place, list):
        return place[_place_in(place, name, key, value)]
    if not isinstance(place, dict):
        raise _short_form(key, value)
    return place.setdefault(_as_written(place, name), {})


def _place_in(place: list[Any], name: str, key: str, value: Any) -> int:
    if name.isdigit() and int(name) < len(place):
        return int(name)
    raise InputError(Problem(f"study: {_dotted(key)}", value, "is no key of this study", "Change it in the text."))


def _short_form(key: str, value: Any) -> InputError:
    rule = "stands below a value written in short form"
    return InputError(Problem(f"study: {_dotted(key)}", value, rule, "Change it in the text."))


def _dotted(key: str) -> str:
    return key.replace("/", ".")


def _as_written(place: dict[Any, Any], name: str) -> Any:
    """The key that reads `name`: a file may write ``1:`` as a number."""
    return next((key for key in place if str(key) == name), name)
