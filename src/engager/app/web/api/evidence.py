"""A record of one's own: made from a form, checked. Nothing of it is kept."""

from __future__ import annotations

from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse

from engager.app.web.api.asking import asked_of, problems
from engager.core import InputError, Problem
from engager.study import check_record_text, record_text

_MOST_FIGURES = 50


async def check_record(request: Request) -> JSONResponse:
    """A record's text, or the fields of the form, checked as `engager evidence check` does; the text comes back."""
    asked = await asked_of(request)
    if "fields" not in asked:
        text = str(asked.get("text", ""))
    else:
        fields, figures = asked["fields"], asked.get("figures") or []
        if not _are_words(fields) or not isinstance(figures, list) or not all(map(_are_words, figures)):
            raise InputError(Problem("fields", "the form", "must be words by name"))
        text = record_text(fields, figures[:_MOST_FIGURES])
    try:
        found = await run_in_threadpool(check_record_text, text)
    except InputError as error:  # what is wrong with a record is the answer
        answer = problems(error, status=200)
        return JSONResponse({**_content(answer), "text": text})
    return JSONResponse({"text": text, "told": f"{found.id}: {found.holds}", "remarks": list(found.remarks)})


def _are_words(content: Any) -> bool:
    return isinstance(content, dict) and all(isinstance(value, str) for value in content.values())


def _content(answer: JSONResponse) -> dict[str, Any]:
    import json

    found: dict[str, Any] = json.loads(bytes(answer.body))
    return found
