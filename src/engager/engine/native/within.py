"""Between the two ends of a step: saves at times inside it, and the instant at which a stop is met.

Functions written here (all take ws: workspace, ctx: context):
    write_between    saves strictly inside the step just accepted
    find_stop        where within the step just accepted a stop is met; the segment then ends there
    move_to_stop     the state at that instant in place of the one at the end of the step
"""

from __future__ import annotations

from collections.abc import Callable

from engager.engine.lowering.printer import vector_type
from engager.engine.native.frame import Frame
from engager.engine.native.ir import Function, Value


class WithinSteps(Frame):
    """What a step is asked about its inside."""

    def _write_between(self) -> Function:
        """Interpolates saves before the end of the step; one at the end of a segment waits for its actions."""
        f = self._begin("write_between", "lane")
        lane = f.argument("lane")
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
            self._keep(f, patient, save.get(), lambda i: self._between(f, lane, i, s))
            save.set(save.get() + 1)
            due.set(self._time_at(f, times, save.get(), n_times))
        self._put(f, "SAVE", lane, save.get())
        self._put(f, "TSAVE", lane, due.get())
        f.ret()
        return f

    def _keep(self, f: Function, patient: Value, save: Value, state: Callable[[Value], Value]) -> None:
        """The states at one save, where it is one of those that are kept."""
        place, n_kept = save - self._context(f, "first_kept", "i64"), self._context(f, "n_kept", "i64")
        with f.when((place >= 0) & (place < n_kept)):
            row = f.at(self._context(f, "values"), (patient * n_kept + place) * self.sizes.states)
            with f.count(self.sizes.states) as i:
                f.store(state(i), f.at(row, i))

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
