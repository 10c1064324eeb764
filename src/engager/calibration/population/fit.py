"""Fit the population to several trials at once.

In: studies whose targets are marked for fitting. Out: a `Posterior`, draws of everything the model's table
lets calibration move. Every iteration simulates all members of the ensemble as replicates of one virtual
trial per study, so a fit is a handful of large runs; each is kept, and a stopped fit goes on from the last.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from engager.calibration.population.data_points import DataPoint, data_points, simulated_points
from engager.calibration.population.ensemble import assimilate, misfit
from engager.calibration.population.posterior import Posterior
from engager.calibration.population.unknowns import (
    Unknown,
    as_settings,
    prior_members,
    regimen_unknowns,
    unknowns_of,
)
from engager.core import FloatArray, Stream, digest_object, versions
from engager.model import Model, load_model
from engager.population import PopulationValues, ValueName
from engager.protocol import Protocol, shipped_protocol
from engager.trial import simulate_trial

Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class FitPlan:
    """What to fit and how.

    Attributes
    ----------
    studies : protocols with their size in the fit. members, portions : of the ensemble smoother.
    fixed : population values held at these numbers, e.g. from a fit to time courses.
    loose : ids of studies whose patients were in good part assumed; their figures count for less.
    between_trials : standard deviation, on each scale of a statistic, that such figures get on top of their sampling
        error.
    trial_effects : handed to the posterior; see there.
    """

    model: Model
    studies: tuple[Protocol, ...]
    members: int
    portions: int
    seed: int
    unknowns: tuple[Unknown, ...]
    fixed: PopulationValues = field(default_factory=PopulationValues)
    loose: frozenset[str] = frozenset()
    between_trials: Mapping[str, float] = field(default_factory=dict)
    trial_effects: Mapping[str, float] = field(default_factory=dict)

    def with_studies(self, studies: Sequence[Protocol]) -> FitPlan:
        """The same fit to other studies, with the strengths of their regimens among the unknowns."""
        kept = tuple(one for one in self.unknowns if ValueName.read(one.name).kind != "strength")
        return replace(self, studies=tuple(studies), unknowns=kept + regimen_unknowns(studies))

    @property
    def points(self) -> list[list[DataPoint]]:
        """Data points of each study."""
        return [
            data_points(study, self.between_trials if study.study in self.loose else None) for study in self.studies
        ]

    def identity(self) -> str:
        """Hash of everything that decides the result; a stopped fit resumes only under the same."""
        return digest_object(
            [self.model.hash, [study.model_dump(mode="json") for study in self.studies], self.members,
             self.portions, self.seed, [vars(unknown) for unknown in self.unknowns], self.fixed.written(),
             sorted(self.loose), dict(self.between_trials)]
        )  # fmt: skip


@cache
def fit_defaults() -> dict[str, Any]:
    """The shipped fit: studies, sizes, members, acceptance bands."""
    found: dict[str, Any] = yaml.safe_load((resources.files("engager.calibration") / "data" / "fit.yaml").read_text())
    return found


def shipped_plan(members: int | None = None, portions: int | None = None, seed: int | None = None) -> FitPlan:
    """The plan behind the posterior that ships, with other sizes or seed where given."""
    from engager.calibration.population.posterior import course_settings

    defaults = fit_defaults()
    model = load_model(defaults["model"])
    fixed = course_settings(model)
    plan = FitPlan(
        model=model,
        studies=(),
        members=members or defaults["members"],
        portions=portions or defaults["portions"],
        seed=defaults["seed"] if seed is None else seed,
        unknowns=tuple(one for one in unknowns_of(model) if one.name not in fixed),
        fixed=fixed,
        loose=frozenset(name for name, one in defaults["studies"].items() if one.get("population") == "assumed"),
        between_trials=defaults["between_trials"],
        trial_effects=defaults["trial_effects"],
    )
    return plan.with_studies(
        [shipped_protocol(name).with_patients(one["patients"]) for name, one in defaults["studies"].items()]
    )


def fit_population(
    plan: FitPlan, *, work: Path | None = None, progress: Progress | None = None, n_threads: int | None = None
) -> Posterior:
    """Run the fit.

    Parameters
    ----------
    work : folder for the state after each portion; a stopped fit with the same plan goes on from there.
    progress : called with a label and the finished share of the whole fit.

    Returns
    -------
    Posterior; the same bits for the same plan.
    """
    stream = Stream(plan.seed, "calibration")
    normal = stream.of("prior").normal(np.arange(plan.members), len(plan.unknowns))
    members = prior_members(plan.unknowns, normal.reshape(plan.members, -1))
    points = [point for study in plan.points for point in study]
    observed = np.array([point.value for point in points])
    variance = np.array([point.variance for point in points])
    history: list[float] = []
    first, members, history = _resume(plan, work, members)
    for portion in range(first, plan.portions):
        simulated = _simulate(plan, members, portion, progress, n_threads)
        history.append(float(np.median(misfit(simulated, observed, variance))))
        members = assimilate(
            members, simulated, observed, variance, float(plan.portions), stream.of(f"portion/{portion}")
        )
        _keep(plan, work, portion + 1, members, history)
    return Posterior(
        model=plan.model.id,
        model_hash=plan.model.hash,
        names=tuple(unknown.name for unknown in plan.unknowns),
        draws=np.stack([unknown.value(members[:, i]) for i, unknown in enumerate(plan.unknowns)], axis=1),
        fixed=plan.fixed.written(),
        trial_effects=dict(plan.trial_effects),
        provenance={
            "studies": {study.study: study.n_patients for study in plan.studies},
            "records": sorted({study.record for study in plan.studies if study.record}),
            "data_points": [point.label for point in points],
            "members": plan.members,
            "portions": plan.portions,
            "seed": plan.seed,
            "misfit_before_each_portion": history,
            "versions": versions(),
        },
    )


def _simulate(
    plan: FitPlan, members: FloatArray, portion: int, progress: Progress | None, n_threads: int | None
) -> FloatArray:
    """What each member predicts for all data points: array (member, datum)."""
    settings = [plan.fixed | as_settings(plan.unknowns, member) for member in members]
    sizes = np.array([study.n_patients for study in plan.studies], dtype=float)
    done = 0.0
    columns = []
    for study, points in zip(plan.studies, plan.points, strict=True):

        def tell(share: float, study: Protocol = study, before: float = done) -> None:
            if progress is not None:
                whole = (before + share * study.n_patients) / sizes.sum()
                progress(f"portion {portion + 1} of {plan.portions}: {study.study}", (portion + whole) / plan.portions)

        data = simulate_trial(
            study, replicates=range(plan.members), seed=plan.seed + 1 + portion, settings=settings.__getitem__,
            n_sampled=0, n_threads=n_threads, progress=tell, only_patients=True,
        )  # fmt: skip
        columns.append(simulated_points(data, points))
        done += study.n_patients
    return np.concatenate(columns, axis=1)


def _state_file(work: Path) -> Path:
    return work / "calibration-state.json"


def _keep(plan: FitPlan, work: Path | None, done: int, members: FloatArray, history: list[float]) -> None:
    if work is None:
        return
    work.mkdir(parents=True, exist_ok=True)
    state = {"plan": plan.identity(), "portions_done": done, "members": members.tolist(), "misfit": history}
    partial = _state_file(work).with_suffix(".partial")
    partial.write_text(json.dumps(state))
    partial.replace(_state_file(work))


def _resume(plan: FitPlan, work: Path | None, members: FloatArray) -> tuple[int, FloatArray, list[float]]:
    if work is None or not _state_file(work).is_file():
        return 0, members, []
    state = json.loads(_state_file(work).read_text())
    if state["plan"] != plan.identity():
        return 0, members, []
    return int(state["portions_done"]), np.array(state["members"]), list(state["misfit"])
