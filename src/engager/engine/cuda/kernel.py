"""The loop of one GPU thread around the generated routines, as Python source for numba-cuda.

One thread follows one patient from start to end; its workspace is local memory, which the device lays out so that
neighboring threads read neighboring words. Every line does what `driver` does in lanes, in the same order.
"""

from __future__ import annotations

from engager.engine.cuda.python_source import number, python_routine
from engager.engine.lowering.layout import lane_arrays
from engager.engine.lowering.printer import Array
from engager.engine.lowering.tableau import Tableau
from engager.engine.native import driver, steps
from engager.engine.native.kernel import Routines
from engager.engine.problem import Action, Status

_KERNEL = """
def follow(parameters, inputs, initial, has_initial, offsets, action_time, action, action_index, action_value,
           all_times, own_times, values, status, last_step, inputs_out, n_steps, n_rejected, stopped_by, end_time,
           first_step, absolute_tolerance, relative, of_peak, max_steps,
           n_stops, stop_from, stop_state, stop_weight, limits):
    patient = cuda.grid(1)
    if patient >= parameters.shape[0]:
        return
    w = cuda.local.array({size}, float64)
    save_times = all_times[patient if own_times else 0]
    n_times = save_times.shape[0]
    prologue(parameters[patient], w)
    for i in range({n_inputs}):
        w[{U} + i] = inputs[patient, i]
    begin_state(parameters, inputs, initial, has_initial, patient, w)
    for i in range({n}):
        w[{M} + i] = 0.0
    act, last = offsets[patient], offsets[patient + 1]
    while act < last and action_time[act] < save_times[0]:
        act += 1
    save, steps, rejected, ended, stopped = 0, 0, 0, 0, -1
    again = False
    h = first_step[patient]
    t = save_times[0]
    te = t
    finish = save_times[n_times - 1]
    while True:
        t = te
        # a course that was stopped here ends before anything is done to it
        while stopped < 0 and act < last and action_time[act] <= t:
            what, k, value = action[act], action_index[act], action_value[act]
            if what == {ADD_TO_STATE}:
                w[{X} + k] = add(w[{X} + k], value)
            elif what == {SET_STATE}:
                w[{X} + k] = value
            elif what == {MULTIPLY_STATE}:
                w[{X} + k] = mul(w[{X} + k], value)
            elif what == {SET_INPUT}:
                w[{U} + k] = value
            elif what == {RESET}:
                begin_state(parameters, inputs, initial, has_initial, patient, w)
                for i in range({n_inputs}):
                    w[{U} + i] = 0.0
            act += 1
        if stopped < 0:
            for back in range(n_stops):
                stop = n_stops - 1 - back
                if watched(w, {X}, stop, stop_from, stop_state, stop_weight) >= limits[patient, stop]:
                    stopped = stop
        for i in range({n}):
            size = absolute(w[{X} + i])
            if size > w[{M} + i]:
                w[{M} + i] = size
        while save < n_times and (save_times[save] <= t or stopped >= 0):
            for i in range({n}):
                values[patient, save, i] = w[{X} + i]
            save += 1
        if save >= n_times:
            break
        te = finish
        if act < last and action_time[act] < finish:
            te = action_time[act]
        fresh = not (steps == 0 and h > 0.0)
        arrived = False
        while not arrived:
            w[{T}] = t
            w[{TS}] = t
            slopes(w)
            left = add(te, -t)
            if fresh:
                h = first_guess(w, left)
                fresh = False
            taken = mul(left, 0.5) if left < mul(h, 2.0) else h
            taken = left if left <= mul(h, {stretch}) else taken
            try_step(w, t, taken)
            error = norm(w, absolute_tolerance, relative, of_peak)
            w[{E}] = error
            growth(w)
            factor_now = w[{FACTOR}]
            good = error <= 1.0 and {sound}
            if good:
                arrived = taken == add(te, -t)
                share = 1.0
                for stop in range(n_stops):
                    limit = limits[patient, stop]
                    if watched(w, {Y}, stop, stop_from, stop_state, stop_weight) >= limit:
                        sooner = share_to_stop(w, stop, stop_from, stop_state, stop_weight, limit)
                        if stopped < 0 or sooner < share:
                            stopped = stop
                            share = sooner
                if stopped >= 0:
                    at = fma(share, taken, t)
                    te = at if at < te else te
                    arrived = True
                reached = te if arrived else add(t, taken)
                save = write_between(w, values, patient, save_times, save, t, taken, te)
                if stopped >= 0:
                    move_to(w, share)
                grown = factor_now if factor_now > 0.2 else 0.2
                grown = {growth_limit} if {growth_limit} < grown else grown
                if again:
                    grown = grown if grown < 1.0 else 1.0
                longer = mul(taken, grown)
                if taken < h:
                    h = longer if longer > h else h
                else:
                    h = longer
                steps += 1
                t = reached
                for i in range({n}):
                    y = w[{Y} + i]
                    w[{X} + i] = y
                    size = absolute(y)
                    if size > w[{M} + i]:
                        w[{M} + i] = size
                again = False
            else:
                shrunk = factor_now if factor_now < 0.9 else 0.9
                shrunk = shrunk if shrunk > {shrink_limit} else {shrink_limit}
                h = mul(taken, shrunk if error > 1.0 else {shrink_limit})
                rejected += 1
                again = True
                rest = add(te, -t)
                extent = absolute(t)
                extent = extent if extent > rest else rest
                if h <= mul(extent, {smallest_step}):
                    ended = {STEP_TOO_SMALL} if 0.0 <= error < INF else {NOT_FINITE}
                    break
            if steps + rejected >= max_steps and te > t:
                ended = {STEP_LIMIT}
                break
        if ended != 0:
            break
    while save < n_times:
        for i in range({n}):
            values[patient, save, i] = NAN
        save += 1
    status[patient] = ended
    last_step[patient] = h
    stopped_by[patient] = stopped
    end_time[patient] = t
    n_steps[patient] = steps
    n_rejected[patient] = rejected
    for i in range({n_inputs}):
        inputs_out[patient, i] = w[{U} + i]
"""

_PARTS = """
def begin_state(parameters, inputs, initial, has_initial, patient, w):
    if has_initial:
        for i in range({n}):
            w[{X} + i] = initial[patient, i]
    else:
        initial_state(parameters[patient], inputs[patient], w)


def first_guess(w, left):
    total = 0.0
    for i in range({n}):
        size = w[{M} + i]
        if size > 0.0:
            ratio = div(w[{F} + i], size)
            total = fma(ratio, ratio, total)
        elif size != size:
            total = NAN
    speed = sqrt(mul(total, {share}))
    step = div({first_change}, speed)
    most, least = mul(left, 0.1), mul(left, 1e-8)
    step = step if step < most else most
    return step if step > least else least


def watched(w, base, stop, stop_from, stop_state, stop_weight):
    total = 0.0
    for k in range(stop_from[stop], stop_from[stop + 1]):
        total = fma(w[base + stop_state[k]], stop_weight[k], total)
    return total


def share_to_stop(w, stop, stop_from, stop_state, stop_weight, limit):
    after = watched(w, {Y}, stop, stop_from, stop_state, stop_weight)
    before = watched(w, {X}, stop, stop_from, stop_state, stop_weight)
{increments}
    low, high = 0.0, 1.0
    for _ in range(60):
        s = mul(add(low, high), 0.5)
        rest = add(1.0, -s)
{weights}
{summed}
        late = fma(rest, bend, after)
        if fma(s, late, mul(rest, before)) >= limit:
            high = s
        else:
            low = s
    return high


def move_to(w, s):
    rest = add(1.0, -s)
{weights_once}
    for i in range({n}):
{bend_once}
        late = fma(rest, bend, w[{Y} + i])
        w[{Y} + i] = fma(s, late, mul(rest, w[{X} + i]))


def write_between(w, values, patient, save_times, save, start, step, end):
    reached = add(start, step)
    while save < save_times.shape[0] and save_times[save] < end and save_times[save] <= reached:
        s = div(add(save_times[save], -start), step)
        rest = add(1.0, -s)
{weights}
        for i in range({n}):
{bend}
            late = fma(rest, bend, w[{Y} + i])
            values[patient, save, i] = fma(s, late, mul(rest, w[{X} + i]))
        save += 1
    return save
"""


def kernel_source(routines: Routines, tableau: Tableau) -> str:
    """The module's text, ending in ``follow``; it expects ``cuda``, ``float64`` and `cuda_arithmetic`."""
    sizes = routines.sizes
    at, total = lane_arrays(sizes, 1)
    own = {name: Array("w", offset, 1) for name, offset in at.items()}
    at_stage = {**own, "X": own["Y"], "T": own["TS"]}
    at_start = {**own, "T": own["TS"]}
    first = {**own, "P": Array("p", 0, 1), "U": Array("u", 0, 1)}
    n = sizes.states
    words = {
        **at, "size": total, "n": n, "n_inputs": sizes.inputs, "share": number(1.0 / max(n, 1)),
        "growth_limit": number(driver.GROWTH_LIMIT), "shrink_limit": number(driver.SHRINK_LIMIT),
        "stretch": number(steps.STRETCH), "smallest_step": number(driver.SMALLEST_STEP),
        "first_change": number(steps.FIRST_CHANGE),
        "sound": f"w[{at['PIVOT']}] >= {number(driver.PIVOT_LIMIT)}" if tableau.implicit else "True",
        "weights": _weights(tableau, 8), "bend": _bend(tableau, at["K"], n, 12),
        "weights_once": _weights(tableau, 4), "bend_once": _bend(tableau, at["K"], n, 8),
        "increments": _increments(tableau, at["K"], n), "summed": _summed(tableau),
        **{one.name: int(one) for one in Action}, **{one.name: int(one) for one in Status},
    }  # fmt: skip
    parts = [
        python_routine(routines.prologue, ["p", "w"], first),
        python_routine(routines.initial, ["p", "u", "w"], first).replace("def initial(", "def initial_state(", 1),
        python_routine(routines.rates, ["w"], at_stage),
        python_routine(routines.slopes, ["w"], at_start),
        python_routine(routines.growth, ["w"], own),
    ]
    if routines.factor and routines.solve:
        parts.append(python_routine(routines.factor, ["w"], own))
        placed = {**own, "K": Array("w", 0, 1, base="k")}
        parts.append(python_routine(routines.solve, ["w", "k"], placed))
    parts += [_norm(tableau, at, n), _try_step(tableau, at, n, routines.over_time)]
    return "\n".join([*parts, _PARTS.format(**words), _KERNEL.format(**words)])


def _plus(weight: float, value: str, total: str) -> str:
    if weight == 0.0:
        return total
    return f"add({total}, {value})" if weight == 1.0 else f"fma({value}, {number(weight)}, {total})"


def _weights(tableau: Tableau, indent: int) -> str:
    lines = []
    for j in range(tableau.stages):
        d0, d1, d2 = (number(row[j]) for row in tableau.dense)
        lines.append(f"{' ' * indent}weight{j} = fma(s, fma(s, {d2}, {d1}), {d0})")
    return "\n".join(lines)


def _bend(tableau: Tableau, k: int, n: int, indent: int) -> str:
    """What the continuous solution of a state has beyond a straight line, per s * (1 - s)."""
    lines = [f"{' ' * indent}bend = mul(weight0, w[{k} + i])"]
    for j in range(1, tableau.stages):
        lines.append(f"{' ' * indent}bend = fma(weight{j}, w[{k + j * n} + i], bend)")
    return "\n".join(lines)


def _increments(tableau: Tableau, k: int, n: int) -> str:
    """What a stop watches, of each stage's increments."""
    return "\n".join(
        f"    increment{j} = watched(w, {k + j * n}, stop, stop_from, stop_state, stop_weight)"
        for j in range(tableau.stages)
    )


def _summed(tableau: Tableau) -> str:
    """As `_bend`, of a watched sum."""
    lines = ["        bend = mul(weight0, increment0)"]
    lines += [f"        bend = fma(weight{j}, increment{j}, bend)" for j in range(1, tableau.stages)]
    return "\n".join(lines)


def _norm(tableau: Tableau, at: dict[str, int], n: int) -> str:
    """As `Driver._norm`: states in pairs share a division."""
    error = ""
    for j, weight in enumerate(tableau.error):
        if weight:
            part = f"w[{at['K'] + j * n} + i]"
            first = part if weight == 1.0 else f"mul({part}, {number(weight)})"
            error = _plus(weight, part, error) if error else first
    return f"""
def error_of(w, i):
    return {error}


def scale_of(w, i, absolute_tolerance, relative, of_peak):
    now, then = absolute(w[{at["Y"]} + i]), absolute(w[{at["X"]} + i])
    larger = now if now > then else then
    return fma(w[{at["M"]} + i], of_peak, fma(larger, relative, absolute_tolerance[i]))


def norm(w, absolute_tolerance, relative, of_peak):
    total = 0.0
    for half in range({n // 2}):
        i = 2 * half
        a, b = error_of(w, i), scale_of(w, i, absolute_tolerance, relative, of_peak)
        c, d = error_of(w, i + 1), scale_of(w, i + 1, absolute_tolerance, relative, of_peak)
        ratio = div(1.0, mul(b, d))
        first, second = mul(mul(a, d), ratio), mul(mul(c, b), ratio)
        total = fma(first, first, fma(second, second, total))
    if {n % 2}:
        ratio = div(error_of(w, {n - 1}), scale_of(w, {n - 1}, absolute_tolerance, relative, of_peak))
        total = fma(ratio, ratio, total)
    return mul(total, {number(1.0 / max(n, 1))})
"""


def _try_step(tableau: Tableau, at: dict[str, int], n: int, over_time: tuple[int, ...]) -> str:
    """As `Driver._try_step` from the choice of the step on."""
    lines = ["def try_step(w, t, taken):"]
    if tableau.implicit:
        lines += ["    inverse = div(1.0, taken)", f"    w[{at['C']}] = div({number(1.0 / tableau.gamma)}, taken)"]
        lines += _time_derivative(tableau, at, 0, over_time)
        lines += ["    factor(w)", f"    solve(w, {at['K']})"]
    else:
        lines += _increment(at, 0, n)
    for s in range(1, tableau.stages):
        row = tableau.a[s]
        continues = s > 1 and row[: s - 1] == tableau.a[s - 1]
        total = f"w[{at['Y'] if continues else at['X']} + i]"
        for j in range(s - 1 if continues else 0, s):
            total = _plus(row[j], f"w[{at['K'] + j * n} + i]", total)
        lines += [f"    for i in range({n}):", f"        w[{at['Y']} + i] = {total}"]
        lines += [f"    w[{at['TS']}] = fma(taken, {number(tableau.alpha[s])}, t)", "    rates(w)"]
        if not tableau.implicit:
            lines += _increment(at, s, n)
            continue
        known = f"mul(w[{at['K']} + i], {number(tableau.c[s][0])})"
        for j in range(1, s):
            known = _plus(tableau.c[s][j], f"w[{at['K'] + j * n} + i]", known)
        lines += [f"    for i in range({n}):"]
        lines += [f"        w[{at['F']} + i] = fma({known}, inverse, w[{at['F']} + i])"]
        lines += _time_derivative(tableau, at, s, over_time)
        lines += [f"    solve(w, {at['K'] + s * n})"]
    if tableau.implicit:
        last = at["K"] + (tableau.stages - 1) * n
        lines += [f"    for i in range({n}):", f"        w[{at['Y']} + i] = add(w[{at['Y']} + i], w[{last} + i])"]
    return "\n".join(lines) + "\n"


def _increment(at: dict[str, int], stage: int, n: int) -> list[str]:
    return [f"    for i in range({n}):", f"        w[{at['K'] + stage * n} + i] = mul(w[{at['F']} + i], taken)"]


def _time_derivative(tableau: Tableau, at: dict[str, int], stage: int, over_time: tuple[int, ...]) -> list[str]:
    weight = tableau.gammas[stage]
    if weight == 0.0:
        return []
    scaled = f"mul(taken, {number(weight)})"
    return [
        f"    w[{at['F'] + row}] = fma(w[{at['G'] + k}], {scaled}, w[{at['F'] + row}])"
        for k, row in enumerate(over_time)
    ]
