"""The loop around the generated routines, itself written as LLVM IR: steps in lanes, events one lane at a time.

Each lane is one patient with a time, step and segment of its own. Every turn of the loop tries one step in
all lanes at once; lanes whose error is too large try again shorter, lanes that reach an action carry it out,
lanes whose patient is done take the next patient. No lane ever reads another, so a patient's numbers do not
depend on neighbors, order or threads. Threads share nothing but the counter of patients taken.

Functions written here (all take ws: workspace, ctx: context):
    drive            the loop
    take_patient     next patient into a lane
    arrive           actions and saves at the instant a lane stands at; 1 when that was the last
    give_up          status and NaN for a lane that cannot go on
    write_between    saves strictly inside the step just accepted
    find_stop        where within the step just accepted a stop is met; the segment then ends there
    move_to_stop     the state at that instant in place of the one at the end of the step
    try_step         one step in all lanes
"""

from __future__ import annotations

import math
from collections.abc import Callable

from engager.engine.lowering.layout import SLOT, Sizes, lane_arrays
from engager.engine.lowering.printer import vector_type
from engager.engine.lowering.tableau import Tableau
from engager.engine.native.ir import Function, Value
from engager.engine.problem import Action, Status

GROWTH_LIMIT, SHRINK_LIMIT = 6.0, 0.1
#: A step this much longer than what is left of a segment is stretched to its end; up to twice, it is halved.
STRETCH = 1.01
#: Smallest pivot, as a share of 1/(gamma h), below which elimination without row exchange is not trusted.
PIVOT_LIMIT = 1e-8
#: A step below this share of the time or the segment makes no progress.
SMALLEST_STEP = 1e-15
#: The first step of a segment changes states by about this share of their largest size.
FIRST_CHANGE = 0.01


#: What `repeat` can time, by number.
PARTS = ("rates", "slopes", "factor", "solve", "look", "gather", "norm", "step")


class Driver:
    """Writes the driver for one model, method and width; `text` is the result."""

    def __init__(self, sizes: Sizes, tableau: Tableau, width: int, over_time: tuple[int, ...], atomic: bool = True):
        self.sizes, self.tableau, self.width = sizes, tableau, width
        self.over_time = over_time
        self.offset, self.total = lane_arrays(sizes, width)
        self.vector, self.whole = vector_type("double", width), vector_type("i64", width)
        written = [
            self._take_patient(), self._arrive(), self._give_up(), self._write_between(),
            self._find_stop(), self._move_to_stop(),
            *self._stage_functions(), self._norm(), self._choose_first_step(), self._try_step(), self._drive(),
            self._repeat(),
        ]  # fmt: skip
        self.text = "\n".join(function.text() for function in written)

    # ---- addresses ----
    def _begin(self, name: str, *more: str, result: str = "void", exported: bool = False) -> Function:
        return Function(name, ["ws", "ctx", *more], integers=more, result=result, exported=exported)

    def _context(self, f: Function, name: str, kind: str = "ptr") -> Value:
        return f.load(kind, f.at(f.argument("ctx"), SLOT[name]))

    def _place(self, f: Function, array: str, i: Value | int, lane: Value | int) -> Value:
        start = f.whole(self.offset[array])
        i = i if isinstance(i, Value) else f.whole(i)
        return f.at(f.argument("ws"), start + i * self.width + lane)

    def _get(self, f: Function, array: str, lane: Value, i: Value | int = 0, kind: str = "double") -> Value:
        return f.load(kind, self._place(f, array, i, lane))

    def _put(self, f: Function, array: str, lane: Value, value: Value | float, i: Value | int = 0) -> None:
        value = value if isinstance(value, Value) else f.real(value)
        f.store(value, self._place(f, array, i, lane))

    def _all(self, f: Function, array: str, i: Value | int = 0, whole: bool = False) -> Value:
        """One element in all lanes."""
        return f.load(self.whole if whole else self.vector, self._place(f, array, i, 0))

    def _put_all(self, f: Function, array: str, value: Value, i: Value | int = 0) -> None:
        f.store(value, self._place(f, array, i, 0))

    # ---- one lane at a time ----
    def _take_patient(self) -> Function:
        """Puts patients into the lane until one has something to integrate, or marks the lane idle."""
        f = self._begin("take_patient", "lane")
        lane = f.argument("lane")
        looking = f.variable("i64", 1)
        n_patients = self._context(f, "n_patients", "i64")
        counter = self._context(f, "counter")
        with f.loop(lambda: looking.get().equals(1)):
            patient = f.op(f"atomicrmw add ptr {counter.name}, i64 1 monotonic", "i64")
            looking.set(0)
            self._put(f, "PATIENT", lane, f.whole(-1))
            # an idle lane keeps its last numbers; a step of 1 keeps them harmless
            self._put(f, "H", lane, 1.0)
            self._put(f, "TE", lane, math.inf)
            self._put(f, "TSAVE", lane, math.inf)
            self._put(f, "FRESH", lane, f.whole(0))
            with f.when(patient < n_patients):
                self._begin_course(f, lane, patient)
                looking.set(f.call("arrive", f.argument("ws"), f.argument("ctx"), lane, result="i64"))
        f.ret()
        return f

    def _begin_course(self, f: Function, lane: Value, patient: Value) -> None:
        ws = f.argument("ws")
        n, n_inputs = self.sizes.states, self.sizes.inputs
        self._put(f, "PATIENT", lane, patient)
        own = f.at(self._context(f, "parameters"), patient * self.sizes.parameters)
        f.call("prologue", own, f.at(ws, f.whole(self.offset["Q"]) + lane))
        inputs = f.at(self._context(f, "inputs"), patient * n_inputs)
        with f.count(n_inputs) as i:
            self._put(f, "U", lane, f.load("double", f.at(inputs, i)), i)
        self._initial_state(f, lane, patient)
        with f.count(n) as i:
            self._put(f, "M", lane, 0.0, i)
        start = f.load("double", self._times(f, patient))
        self._put(f, "STOPPED", lane, f.whole(-1))
        n_stops = self._context(f, "n_stops", "i64")
        limits = f.at(self._context(f, "limits"), patient * n_stops)
        with f.count(n_stops) as i:
            self._put(f, "LIMIT", lane, f.load("double", f.at(limits, i)), i)
        self._put(f, "T", lane, start)
        self._put(f, "TE", lane, start)
        for name in ("SAVE", "STEPS", "REJECTED", "AGAIN"):
            self._put(f, name, lane, f.whole(0))
        offsets = self._context(f, "offsets")
        action = f.variable("i64", 0)
        action.set(f.load("i64", f.at(offsets, patient)))
        last = f.load("i64", f.at(offsets, patient + 1))
        times = self._context(f, "action_time")
        due = f.variable("double", 0.0)
        due.set(self._time_at(f, times, action.get(), last))
        with f.loop(lambda: due.get() < start):
            action.set(action.get() + 1)
            due.set(self._time_at(f, times, action.get(), last))
        self._put(f, "ACT", lane, action.get())
        given = f.load("double", f.at(self._context(f, "first_step"), patient))
        self._put(f, "H", lane, given)
        self._put(f, "AGAIN", lane, f.whole(0))

    def _initial_state(self, f: Function, lane: Value, patient: Value) -> None:
        """States at the start: as given, else from the model's formulas over parameters and first inputs."""
        n = self.sizes.states
        given = self._context(f, "initial")
        missing = f.op(f"icmp eq ptr {given.name}, null", "i1")
        source = f.variable("ptr", Value(f, "null", "ptr"))
        own = f.variable(f"[{max(n, 1)} x double]", Value(f, "zeroinitializer", f"[{max(n, 1)} x double]"))
        source.set(f.at(given, patient * n))
        with f.when(missing):
            parameters = f.at(self._context(f, "parameters"), patient * self.sizes.parameters)
            inputs = f.at(self._context(f, "inputs"), patient * self.sizes.inputs)
            f.call("initial", parameters, inputs, own.place)
            source.set(own.place)
        with f.count(n) as i:
            self._put(f, "X", lane, f.load("double", f.at(source.get(), i)), i)

    def _arrive(self) -> Function:
        f = self._begin("arrive", "lane", result="i64")
        lane = f.argument("lane")
        n = self.sizes.states
        patient = self._get(f, "PATIENT", lane, kind="i64")
        now = self._get(f, "TE", lane)
        self._put(f, "T", lane, now)
        last = f.load("i64", f.at(self._context(f, "offsets"), patient + 1))
        next_action = f.variable("double", math.inf)
        # a course that was stopped here ends before anything is done to it
        with f.when(self._get(f, "STOPPED", lane, kind="i64") < 0):
            next_action.set(self._act(f, lane, patient, now, last))
            self._look_for_stop(f, lane)
        # the largest size of each state decides what counts as negligible
        with f.count(n) as i:
            size = f.unary("fabs", self._get(f, "X", lane, i))
            old = self._get(f, "M", lane, i)
            self._put(f, "M", lane, f.larger(size, old), i)
        times, n_times = self._times(f, patient), self._context(f, "n_times", "i64")
        is_stopped = self._get(f, "STOPPED", lane, kind="i64") >= 0
        save = f.variable("i64", 0)
        save.set(self._get(f, "SAVE", lane, kind="i64"))
        due = f.variable("double", 0.0)
        due.set(self._time_at(f, times, save.get(), n_times))
        with f.loop(lambda: (due.get() <= now) | (is_stopped & (save.get() < n_times))):
            row = f.at(self._context(f, "values"), (patient * n_times + save.get()) * n)
            with f.count(n) as i:
                f.store(self._get(f, "X", lane, i), f.at(row, i))
            save.set(save.get() + 1)
            due.set(self._time_at(f, times, save.get(), n_times))
        self._put(f, "SAVE", lane, save.get())
        self._put(f, "TSAVE", lane, due.get())
        end = f.load("double", f.at(times, n_times - 1))
        self._put(f, "TE", lane, f.smaller(next_action.get(), end))
        # a step handed over with the problem serves the first segment only
        given = self._get(f, "H", lane)
        begins = self._get(f, "STEPS", lane, kind="i64").equals(0)
        keeps = begins & (given > 0.0)
        self._put(f, "FRESH", lane, f.cast("zext", ~keeps, "i64"))
        done = save.get() >= n_times
        with f.when(done):
            self._report(f, lane, patient, f.whole(int(Status.DONE)))
        f.ret(f.cast("zext", done, "i64"))
        return f

    def _times(self, f: Function, patient: Value) -> Value:
        """Address of a patient's save times."""
        return f.at(self._context(f, "save_times"), patient * self._context(f, "time_stride", "i64"))

    def _time_at(self, f: Function, times: Value, index: Value, n: Value) -> Value:
        """times[index], infinite from n on."""
        found = f.variable("double", math.inf)
        with f.when(index < n):
            found.set(f.load("double", f.at(times, index)))
        return found.get()

    def _act(self, f: Function, lane: Value, patient: Value, now: Value, last: Value) -> Value:
        """Carries out the actions due now; the time of the next, infinite when there is none."""
        times = self._context(f, "action_time")
        action = f.variable("i64", 0)
        action.set(self._get(f, "ACT", lane, kind="i64"))
        due = f.variable("double", 0.0)
        due.set(self._time_at(f, times, action.get(), last))
        with f.loop(lambda: due.get() <= now):
            one = action.get()
            what = f.load("i64", f.at(self._context(f, "action"), one))
            index = f.load("i64", f.at(self._context(f, "action_index"), one))
            value = f.load("double", f.at(self._context(f, "action_value"), one))
            with f.when(what.equals(int(Action.ADD_TO_STATE))):
                self._put(f, "X", lane, self._get(f, "X", lane, index) + value, index)
            with f.when(what.equals(int(Action.SET_STATE))):
                self._put(f, "X", lane, value, index)
            with f.when(what.equals(int(Action.MULTIPLY_STATE))):
                self._put(f, "X", lane, self._get(f, "X", lane, index) * value, index)
            with f.when(what.equals(int(Action.SET_INPUT))):
                self._put(f, "U", lane, value, index)
            with f.when(what.equals(int(Action.RESET))):
                self._initial_state(f, lane, patient)
                with f.count(self.sizes.inputs) as i:
                    self._put(f, "U", lane, 0.0, i)
            action.set(one + 1)
            due.set(self._time_at(f, times, action.get(), last))
        self._put(f, "ACT", lane, action.get())
        return due.get()

    def _report(self, f: Function, lane: Value, patient: Value, status: Value) -> None:
        f.store(status, f.at(self._context(f, "status"), patient))
        f.store(self._get(f, "H", lane), f.at(self._context(f, "last_step"), patient))
        f.store(self._get(f, "STEPS", lane, kind="i64"), f.at(self._context(f, "n_steps"), patient))
        f.store(self._get(f, "REJECTED", lane, kind="i64"), f.at(self._context(f, "n_rejected"), patient))
        f.store(self._get(f, "STOPPED", lane, kind="i64"), f.at(self._context(f, "stopped"), patient))
        f.store(self._get(f, "T", lane), f.at(self._context(f, "end_time"), patient))
        out = f.at(self._context(f, "inputs_out"), patient * self.sizes.inputs)
        with f.count(self.sizes.inputs) as i:
            f.store(self._get(f, "U", lane, i), f.at(out, i))

    def _give_up(self) -> Function:
        f = self._begin("give_up", "lane", "status")
        lane = f.argument("lane")
        n = self.sizes.states
        patient = self._get(f, "PATIENT", lane, kind="i64")
        n_times = self._context(f, "n_times", "i64")
        first = self._get(f, "SAVE", lane, kind="i64")
        rest = f.at(self._context(f, "values"), (patient * n_times + first) * n)
        with f.count((n_times - first) * n) as i:
            f.store(f.real(math.nan), f.at(rest, i))
        self._report(f, lane, patient, f.argument("status"))
        f.call("take_patient", f.argument("ws"), f.argument("ctx"), lane)
        f.ret()
        return f

    def _write_between(self) -> Function:
        """Interpolates saves before the end of the step; one at the end of a segment waits for its actions."""
        f = self._begin("write_between", "lane")
        lane = f.argument("lane")
        n = self.sizes.states
        patient = self._get(f, "PATIENT", lane, kind="i64")
        start, step, end = (self._get(f, name, lane) for name in ("T", "HH", "TE"))
        reached = start + step
        times, n_times = self._times(f, patient), self._context(f, "n_times", "i64")
        save = f.variable("i64", 0)
        save.set(self._get(f, "SAVE", lane, kind="i64"))
        due = f.variable("double", 0.0)
        due.set(self._time_at(f, times, save.get(), n_times))
        with f.loop(lambda: (due.get() < end) & (due.get() <= reached)):
            s = (due.get() - start) / step
            row = f.at(self._context(f, "values"), (patient * n_times + save.get()) * n)
            with f.count(n) as i:
                f.store(self._between(f, lane, i, s), f.at(row, i))
            save.set(save.get() + 1)
            due.set(self._time_at(f, times, save.get(), n_times))
        self._put(f, "SAVE", lane, save.get())
        self._put(f, "TSAVE", lane, due.get())
        f.ret()
        return f

    def _between(self, f: Function, lane: Value, i: Value, s: Value) -> Value:
        """State i at a share s of the step just accepted, on the method's continuous solution."""
        rest = f.real(1.0) - s
        bend = self._bend(f, s, lambda j: self._get(f, "K", lane, i + j * self.sizes.states))
        late = f.fma(rest, bend, self._get(f, "Y", lane, i))
        return f.fma(s, late, rest * self._get(f, "X", lane, i))

    def _bend(self, f: Function, s: Value, increment: Callable[[int], Value]) -> Value:
        """What the continuous solution has beyond a straight line, per s * (1 - s)."""
        bend = None
        for j in range(self.tableau.stages):
            d0, d1, d2 = (f.real(row[j]) for row in self.tableau.dense)
            weight = f.fma(s, f.fma(s, d2, d1), d0)
            bend = weight * increment(j) if bend is None else f.fma(weight, increment(j), bend)
        assert bend is not None
        return bend

    # ---- stops ----
    def _watched(self, f: Function, stop: Value, of: Callable[[Value], Value], width: int = 1) -> Value:
        """The weighted sum that a stop watches, over values of states."""
        first = f.load("i64", f.at(self._context(f, "stop_from"), stop))
        end = f.load("i64", f.at(self._context(f, "stop_from"), stop + 1))
        total = f.variable(vector_type("double", width), 0.0)
        with f.count(end - first) as k:
            state = f.load("i64", f.at(self._context(f, "stop_state"), first + k))
            weight = f.load("double", f.at(self._context(f, "stop_weight"), first + k))
            total.set(f.fma(of(state), f.spread(weight, width), total.get()))
        return total.get()

    def _look_for_stop(self, f: Function, lane: Value) -> None:
        """Marks the lane where it stands when a limit is reached already; the first of several."""
        n_stops = self._context(f, "n_stops", "i64")
        with f.count(n_stops) as back:
            stop = n_stops - 1 - back
            total = self._watched(f, stop, lambda i: self._get(f, "X", lane, i))
            with f.when(total >= self._get(f, "LIMIT", lane, stop)):
                self._put(f, "STOPPED", lane, stop)

    def _meets_stop(self, f: Function) -> Value:
        """Lanes in which a limit is reached at the end of the step."""
        one = f.whole(1, self.width)
        met = f.variable(self.whole, 0)
        with f.count(self._context(f, "n_stops", "i64")) as stop:
            total = self._watched(f, stop, lambda i: self._all(f, "Y", i), self.width)
            met.set(f.select(total >= self._all(f, "LIMIT", stop), one, met.get()))
        return met.get().differs(0)

    def _find_stop(self) -> Function:
        """The earliest share of the step at which a limit is reached, to the last bit, by halving."""
        f = self._begin("find_stop", "lane")
        lane = f.argument("lane")
        n, stages = self.sizes.states, self.tableau.stages
        start, step, end = (self._get(f, name, lane) for name in ("T", "HH", "TE"))
        earliest, which = f.variable("double", 1.0), f.variable("i64", -1)
        with f.count(self._context(f, "n_stops", "i64")) as stop:
            limit = self._get(f, "LIMIT", lane, stop)
            after = self._watched(f, stop, lambda i: self._get(f, "Y", lane, i))
            before = self._watched(f, stop, lambda i: self._get(f, "X", lane, i))
            increments = [
                self._watched(f, stop, lambda i, j=j: self._get(f, "K", lane, i + j * n))  # type: ignore[misc]
                for j in range(stages)
            ]
            with f.when(after >= limit):
                low, high = f.variable("double", 0.0), f.variable("double", 1.0)
                with f.count(60):
                    s = (low.get() + high.get()) * 0.5
                    rest = f.real(1.0) - s
                    late = f.fma(rest, self._bend(f, s, lambda j: increments[j]), after)
                    reached = f.fma(s, late, rest * before) >= limit
                    high.set(f.select(reached, s, high.get()))
                    low.set(f.select(reached, low.get(), s))
                sooner = (high.get() < earliest.get()) | (which.get() < 0)
                which.set(f.select(sooner, stop, which.get()))
                earliest.set(f.select(sooner, high.get(), earliest.get()))
        self._put(f, "STOPPED", lane, which.get())
        self._put(f, "SHARE", lane, earliest.get())
        at = f.fma(earliest.get(), step, start)
        self._put(f, "TE", lane, f.smaller(at, end))
        f.ret()
        return f

    def _move_to_stop(self) -> Function:
        f = self._begin("move_to_stop", "lane")
        lane = f.argument("lane")
        s = self._get(f, "SHARE", lane)
        with f.count(self.sizes.states) as i:
            self._put(f, "Y", lane, self._between(f, lane, i, s), i)
        f.ret()
        return f

    # ---- all lanes at once ----
    def _stage_functions(self) -> list[Function]:
        """Per stage: the state it looks at, and the known part of its right side."""
        written = []
        n, table = self.sizes.states, self.tableau
        for s in range(1, table.stages):
            f = self._begin(f"look{s}")
            # a row that only adds to the one before continues from where that stage looked
            continues = table.a[s][: s - 1] == table.a[s - 1] and s > 1
            with f.count(n) as i:
                total = self._all(f, "Y" if continues else "X", i)
                for j in range(s - 1 if continues else 0, s):
                    total = self._plus(f, table.a[s][j], self._all(f, "K", i + j * n), total)
                self._put_all(f, "Y", total, i)
            time = f.fma(self._all(f, "HH"), f.real(table.alpha[s], self.width), self._all(f, "T"))
            self._put_all(f, "TS", time)
            f.ret()
            written.append(f)
            if not table.implicit:
                continue
            g = self._begin(f"gather{s}")
            inverse = self._all(g, "HI")
            with g.count(n) as i:
                total = self._all(g, "K", i) * table.c[s][0]
                for j in range(1, s):
                    total = self._plus(g, table.c[s][j], self._all(g, "K", i + j * n), total)
                self._put_all(g, "F", g.fma(total, inverse, self._all(g, "F", i)), i)
            self._add_time_derivative(g, s)
            g.ret()
            written.append(g)
        return written

    def _plus(self, f: Function, weight: float, value: Value, total: Value) -> Value:
        if weight == 0.0:
            return total
        return total + value if weight == 1.0 else f.fma(value, weight, total)

    def _add_time_derivative(self, f: Function, stage: int) -> None:
        weight = self.tableau.gammas[stage]
        if weight == 0.0:
            return
        for k, row in enumerate(self.over_time):
            scaled = self._all(f, "HH") * weight
            self._put_all(f, "F", f.fma(self._all(f, "G", k), scaled, self._all(f, "F", row)), row)

    def _norm(self) -> Function:
        """E = mean over states of (error / (absolute + of_peak * M + relative * max(|X|, |Y|)))^2.

        Scales are taken to lie above 1e-150, far below any tolerance with a meaning.
        """
        f = self._begin("norm")
        n, table = self.sizes.states, self.tableau
        relative = f.spread(self._context(f, "relative", "double"), self.width)
        of_peak = f.spread(self._context(f, "of_peak", "double"), self.width)
        absolute = self._context(f, "absolute")
        total = f.variable(self.vector, 0.0)

        def parts(i: Value) -> tuple[Value, Value]:
            """Error and scale of one state."""
            error = None
            for j, weight in enumerate(table.error):
                if weight:
                    part = self._all(f, "K", i + j * n)
                    first = part if weight == 1.0 else part * weight
                    error = first if error is None else self._plus(f, weight, part, error)
            assert error is not None
            now, then = (f.unary("fabs", self._all(f, name, i)) for name in ("Y", "X"))
            least = f.spread(f.load("double", f.at(absolute, i)), self.width)
            scale = f.fma(f.larger(now, then), relative, least)
            return error, f.fma(self._all(f, "M", i), of_peak, scale)

        # two states share a division: (a/b)^2 + (c/d)^2 = ((a d)^2 + (c b)^2) / (b d)^2
        with f.count(n // 2) as half:
            i = half + half
            (a, b), (c, d) = parts(i), parts(i + 1)
            ratio = f.real(1.0, self.width) / (b * d)
            first, second = a * d * ratio, c * b * ratio
            total.set(f.fma(first, first, f.fma(second, second, total.get())))
        if n % 2:
            error, scale = parts(f.whole(n - 1))
            ratio = error / scale
            total.set(f.fma(ratio, ratio, total.get()))
        self._put_all(f, "E", total.get() * (1.0 / max(n, 1)))
        f.ret()
        return f

    def _choose_first_step(self) -> Function:
        """In lanes that are fresh: a step that changes states by a small share of their largest size so far.

        States that were never anything but 0 have no size yet and do not vote; error control has the last word.
        """
        f = self._begin("choose_first_step")
        n = self.sizes.states
        total = f.variable(self.vector, 0.0)
        with f.count(n) as i:
            size = self._all(f, "M", i)
            ratio = self._all(f, "F", i) / size
            ratio = f.select(size > 0.0, ratio, 0.0)
            total.set(f.fma(ratio, ratio, total.get()))
        speed = f.unary("sqrt", total.get() * (1.0 / max(n, 1)))
        left = self._all(f, "TE") - self._all(f, "T")
        step = f.real(FIRST_CHANGE, self.width) / speed
        step = f.smaller(step, left * 0.1)
        step = f.larger(step, left * 1e-8)
        fresh = self._all(f, "FRESH", whole=True).differs(0)
        self._put_all(f, "H", f.select(fresh, step, self._all(f, "H")))
        zero = f.whole(0, self.width)
        self._put_all(f, "FRESH", zero)
        f.ret()
        return f

    def _try_step(self) -> Function:
        f = self._begin("try_step")
        ws, ctx, table = f.argument("ws"), f.argument("ctx"), self.tableau
        self._put_all(f, "TS", self._all(f, "T"))
        f.call("slopes", ws)
        with f.when(self._any(f, self._all(f, "FRESH", whole=True).differs(0))):
            f.call("choose_first_step", ws, ctx)
        left = self._all(f, "TE") - self._all(f, "T")
        step = self._all(f, "H")
        taken = f.select(left < step * 2.0, left * 0.5, step)
        taken = f.select(left <= step * STRETCH, left, taken)
        self._put_all(f, "HH", taken)
        if table.implicit:
            self._put_all(f, "HI", f.real(1.0, self.width) / taken)
            self._put_all(f, "C", f.real(1.0 / table.gamma, self.width) / taken)
            self._add_time_derivative(f, 0)
            f.call("factor", ws)
            self._solve(f, 0)
        else:
            self._increment(f, 0, taken)
        for s in range(1, table.stages):
            f.call(f"look{s}", ws, ctx)
            f.call("rates", ws)
            if table.implicit:
                f.call(f"gather{s}", ws, ctx)
                self._solve(f, s)
            else:
                self._increment(f, s, taken)
        if table.implicit:
            last = (table.stages - 1) * self.sizes.states
            with f.count(self.sizes.states) as i:
                self._put_all(f, "Y", self._all(f, "Y", i) + self._all(f, "K", i + last), i)
        f.call("norm", ws, ctx)
        f.call("growth", ws)
        f.ret()
        return f

    def _solve(self, f: Function, stage: int) -> None:
        f.call("solve", f.argument("ws"), self._place(f, "K", stage * self.sizes.states, 0))

    def _increment(self, f: Function, stage: int, step: Value) -> None:
        n = self.sizes.states
        with f.count(n) as i:
            self._put_all(f, "K", self._all(f, "F", i) * step, i + stage * n)

    def _repeat(self) -> Function:
        """Calls one part many times over, for measuring; see `PARTS`."""
        f = Function(
            "repeat", ["ws", "ctx", "which", "times"], integers=("which", "times"), result="void", exported=True
        )
        ws, ctx = f.argument("ws"), f.argument("ctx")
        calls: dict[str, Callable[[], object]] = {
            "rates": lambda: f.call("rates", ws), "slopes": lambda: f.call("slopes", ws),
            "norm": lambda: f.call("norm", ws, ctx), "step": lambda: f.call("try_step", ws, ctx),
            "look": lambda: f.call(f"look{self.tableau.stages - 2}", ws, ctx),
        }  # fmt: skip
        if self.tableau.implicit:
            calls["factor"] = lambda: f.call("factor", ws)
            calls["solve"] = lambda: self._solve(f, 1)
            calls["gather"] = lambda: f.call(f"gather{self.tableau.stages - 1}", ws, ctx)
        with f.count(f.argument("times")):
            for k, name in enumerate(PARTS):
                if name in calls:
                    with f.when(f.argument("which").equals(k)):
                        calls[name]()
        f.ret()
        return f

    def _any(self, f: Function, mask: Value) -> Value:
        if self.width == 1:
            return mask
        return f.op(f"bitcast {mask.kind} {mask.name} to i{self.width}", f"i{self.width}").differs(0)

    def _drive(self) -> Function:
        f = self._begin("drive", exported=True)
        ws, ctx = f.argument("ws"), f.argument("ctx")
        with f.count(self.width) as lane:
            f.call("take_patient", ws, ctx, lane)

        def busy() -> Value:
            return self._any(f, self._all(f, "PATIENT", whole=True) >= 0)

        with f.loop(busy):
            f.call("try_step", ws, ctx)
            self._decide(f)
        f.ret()
        return f

    def _decide(self, f: Function) -> None:
        """Accept or reject in every lane, then see to the lanes where something happens."""
        ws, ctx, width = f.argument("ws"), f.argument("ctx"), self.width
        active = self._all(f, "PATIENT", whole=True) >= 0
        start, step, end = (self._all(f, name) for name in ("T", "HH", "TE"))
        sound = self._all(f, "E") <= 1.0
        if self.tableau.implicit:
            sound = sound & (self._all(f, "PIVOT") >= PIVOT_LIMIT)
        good, bad = active & sound, active & ~sound
        arrives = good & (step.equals(end - start))
        stops = good & self._meets_stop(f)
        with f.lanes(stops) as lane:
            f.call("find_stop", ws, ctx, lane)
        arrives, end = arrives | stops, self._all(f, "TE")
        reached = f.select(arrives, end, start + step)
        due = self._all(f, "TSAVE")
        with f.lanes(good & (due <= reached) & (due < end)) as lane:
            f.call("write_between", ws, ctx, lane)
        with f.lanes(stops) as lane:
            f.call("move_to_stop", ws, ctx, lane)
        # step control
        factor = self._all(f, "FACTOR")
        again = self._all(f, "AGAIN", whole=True).differs(0)
        grown = f.smaller(f.real(GROWTH_LIMIT, width), f.larger(factor, f.real(0.2, width)))
        grown = f.select(again, f.smaller(grown, f.real(1.0, width)), grown)
        shrunk = f.larger(f.smaller(factor, f.real(0.9, width)), f.real(SHRINK_LIMIT, width))
        shrunk = f.select(self._all(f, "E") > 1.0, shrunk, f.real(SHRINK_LIMIT, width))
        # a step cut at the end of a segment does not shorten the next proposal
        wanted = self._all(f, "H")
        next_step = f.select(step < wanted, f.larger(step * grown, wanted), step * grown)
        next_step = f.select(good, next_step, f.select(bad, step * shrunk, wanted))
        self._put_all(f, "H", next_step)
        one, zero = f.whole(1, width), f.whole(0, width)
        self._put_all(f, "AGAIN", f.select(bad, one, zero))
        for name, mask in (("STEPS", good), ("REJECTED", bad)):
            counted = self._all(f, name, whole=True)
            self._put_all(f, name, counted + f.select(mask, one, zero))
        self._put_all(f, "T", f.select(good, reached, start))
        with f.count(self.sizes.states) as i:
            moved = f.select(good, self._all(f, "Y", i), self._all(f, "X", i))
            self._put_all(f, "X", moved, i)
            self._put_all(f, "M", f.larger(f.unary("fabs", moved), self._all(f, "M", i)), i)
        self._see_to_failures(f, good, bad, next_step)
        with f.lanes(arrives) as lane:
            done = f.call("arrive", ws, ctx, lane, result="i64")
            with f.when(done.equals(1)):
                f.call("take_patient", ws, ctx, lane)

    def _see_to_failures(self, f: Function, good: Value, bad: Value, next_step: Value) -> None:
        ws, ctx = f.argument("ws"), f.argument("ctx")
        time = self._all(f, "T")
        extent = f.larger(f.unary("fabs", time), self._all(f, "TE") - time)
        stuck = bad & (next_step <= extent * SMALLEST_STEP)
        tried = self._all(f, "STEPS", whole=True) + self._all(f, "REJECTED", whole=True)
        limit = f.spread(self._context(f, "max_steps", "i64"), self.width)
        # a lane that has just arrived is let finish
        spent = (tried >= limit) & (good | bad) & (self._all(f, "TE") > time)
        error = self._all(f, "E")
        finite = (error < math.inf) & (error >= 0.0)
        with f.when(self._any(f, stuck | spent)):
            stuck_at = f.cast("zext", finite, self.whole)
            kinds = f.select(
                stuck_at.differs(0), f.whole(int(Status.STEP_TOO_SMALL), self.width),
                f.whole(int(Status.NOT_FINITE), self.width),
            )  # fmt: skip
            kinds = f.select(stuck, kinds, f.whole(int(Status.STEP_LIMIT), self.width))
            why = f.variable(self.whole, 0)
            why.set(kinds)
            with f.lanes(stuck | spent) as lane:
                status = f.load("i64", f.at(why.place, lane))
                f.call("give_up", ws, ctx, lane, status)
