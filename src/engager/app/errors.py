"""How an error is told: once, on stderr, with the next step, and the right exit code."""

from __future__ import annotations

import os
import sys
import traceback

INTERRUPTED = 130


def tell_error(error: BaseException) -> int:
    """Print an error and return the exit code.

    An `EngagerError` is a message for the user. Anything else is a fault of the program: a short message, and
    the traceback when asked for.
    """
    from engager.core import EngagerError, InputError

    if isinstance(error, KeyboardInterrupt):
        _say("Interrupted.")
        return INTERRUPTED
    if isinstance(error, InputError) and len(error.problems) > 1:
        _say(f"Error: {len(error.problems)} problems.")
        for problem in error.problems:
            _say(f"  {problem}")
        return error.exit_code
    if isinstance(error, EngagerError):
        _say(f"{'' if error.exit_code == INTERRUPTED else 'Error: '}{error}")
        return error.exit_code
    if os.environ.get("ENGAGER_DEBUG"):
        traceback.print_exception(error)
    _say(f"Internal error: {type(error).__name__}: {error}")
    if not os.environ.get("ENGAGER_DEBUG"):
        _say("Please report it. Run again with `engager --debug ...` for the traceback.")
    return 1


def _say(text: str) -> None:
    print(text, file=sys.stderr)
