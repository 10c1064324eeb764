"""One step in all lanes at once: its stages, its error, the first step of a segment.

Functions written here (all take ws: workspace, ctx: context):
    look*, gather*   states and right sides of a stage
    norm             error of the step, and by how much the next one may grow
    first_step       of a segment
    try_step         one step in all lanes
    repeat           one part many times over, for measuring
"""

from __future__ import annotations

from collections.abc import Callable

from engager.engine.native.frame import Frame
from engager.engine.native.ir import Function, Value

#: A step this much longer than what is left of a segment is stretched to its end; up to twice, it is halved.
STRETCH = 1.01
#: The first step of a segment changes states by about this share of their largest size.
FIRST_CHANGE = 0.01
#: What `repeat` can time, by number.
PARTS = ("rates", "slopes", "factor", "solve", "look", "gather", "norm", "step")


class Steps(Frame):
    """What is done in all lanes at once."""

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
        f = self._begin("repeat", "which", "times", exported=True)
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
