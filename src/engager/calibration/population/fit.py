"""Fit the population to several trials at once.

In: studies whose targets are marked for fitting. Out: a `Posterior`, draws of everything the model's table lets
calibration move, and the emulator behind it. Each round simulates all members, draws of the prior at first, as
replicates of one virtual trial per study; an emulator learns from all rounds so far, and the next members are drawn
from the posterior under it. So trials are spent where the posterior is, and a fit is a handful of large runs; each is
kept, and a stopped fit goes on from the last.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from engager.calibration.population.data_points import (
    DataPoint,
    SimulatedPoints,
    data_points,
    simulated_points,
    simulation_variance,
)
from engager.calibration.population.emulated_posterior import FINAL_TRAJECTORIES, TRAJECTORIES, EmulatedPosterior
from engager.calibration.population.emulator import Emulator, fit_emulator
from engager.calibration.population.fitted_emulator import MAKE_ONE, FittedEmulator
from engager.calibration.population.hierarchy import Hierarchy
from engager.calibration.population.posterior import Posterior
from engager.calibration.population.unknowns import Unknown, prior_members, unknowns_of, values_of
from engager.core import (
    BoolArray,
    FloatArray,
    InputError,
    Problem,
    Stream,
    digest,
    digest_object,
    read_json,
    usable_cpus,
    versions,
    write_whole,
)
from engager.model import Model, load_model
from engager.population import PopulationValues
from engager.protocol import Protocol, shipped_protocol
from engager.trial import TrialData, shifted, simulate_trial

Progress = Callable[[str, float], None]

_ANEW = "Remove the folder to begin the fit anew, or name another."


@dataclass(frozen=True)
class FitPlan:
    """What to fit and how.

    Attributes
    ----------
    studies : protocols with their size in the fit. members : draws. rounds : in each, every member is simulated as a
        virtual trial of every study.
    common : unknowns of the population, which every study shares.
    hierarchy : what studies and regimens differ in beyond that, and the priors of how much.
    fixed : population values held at these numbers, e.g. from a fit to time courses.
    """

    model: Model
    studies: tuple[Protocol, ...]
    members: int
    rounds: int
    seed: int
    common: tuple[Unknown, ...]
    hierarchy: Hierarchy = field(default_factory=Hierarchy)
    fixed: PopulationValues = field(default_factory=PopulationValues)

    def with_studies(self, studies: Sequence[Protocol]) -> FitPlan:
        """The same fit to other studies, with their effects and the strengths of their regimens among the unknowns."""
        return replace(self, studies=tuple(studies))

    @cached_property
    def unknowns(self) -> tuple[Unknown, ...]:
        """Everything the fit moves, in the order of a member's numbers."""
        return (*self.common, *self.hierarchy.unknowns(self.studies))

    @cached_property
    def points(self) -> list[list[DataPoint]]:
        """Data points of each study."""
        return [data_points(study) for study in self.studies]

    def prior_draws(self, n: int) -> FloatArray:
        """Population values before the fit: array (draw, name), in the order of the posterior's names."""
        values = values_of(self.unknowns, self.prior(n))
        return self.hierarchy.population_draws(self.unknowns, values)

    def prior(self, n: int) -> FloatArray:
        """Draws of the prior on the unbounded scale: array (draw, unknown)."""
        normal = Stream(self.seed, "calibration").of("prior").normal(np.arange(n), len(self.unknowns))
        return prior_members(self.unknowns, normal.reshape(n, -1))

    def settings(self, members: FloatArray, study: str) -> list[PopulationValues]:
        """Population values of a study for each member, its effects in them."""
        values = values_of(self.unknowns, members)
        names = self.hierarchy.population_names(self.unknowns)
        draws = self.hierarchy.population_draws(self.unknowns, values)
        effects = self.hierarchy.effects_of(self.unknowns, values, study)
        found = []
        for k, row in enumerate(draws):
            common = self.fixed | PopulationValues.read(dict(zip(names, row.tolist(), strict=True)))
            found.append(shifted(common, self.model, {name: float(effect[k]) for name, effect in effects.items()}))
        return found

    def identity(self) -> str:
        """Hash of everything that decides the result; a stopped fit resumes only under the same."""
        return digest_object(
            [self.model.hash, [study.model_dump(mode="json") for study in self.studies], self.members, self.rounds,
             self.seed, [vars(unknown) for unknown in self.unknowns], self.fixed.written()]
        )  # fmt: skip


@cache
def fit_defaults() -> dict[str, Any]:
    """The shipped fit: studies, sizes, members, acceptance bands."""
    found: dict[str, Any] = yaml.safe_load((resources.files("engager.calibration") / "data" / "fit.yaml").read_text())
    return found


def shipped_plan(members: int | None = None, rounds: int | None = None, seed: int | None = None) -> FitPlan:
    """The plan behind the posterior that ships, with other sizes or seed where given."""
    from engager.calibration.population.posterior import course_settings

    defaults = fit_defaults()
    model = load_model(defaults["model"])
    fixed = course_settings(model)
    plan = FitPlan(
        model=model,
        studies=(),
        members=members or defaults["members"],
        rounds=rounds or defaults["rounds"],
        seed=defaults["seed"] if seed is None else seed,
        common=tuple(one for one in unknowns_of(model) if one.name not in fixed),
        hierarchy=shipped_hierarchy(),
        fixed=fixed,
    )
    return plan.with_studies([shipped_protocol(name).with_patients(n) for name, n in defaults["studies"].items()])


def recovery_plan(members: int | None = None, rounds: int | None = None, seed: int | None = None) -> FitPlan:
    """The small plan by which the fit is tested on its own simulator."""
    sizes = fit_defaults()["recovery"]
    plan = shipped_plan(members or sizes["members"], rounds or sizes["rounds"], seed)
    return plan.with_studies([shipped_protocol(name).with_patients(n) for name, n in sizes["studies"].items()])


def shipped_hierarchy() -> Hierarchy:
    """Priors of what studies and regimens differ in."""
    defaults = fit_defaults()
    return Hierarchy(
        defaults["study_effects"],
        defaults["regimen_spread"],
        defaults["regimen_class"],
        frozenset(defaults["engager_effects"]),
    )


def fit_population(
    plan: FitPlan, *, work: Path | None = None, progress: Progress | None = None, n_threads: int | None = None
) -> tuple[Posterior, FittedEmulator]:
    """Run the fit.

    Parameters
    ----------
    work : folder for what each round simulated; a stopped fit with the same plan goes on from there.
    progress : called with a label and the finished share of the whole fit.

    Returns
    -------
    The posterior, and the emulator behind it; the same bits for the same plan on the same machine.
    """
    found = fit_draws(plan, work=work, progress=progress, n_threads=n_threads)
    return _posterior(plan, found), FittedEmulator(found.emulator, *labels_of(plan), found.members)


def plan_behind(posterior: Posterior) -> FitPlan:
    """The plan of the fit that made a posterior, of shipped studies."""
    made = posterior.provenance
    plan = shipped_plan(made["members"], made["rounds"], made["seed"])
    return plan.with_studies([shipped_protocol(name).with_patients(n) for name, n in made["studies"].items()])


def check_emulator(plan: FitPlan, fitted: FittedEmulator) -> None:
    """Raises InputError when the plan is not the one that an emulator was made for."""
    if (fitted.unknowns, fitted.data_points) != labels_of(plan):
        rule = "must have the unknowns and figures of the present studies"
        raise InputError(Problem("the emulator", f"{len(fitted.data_points)} figures", rule, MAKE_ONE))


def labels_of(plan: FitPlan) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of a plan's unknowns and labels of its figures, in order."""
    return (
        tuple(one.name for one in plan.unknowns),
        tuple(point.label for study in plan.points for point in study),
    )


@dataclass(frozen=True)
class FittedDraws:
    """What a fit found.

    Attributes
    ----------
    members : array (member, unknown). emulator : of all that was simulated.
    misfit : of each round's members as simulated, the median; about 1 when all is explained.
    emulation_error : of each round after the first, how far the emulator before it was from what its members then
        showed: root mean square over the data of the mean distance, in standard errors of the published figures.
    """

    members: FloatArray
    emulator: Emulator
    misfit: list[float]
    emulation_error: list[float]


def fit_draws(
    plan: FitPlan,
    *,
    work: Path | None = None,
    progress: Progress | None = None,
    n_threads: int | None = None,
    first: SimulatedPoints | None = None,
) -> FittedDraws:
    """Simulate, emulate all that was simulated, draw from the posterior under the emulator, and again.

    Parameters
    ----------
    first : what the draws of the prior predict, where it is known already.
    """
    data, scale = FitData.of(plan), plan.hierarchy.natural_scale(plan.unknowns)
    members = plan.prior(plan.members)
    processes = n_threads or usable_cpus()
    found: FittedDraws | None = None
    rounds = _kept_rounds(plan, work)
    misfits: list[float] = []
    errors: list[float] = []
    natural, values = np.empty((0, len(plan.unknowns))), np.empty((0, len(data.points)))
    for k in range(plan.rounds):
        if k < len(rounds):
            members, simulated = rounds[k]
        else:
            known = first if k == 0 else None
            simulated = known or simulate_members(plan, members, k, progress, n_threads)
            _keep(plan, work, k, members, simulated)
        at = scale.of(members)
        misfits.append(data.misfit(simulated))
        if found is not None:
            errors.append(data.distance(simulated.values, found.emulator.expected(at)))
        natural, values = np.concatenate([natural, at]), np.concatenate([values, simulated.values])
        emulator = fit_emulator(natural, values, data.concerns, at, processes)
        posterior = EmulatedPosterior(emulator, scale, data.observed, data.variance)
        stream = Stream(plan.seed, "calibration").of(f"round/{k}")
        trajectories = FINAL_TRAJECTORIES if k == plan.rounds - 1 else TRAJECTORIES
        members = posterior.draws(plan.members, stream, trajectories=trajectories, n_processes=processes)
        found = FittedDraws(members, emulator, misfits, errors)
    assert found is not None
    return found


@dataclass(frozen=True)
class FitData:
    """What a fit sees.

    Attributes
    ----------
    points : published figures. concerns : array (unknown, datum), which unknowns a figure may depend on.
    variance : array (datum,), of their sampling error.
    """

    points: tuple[DataPoint, ...]
    concerns: BoolArray
    variance: FloatArray

    @staticmethod
    def of(plan: FitPlan) -> FitData:
        """All the data of a plan, study by study."""
        concerns = plan.hierarchy.concerns(plan.unknowns, plan.studies, [len(own) for own in plan.points])
        points = tuple(point for study in plan.points for point in study)
        return FitData(points, concerns, np.array([point.variance for point in points]))

    @cached_property
    def observed(self) -> FloatArray:
        """Array (datum,): published values on their scales."""
        return np.array([point.value for point in self.points])

    def misfit(self, simulated: SimulatedPoints) -> float:
        """Mean squared standardized distance of the members' trials from what was published, of the median member."""
        variance = self.variance + simulation_variance(self.points, simulated.n)
        return float(np.median(np.nanmean((simulated.values - self.observed) ** 2 / variance, axis=1)))

    def distance(self, simulated: FloatArray, expected: FloatArray) -> float:
        """Of simulated from emulated figures, over all members: root mean square over the data, in standard errors."""
        known = np.isfinite(simulated).any(axis=0)
        away = np.nanmean((simulated - expected)[:, known], axis=0)
        return float(np.sqrt(np.mean(away**2 / self.variance[known])))


def _posterior(plan: FitPlan, found: FittedDraws) -> Posterior:
    points = [point for study in plan.points for point in study]
    values = values_of(plan.unknowns, found.members)
    effects = {study.study: plan.hierarchy.effects_of(plan.unknowns, values, study.study) for study in plan.studies}
    spreads = plan.hierarchy.class_spreads(plan.unknowns, values)
    return Posterior(
        model=plan.model.id,
        model_hash=plan.model.hash,
        names=plan.hierarchy.population_names(plan.unknowns),
        draws=plan.hierarchy.population_draws(plan.unknowns, values),
        fixed=plan.fixed.written(),
        provenance={
            "studies": {study.study: study.n_patients for study in plan.studies},
            "records": sorted({study.record for study in plan.studies if study.record}),
            "data_points": [point.label for point in points],
            "study_effects": {study: _mean_and_sd(own) for study, own in effects.items()},
            "regimen_spread": {group: float(np.median(draws)) for group, draws in spreads.items()},
            "members": plan.members,
            "rounds": plan.rounds,
            "seed": plan.seed,
            "misfit_of_each_round": found.misfit,
            "emulation_error_of_each_round": found.emulation_error,
            "versions": versions(),
        },
    )


def _mean_and_sd(effects: Mapping[str, FloatArray]) -> dict[str, list[float]]:
    return {name: [float(f"{found(draws):.4g}") for found in (np.mean, np.std)] for name, draws in effects.items()}


def simulate_members(
    plan: FitPlan, members: FloatArray, number: int, progress: Progress | None = None, n_threads: int | None = None
) -> SimulatedPoints:
    """What each member predicts for all data points, in the order of the studies."""
    return points_of(plan, trials_of_members(plan, members, number, progress, n_threads))


def trials_of_members(
    plan: FitPlan, members: FloatArray, number: int, progress: Progress | None = None, n_threads: int | None = None
) -> Iterator[TrialData]:
    """One virtual trial of each study for every member: replicate k of a study's data is member k's.

    Each member meets chance of its own, so the noise of finite trials does not lean one way.
    """
    total = float(sum(study.n_patients for study in plan.studies))
    done = 0.0
    for study in plan.studies:

        def tell(share: float, study: Protocol = study, before: float = done) -> None:
            if progress is not None:
                whole = (before + share * study.n_patients) / total
                progress(f"round {number + 1} of {plan.rounds}: {study.study}", (number + whole) / plan.rounds)

        settings = plan.settings(members, study.study)
        yield simulate_trial(
            study, replicates=range(len(members)), seed=plan.seed + 1 + number, settings=settings.__getitem__,
            n_sampled=0, n_threads=n_threads, progress=tell, only_patients=True,
        )  # fmt: skip
        done += study.n_patients


def points_of(plan: FitPlan, trials: Iterable[TrialData]) -> SimulatedPoints:
    """The plan's data points in virtual trials of its studies."""
    found = [simulated_points(data, points) for data, points in zip(trials, plan.points, strict=True)]
    return SimulatedPoints(*(np.concatenate(parts, axis=1) for parts in zip(*found, strict=True)))


def _state_file(work: Path) -> Path:
    return work / "calibration-state.json"


def _round_file(work: Path, number: int) -> Path:
    return work / f"round-{number:02d}.npz"


def _keep(plan: FitPlan, work: Path | None, number: int, members: FloatArray, simulated: SimulatedPoints) -> None:
    if work is None:
        return
    work.mkdir(parents=True, exist_ok=True)
    archive = io.BytesIO()
    np.savez(archive, members=members, values=simulated.values, n=simulated.n)
    write_whole(_round_file(work, number), archive.getvalue())
    # What goes on from these files must be what was written: an altered member would be fitted on without a word.
    rounds = [digest(_round_file(work, k).read_bytes()) for k in range(number + 1)]
    state = {"plan": plan.identity(), "rounds": rounds}
    write_whole(_state_file(work), json.dumps({**state, "seal": digest(json.dumps(state))}))


def _state_of(work: Path) -> dict[str, Any]:
    """What a fit kept of itself.

    Raises
    ------
    InputError
        When it cannot be read or is not what was written.
    """
    path = _state_file(work)
    try:
        state: dict[str, Any] = dict(read_json(path))
    except (OSError, ValueError, TypeError) as error:
        raise InputError(Problem("--work", path, f"must be the state of a fit ({error})", _ANEW)) from error
    seal = state.pop("seal", None)
    if seal != digest(json.dumps(state)):
        raise InputError(Problem("--work", path, "must be as the fit left it; it was altered", _ANEW))
    return state


def _kept_rounds(plan: FitPlan, work: Path | None) -> list[tuple[FloatArray, SimulatedPoints]]:
    """Members of each finished round of the same plan, array (member, unknown), and what they predict."""
    if work is None or not _state_file(work).is_file():
        return []
    state = _state_of(work)
    if state["plan"] != plan.identity():
        return []
    found = []
    for number, written in enumerate(state["rounds"]):
        path = _round_file(work, number)
        try:
            if digest(path.read_bytes()) != written:
                raise ValueError("altered")
            with np.load(path, allow_pickle=False) as kept:
                found.append((kept["members"], SimulatedPoints(kept["values"], kept["n"])))
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            rule = "must be a round as engager calibrate kept it"
            raise InputError(Problem("--work", path, rule, _ANEW)) from error
    return found
