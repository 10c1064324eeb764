"""A sensitivity analysis as tables in Markdown, for a document that anyone can make again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from engager.calibration import PATIENT_OUTPUTS, TRIAL_OUTPUTS, Identifiability, SobolIndex, Swing
from engager.core import whole_percent
from engager.study.sensitivity.words import meaning_of

if TYPE_CHECKING:
    from engager.model import Model
    from engager.study.sensitivity.result import Sensitivity

_STRONGEST = 3


def sensitivity_text(found: Sensitivity) -> str:
    """The strongest factors of every output, their limits, and what the fit could not tell."""
    model = found.model
    parts = [f"Study {found.protocol.study}, arm {found.protocol.arm_ids[0]}, model {model.id}, seed {found.seed}."]
    parts += [f"Note: {note}." for note in found.notes]
    if (patient := found.patient) is not None:
        size = f"{patient.samples} base samples, {patient.n_patients} virtual patients, {patient.n_left_out} left out"
        rows = _indices(patient.indices, {name: PATIENT_OUTPUTS[name] for name in patient.outputs}, model)
        parts += [f"### One patient ({size})", rows]
    if (trial := found.trial) is not None:
        titles = {name: TRIAL_OUTPUTS[name] for name in trial.outputs}
        size = f"{trial.sets} parameter sets over the {trial.over}, {trial.patients} patients each"
        quality = _table(
            ("Output", "Median of sets (SD)", "Chance", "Q2", "Terms"),
            (
                (title, f"{trial.center[name]:.1f} ({trial.spread[name]:.1f})", whole_percent(trial.chance_share[name]),
                 f"{trial.q2[name]:.2f}", str(trial.n_terms[name]))
                for name, title in titles.items()
            ),
        )  # fmt: skip
        parts += [f"### A trial ({size})", quality, _indices(trial.indices, titles, model)]
        parts += ["One unknown at a time, common chance:", _swings(trial.swings, titles, model)]
    if found.identifiability is not None:
        parts += ["### What the fit could tell", *_told(found.identifiability, model)]
    return "\n\n".join(parts) + "\n"


def _indices(indices: Sequence[SobolIndex], titles: dict[str, str], model: Model) -> str:
    rows = []
    for name, title in titles.items():
        of_output = sorted((one for one in indices if one.output == name), key=lambda one: -one.total)
        for one in of_output[:_STRONGEST]:
            if one.total > 0:
                limits = f"{whole_percent(one.total_low)} to {whole_percent(one.total_high)}"
                factor = f"`{one.factor}` {meaning_of(one.factor, model)}"
                rows.append((title, factor, whole_percent(one.first), whole_percent(one.total), limits))
    return _table(("Output", "Factor", "Alone", "With interactions", "95 % limits"), rows)


def _swings(swings: Sequence[Swing], titles: dict[str, str], model: Model) -> str:
    rows = []
    for name, title in titles.items():
        of_output = sorted((one for one in swings if one.output == name), key=_reach, reverse=True)
        for one in of_output[:_STRONGEST]:
            factor = f"`{one.factor}` {meaning_of(one.factor, model)}"
            rows.append((title, factor, f"{one.at_low:.1f}", f"{one.at_center:.1f}", f"{one.at_high:.1f}"))
    return _table(("Output", "Unknown", "At its 5 %", "All in the middle", "At its 95 %"), rows)


def _reach(one: Swing) -> float:
    ends = (one.at_low, one.at_center, one.at_high)
    return max(ends) - min(ends)


def _told(told: Identifiability, model: Model) -> list[str]:
    hardly = [f"`{one.name}` ({one.contraction:.2f})" for one in told.hardly_informed()]
    strong = [f"`{one.a}` and `{one.b}` ({one.correlation:+.2f})" for one in told.strong_pairs()]
    best = sorted(told.unknowns, key=lambda one: one.contraction)[:8]
    found = [
        f"{len(told.unknowns)} unknowns, {told.n_draws} draws.",
        f"Spread after the fit over that before above 0.9 (hardly informed): {', '.join(hardly) or 'none'}.",
        f"Correlated beyond 0.8: {', '.join(strong) or 'none'}.",
        "Best informed: " + ", ".join(f"`{one.name}` ({one.contraction:.2f})" for one in best) + ".",
    ]
    idle = [f"`{one.name}` ({one.contraction:.2f})" for one in told.uninformed()]
    found.append(f"May have kept the prior's spread, as far as so many draws can tell: {', '.join(idle) or 'none'}.")
    courses = [one for one in told.held if one.by == "time courses"]
    if courses:
        rows = ((f"`{one.name}` {meaning_of(one.name, model)}", one.reason) for one in courses)
        found += ["Held in the fit to time courses:", _table(("Quantity", "Reason"), rows)]
    n_table = len(told.held) - len(courses)
    found.append(f"{n_table} more values are assumed and not fitted; each has its reason and range in the table.")
    return found


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "/") for cell in line) + " |" for line in lines)
