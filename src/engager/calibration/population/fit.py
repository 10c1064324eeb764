"""Fit the population to several trials at once.

In: studies whose targets are marked for fitting. Out: a `Posterior`, draws of everything the model's table
lets calibration move. Every iteration simulates all members of the ensemble as replicates of one virtual
trial per study, so a fit is a handful of large runs; each is kept, and a stopped fit goes on from the last.
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
from engager.calibration.population.ensemble import assimilate, misfit, portion_shares, portion_variance
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
    versions,
    write_whole,
)
from engager.model import Model, load_model
from engager.population import PopulationValues
from engager.protocol import Protocol, shipped_protocol
from engager.trial import TrialData, shifted, simulate_trial

Progress = Callable[[str, float], None]

# Times the variance of a figure that a fit is not to see.
_UNSEEN = 1e12


@dataclass(frozen=True)
class FitPlan:
    """What to fit and how.

    Attributes
    ----------
    studies : protocols with their size in the fit. members, portions : of the ensemble smoother.
    common : unknowns of the population, which every study shares.
    hierarchy : what studies and regimens differ in beyond that, and the priors of how much.
    fixed : population values held at these numbers, e.g. from a fit to time courses.
    """

    model: Model
    studies: tuple[Protocol, ...]
    members: int
    portions: int
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
            [self.model.hash, [study.model_dump(mode="json") for study in self.studies], self.members, self.portions,
             self.seed, [vars(unknown) for unknown in self.unknowns], self.fixed.written()]
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
        common=tuple(one for one in unknowns_of(model) if one.name not in fixed),
        hierarchy=shipped_hierarchy(),
        fixed=fixed,
    )
    return plan.with_studies([shipped_protocol(name).with_patients(n) for name, n in defaults["studies"].items()])


def recovery_plan(members: int | None = None, portions: int | None = None, seed: int | None = None) -> FitPlan:
    """The small plan by which the fit is tested on its own simulator."""
    sizes = fit_defaults()["recovery"]
    plan = shipped_plan(members or sizes["members"], portions or sizes["portions"], seed)
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
    members, history = smooth(plan, work=work, progress=progress, n_threads=n_threads)
    return _posterior(plan, members, history)


def smooth(
    plan: FitPlan,
    *,
    work: Path | None = None,
    progress: Progress | None = None,
    n_threads: int | None = None,
    first: SimulatedPoints | None = None,
) -> tuple[FloatArray, list[float]]:
    """Members after all portions, array (member, unknown), and the misfit before each portion.

    Parameters
    ----------
    first : what the draws of the prior predict, where it is known already.
    """
    data, members = FitData.of(plan), plan.prior(plan.members)
    history: list[float] = []
    done, members, history = _resume(plan, work, members)
    for portion in range(done, plan.portions):
        is_known = portion == 0 and first is not None
        simulated = first if is_known else simulate_members(plan, members, portion, progress, n_threads)
        assert simulated is not None
        simulation = simulation_variance(data.points, simulated.n)
        history.append(float(np.median(misfit(simulated.values, data.observed, data.variance + simulation))))
        before, members = members, after_portion(plan, data, members, simulated, portion)
        _keep(plan, work, portion, before, simulated, members, history)
    return members, history


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

    def without(self, gone: BoolArray) -> FitData:
        """The same with nothing to learn from those marked in an array (datum,): their errors are without bounds.

        They keep their places, so that every other figure is perturbed as in the whole fit.
        """
        return replace(self, variance=np.where(gone, _UNSEEN * self.variance, self.variance))

    @cached_property
    def observed(self) -> FloatArray:
        """Array (datum,): published values on their scales."""
        return np.array([point.value for point in self.points])


def after_portion(
    plan: FitPlan, data: FitData, members: FloatArray, simulated: SimulatedPoints, portion: int
) -> FloatArray:
    """Members after one more portion of the data; `simulated` is what they predict before it."""
    keyed = Stream(plan.seed, "calibration").of(f"portion/{portion}")
    share = float(portion_shares(plan.portions)[portion])
    error = portion_variance(data.variance, simulation_variance(data.points, simulated.n), share)
    spreads, drawn = plan.hierarchy.spreads_from(
        plan.unknowns, members, simulated.values, data.observed, data.variance, data.concerns, keyed.of("spreads")
    )
    moved = assimilate(members, simulated.values, data.observed, error, keyed, data.concerns)
    moved[:, spreads] = drawn
    return moved


def _posterior(plan: FitPlan, members: FloatArray, history: list[float]) -> Posterior:
    points = [point for study in plan.points for point in study]
    values = values_of(plan.unknowns, members)
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
            "portions": plan.portions,
            "seed": plan.seed,
            "misfit_before_each_portion": history,
            "versions": versions(),
        },
    )


def _mean_and_sd(effects: Mapping[str, FloatArray]) -> dict[str, list[float]]:
    return {name: [float(f"{found(draws):.4g}") for found in (np.mean, np.std)] for name, draws in effects.items()}


def simulate_members(
    plan: FitPlan, members: FloatArray, portion: int, progress: Progress | None = None, n_threads: int | None = None
) -> SimulatedPoints:
    """What each member predicts for all data points, in the order of the studies."""
    return points_of(plan, trials_of_members(plan, members, portion, progress, n_threads))


def trials_of_members(
    plan: FitPlan, members: FloatArray, portion: int, progress: Progress | None = None, n_threads: int | None = None
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
                progress(f"portion {portion + 1} of {plan.portions}: {study.study}", (portion + whole) / plan.portions)

        settings = plan.settings(members, study.study)
        yield simulate_trial(
            study, replicates=range(len(members)), seed=plan.seed + 1 + portion, settings=settings.__getitem__,
            n_sampled=0, n_threads=n_threads, progress=tell, only_patients=True,
        )  # fmt: skip
        done += study.n_patients


def points_of(plan: FitPlan, trials: Iterable[TrialData]) -> SimulatedPoints:
    """The plan's data points in virtual trials of its studies."""
    found = [simulated_points(data, points) for data, points in zip(trials, plan.points, strict=True)]
    return SimulatedPoints(*(np.concatenate(parts, axis=1) for parts in zip(*found, strict=True)))


def kept_portions(work: Path) -> list[tuple[FloatArray, SimulatedPoints]]:
    """Members before each portion, array (member, unknown), and what they predict, as a finished fit left them.

    Raises
    ------
    InputError
        When the folder does not hold the portions of a fit.
    """
    found = []
    for path in sorted(work.glob("portion-*.npz")):
        try:
            with np.load(path, allow_pickle=False) as kept:
                found.append((kept["members"], SimulatedPoints(kept["values"], kept["n"])))
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            rule = "must be a portion that engager calibrate kept"
            raise InputError(Problem("--work", str(path), rule, "Run engager calibrate --work again.")) from error
    if not found:
        rule = "must be a folder that engager calibrate --work has written"
        raise InputError(Problem("--work", str(work), rule, "It keeps what each portion of the fit simulated."))
    return found


def _state_file(work: Path) -> Path:
    return work / "calibration-state.json"


def _keep(
    plan: FitPlan,
    work: Path | None,
    portion: int,
    before: FloatArray,
    simulated: SimulatedPoints,
    members: FloatArray,
    history: list[float],
) -> None:
    if work is None:
        return
    work.mkdir(parents=True, exist_ok=True)
    archive = io.BytesIO()
    np.savez(archive, members=before, values=simulated.values, n=simulated.n)
    write_whole(work / f"portion-{portion:02d}.npz", archive.getvalue())
    state = {"plan": plan.identity(), "portions_done": portion + 1, "members": members.tolist(), "misfit": history}
    # What goes on from this file must be what was written: an altered member would be fitted on without a word.
    write_whole(_state_file(work), json.dumps({**state, "seal": digest(json.dumps(state))}))


def _state_of(work: Path) -> dict[str, Any]:
    """What a fit kept of itself.

    Raises
    ------
    InputError
        When it cannot be read or is not what was written.
    """
    path, hint = _state_file(work), "Remove it to begin the fit anew, or name another folder."
    try:
        state: dict[str, Any] = dict(read_json(path))
    except (OSError, ValueError, TypeError) as error:
        raise InputError(Problem("--work", str(path), f"must be the state of a fit ({error})", hint)) from error
    seal = state.pop("seal", None)
    if seal is not None and seal != digest(json.dumps(state)):
        raise InputError(Problem("--work", str(path), "must be as the fit left it; it was altered", hint))
    return state


def _resume(plan: FitPlan, work: Path | None, members: FloatArray) -> tuple[int, FloatArray, list[float]]:
    if work is None or not _state_file(work).is_file():
        return 0, members, []
    state = _state_of(work)
    if state["plan"] != plan.identity():
        return 0, members, []
    return int(state["portions_done"]), np.array(state["members"]), list(state["misfit"])
