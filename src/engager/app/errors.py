"""How an error is told: once, on stderr, with the next step, and the right exit code."""

from __future__ import annotations

import errno
import os
import sys
import traceback

INTERRUPTED = 130
# Of a disk that is full or fails, whatever was being written.
_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EFBIG, errno.EMFILE, errno.ENFILE}


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
    if told := _of_the_machine(error):
        _say(f"Error: {told}")
        return 1
    if os.environ.get("ENGAGER_DEBUG"):
        traceback.print_exception(error)
    _say(f"Internal error: {type(error).__name__}: {error}")
    if not os.environ.get("ENGAGER_DEBUG"):
        _say("Please report it. Run again with `engager --debug ...` for the traceback.")
    return 1


def refuse_closed_streams() -> None:
    """Stop before any work when there is nowhere to print; a file opened later would get the place of stdout.

    Raises
    ------
    SystemExit
        With a message on stderr, where there is one.
    """
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115  # for the life of the program
    if sys.stdout is None:
        _say("Error: standard output is closed; redirect it to a file or to /dev/null.")
        raise SystemExit(2)


def flush_output() -> None:
    """Hand on what is printed, so that a reader who left or a full disk is told here and not at the very end."""
    try:
        sys.stdout.flush()
    except OSError:
        # what is left to be printed has nowhere to go, and the interpreter would try once more
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise


def _of_the_machine(error: BaseException) -> str:
    """What to say when it is neither the user's slip nor the program's; empty for anything else."""
    resume = (
        "What is finished is kept: a trial run goes on with --resume, a design or sensitivity analysis when the same "
        "command is given again."
    )
    if isinstance(error, BrokenPipeError):
        return "standard output was closed before everything was printed."
    if isinstance(error, MemoryError):
        return f"not enough memory. Use fewer --threads, a smaller --chunk or fewer patients. {resume}"
    if isinstance(error, OSError) and error.errno in _DISK:
        where = f" ({error.filename})" if error.filename else ""
        return f"{os.strerror(error.errno or 0)}{where}. {resume}"
    return ""


def _say(text: str) -> None:
    print(text, file=sys.stderr)
