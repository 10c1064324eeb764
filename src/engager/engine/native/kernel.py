"""All the code of one model and method: generated routines and the driver around them, as LLVM IR text.

In: `System`, a tableau, the number of lanes. Out: `Kernel`. Not here: compiling and calling.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace

from engager.engine.lowering import functions as fn
from engager.engine.lowering.code import Code, Ref
from engager.engine.lowering.layout import Sizes, lane_arrays
from engager.engine.lowering.lower import Lowered, lower_formulas, lower_rates
from engager.engine.lowering.printer import Array, declarations, print_routine
from engager.engine.lowering.routine import Routine, finish, split
from engager.engine.lowering.sparse import Pattern, eliminate, order_pivots, substitute
from engager.engine.lowering.tableau import Tableau
from engager.engine.native.driver import Driver
from engager.model import System

_SAFETY = 0.9


@dataclass(frozen=True)
class Routines:
    """The generated routines of one model and method, ready for any printer.

    `solve` and `factor` are there for implicit methods only. `entries` says where each entry of the Jacobian
    stands: (row, column, array, place), or (row, column, "const", number).
    """

    sizes: Sizes
    over_time: tuple[int, ...]
    prologue: Routine
    initial: Routine
    rates: Routine
    slopes: Routine
    growth: Routine
    factor: Routine | None = None
    solve: Routine | None = None
    entries: tuple[tuple[int, int, str, float], ...] = ()


@dataclass(frozen=True)
class Kernel:
    """Text to compile, and what a caller must know of it."""

    text: str
    sizes: Sizes
    width: int
    workspace: int
    operations: dict[str, int]
    entries: tuple[tuple[int, int, str, float], ...] = ()

    def facts(self) -> str:
        """Everything but the text, as JSON to keep beside the compiled code."""
        return json.dumps(asdict(replace(self, text="")))

    @classmethod
    def from_facts(cls, facts: str) -> Kernel:
        found = json.loads(facts)
        entries = tuple((int(i), int(j), str(kind), float(where)) for i, j, kind, where in found["entries"])
        return cls(**{**found, "sizes": Sizes(**found["sizes"]), "entries": entries})


def generate_routines(system: System, tableau: Tableau) -> Routines:
    """Lowers the model and schedules each routine."""
    lowered = lower_rates(system)
    n = len(system.states)
    matrix = lowered.jacobian if tableau.implicit else {}
    over_time = tuple(sorted(lowered.over_time)) if tableau.implicit else ()
    pattern = order_pivots(n, set(matrix))
    results = [*lowered.rates, *matrix.values(), *(lowered.over_time[row] for row in over_time)]
    hoisted = split(lowered.code, results)
    moving = [place for place, ref in matrix.items() if ref not in hoisted and lowered.code.value(ref) is None]
    rates = [(("F", i), ref) for i, ref in enumerate(lowered.rates)]
    slopes = [
        *rates,
        *((("J", k), matrix[place]) for k, place in enumerate(moving)),
        *((("G", k), lowered.over_time[row]) for k, row in enumerate(over_time)),
    ]
    code = lowered.code
    sizes = Sizes(
        states=n, parameters=len(system.parameters), inputs=len(system.inputs), hoisted=len(hoisted),
        jacobian=len(moving), over_time=len(over_time),
        factors=len(pattern.entries) if tableau.implicit else 0, stages=tableau.stages,
    )  # fmt: skip
    initial_code, initial = lower_formulas(system, system.initial)
    routines = Routines(
        sizes=sizes,
        over_time=over_time,
        prologue=finish("prologue", code, [(("Q", k), ref) for ref, k in hoisted.items()], {}),
        initial=finish("initial", initial_code, [(("X", i), ref) for i, ref in enumerate(initial)], {}),
        rates=finish("rates", code, rates, hoisted, interleaved=True),
        slopes=finish("slopes", code, slopes, hoisted) if tableau.implicit else finish("slopes", code, rates, hoisted),
        growth=_growth(tableau),
    )
    if not tableau.implicit:
        return routines
    entries = _entries(lowered, moving, hoisted)
    return replace(routines, factor=_factor(pattern, entries), solve=_solve(pattern), entries=entries)


def _per_step(operations: dict[str, int], n: int, tableau: Tableau) -> int:
    """Floating-point operations of one tried step and lane, control not counted."""
    total = operations["slopes"] + (tableau.stages - 1) * operations["rates"]
    for s in range(1, tableau.stages):
        continues = s > 1 and tableau.a[s][: s - 1] == tableau.a[s - 1]
        total += 2 * n * (1 if continues else s)
        total += 2 * n * (s + 1) if tableau.implicit else n
    if tableau.implicit:
        total += operations["factor"] + tableau.stages * operations["solve"]
    # error norm: scale (two multiply-adds), ratio and square per state
    return total + 10 * n


def _growth(tableau: Tableau) -> Routine:
    """FACTOR = safety * E^(-1/(2 order)): how much longer the next step may be; E is an error squared."""
    c = Code()
    exponent = c.mul(c.const(-0.5 / tableau.order), fn.log2(c, c.load("E", 0)))
    return finish("growth", c, [(("FACTOR", 0), c.mul(c.const(_SAFETY), fn.exp2(c, exponent)))], {})


def _entries(
    lowered: Lowered, moving: list[tuple[int, int]], hoisted: dict[Ref, int]
) -> tuple[tuple[int, int, str, float], ...]:
    found: list[tuple[int, int, str, float]] = [(i, j, "J", k) for k, (i, j) in enumerate(moving)]
    for (i, j), ref in lowered.jacobian.items():
        number = lowered.code.value(ref)
        if number is not None:
            found.append((i, j, "const", number))
        elif ref in hoisted:
            found.append((i, j, "Q", hoisted[ref]))
    return tuple(found)


def _factor(pattern: Pattern, entries: tuple[tuple[int, int, str, float], ...]) -> Routine:
    c = Code()
    matrix = {(i, j): c.const(where) if kind == "const" else c.load(kind, int(where)) for i, j, kind, where in entries}
    factors, smallest = eliminate(c, pattern, c.load("C", 0), matrix)
    stores = [(("L", k), ref) for k, ref in enumerate(factors)]
    return finish("factor", c, [*stores, (("PIVOT", 0), smallest)], {})


def _solve(pattern: Pattern) -> Routine:
    c = Code()
    factors = [c.load("L", k) for k in range(len(pattern.entries))]
    solution = substitute(c, pattern, factors, [c.load("F", i) for i in range(pattern.n)])
    return finish("solve", c, [(("K", i), ref) for i, ref in enumerate(solution)], {})


def print_kernel(routines: Routines, tableau: Tableau, width: int, workspace: str = "ptr") -> Kernel:
    """The module's text for `width` lanes; `workspace` is the type of a pointer to their memory."""
    sizes = routines.sizes
    driver = Driver(sizes, tableau, width, routines.over_time, workspace)
    offsets, total = lane_arrays(sizes, width)
    lanes = {name: Array("ws", offset, width, workspace) for name, offset in offsets.items()}
    at_stage = {**lanes, "X": lanes["Y"], "T": lanes["TS"]}
    at_start = {**lanes, "T": lanes["TS"]}
    own = {
        "P": Array("p", 0, 1), "U": Array("u", 0, 1), "X": Array("x", 0, 1), "Q": Array("q", 0, width, workspace),
    }  # fmt: skip
    parts = [
        print_routine(routines.prologue, 1, ["p", "q"], own),
        print_routine(routines.initial, 1, ["p", "u", "x"], own),
        print_routine(routines.rates, width, ["ws"], at_stage),
        print_routine(routines.slopes, width, ["ws"], at_start),
        print_routine(routines.growth, width, ["ws"], lanes),
    ]
    if routines.factor and routines.solve:
        parts.append(print_routine(routines.factor, width, ["ws"], lanes))
        stage = {**lanes, "K": Array("k", 0, width, workspace)}
        parts.append(print_routine(routines.solve, width, ["ws", "k"], stage))
    parts.append(driver.text)
    declared = declarations(1) + ("\n" + declarations(width) if width > 1 else "")
    text = "\n".join([declared, "declare i64 @llvm.cttz.i64(i64, i1)", "", *parts])
    counted = (routines.rates, routines.slopes, routines.factor, routines.solve)
    operations = {one.name: one.operations for one in counted if one}
    operations["step"] = _per_step(operations, sizes.states, tableau)
    return Kernel(text, sizes, width, total, operations, routines.entries)
