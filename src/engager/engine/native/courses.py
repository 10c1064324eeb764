"""One patient in one lane: how a course begins, what happens at an instant, how it ends.

Functions written here (all take ws: workspace, ctx: context):
    take_patient     next patient into a lane
    arrive           actions and saves at the instant a lane stands at; 1 when that was the last
    give_up          status and NaN for a lane that cannot go on
"""

from __future__ import annotations

import math
from collections.abc import Callable

from engager.engine.native.ir import Function, Value
from engager.engine.native.within import WithinSteps
from engager.engine.problem import Action, Status


class Courses(WithinSteps):
    """What is done one lane at a time."""

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
        own = f.at(self._context(f, "parameters"), self._row(f, patient) * self.sizes.parameters)
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
        source = f.variable("ptr", Value(f, "null", "ptr"))
        own = f.variable(f"[{max(n, 1)} x double]", Value(f, "zeroinitializer", f"[{max(n, 1)} x double]"))
        row = self._row(f, patient)
        source.set(f.at(given, row * n))
        with f.when(~self._is_given(f, "initial")):
            parameters = f.at(self._context(f, "parameters"), row * self.sizes.parameters)
            inputs = f.at(self._context(f, "inputs"), patient * self.sizes.inputs)
            f.call("initial", parameters, inputs, own.place)
            source.set(own.place)
        with f.count(n) as i:
            self._put(f, "X", lane, f.load("double", f.at(source.get(), i)), i)

    def _row(self, f: Function, patient: Value) -> Value:
        """The patient's row of parameters and initial states."""
        rows = self._context(f, "row")
        found = f.variable("i64", 0)
        found.set(patient)
        with f.when(self._is_given(f, "row")):
            found.set(f.load("i64", f.at(rows, patient)))
        return found.get()

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
        end = f.load("double", f.at(times, n_times - 1))
        in_place = self._is_given(f, "last")
        is_stopped = self._get(f, "STOPPED", lane, kind="i64") >= 0
        save = f.variable("i64", 0)
        save.set(self._get(f, "SAVE", lane, kind="i64"))
        due = f.variable("double", 0.0)
        due.set(self._time_at(f, times, save.get(), n_times))
        with f.loop(lambda: (due.get() <= now) | (is_stopped & (save.get() < n_times))):
            # in place, states at the end go elsewhere; memory for saves that merely fill up a row is never touched
            with f.when(~(in_place & (due.get() >= end))):
                self._keep(f, patient, save.get(), lambda i: self._get(f, "X", lane, i))
            save.set(save.get() + 1)
            due.set(self._time_at(f, times, save.get(), n_times))
        self._put(f, "SAVE", lane, save.get())
        self._put(f, "TSAVE", lane, due.get())
        self._put(f, "TE", lane, f.smaller(next_action.get(), end))
        # a step handed over with the problem serves the first segment only
        given = self._get(f, "H", lane)
        begins = self._get(f, "STEPS", lane, kind="i64").equals(0)
        keeps = begins & (given > 0.0)
        self._put(f, "FRESH", lane, f.cast("zext", ~keeps, "i64"))
        done = save.get() >= n_times
        with f.when(done):
            self._write_last(f, patient, lambda i: self._get(f, "X", lane, i))
            self._report(f, lane, patient, f.whole(int(Status.DONE)))
        f.ret(f.cast("zext", done, "i64"))
        return f

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

    def _write_last(self, f: Function, patient: Value, state: Callable[[Value], Value]) -> None:
        """The states at the end of a course, over those at its start, where that was asked for."""
        with f.when(self._is_given(f, "last")):
            own = f.at(self._context(f, "last"), self._row(f, patient) * self.sizes.states)
            with f.count(self.sizes.states) as i:
                f.store(state(i), f.at(own, i))

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
        patient = self._get(f, "PATIENT", lane, kind="i64")
        first = self._get(f, "SAVE", lane, kind="i64")
        with f.count(self._context(f, "n_times", "i64") - first) as later:
            self._keep(f, patient, first + later, lambda i: f.real(math.nan))
        self._write_last(f, patient, lambda i: f.real(math.nan))
        self._report(f, lane, patient, f.argument("status"))
        f.call("take_patient", f.argument("ws"), f.argument("ctx"), lane)
        f.ret()
        return f
