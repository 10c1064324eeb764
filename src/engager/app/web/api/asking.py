"""How a question is read and bad input is answered."""

from __future__ import annotations

import math
import re
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse

from engager.app.web.form import field_of
from engager.core import InputError, Problem

_OPTION = re.compile(r"^--(set )?")  # of the command line, which a page does not have


def problems(error: InputError, status: int = 422) -> JSONResponse:
    """Bad input as a list of what, where, value, rule and next step."""
    told = [
        {
            "where": _OPTION.sub("", one.where),
            "value": str(one.value)[:200],
            "rule": one.rule,
            "next_step": one.next_step,
            "text": _OPTION.sub("", str(one)),
            "field": field_of(one),
        }
        for one in error.problems
    ]
    return JSONResponse({"problems": told}, status_code=status)


async def asked_of(request: Request) -> dict[str, Any]:
    """The JSON object of a post."""
    try:
        found = await request.json()
    except (ValueError, RecursionError):  # also of brackets nested without end
        found = None
    if not isinstance(found, dict):
        raise InputError(Problem("request", "its body", "must be one JSON object"))
    return found


def number(name: str, text: str) -> float:
    """A finite number of a question."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InputError(Problem(name, text, "must be a number"))
    return value


def whole(name: str, value: Any, least: int) -> int:
    """A whole number from `least`; 1.7 and true are none."""
    try:
        number = int(str(value))
    except ValueError:
        number = least - 1
    if number < least:
        raise InputError(Problem(name, str(value)[:40], f"must be a whole number from {least}"))
    return number
