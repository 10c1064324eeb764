"""What the blocks of a study file share: strict keys, finite numbers, refusals that can be told."""

from __future__ import annotations

import math
import re
from typing import Annotated, Any, NoReturn

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

# Python's float() also takes 1_000, which is a slip as often as a number.
_WRITTEN = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", re.ASCII)


class Part(BaseModel):
    """A block of a study file: unknown keys are refused, nothing changes after reading."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


def refuse(rule: str, next_step: str = "") -> NoReturn:
    """Stop reading this value: `rule` says what would have been right, `next_step` what to do."""
    # Braces would be read as placeholders by pydantic, so the texts travel as values.
    raise PydanticCustomError("refused", "{rule}", {"rule": rule, "next_step": next_step})


def read_number(value: Any) -> float:
    """A finite number; one in quotes is read too, when it is written as numbers are."""
    is_written = isinstance(value, str) and _WRITTEN.fullmatch(value.strip())
    if isinstance(value, bool) or not (is_written or isinstance(value, int | float)):
        refuse("must be a number")
    try:
        number = float(value)
    except OverflowError:  # a whole number beyond what a float holds
        refuse("must be a finite number")
    if not math.isfinite(number):
        refuse("must be a finite number")
    return number


def read_whole(value: Any) -> int:
    """A whole number; 3.0 counts, 3.5 and true do not."""
    number = read_number(value)
    if number != int(number):
        refuse("must be a whole number")
    return int(number)


Number = Annotated[float, BeforeValidator(read_number)]
Positive = Annotated[float, BeforeValidator(read_number), Field(gt=0)]
NotNegative = Annotated[float, BeforeValidator(read_number), Field(ge=0)]
Fraction = Annotated[float, BeforeValidator(read_number), Field(ge=0, le=1)]
Whole = Annotated[int, BeforeValidator(read_whole), Field(ge=0)]
Count = Annotated[int, BeforeValidator(read_whole), Field(ge=1)]
Identifier = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=80)]
