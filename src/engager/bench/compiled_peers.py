"""R's deSolve with a right side in C: lsoda in a process of its own, which times itself.

R, its package deSolve and a C compiler are found on the PATH; what is missing raises ImportError. The C source is
printed from the model's graph with numbers of nodes alone, never names. What only parameters and inputs decide is
computed once a stretch, in deSolve's initializer, as our own code does once a course.
"""

from __future__ import annotations

import math
import shutil
import subprocess
import tempfile
import weakref
from pathlib import Path

import numpy as np

from engager.bench.cases import Case
from engager.core import FloatArray
from engager.engine import CompiledRates
from engager.model import System

_INFIX = {"add": "+", "sub": "-", "mul": "*", "div": "/", "lt": "<", "le": "<=", "eq": "==", "and": "&&", "or": "||"}
_RENAMED = {"abs": "fabs", "rem": "fmod"}

_SCRIPT = """\
library(deSolve)
given <- commandArgs(TRUE)
folder <- given[1]; n <- as.integer(given[2]); rtol <- as.numeric(given[3])
dyn.load(file.path(folder, paste0("rates", .Platform$dynlib.ext)))
numbers <- function(name) {
  path <- file.path(folder, name)
  readBin(path, "double", file.size(path) / 8, size = 8, endian = "little")
}
times <- numbers("times"); ends <- numbers("ends"); doses <- numbers("doses"); atol <- numbers("atol")
# one patient a column
starts <- matrix(numbers("starts"), nrow = length(atol))
parameters <- matrix(numbers("parameters"), ncol = ncol(starts))
states <- seq_along(atol) + 1

course <- function(i) {
  rows <- matrix(NA_real_, length(atol), length(times))
  state <- starts[, i]; rows[, 1] <- state
  begin <- 0
  for (k in seq_along(ends)) {
    saves <- which(times > begin & times <= ends[k])
    wanted <- unique(c(begin, times[saves], ends[k]))
    found <- lsoda(state, wanted, "engager_rates", c(parameters[, i], doses[k]), rtol = rtol, atol = atol,
                   dllname = "rates", initfunc = "engager_begin", maxsteps = 200000)
    if (attr(found, "istate")[1] < 0 || nrow(found) < length(wanted)) break
    rows[, saves] <- t(found[seq_along(saves) + 1, states, drop = FALSE])
    state <- found[nrow(found), states]
    begin <- ends[k]
  }
  rows
}
careful <- function(i) {
  tryCatch(suppressWarnings(course(i)), error = function(e) matrix(NA_real_, length(atol), length(times)))
}
invisible(careful(1))
taken <- system.time(found <- lapply(seq_len(n), careful))
writeBin(unlist(found), file.path(folder, "values"), size = 8, endian = "little")
writeBin(c(taken[["elapsed"]], taken[["user.self"]] + taken[["sys.self"]]), file.path(folder, "seconds"),
         size = 8, endian = "little")
"""


class DeSolve:
    """deSolve's lsoda with a compiled right side; seconds are R's own, without its start and the exchange of files."""

    def __init__(self, case: Case):
        self.case = case
        for program in ("R", "Rscript", "cc"):
            if shutil.which(program) is None:
                raise ImportError(f"{program} is not on the PATH; install R, its package deSolve and a C compiler")
        if subprocess.run(["Rscript", "-e", "library(deSolve)"], capture_output=True).returncode:
            raise ImportError("R has no package deSolve; install it (Debian: r-cran-desolve)")
        self.folder = Path(tempfile.mkdtemp(prefix="engager-bench-"))
        weakref.finalize(self, shutil.rmtree, self.folder, ignore_errors=True)
        (self.folder / "rates.c").write_text(c_source(case.model.system))
        (self.folder / "solve.R").write_text(_SCRIPT)
        made = subprocess.run(
            ["R", "CMD", "SHLIB", "rates.c"], cwd=self.folder, capture_output=True, text=True, errors="replace"
        )
        if made.returncode:
            raise RuntimeError(f"R CMD SHLIB stopped: {made.stderr.strip()[-300:]}")
        self._lay_out()

    def _lay_out(self) -> None:
        case, right = self.case, CompiledRates(self.case.model.system)
        stretches = case.segments()
        first = np.array([case.rates[0][1]])
        self._write("times", case.times)
        self._write("ends", np.array([end for end, _, _ in stretches]))
        self._write("doses", np.array([rate for _, rate, _ in stretches]))
        self._write("parameters", case.parameters)
        self._write("starts", np.array([right.begin(own, first).copy() for own in case.parameters]))

    def _write(self, name: str, values: FloatArray) -> None:
        np.asarray(values, dtype="<f8").tofile(self.folder / name)

    def tolerate(self, rtol: float, atol: FloatArray) -> None:
        self.rtol = rtol
        self._write("atol", atol)

    def solve_first(self, n: int) -> tuple[FloatArray, float, float]:
        """Courses of the first `n` patients, array (patient, time, state), and R's seconds: elapsed, of CPU.

        A patient at whom lsoda gave up has NaN from the stretch on in which it did.
        """
        command = ["Rscript", "--vanilla", "solve.R", ".", str(n), repr(self.rtol)]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, errors="replace")
        if done.returncode:
            raise RuntimeError(f"Rscript stopped: {done.stderr.strip()[-300:]}")
        shape = (n, len(self.case.times), len(self.case.model.system.states))
        values = np.fromfile(self.folder / "values", dtype="<f8").reshape(shape)
        elapsed, busy = np.fromfile(self.folder / "seconds", dtype="<f8")
        # R's clock counts milliseconds: less than one reads as none
        return values, max(float(elapsed), 1e-3), max(float(busy), 1e-3)


def c_source(system: System) -> str:
    """C of a system's rates for deSolve; parameters come first, then inputs, in one array `p`."""
    graph = system.graph
    place = {name: f"x[{i}]" for i, name in enumerate(system.states)}
    place |= {name: f"p[{i}]" for i, name in enumerate((*system.parameters, *system.inputs))}
    place["time"] = "(*t)"
    names: dict[int, str] = {}
    moving: set[int] = set()
    early: list[str] = []
    late: list[str] = []
    for node in graph.topological(system.rates):
        entry = graph.entries[node]
        if entry.op == "const":
            names[node] = _number(float(str(entry.value)))
        elif entry.op == "symbol":
            names[node] = place[str(entry.value)]
            if not names[node].startswith("p["):
                moving.add(node)
        else:
            formula = _formula(entry.op, [names[arg] for arg in entry.args])
            if moving.isdisjoint(entry.args):
                names[node] = f"q[{len(early)}]"
                early.append(f"  {names[node]} = {formula};")
            else:
                moving.add(node)
                names[node] = f"v{node}"
                late.append(f"  const double v{node} = {formula};")
    late += [f"  rate[{i}] = {names[node]};" for i, node in enumerate(system.rates)]
    n = len(system.parameters) + len(system.inputs)
    return "\n".join(
        [
            "#include <math.h>",
            f"static double p[{max(n, 1)}], q[{max(len(early), 1)}];",
            "void engager_begin(void (*give)(int *, double *)) {",
            f"  int n = {n};",
            "  give(&n, p);",
            *early,
            "}",
            "void engager_rates(int *n, double *t, double *x, double *rate, double *out, int *whole) {",
            *late,
            "}",
            "",
        ]
    )


def _number(value: float) -> str:
    """A double as C that reads back exactly."""
    if math.isnan(value):
        return "NAN"
    if math.isinf(value):
        return "INFINITY" if value > 0 else "(-INFINITY)"
    return f"({value!r})"


def _formula(op: str, args: list[str]) -> str:
    if op in _INFIX:
        return f"{args[0]} {_INFIX[op]} {args[1]}"
    if op == "neg":
        return f"-{args[0]}"
    if op == "not":
        return f"{args[0]} == 0.0"
    if op in ("min", "max"):
        return f"{args[0]} {'<' if op == 'min' else '>'} {args[1]} ? {args[0]} : {args[1]}"
    if op == "select":
        return f"{args[0]} != 0.0 ? {args[1]} : {args[2]}"
    if op == "factorial":
        return f"tgamma({args[0]} + 1.0)"
    # the rest is called in C as it is here
    return f"{_RENAMED.get(op, op)}({', '.join(args)})"
