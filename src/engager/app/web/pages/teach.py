"""Pages for a fellow or a teacher: one patient told in words, a handout of a run."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from engager.app.web.api.asking import whole
from engager.app.web.rendering import render
from engager.app.web.same import same_handout
from engager.app.web.security import named_inside
from engager.core import InputError, Problem
from engager.model import presets_of
from engager.study import (
    RunFolder,
    handout_of,
    outcome_sentence,
    patient_story,
    reason_sentence,
    regimen_by_id,
    regimens_for_arms,
    story_svgs,
    traits,
    verdict_sentence,
)

CHEMOTHERAPY = "soc-chemotherapy-tower"
_GUESSES = {"clear": "the marrow will be clear", "stays": "the leukemia will stay", "none": ""}


async def story(request: Request) -> Response:
    """One patient: guess first, then what happened and why, and the same patient under chemotherapy."""
    asked = request.query_params
    number = whole("patient", asked.get("patient", "2"), 1)
    regimen = asked.get("regimen", "blinatumomab")
    guess = asked.get("guess", "")
    if guess not in ("", *_GUESSES):
        raise InputError(Problem("guess", guess[:40], f"must be one of {', '.join(_GUESSES)}"))
    told = await run_in_threadpool(_told, number, regimen, bool(guess))
    arms = await run_in_threadpool(regimens_for_arms)
    return render(
        request, "story", f"Patient {number}", number=number, regimen=regimen, guess=guess,
        guess_words=_GUESSES.get(guess, ""), regimens=arms, **told,
    )  # fmt: skip


def _told(number: int, regimen: str, is_revealed: bool) -> dict[str, Any]:
    found = patient_story(number, regimen_by_id(regimen))
    told: dict[str, Any] = {"traits": traits(found), "is_clear": found.is_clear, "judged_day": found.judged_day}
    if not is_revealed:
        return told
    patients = {regimen: found.patient}
    told["other"] = ""
    if regimen != CHEMOTHERAPY:
        other = patient_story(number, regimen_by_id(CHEMOTHERAPY))
        patients[CHEMOTHERAPY] = other.patient
        told["other"] = outcome_sentence(other)
    seen = {one.name: f"{found.patient.covariates[one.name]:.4g}" for one in presets_of().sliders
            if one.name in found.patient.covariates}  # fmt: skip
    return told | {
        "sliders": urlencode({"regimen": regimen, **seen}),
        "verdict": verdict_sentence(found),
        "timeline": found.timeline,
        "reasons": [reason_sentence(found, one) for one in found.reasons],
        "figures": story_svgs(patients),
    }


async def handout(request: Request) -> Response:
    """A run on one printed page."""
    folder = named_inside(request.app.state.settings.runs, request.path_params["run"], "run")
    run = RunFolder.open(folder)
    found = await run_in_threadpool(handout_of, run)
    return render(request, "handout", found.title, told=found, run_id=folder.name, same=same_handout(run))
