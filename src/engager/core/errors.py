"""What can go wrong, and how it is told.

    EngagerError
    ├── InputError        the user's file, option or value breaks a rule (exit 2)
    │   └── UnitError     a quantity has the wrong dimension
    ├── UnsupportedModel  a model uses a construct that is refused by name (exit 2)
    ├── WorkerLost        a process that helped, or the scheduler, is gone (exit 1)
    └── Interrupted       Ctrl-C; finished work is kept (exit 130)

A numerical failure of one patient is not an exception: it is a status in the result.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from os import PathLike

# Characters of a value that a message shows, and keys of a mapping longer than that.
_LONGEST = 80
_MOST_KEYS = 5


class EngagerError(Exception):
    """Base of every error this package raises on purpose."""

    exit_code = 1


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, told so that it can be mended.

    Attributes
    ----------
    where : the file and key, or the option, e.g. ``trial.yaml: arms.A.regimen.doses[2].amount``.
    value : what was received.
    rule : what would have been right.
    next_step : what to do now; may be empty.
    """

    where: str
    value: object
    rule: str
    next_step: str = ""

    def __str__(self) -> str:
        got = "" if self.value is None else f" got {shown(self.value)};"
        text = f"{self.where}:{got} {self.rule}."
        return f"{text} {self.next_step}" if self.next_step else text


def shown(value: object) -> str:
    """A value as a file would have it, in one line.

    What is too long is told by its keys or its length; a path is always told whole, since its end says what it is.
    """
    if isinstance(value, PathLike):
        return repr(str(value))
    text = _written(value)
    if len(text) <= _LONGEST:
        return text
    if isinstance(value, str):
        return repr(value[: _LONGEST - 6].rstrip() + " ...")
    if isinstance(value, dict):
        names = [str(key) for key in value]
        more = f" and {len(names) - _MOST_KEYS} more" if len(names) > _MOST_KEYS else ""
        return f"a mapping with {', '.join(names[:_MOST_KEYS])}{more}"
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}"
    return text[: _LONGEST - 4].rstrip() + " ..."


def _written(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_plain(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_plain(item) for item in value) + "]"
    return repr(value)


def _plain(value: object) -> str:
    """Within a mapping or list text stands without quotes, as in a file."""
    return value if isinstance(value, str) and value.isprintable() else _written(value)


class InputError(EngagerError):
    """One or more problems with what the user gave, all told together."""

    exit_code = 2

    def __init__(self, problems: Problem | Sequence[Problem]):
        self.problems = (problems,) if isinstance(problems, Problem) else tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))

    def __reduce__(self) -> tuple[type[InputError], tuple[tuple[Problem, ...]]]:
        # raised in another process, it says the same here
        return type(self), (self.problems,)


class UnitError(InputError):
    """A quantity does not have the dimension its place asks for."""


class UnsupportedModel(InputError):
    """A model file uses a construct that this package refuses rather than guesses."""


class WorkerLost(EngagerError, RuntimeError):
    """A process that did part of the work ended before it was done; what was finished is kept."""


class Interrupted(EngagerError):
    """The user stopped the run; what was finished is kept."""

    exit_code = 130


def nearest(name: str, known: Iterable[str], limit: int = 3) -> str:
    """A hint naming the known words closest to `name`, or how many there are."""
    choices = sorted(known)
    close = difflib.get_close_matches(name, choices, n=limit, cutoff=0.4)
    close += [choice for choice in choices if name and name in choice and choice not in close]
    if close:
        return "Did you mean " + ", ".join(close[:limit]) + "?"
    return "Known: " + ", ".join(choices[:12]) + (f" and {len(choices) - 12} more" if len(choices) > 12 else "") + "."
