"""Other solvers behind one face: `solve(i)` gives patient i's course, array (time, state).

Each is used as its makers mean it to be used for one patient after another; setup is not timed. A package that is
not installed raises ImportError when its peer is made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import numpy as np

from engager.bench.cases import Case
from engager.bench.compiled_peers import DeSolve
from engager.core import FloatArray
from engager.engine import CompiledRates


class Peer(Protocol):
    """What the bench needs of a solver."""

    def tolerate(self, rtol: float, atol: FloatArray) -> None: ...

    def solve(self, patient: int) -> FloatArray: ...


class RoadRunner:
    """libRoadRunner (CVODE, compiled SBML), doses as timed events."""

    def __init__(self, case: Case):
        import roadrunner

        roadrunner.Logger.setLevel(roadrunner.Logger.LOG_FATAL)
        self.case, system = case, case.model.system
        self.runner = roadrunner.RoadRunner(case.sbml())
        self.runner.timeCourseSelections = list(system.states)
        self.runner.integrator.maximum_num_steps = 200_000
        self.start = CompiledRates(system)

    def tolerate(self, rtol: float, atol: FloatArray) -> None:
        self.runner.integrator.relative_tolerance = rtol
        # one absolute tolerance per state, as for every other solver here
        self.runner.integrator.absolute_tolerance = atol.tolist()

    def solve(self, patient: int) -> FloatArray:
        case, runner = self.case, self.runner
        system = case.model.system
        values = case.parameters[patient]
        runner.reset()
        for name, value in zip(system.parameters, values, strict=True):
            runner[name] = float(value)
        runner["infusion"] = case.rates[0][1]
        start = self.start.begin(values, np.array([case.rates[0][1]]))
        for name, value in zip(system.states, start, strict=True):
            runner[name] = float(value)
        with _quiet():
            course = runner.simulate(0.0, float(case.times[-1]), len(case.times))
        return np.asarray(course, dtype=float)


class Copasi:
    """COPASI (LSODA), doses as timed events."""

    def __init__(self, case: Case):
        import COPASI

        self.case, self.copasi = case, COPASI
        self.data = COPASI.CRootContainer.addDatamodel()
        if not self.data.importSBMLFromString(case.sbml()):
            raise RuntimeError("COPASI cannot import the model")
        self.task = self.data.getTask("Time-Course")
        self.task.setMethodType(COPASI.CTaskEnum.Method_deterministic)
        problem = self.task.getProblem()
        problem.setDuration(float(case.times[-1]))
        problem.setStepNumber(len(case.times) - 1)
        problem.setTimeSeriesRequested(True)
        self.model = self.data.getModel()

    def tolerate(self, rtol: float, atol: FloatArray) -> None:
        method = self.task.getMethod()
        method.getParameter("Relative Tolerance").setDblValue(rtol)
        method.getParameter("Absolute Tolerance").setDblValue(float(atol.min()))
        method.getParameter("Max Internal Steps").setIntValue(1_000_000)

    def solve(self, patient: int) -> FloatArray:
        case, system = self.case, self.case.model.system
        changed = self.copasi.ObjectStdVector()
        named = dict(zip(system.parameters, case.parameters[patient], strict=True))
        for name, value in {**named, "infusion": case.rates[0][1]}.items():
            entity = self.model.getModelValue(name)
            if entity is not None:
                entity.setInitialValue(float(value))
                changed.append(entity.getInitialValueReference())
        self.model.updateInitialValues(changed)
        if not self.task.process(True):
            raise RuntimeError("COPASI stopped")
        series = self.task.getTimeSeries()
        title = {series.getTitle(k).removeprefix("Values[").removesuffix("]"): k
                 for k in range(series.getNumVariables())}  # fmt: skip
        rows = series.getRecordedSteps()
        time = np.array([series.getConcentrationData(r, 0) for r in range(rows)])
        # an event leaves two rows at its time: the later one holds
        at = np.searchsorted(time, case.times, side="right") - 1
        columns = [title[name] for name in system.states]
        return np.array([[series.getConcentrationData(int(r), k) for k in columns] for r in at])


class _WithRates:
    """Solvers called from Python with our compiled right side, one stretch between doses after another."""

    def __init__(self, case: Case):
        self.case = case
        self.right = CompiledRates(case.model.system)
        self.rtol, self.atol = 1e-6, np.full(len(case.model.system.states), 1e-9)

    def tolerate(self, rtol: float, atol: FloatArray) -> None:
        self.rtol, self.atol = rtol, atol

    def solve(self, patient: int) -> FloatArray:
        first = np.array([self.case.rates[0][1]])
        state = self.right.begin(self.case.parameters[patient], first).copy()
        rows, start = [state], 0.0
        for end, rate, times in self.case.segments():
            self.right.set_inputs(np.array([rate]))
            wanted = times if times.size and times[-1] == end else np.append(times, end)
            found = self._stretch(start, state, wanted)
            rows.extend(found[: times.size])
            state, start = found[-1].copy(), end
        return np.array(rows)

    def _stretch(self, start: float, state: FloatArray, times: FloatArray) -> FloatArray:
        raise NotImplementedError


class ScipyLsoda(_WithRates):
    """SciPy's LSODA with a compiled right side."""

    def __init__(self, case: Case):
        super().__init__(case)
        self.out = np.zeros(len(case.model.system.states))

    def _right(self, time: float, state: FloatArray) -> FloatArray:
        self.right.rates(time, state, self.out)
        return self.out.copy()

    def _stretch(self, start: float, state: FloatArray, times: FloatArray) -> FloatArray:
        from scipy.integrate import solve_ivp

        found = solve_ivp(self._right, (start, times[-1]), state, "LSODA", t_eval=times, rtol=self.rtol, atol=self.atol)
        if found.status < 0:
            raise RuntimeError(found.message)
        return np.asarray(found.y.T)


class SundialsCvode(_WithRates):
    """scikit-sundae's CVODE (BDF) with a compiled right side and Jacobian."""

    def __init__(self, case: Case):
        import sksundae  # noqa: F401

        super().__init__(case)

    def _right(self, time: float, state: FloatArray, out: FloatArray) -> None:
        self.right.rates(time, state, out)

    def _slopes(self, time: float, state: FloatArray, rates: FloatArray, out: FloatArray) -> None:
        self.right.jacobian(time, state, out)

    def _stretch(self, start: float, state: FloatArray, times: FloatArray) -> FloatArray:
        from sksundae.cvode import CVODE

        solver = CVODE(
            self._right, rtol=self.rtol, atol=self.atol, method="BDF", max_num_steps=200_000, jacfn=self._slopes
        )
        found = solver.solve(np.concatenate([[start], times]), state)
        if not found.success:
            raise RuntimeError(found.message)
        return np.asarray(found.y[1:])


class NumbaLsoda(_WithRates):
    """numbalsoda's LSODA, called with our compiled right side from a compiled loop over the stretches of a course.

    It knows one absolute tolerance for all states, so it is given states as multiples of their own.
    """

    def __init__(self, case: Case):
        import numbalsoda  # noqa: F401

        super().__init__(case)
        self.block, self.saves = self.right.pointer().block, len(case.times)
        # of each stretch: its start, its save times, and its end when that is not saved
        spans, start = [], 0.0
        for end, _, times in case.segments():
            spans.append(np.unique(np.concatenate([[start], times, [end]])))
            start = end
        self.times = np.concatenate(spans)
        self.first = np.cumsum([0, *(len(span) for span in spans)])
        self.saved = np.array([len(times) for _, _, times in case.segments()])
        self.doses = np.array([rate for _, rate, _ in case.segments()])
        #: what counts as one of each state
        self.unit = np.ones(len(case.model.system.states))
        self.course, self.called = _course_with_lsoda(self.right, self.unit)

    def tolerate(self, rtol: float, atol: FloatArray) -> None:
        super().tolerate(rtol, atol)
        # in these units every state has the largest of the absolute tolerances
        self.unit[:] = atol / atol.max()

    def solve(self, patient: int) -> FloatArray:
        state = self.right.begin(self.case.parameters[patient], self.doses[:1])
        rows = np.empty((self.saves, len(state)))
        rows[0] = state / self.unit
        with _quiet():
            done = self.course(
                self.block, self.times, self.first, self.saved, self.doses, self.rtol, float(self.atol.max()), rows
            )
        if not done:
            raise RuntimeError("numbalsoda stopped")
        return rows * self.unit


def _course_with_lsoda(rates: CompiledRates, unit: FloatArray) -> tuple[Callable[..., bool], Any]:
    """Compiled: fills one patient's rows, of which the first is given; False when LSODA gave up.

    Second, the right side that it calls by address alone: keep it alive as long.
    """
    import ctypes

    from numba import carray, cfunc, njit  # type: ignore[attr-defined,unused-ignore]  # numba lists no public names
    from numbalsoda import address_as_void_pointer, lsoda, lsoda_sig

    pointer, whole, n, unit_at = rates.pointer(), ctypes.c_int64, len(unit), unit.ctypes.data
    compute = ctypes.CFUNCTYPE(None, whole, whole, whole, whole)(pointer.function)
    part, size, inputs = pointer.part, len(pointer.block), pointer.inputs
    time_at, state_at, rates_at = pointer.time, pointer.state, pointer.rates

    @cfunc(lsoda_sig)
    def right(time, state, out, data):
        block, given, slopes = carray(data, (size,)), carray(state, (n,)), carray(out, (n,))
        own = carray(address_as_void_pointer(unit_at), (n,), np.float64)
        block[time_at] = time
        for i in range(n):
            block[state_at + i] = given[i] * own[i]
        compute(block.ctypes.data, 0, part, 1)
        for i in range(n):
            slopes[i] = block[rates_at + i] / own[i]

    address = right.address

    @njit
    def course(block, times, first, saved, doses, rtol, atol, rows):
        state, row = rows[0].copy(), 1
        for k in range(len(doses)):
            block[inputs] = doses[k]
            found, done = lsoda(address, state, times[first[k] : first[k + 1]], block, rtol, atol, 200_000)
            if not done:
                return False
            for i in range(saved[k]):
                rows[row + i] = found[1 + i]
            row += saved[k]
            state = found[-1].copy()
        return True

    return course, right


PEERS: dict[str, Any] = {
    "libroadrunner": RoadRunner, "copasi": Copasi, "scipy-lsoda": ScipyLsoda, "sundae-cvode": SundialsCvode,
    "numbalsoda": NumbaLsoda,
}  # fmt: skip
#: Solvers that run in a process of their own and time themselves: `solve_first(n)` gives values and seconds.
SELF_TIMED: dict[str, Any] = {"deSolve": DeSolve}


@contextmanager
def _quiet() -> Iterator[None]:
    """CVODE writes its warnings past Python, one line a step; they would drown the table and cost time."""
    import os

    kept = os.dup(2), os.dup(1)
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
        os.dup2(nowhere.fileno(), 1)
    try:
        yield
    finally:
        for saved, number in zip(kept, (2, 1), strict=True):
            os.dup2(saved, number)
            os.close(saved)
