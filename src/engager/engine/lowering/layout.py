"""Where everything lives while a thread works: one block of memory in lanes, and one list of addresses.

Both are arrays of 8-byte slots. A lane array of m elements takes m * width slots; element i of lane l is slot
offset + i * width + l.
"""

from __future__ import annotations

from dataclasses import dataclass

from engager.engine.problem import MAX_STOPS

#: Slots of the context, in order: addresses of arrays, then numbers.
CONTEXT = (
    "parameters", "inputs", "initial", "row", "offsets", "action_time", "action", "action_index", "action_value",
    "save_times", "values", "status", "last_step", "inputs_out", "n_steps", "n_rejected", "first_step",
    "absolute", "counter", "stop_from", "stop_state", "stop_weight", "limits", "stopped", "end_time", "last",
    "n_times", "time_stride", "first_kept", "n_kept", "n_patients", "n_stops", "max_steps", "relative", "of_peak",
)  # fmt: skip
SLOT = {name: i for i, name in enumerate(CONTEXT)}


@dataclass(frozen=True)
class Sizes:
    """How many of everything one model has."""

    states: int
    parameters: int
    inputs: int
    hoisted: int
    jacobian: int
    over_time: int
    factors: int
    stages: int


def lane_arrays(sizes: Sizes, width: int) -> tuple[dict[str, int], int]:
    """Offset of each lane array in the workspace, and the workspace's length, in slots.

    X state at the start of the step, Y state at a stage, F right side, M largest size so far of each state,
    Q hoisted values, U inputs, J and G Jacobian over states and time, L factors, K stage increments;
    T time, TS time of the stage, H step to try, HH step taken, HI 1/step, C 1/(gamma step), E error squared,
    PIVOT smallest pivot, FACTOR growth, TE end of the segment, TSAVE next save, LIMIT of each stop, SHARE of the
    step at which a stop was met; then whole numbers: PATIENT, SAVE next save index, ACT next action index, STEPS,
    REJECTED, AGAIN (last try was rejected), FRESH (segment just began, step not chosen), STOPPED which stop was met.
    """
    counts = {
        "X": sizes.states, "Y": sizes.states, "F": sizes.states, "M": sizes.states, "U": sizes.inputs,
        "Q": sizes.hoisted, "J": sizes.jacobian, "G": sizes.over_time, "L": sizes.factors,
        "K": sizes.states * sizes.stages, "LIMIT": MAX_STOPS,
    }  # fmt: skip
    single = (
        "T", "TS", "H", "HH", "HI", "C", "E", "PIVOT", "FACTOR", "TE", "TSAVE", "PATIENT", "SAVE", "ACT",
        "STEPS", "REJECTED", "AGAIN", "FRESH", "SHARE", "STOPPED",
    )  # fmt: skip
    counts.update(dict.fromkeys(single, 1))
    offsets, total = {}, 0
    for name, count in counts.items():
        offsets[name] = total
        total += count * width
    return offsets, total
