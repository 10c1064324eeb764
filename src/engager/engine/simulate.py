"""One call from a model file to a table of numbers.

from engager.engine import simulate_model
course = simulate_model("model.xml", until=10, step=0.5, set={"k": 0.3})
course["[S1]"]
"""

from __future__ import annotations

import csv as csv_module
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from engager.core import FloatArray, InputError, Problem, nearest, read_at_most, whole_file, writing_to
from engager.engine.problem import Action, OdeProblem, Schedule, Status, Trajectories
from engager.model import System, evaluate_outputs, read_antimony, read_sbml

MAX_TIMES = 10_000_000
# Twice what a model file may have, which is told where it is read.
_MOST_BYTES = 64 * 2**20


@dataclass(frozen=True)
class Simulation:
    """The courses of one patient, or of each patient of a table of doses.

    Attributes
    ----------
    time : array (time,).
    columns : name -> array (time,), or (patient, time) when a table of doses was given.
    ids : the patients' IDs; empty without a table.
    trajectories : what the engine answered, with the status of each patient.
    notes : what the reader should know: columns not used, doses without a steady state, quantities without a value.
    """

    time: FloatArray
    columns: dict[str, FloatArray]
    ids: tuple[str, ...]
    trajectories: Trajectories
    notes: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> FloatArray:
        if name in self.columns:
            return self.columns[name]
        raise KeyError(f"{name}: {nearest(name, self.columns)}")

    @property
    def status(self) -> list[str]:
        """How each patient's integration ended."""
        return [Status(int(one)).name for one in self.trajectories.status]

    def write_csv(self, path: str | Path) -> None:
        """Write time and all columns; numbers read back exactly. With doses, the first column is id."""
        with writing_to("csv", Path(path)), whole_file(Path(path)) as file:
            text = io.TextIOWrapper(file, encoding="utf-8", newline="")
            self.write(csv_module.writer(text, lineterminator="\n"))
            text.flush()
            text.detach()

    def write(self, writer: Any) -> None:
        """Write rows to a `csv` writer."""
        row = writer.writerow
        names = list(self.columns)
        row([*(["id"] if self.ids else []), "time", *names])
        for i, name in enumerate(self.ids or ("",)):
            table = [self.columns[key][i] if self.ids else self.columns[key] for key in names]
            for k, time in enumerate(self.time):
                row(
                    [
                        *([name] if self.ids else []),
                        repr(float(time)),
                        *(repr(float(one[k])) for one in table),
                    ]
                )


def simulate_model(
    model: System | str | Path,
    until: float | None = None,
    step: float | None = None,
    *,
    set: Mapping[str, float] | None = None,
    doses: str | Path | None = None,
    csv: str | Path | None = None,
    columns: Sequence[str] | None = None,
    backend: str = "auto",
    rtol: float = 1e-8,
    atol: float | None = None,
) -> Simulation:
    """Solve a model from time 0 and tabulate every state and output.

    Parameters
    ----------
    model : a `System`, or the path of an SBML (``.xml``, ``.sbml``) or Antimony (``.ant``, ``.txt``) file.
    until : last time [the model's unit]; may be left out with `doses`, whose rows then say it.
    step : distance of times; default: a hundredth of `until`.
    set : new values: of parameters and inputs, and of states at the start.
    doses : a NONMEM-style table (`read_nonmem`); its rows' times are added to those of `step`. A time stands twice
        where a row is read before another of the same time acts.
    csv : where to write the table.
    columns : names of states, outputs and parameters; default: all states and outputs, amounts not twice.
    backend : ``auto`` (native, and the reference for events and for what native gives up on), ``native``,
        ``reference`` or ``cuda``.
    rtol, atol : tolerances; see `engager.engine.solve`.

    Raises
    ------
    InputError
        When a name is unknown or a number is out of range; when the file is not a model.
    """
    named = {} if set is None else dict(set)
    if isinstance(model, System):
        system, where = model, model.id
    else:
        where = Path(model).name
        system = load_system(model)
    asked = _asked(system, until, step, doses, named, where)
    problem = asked.problem
    names = list(columns) if columns is not None else _all_columns(problem.system)
    _check_columns(problem.system, names)
    if not problem.system.states:  # formulas of time and parameters alone
        backend = "reference"
    from engager.engine.solving import solve, solved_again

    solved = solve(problem, backend=backend, rtol=rtol, atol=atol)
    if backend == "auto" and solved.n_failed and not problem.system.events:
        # a second opinion: a power of a state at 0, say, which rounding makes negative in one method and not in another
        solved = solved_again(problem, solved, rtol, atol)
    table = _tabulate(problem, solved, names)
    columns_found = {name: values if asked.ids else values[0] for name, values in table.items()}
    result = Simulation(asked.shown_times, columns_found, asked.ids, solved, (*asked.notes, *_unset_note(problem)))
    if csv is not None:
        result.write_csv(csv)
    return result


def _unset_note(problem: OdeProblem) -> list[str]:
    """Quantities that neither the file nor the caller gives a value."""
    from engager.engine.unset import unset_names

    system = problem.system
    start = problem.initial
    names = [
        name
        for name in unset_names(system)
        if (
            np.isnan(problem.parameters[:, system.parameters.index(name)]).any()
            if name in system.parameters
            else start is None or np.isnan(start[:, system.index(name)]).any()
        )
    ]
    told = "has no value in the model, so it and what depends on it are unknown (nan)"
    return [f"{', '.join(names)} {told}"] if names else []


def load_system(path: str | Path, inputs: Sequence[str] = ()) -> System:
    """The system of an SBML or Antimony file, told apart by its first character.

    Raises
    ------
    InputError
        When the file cannot be read or is not a model.
    """
    file = Path(path)
    try:
        content = read_at_most(file, _MOST_BYTES)
    except OSError as error:
        raise InputError(Problem(str(path), error.strerror or str(error), "must be a readable file")) from None
    if content.lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n\x00").startswith(b"<"):
        return read_sbml(content, inputs=inputs, where=file.name)
    try:
        return read_antimony(content.decode("utf-8"), inputs=inputs, where=file.name)
    except UnicodeDecodeError:
        raise InputError(Problem(file.name, content[:20], "must be SBML or Antimony text in UTF-8")) from None


@dataclass(frozen=True)
class _Asked:
    """What to solve, and how to show it."""

    problem: OdeProblem
    ids: tuple[str, ...]
    shown_times: FloatArray
    notes: tuple[str, ...]


def _asked(
    system: System, until: float | None, step: float | None, doses: str | Path | None, named: Mapping[str, float],
    where: str,
) -> _Asked:  # fmt: skip
    if doses is None:
        if until is None:
            raise InputError(Problem("until", until, "must be given"))
        parameters = np.array([[system.defaults.get(name, math.nan) for name in system.parameters]])
        parameters, inputs, initial = _with_values(system, parameters, named, where)
        times = _times(until, step)
        return _Asked(OdeProblem(system, parameters, times, inputs, initial), (), times, ())
    from engager.engine.nonmem.data import read_nonmem

    data = read_nonmem(doses, system)
    parameters, inputs, initial = _with_values(data.system, data.parameters(), named, where)
    problem, notes = data.planned(parameters, inputs=inputs, initial=initial)
    times, shown = data.save_times, data.shown_times
    if until is not None or step is not None:
        grid = _times(float(shown[-1]) if until is None else until, step)
        more = grid[(grid >= times[0]) & ~np.isin(grid, times)]
        times, shown = np.concatenate([times, more]), np.concatenate([shown, more])
        order = np.argsort(times)
        times, shown = times[order], shown[order]
    return _Asked(replace(problem, save_times=times), data.ids, shown, (*data.notes, *notes))


def _times(until: float, step: float | None) -> FloatArray:
    if not (math.isfinite(until) and until > 0):
        raise InputError(Problem("until", until, "must be a number > 0"))
    width = until / 100 if step is None else step
    if not (math.isfinite(width) and width > 0 and until / width <= MAX_TIMES):
        raise InputError(Problem("step", step, f"must be > 0 and give at most {MAX_TIMES} times"))
    count = math.floor(until / width * (1 + 1e-12))
    times = np.asarray(np.arange(count + 1) * width, dtype=np.float64)
    if count == round(until / width) and abs(times[-1] - until) <= 1e-9 * until:
        times[-1] = until
        return times
    return np.append(times, until)


def _with_values(
    system: System, parameters: FloatArray, named: Mapping[str, float], where: str
) -> tuple[FloatArray, FloatArray, FloatArray | None]:  # fmt: skip
    """Parameters, inputs and, where a state was named, states at the start, with new values."""
    known = (*system.parameters, *system.inputs, *system.states)
    problems = [
        Problem(f"{where}: {name}", value, "is not a parameter, input or state", nearest(name, known))
        for name, value in named.items()
        if name not in known
    ]
    if problems:
        raise InputError(problems)
    parameters = np.array(parameters)
    row = [system.defaults.get(name, 0.0) for name in system.inputs]
    inputs = np.tile(np.array(row, dtype=float), (parameters.shape[0], 1))
    for name, value in named.items():
        if name in system.parameters:
            parameters[:, system.parameters.index(name)] = value
        elif name in system.inputs:
            inputs[:, system.inputs.index(name)] = value
    if not any(name in system.states for name in named):
        return parameters, inputs, None
    from engager.model import initial_states

    initial = initial_states(system, parameters, inputs)
    for name, value in named.items():
        if name in system.states:
            initial[:, system.index(name)] = value
    return parameters, inputs, initial


def _all_columns(system: System) -> list[str]:
    """States and outputs, less amounts that stand among the states already."""
    doubled = {f"amount({name})" for name in system.states} | {"default_compartment"}
    return [*system.states, *(name for name in system.outputs if name not in doubled)]


def _check_columns(system: System, names: Sequence[str]) -> None:
    known = (*system.states, *system.outputs, *system.parameters)
    wrong = [
        Problem("columns", name, "is not in the model", nearest(name, known)) for name in names if name not in known
    ]
    if wrong:
        raise InputError(wrong)


def _tabulate(problem: OdeProblem, solved: Trajectories, names: list[str]) -> dict[str, FloatArray]:
    """Arrays (patient, time); inputs as the schedule has set them by each time."""
    system = problem.system
    n_patients, n_times = solved.values.shape[:2]
    inputs = inputs_over_time(problem, n_patients)
    found = evaluate_outputs(
        system,
        names,
        states=solved.values.reshape(n_patients * n_times, -1),
        parameters=np.repeat(problem.parameters, n_times, axis=0),
        inputs=inputs.reshape(n_patients * n_times, len(system.inputs)),
        time=np.tile(solved.time, n_patients),
    )
    has_failed = np.asarray(solved.status) != 0
    table = {}
    for name in names:
        values = np.array(found[name].reshape(n_patients, n_times))
        if system.states:  # an output of a failed patient is as unknown as its states
            values[np.isnan(solved.values).all(axis=2) & has_failed[:, None]] = np.nan
        table[name] = values
    return table


def inputs_over_time(problem: OdeProblem, n_patients: int) -> FloatArray:
    """Array (patient, time, input): inputs after all actions up to each save time."""
    times = problem.save_times
    start = problem.inputs
    n_inputs = len(problem.system.inputs)
    values = np.zeros((n_patients, times.size, n_inputs))
    if start is not None:
        values[:] = start[:, None, :]
    schedule = problem.schedule or Schedule.empty(n_patients)
    for i in range(n_patients):
        for k in range(schedule.offsets[i], schedule.offsets[i + 1]):
            if schedule.time[k] < times[0]:
                continue
            after = times >= schedule.time[k]
            if schedule.action[k] == Action.SET_INPUT:
                values[i, after, schedule.index[k]] = schedule.value[k]
            elif schedule.action[k] == Action.RESET:
                values[i, after] = 0.0
    return values
