"""One patient's courses, a band of many, own data to lay over them, the patient as a model file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from engager.app.web.api.asking import asked_of, number, problems, whole
from engager.core import PATIENT_DAYS, InputError, Problem
from engager.model import presets_of
from engager.protocol import Regimen
from engager.study import (
    COURSES,
    OwnRegimen,
    own_regimen,
    patient_antimony,
    patient_traits,
    read_own_data,
    regimen_by_id,
    simulate_band,
    simulate_patient,
)

OWN = "own"
BAND_PATIENTS = 200
_STEP = 4  # courses are hourly; a screen shows every fourth hour
_MOST_DAYS = 730.0
_MOST_TIMES = 800
_OWN_KEYS = ("steps", "unit", "on", "off", "cycles", "in", "dex")


@dataclass(frozen=True)
class Asked:
    """What a question about a patient says.

    Attributes
    ----------
    names : of one regimen or two. own : the built one, when one of them is that. days, changes : of the patient.
    """

    names: tuple[str, ...]
    own: OwnRegimen | None
    days: float
    changes: Mapping[str, float]

    def regimen(self, name: str) -> Regimen:
        """The regimen of that name."""
        return self.own.regimen if name == OWN and self.own is not None else regimen_by_id(name)


def read_asked(request: Request) -> Asked:
    """The query as a patient and regimens.

    Raises
    ------
    InputError
        When a number is none, or the built regimen breaks rules.
    """
    asked = dict(request.query_params)
    names = [asked.pop(key) for key in ("regimen", "other") if asked.get(key)] or ["blinatumomab"]
    asked.pop("other", None)
    built = {key: asked.pop(f"own_{key}", "") for key in _OWN_KEYS}
    days = number("days", asked.pop("days", str(PATIENT_DAYS)))
    if days > _MOST_DAYS:
        raise InputError(Problem("days", days, f"must be at most {_MOST_DAYS:g} on this page"))
    changes = {name: number(name, value) for name, value in asked.items() if value != ""}
    changes = presets_of().completed(changes)
    return Asked(tuple(names), _built(built) if OWN in names else None, days, changes)


def _built(given: Mapping[str, str]) -> OwnRegimen:
    """The regimen of the builder; its steps are written ``9@1,28@8`` (amount at day)."""
    steps = []
    for part in given["steps"].split(","):
        amount, _, day = part.partition("@")
        steps.append((number("amount", amount), whole("first day", day or "1", 1)))
    return own_regimen(
        steps,
        unit=given["unit"] or "ug/day",
        days_on=whole("days on", given["on"] or 28, 1),
        days_off=whole("days off", given["off"] or 14, 0),
        cycles=whole("cycles", given["cycles"] or 5, 1),
        steps_in="every" if given["in"] == "every" else "first",
        dexamethasone_mg=number("dexamethasone", given["dex"] or "0"),
    )


async def patient(request: Request) -> JSONResponse:
    """Courses of one virtual patient under one or two regimens."""
    return await _answered(request, _courses)


async def band(request: Request) -> JSONResponse:
    """Quantiles of many patients under the first regimen, and exposure against response."""
    return await _answered(request, _band)


async def _answered(request: Request, make: Any) -> JSONResponse:
    try:
        return JSONResponse(await run_in_threadpool(lambda: make(read_asked(request))))
    except InputError as error:  # what cannot be simulated is an answer to what was asked
        return problems(error, status=200)


async def antimony(request: Request) -> Response:
    """The model with this patient's numbers, to download."""

    def text() -> str:
        asked = read_asked(request)
        return patient_antimony(simulate_patient(asked.regimen(asked.names[0]), days=1.0, changes=asked.changes))

    headers = {"content-disposition": 'attachment; filename="patient.ant"'}
    return PlainTextResponse(await run_in_threadpool(text), headers=headers)


async def observations(request: Request) -> JSONResponse:
    """A table of one's own read and checked; nothing of it is kept."""
    asked = await asked_of(request)
    try:
        found = await run_in_threadpool(read_own_data, str(asked.get("text", "")), str(asked.get("time_unit", "h")))
    except InputError as error:  # what is wrong with the table is the answer
        return problems(error, status=200)
    points = [{"id": who, "day": day, "value": value, "below": below} for who, day, value, below in found.points]
    return JSONResponse({"points": points, "left_out": found.left_out})


def _courses(asked: Asked) -> dict[str, Any]:
    told: dict[str, Any] = {"regimens": list(asked.names), "panels": []}
    notes: dict[str, tuple[str, ...]] = {}
    panels: dict[str, dict[str, Any]] = {}
    for name in asked.names:
        one = simulate_patient(asked.regimen(name), days=asked.days, changes=asked.changes)
        step = max(_STEP, -(-one.days.size // _MOST_TIMES))
        told["who"] = "; ".join(
            f"a {words}" if name == "patient" else f"{name}: {words}"
            for name, words in patient_traits(one.covariates).items()
        )
        notes[name] = one.notes
        for label, course in one.courses().courses.items():
            panel = panels.setdefault(
                course.panel, {"title": course.panel, "unit": course.unit, "floor": course.floor, "lines": [],
                               "limits": [[float(at), words] for at, words in (course.limits or {}).items()]},
            )  # fmt: skip
            shown = np.maximum(np.asarray(course.values, dtype=float)[::step], course.floor or 0.0)
            panel["lines"].append({"regimen": name, "label": label, "y": _short(shown)})
        told["days"] = [round(float(day), 3) for day in one.days[::step]]
    told["panels"], told["notes"] = list(panels.values()), _notes(notes)
    return told | _without_page(asked)


def _notes(by_regimen: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Each note once; one that does not hold under every regimen names its own."""
    told = {
        note if all(note in notes for notes in by_regimen.values()) else f"{name}: {note}": None
        for name, own in by_regimen.items()
        for note in own
    }
    return list(told)


def _without_page(asked: Asked) -> dict[str, str]:
    """The command, the Python and the study file that do the same."""
    sets = " ".join(f"--set {name}={value:g}" for name, value in asked.changes.items())
    compare = f" --compare {asked.names[1]}" if len(asked.names) > 1 else ""
    command = f"engager patient --regimen {asked.names[0]}{compare} --days {asked.days:g} {sets}".strip()
    if asked.own is not None:
        command = "engager trial run own-regimen.yaml   # the study file below: a built regimen has no id"
    first = asked.names[0]
    got = "regimen" if first == OWN else f"regimen_by_id({first!r})"
    own = "from engager.study import load_protocol, simulate_patient\n"
    own += 'regimen = load_protocol("own-regimen.yaml").arms["own-regimen"].regimen\n'
    head = own if first == OWN else "from engager.study import regimen_by_id, simulate_patient\n"
    python = f"{head}simulate_patient({got}, days={asked.days:g}, changes={dict(asked.changes)!r})"
    shipped = f"arms:\n  {first}: {{n: 100, regimen: {first}}}\n"
    return {"command": command, "python": python, "yaml": shipped if asked.own is None else asked.own.study}


def _band(asked: Asked) -> dict[str, Any]:
    found = simulate_band(asked.regimen(asked.names[0]), patients=BAND_PATIENTS, days=asked.days, changes=asked.changes)
    panels: dict[str, list[dict[str, Any]]] = {}
    for course in COURSES:
        if course.column in found.quantiles:
            low, middle, high = np.maximum(found.quantiles[course.column] * course.scale, course.floor)
            line = {"label": course.label, "low": _short(low), "middle": _short(middle), "high": _short(high)}
            panels.setdefault(course.panel, []).append(line)
    return {
        "days": [round(float(day), 3) for day in found.days],
        "panels": panels,
        "exposure": _short(found.exposure),
        "blasts": _short(found.blasts),
        "assessed_day": found.assessed_day,
        "patients": found.n_patients,
        "failed": found.n_failed,
    }


def _short(values: Any) -> list[float]:
    """Four digits, which no screen can tell from all."""
    return [float(f"{value:.4g}") for value in values]
