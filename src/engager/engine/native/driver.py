"""The loop around the generated routines, itself written as LLVM IR: steps in lanes, events one lane at a time.

Each lane is one patient with a time, step and segment of its own. Every turn of the loop tries one step in
all lanes at once; lanes whose error is too large try again shorter, lanes that reach an action carry it out,
lanes whose patient is done take the next patient. No lane ever reads another, so a patient's numbers do not
depend on neighbors, order or threads. Threads share nothing but the counter of patients taken.

What the loop calls is written by `courses` (one lane: taking a patient, arriving, giving up), `within` (saves and stops
inside a step) and `steps` (one step in all lanes). Written here (takes ws: workspace, ctx: context):
    drive            the loop
"""

from __future__ import annotations

import math

from engager.engine.lowering.layout import Sizes
from engager.engine.lowering.tableau import Tableau
from engager.engine.native.courses import Courses
from engager.engine.native.ir import Function, Value
from engager.engine.native.steps import Steps
from engager.engine.problem import Status

GROWTH_LIMIT, SHRINK_LIMIT = 6.0, 0.1
#: Smallest pivot, as a share of 1/(gamma h), below which elimination without row exchange is not trusted.
PIVOT_LIMIT = 1e-8
#: A step below this share of the time or the segment makes no progress.
SMALLEST_STEP = 1e-15


class Driver(Courses, Steps):
    """Writes the driver for one model, method and width; `text` is the result."""

    def __init__(self, sizes: Sizes, tableau: Tableau, width: int, over_time: tuple[int, ...], workspace: str = "ptr"):
        super().__init__(sizes, tableau, width, over_time, workspace)
        written = [
            self._take_patient(), self._arrive(), self._give_up(), self._write_between(),
            self._find_stop(), self._move_to_stop(),
            *self._stage_functions(), self._norm(), self._choose_first_step(), self._try_step(), self._drive(),
            self._repeat(),
        ]  # fmt: skip
        self.text = "\n".join(function.text() for function in written)

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
