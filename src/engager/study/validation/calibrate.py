"""Calibration as users run it: which figures, where the work is kept, and what the fit moved.

In: study ids or files. Out: a plan for `calibration.fit_population`, and afterwards one row per unknown with its
prior beside its posterior. Not here: the fit itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engager.calibration import FitPlan, FittedEmulator, Posterior, emulator_path, fit_population, shipped_plan
from engager.core import (
    RESEARCH_USE,
    FloatArray,
    InputError,
    Interrupted,
    Problem,
    read_json,
    working_in,
    write_tables,
)
from engager.population import ValueName
from engager.study.plain_json import plain_json
from engager.study.validation.validate import studies_named

Progress = Callable[[str, float], None]

_INTERVAL = (0.5, 0.025, 0.975)
# Enough for the ends of an interval to a few percent of its width.
_PRIOR_DRAWS = 4000
_UNKNOWNS = {
    "name": "unknown of the fit",
    "prior_median": "median before the fit, in the model's unit",
    "prior_low": "2.5 % quantile before the fit",
    "prior_high": "97.5 % quantile before the fit",
    "posterior_median": "median after the fit",
    "posterior_low": "2.5 % quantile after the fit",
    "posterior_high": "97.5 % quantile after the fit",
    "width_left": "width after the fit over that before, on the value's own scale; 1: the data say nothing",
}


@dataclass(frozen=True)
class Calibration:
    """A finished fit.

    Attributes
    ----------
    plan : what was fitted and how. posterior : its draws. emulator : of the studies' figures, behind the draws.
    """

    plan: FitPlan
    posterior: Posterior
    emulator: FittedEmulator

    def write(self, path: Path) -> None:
        """The posterior, and the emulator beside it, from which `leave_out` fits again."""
        self.emulator.write(emulator_path(path))
        self.posterior.write(path)

    def summary(self) -> list[dict[str, Any]]:
        """One row per population value: median and 95 % interval of prior and posterior [model units], and how much of
        the prior's width on the value's own scale is left (1: the data say nothing)."""
        prior = self.plan.prior_draws(_PRIOR_DRAWS)
        is_log = {unknown.name: unknown.is_log for unknown in self.plan.common}
        rows = []
        for i, name in enumerate(self.posterior.names):
            before, after = (np.quantile(draws[:, i], _INTERVAL) for draws in (prior, self.posterior.draws))
            scale = np.log if is_log.get(name, ValueName.read(name).kind == "strength") else np.asarray
            left = float(np.diff(scale(after[1:]))[0] / np.diff(scale(before[1:]))[0])
            rows.append({"name": name, "prior": _interval(before), "posterior": _interval(after), "width_left": left})
        return rows

    def write_tables(self, path: Path) -> Path:
        """The unknowns as a spreadsheet or as a folder of CSV files, by the ending of the path."""
        import polars as pl

        rows = [
            {"name": row["name"], "width_left": row["width_left"]}
            | {f"{part}_{key}": row[part][key] for part in ("prior", "posterior") for key in ("median", "low", "high")}
            for row in self.summary()
        ]
        made = self.posterior.provenance
        about = [f"Fitted to {', '.join(made['studies'])}; seed {made['seed']}. {RESEARCH_USE}"]
        table = pl.DataFrame(rows).select(list(_UNKNOWNS))
        return write_tables(path, {"unknowns": table}, {"unknowns": _UNKNOWNS}, about)

    def as_json(self) -> dict[str, Any]:
        """What ``engager calibrate --json`` prints."""
        made = self.posterior.provenance
        found: dict[str, Any] = plain_json(
            {
                "model": self.plan.model.id,
                "studies": made["studies"],
                "data_points": len(made["data_points"]),
                "members": made["members"],
                "rounds": made["rounds"],
                "seed": made["seed"],
                "misfit_of_each_round": made["misfit_of_each_round"],
                "emulation_error_of_each_round": made["emulation_error_of_each_round"],
                "unknowns": self.summary(),
            }
        )
        return found


def calibrate_population(
    targets: Sequence[str | Path] = (),
    *,
    members: int | None = None,
    rounds: int | None = None,
    seed: int | None = None,
    work: Path | None = None,
    n_threads: int | None = None,
    progress: Progress | None = None,
) -> Calibration:
    """Fit the population to the figures marked for fitting.

    Parameters
    ----------
    targets : study ids or files whose targets with ``use: fit`` are fitted; empty: the shipped fit's.
    members, rounds, seed : of the fit; None: the shipped fit's.
    work : folder for what each round simulated; the same call goes on from there.

    Raises
    ------
    InputError
        All bad arguments together; another process works in `work`.
    Interrupted
        On Ctrl-C; finished rounds are kept in `work`.
    """
    plan = calibration_plan(targets, members=members, rounds=rounds, seed=seed)
    _check_work(plan, work)
    try:
        with working_in("--work", work):
            posterior, emulator = fit_population(plan, work=work, progress=progress, n_threads=n_threads)
    except KeyboardInterrupt:
        raise Interrupted(_after_a_stop(work)) from None
    return Calibration(plan, posterior, emulator)


def calibration_plan(
    targets: Sequence[str | Path] = (),
    *,
    members: int | None = None,
    rounds: int | None = None,
    seed: int | None = None,
) -> FitPlan:
    """The plan of a fit; refuses bad numbers, and studies without a figure to fit or for another model."""
    problems = [
        Problem(f"--{name}", value, f"must be at least {least}")
        for name, value, least in (("members", members, 2), ("rounds", rounds, 1), ("seed", seed, 0))
        if value is not None and value < least
    ]
    studies = []
    try:
        studies = studies_named(targets)
    except InputError as error:
        problems += error.problems
    for study in studies:
        if not any(target.use == "fit" and target.is_simulated for target in study.targets):
            rule = "must mark at least one target with `use: fit`"
            problems.append(Problem("--targets", study.study, rule, "Targets without it only check."))
    if problems:
        raise InputError(problems)
    plan = shipped_plan(members, rounds, seed)
    for study in studies:
        if str(study.model) != plan.model.id:
            rule = f"is a study of the model {study.model}; the calibrated one is {plan.model.id}"
            problems.append(Problem("--targets", study.study, rule))
    if problems:
        raise InputError(problems)
    return plan.with_studies(studies) if studies else plan


def _after_a_stop(work: Path | None) -> str:
    """What a stopped fit leaves, and how to go on."""
    if work is not None and any(work.glob("round-*.npz")):
        return f"Interrupted; finished rounds are kept in {work}. Go on with the same options."
    return "Interrupted before the first round was finished; nothing was kept."


def _check_work(plan: FitPlan, work: Path | None) -> None:
    """A folder that holds another fit's work is not written over."""
    state = None if work is None else work / "calibration-state.json"
    if state is None or not state.is_file():
        return
    hint = "Name another folder, or remove this one."
    try:
        found = read_json(state)["plan"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(Problem("--work", work, "must hold a fit's own state", hint)) from error
    if found != plan.identity():
        raise InputError(Problem("--work", work, "holds the work of another fit", hint))


def _interval(values: FloatArray) -> dict[str, float]:
    return dict(zip(("median", "low", "high"), values.tolist(), strict=True))
