"""A short way to let a shipped model run in a test."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from engager.engine import Action, OdeProblem, Schedule, solve
from engager.model import Model, evaluate_outputs, initial_states, load_model

FloatArray = NDArray[np.float64]
# (day, what, name of the state or input, value)
Act = tuple[float, Action, str, float]


@dataclass(frozen=True)
class Run:
    """What became of the patients: `run["IL6"]` is an array (patient, time)."""

    model: Model
    time: FloatArray
    values: FloatArray
    parameters: FloatArray

    def __getitem__(self, name: str) -> FloatArray:
        return evaluate_outputs(self.model.system, [name], self.values, self.parameters)[name]

    def at(self, name: str, day: float) -> FloatArray:
        """Array (patient,) at a saved day."""
        return self[name][:, int(np.argmin(np.abs(self.time - day)))]

    def between(self, name: str, first: float, last: float) -> FloatArray:
        """Array (patient, time) of the saved days from `first` to `last`."""
        return self[name][:, (self.time >= first - 1e-9) & (self.time <= last + 1e-9)]


@pytest.fixture(scope="session")
def calibrated() -> Model:
    """The model with its within-patient calibration, of which published sizes are asked."""
    from engager.calibration import load_time_course_fit

    return load_model("b-all").with_values(load_time_course_fit().values)


@pytest.fixture(scope="session")
def follow() -> Callable[..., Run]:
    """Follow patients who differ in parameter values; acts are shared by all, infusions may differ."""

    def run(
        model: Model,
        days: Sequence[float] | FloatArray,
        *,
        patients: Sequence[Mapping[str, float]] = ({},),
        acts: Sequence[Act] = (),
        infusions: Sequence[Sequence[tuple[float, float]]] | None = None,
        start: Mapping[str, float] | None = None,
        rtol: float = 1e-6,
    ) -> Run:
        system = model.system
        rows = [{**system.defaults, **patient} for patient in patients]
        parameters = np.array([[row[name] for name in system.parameters] for row in rows])
        initial = initial_states(system, parameters)
        for name, value in (start or {}).items():
            initial[:, system.index(name)] = value
        n = len(rows)
        own = infusions if infusions is not None else [()] * n
        offsets, columns = [0], []
        for i in range(n):
            mine = [(t, action, _place(model, name, action), value) for t, action, name, value in acts]
            mine += [(t, Action.SET_INPUT, system.inputs.index("infusion"), rate) for t, rate in own[i]]
            columns += sorted(mine, key=lambda one: one[0])
            offsets.append(len(columns))
        table = np.array(columns, dtype=float).reshape(-1, 4)
        schedule = Schedule(
            np.array(offsets), table[:, 0].copy(), table[:, 1].astype(np.int64), table[:, 2].astype(np.int64),
            table[:, 3].copy(),
        )  # fmt: skip
        times = np.asarray(days, dtype=float)
        solution = solve(
            OdeProblem(
                system=system,
                parameters=parameters,
                save_times=times,
                inputs=np.zeros((n, len(system.inputs))),
                initial=initial,
                schedule=schedule,
            ),
            rtol=rtol,
        )
        assert solution.n_failed == 0
        return Run(model, times, solution.values, parameters)

    return run


def _place(model: Model, name: str, action: Action) -> int:
    return model.system.inputs.index(name) if action is Action.SET_INPUT else model.system.index(name)
