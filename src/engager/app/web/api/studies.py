"""A study read, checked and changed by key."""

from __future__ import annotations

from typing import Any

import yaml
from starlette.requests import Request
from starlette.responses import JSONResponse

from engager.app.web.api.asking import asked_of, problems
from engager.app.web.api.jobs import estimate_seconds
from engager.app.web.security import named_inside
from engager.core import InputError, Problem
from engager.protocol import Protocol, read_protocol, shipped_protocols, write_protocol
from engager.study import RunFolder, load_protocol, outside_fit, run_notes, study_differences


async def study(request: Request) -> JSONResponse:
    """A shipped study as text, with what can be changed in the form."""
    protocol = load_protocol(request.path_params["study"])
    return JSONResponse(_told(protocol, write_protocol(protocol)))


async def study_of_run(request: Request) -> JSONResponse:
    """The study that a run was made from, to change it."""
    runs = request.app.state.settings.runs
    protocol = RunFolder.open(named_inside(runs, request.path_params["run"], "run")).protocol
    return JSONResponse(_told(protocol, write_protocol(protocol)))


async def check(request: Request) -> JSONResponse:
    """A study's text (and changes of the form, by key) read and checked; the text comes back changed."""
    asked = await asked_of(request)
    text = str(asked.get("text", ""))
    changes = asked.get("changes") or {}
    try:
        if changes:
            text = _changed(text, changes)
        protocol = read_protocol(text, "study")
    except InputError as error:  # what is wrong with a study is the answer to this question
        return problems(error, status=200)
    estimate = estimate_seconds(request.app.state.jobs, protocol.n_patients, int(asked.get("replicates") or 40))
    told = {**_told(protocol, text), "estimate_s": estimate, "differences": []}
    base = str(asked.get("base") or "")
    if base in shipped_protocols():  # a name of ours, never a path
        pairs = study_differences(load_protocol(base), protocol)
        told["differences"] = [{"key": key, "base": one, "own": other} for key, one, other in pairs]
    return JSONResponse(told)


def _told(protocol: Protocol, text: str) -> dict[str, Any]:
    return {
        "text": text,
        "study": protocol.study,
        "title": protocol.title,
        "patients": protocol.n_patients,
        "notes": list(run_notes(protocol)),
        "outside": outside_fit(protocol),
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
