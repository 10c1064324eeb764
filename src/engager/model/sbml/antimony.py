"""Antimony text becomes a `System`, by way of SBML.

The antimony library is C++ that reads files on ``import`` and recurses on deep formulas; model text is
untrusted. So the text is looked through first: statements that reach outside it are refused, and so is text
beyond the limits below.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable
from pathlib import Path

from engager.core import InputError, Problem, UnsupportedModel
from engager.model.sbml.read import read_sbml
from engager.model.system import System

MAX_CHARACTERS = 4 * 2**20
MAX_STATEMENT = 20_000
MAX_NESTING = 200
MAX_NAME = 256
MAX_OPERATORS = 1_000
MAX_INSTANCES = 10_000
MAX_MODULES = 500
MAX_SECONDS = 60
# up to here the library takes little time; the time it takes grows with the fourth power of a chain of rules
SMALL_CHARACTERS = 200_000
SMALL_RULES = 100

# the library keeps one global store of models
LIBRARY_LOCK = threading.Lock()
_SKIPPED = re.compile(r'"(?:[^"\\\n]|\\.)*"|/\*.*?\*/|//[^\n]*|#[^\n]*', re.DOTALL)
_IMPORT = re.compile(r"(?<![A-Za-z0-9_])import(?![A-Za-z0-9_])")
# the same before a file name, in comments and quotes as well: the library may see those differently
_IMPORT_FILE = re.compile(r'(?<![A-Za-z0-9_])import(?:\s|\\|/\*.*?\*/|//[^\n]*|#[^\n]*)*"', re.DOTALL)
_PART = re.compile(r"(?P<kind>\bmodel|\bmodule)\s+\*?(?P<name>\w+)|:\s*(?P<used>\w+)\s*\(")
_OPERATOR = re.compile(r"[-+*/^%<>=!&|]")
_LONG_NAME = re.compile(rf"[A-Za-z0-9_]{{{MAX_NAME + 1},}}")


def read_antimony(text: str, *, inputs: Iterable[str] = (), where: str = "model.ant") -> System:
    """The equations of an Antimony model; with several modules, of the last one.

    Parameters and errors are those of `read_sbml`. ``import`` is refused: a model is one text.
    """
    return read_sbml(antimony_to_sbml(text, where=where), inputs=inputs, where=where)


def antimony_to_sbml(text: str, *, where: str = "model.ant") -> str:
    """SBML Level 3 text of an Antimony model.

    Raises
    ------
    InputError
        When the text is not Antimony, or breaks a limit of this module.
    UnsupportedModel
        When it imports another file.
    """
    bare = _check(text, where)
    is_big = len(bare) > SMALL_CHARACTERS or bare.count(":=") > SMALL_RULES
    sbml, message = _convert_apart(text, where) if is_big else convert(text)
    if message:
        raise InputError(_complaint(text, where, message))
    if not sbml:
        raise InputError(Problem(where, text[:60], "must be Antimony with names of ASCII letters"))
    return sbml


def convert(text: str) -> tuple[str, str]:
    """SBML, or else what the library complains of; both empty when its complaint cannot be read."""
    import antimony

    with LIBRARY_LOCK:
        antimony.clearPreviousLoads()
        try:
            if antimony.loadAntimonyString(text) < 0:
                return "", str(antimony.getLastError()) or "unknown error"
            return str(antimony.getSBMLString(antimony.getMainModuleName())), ""
        except UnicodeDecodeError:  # the library's message cuts a letter in two
            return "", ""
        finally:
            antimony.clearPreviousLoads()


def _convert_apart(text: str, where: str) -> tuple[str, str]:
    """`convert` in a process of its own, which may be slow or crash without harm.

    It runs isolated and in an empty folder: Python would else look for modules beside the model, whose author is
    not to be trusted.
    """
    program = (
        "import json, sys; sys.path += json.loads(sys.argv[1]); from engager.model.sbml.antimony import convert;"
        "json.dump(convert(sys.stdin.buffer.read().decode()), sys.stdout)"
    )
    try:
        with tempfile.TemporaryDirectory() as empty:
            done = subprocess.run(
                [sys.executable, "-I", "-c", program, json.dumps(_import_folders())], input=text.encode(),
                capture_output=True, timeout=MAX_SECONDS, check=True, cwd=empty,
            )  # fmt: skip
        sbml, message = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        rule = f"must be read within {MAX_SECONDS} seconds; long chains of rules take the library very long"
        raise InputError(Problem(where, text[:60], rule, "Write the model as SBML.")) from None
    except (subprocess.CalledProcessError, ValueError):
        raise InputError(Problem(where, text[:60], "made the Antimony library crash", "Write it as SBML.")) from None
    return sbml, message


def _import_folders() -> list[str]:
    """Where this package and the Antimony library stand; never the folder the program was started in."""
    here = os.path.realpath(os.getcwd())
    named = [os.path.realpath(folder) for folder in sys.path if folder and os.path.isabs(folder)]
    package = os.path.realpath(str(Path(__file__).parents[3]))
    return [package, *(folder for folder in named if folder != here and os.path.isdir(folder))]


def _complaint(text: str, where: str, message: str) -> Problem:
    short = " ".join(message.split()).removeprefix("Error in model string, ").rstrip(".")
    return Problem(where, _line(text, short), f"must be Antimony: {short}")


def _line(text: str, message: str) -> str:
    """The line that the library complains of."""
    found = re.search(r"line (\d+)", message)
    lines = text.splitlines()
    number = int(found.group(1)) if found else 0
    return lines[number - 1].strip() if 0 < number <= len(lines) else ""


def _check(text: str, where: str) -> str:
    """The text without comments and quoted parts, within the limits of this module."""
    if len(text) > MAX_CHARACTERS:
        raise InputError(Problem(where, len(text), f"a model may have at most {MAX_CHARACTERS} characters"))
    if "\x00" in text:
        raise InputError(Problem(where, "a NUL character", "must be text"))
    bare = _SKIPPED.sub(" ", text)
    if _IMPORT.search(bare) or _IMPORT_FILE.search(text):
        raise UnsupportedModel(Problem(where, "import", "reads another file", "Put the whole model in one text."))
    long = _LONG_NAME.search(bare)
    if long:
        raise InputError(Problem(where, long.group(), f"a name may have at most {MAX_NAME} characters"))
    if _count_instances(bare) > MAX_INSTANCES:
        rule = f"at most {MAX_MODULES} modules may be instantiated {MAX_INSTANCES} times"
        raise InputError(Problem(where, "modules within modules", rule))
    for statement in re.split(r"[;\n]", bare):
        if len(statement) > MAX_STATEMENT:
            raise InputError(Problem(where, statement[:60], f"a statement may have at most {MAX_STATEMENT} characters"))
        if statement.count("(") > MAX_NESTING and _depth(statement) > MAX_NESTING:
            raise InputError(Problem(where, statement[:60], f"parentheses may be nested {MAX_NESTING} deep at most"))
        if len(_OPERATOR.findall(statement)) > MAX_OPERATORS:
            raise InputError(Problem(where, statement[:60], f"a statement may have at most {MAX_OPERATORS} operators"))
    return bare


def _count_instances(text: str) -> int:
    """How many copies of modules the last module comes to, all levels counted."""
    used: dict[str, list[str]] = {}
    here = ""
    for found in _PART.finditer(text):
        if found["name"]:
            here = found["name"]
            used.setdefault(here, [])
        else:
            used.setdefault(here, []).append(found["used"])
    if len(used) > MAX_MODULES:
        return MAX_INSTANCES + 1
    total: dict[str, int] = {}
    for _ in range(len(used) + 1):  # one level deeper each time; circles are left to the library
        total = {
            name: min(MAX_INSTANCES + 1, 1 + sum(total.get(one, 0) for one in parts)) for name, parts in used.items()
        }
        if max(total.values(), default=0) > MAX_INSTANCES:
            break
    return max(total.values(), default=0)


def _depth(statement: str) -> int:
    deepest = depth = 0
    for character in statement:
        depth += (character == "(") - (character == ")")
        deepest = max(deepest, depth)
    return deepest
