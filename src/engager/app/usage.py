"""A wrong command line, told like any other bad input: what, the value, the rule, and what to type instead.

In: an error of the library that reads the command line, which names neither the value nor the way out. It is known by
what it offers (a message, a context, an exit code), since that library keeps its error types to itself.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from typing import Any

from engager.core import Problem

_NUMBER_AND_UNIT = re.compile(r"([-+]?\d+(?:\.\d*)?)\s*(%|[A-Za-z/µ²]+)")


def is_usage_error(error: BaseException) -> bool:
    """Whether an error is about the command line as it was typed."""
    return hasattr(error, "format_message") and hasattr(error, "ctx") and hasattr(error, "exit_code")


def tell_usage(error: Any, typed: Sequence[str]) -> int:
    """Print a usage error on stderr and return the exit code.

    Parameters
    ----------
    typed : the words after the program's name.
    """
    command = error.ctx.command_path if error.ctx is not None else "engager"
    if type(error).__name__ == "NoArgsIsHelpError":
        if text := error.ctx.get_help():
            print(text)
        return int(error.exit_code)
    print(f"Error: {_message(error, typed, command)}", file=sys.stderr)
    return int(error.exit_code)


def number_advice(option: str, value: str, is_whole: bool) -> str:
    """What to type instead of something that is no number."""
    if found := _NUMBER_AND_UNIT.fullmatch(value.strip()):
        number, unit = found.groups()
        if is_whole and "." in number:
            return f"Type a whole number after {option}."
        sign = "the percent sign" if unit == "%" else f"'{unit}'"
        return f"Leave out {sign}: {option} {number}."
    if is_whole and re.fullmatch(r"[-+]?\d+\.\d*", value.strip()):
        whole = int(float(value))
        return f"Type {option} {whole} or {option} {whole + 1}."
    return ""


def _message(error: Any, typed: Sequence[str], command: str) -> str:
    parameter = getattr(error, "param", None)
    text = error.format_message().rstrip(".")
    if type(error).__name__ == "MissingParameter" and parameter is not None:
        is_option = str(parameter.opts[0]).startswith("-")
        name = parameter.opts[-1] if is_option else parameter.metavar or parameter.name.upper()
        return f"{command} needs {name}. {_way_out(error.ctx, command)}"
    if parameter is not None and (value := _value_of(parameter.opts, typed)) is not None:
        option = max(parameter.opts, key=len)
        kind = _kind(str(error))
        if kind:
            return str(Problem(option, value, f"must be a {kind}", number_advice(option, value, kind != "number")))
        if "does not match the format" in text:
            return str(Problem(option, value, "must be a day, written like 2026-01-31"))
    sentence = text if text.endswith("?") else f"{text}."
    return f"{sentence} {_way_out(error.ctx, command)}"


def _kind(message: str) -> str:
    if "integer" in message:
        return "whole number"
    return "number" if "valid number" in message or "valid float" in message else ""


def _value_of(names: Sequence[str], typed: Sequence[str]) -> str | None:
    """What was typed for an option, as ``--days 28d`` or ``--days=28d``; the last time counts."""
    found = None
    for place, word in enumerate(typed):
        name, equals, value = word.partition("=")
        if name in names:
            found = value if equals else typed[place + 1] if place + 1 < len(typed) else None
    return found


def _way_out(context: Any, command: str) -> str:
    """The command's own example, or where its options are listed."""
    told = (context.command.help or "") if context is not None else ""
    _, found, example = told.partition("Example:")
    return f"Example: {example.strip()}" if found else f"See: {command} --help"
