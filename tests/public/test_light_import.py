"""Importing is light: what is heavy loads when it is used. Modules are checked, not seconds."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import engager

LAYERS = sorted(path.parent.name for path in Path(engager.__file__).parent.glob("*/__init__.py"))
# one patient is drawn at once: what follows many needs the tables of trials, this does not
ALSO_LIGHT = {"study": ", engager.study.patients.patient"}

HEAVY = (
    "antimony",
    "duckdb",
    "libsbml",
    "llvmlite",
    "matplotlib",
    "numba",
    "pandas",
    "pint",
    "polars",
    "pyarrow",
    "scipy",
)


def loaded_after(code: str) -> set[str]:
    program = f"{code}\nimport sys\nprint('LOADED', *sorted({{name.split('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(done.stdout.split("LOADED")[1].split())


@pytest.mark.parametrize(
    "module", ["engager", "engager.app.cli", *(f"engager.{layer}{ALSO_LIGHT.get(layer, '')}" for layer in LAYERS)]
)
def test_import_loads_nothing_heavy(module):
    assert not loaded_after(f"import {module}") & set(HEAVY)


def test_help_loads_nothing_heavy():
    code = (
        "import sys, contextlib, io\n"
        "sys.argv = ['engager', '--help']\n"
        "from engager.app.cli import main\n"
        "with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):\n"
        "    main()"
    )
    # The layers behind the commands need pydantic and numpy; the help does not.
    assert not loaded_after(code) & {*HEAVY, "numpy", "pydantic", "yaml", "jinja2"}
