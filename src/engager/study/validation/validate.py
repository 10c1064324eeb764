"""Every published figure of several studies beside its prediction: fitted and only checked ones apart.

In: studies. Out: a `Validation`. Nothing is written; a single study with its report is `run_study`'s work.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from engager.calibration import (
    AskedFigure,
    Band,
    Comparison,
    Uncertainty,
    accept,
    asked_of,
    compare,
    fit_defaults,
    target_estimates,
    uncertainties,
    width_ratio,
)
from engager.core import VALIDATION_REPLICATES, InputError, Problem
from engager.protocol import Protocol, shipped_protocol, shipped_protocols
from engager.study.failures import is_judged, judged
from engager.study.figure_row import comparison_entry
from engager.study.load import load_protocol
from engager.study.parameters import is_of_each, of_each_study, population_parameters
from engager.study.plain_json import plain_json
from engager.trial import simulate_trial

# What the command prints of a comparison, in this order.
_KEYS = (
    "use", "trial", "arm", "endpoint", "statistic", "time_months", "subgroup", "published", "simulated", "inside",
)  # fmt: skip
_USES = ("fit", "check", None)
_AS_THEMSELVES = (
    "studies of the fit are predicted as themselves, with what the fit found them to differ in, not as new trials"
)


@dataclass(frozen=True)
class Validation:
    """What validating found.

    Attributes
    ----------
    comparisons : of all studies; `use` is ``fit`` or ``check``, None where a study file does not say.
    uncertainties : where the scatter of each comparison comes from, in the same order.
    not_simulated : targets that no virtual trial answers, in words.
    n_failed : patients the solver could not follow.
    replicates, seed : of the simulation.
    parameters : which population values were used; notes : what the reader should know of them.
    has_draws : every virtual trial drew population values of its own.
    unjudged : studies of which too many patients failed for a verdict.
    start_year : of each study of relapsed or refractory disease. engager_arms : (study, arm) of those that give an
        engager.
    asked : what these studies were asked to show besides, and what they show.
    """

    comparisons: tuple[Comparison, ...]
    uncertainties: tuple[Uncertainty, ...]
    not_simulated: tuple[str, ...]
    n_failed: int
    replicates: int
    seed: int
    parameters: str
    notes: tuple[str, ...] = ()
    has_draws: bool = True
    start_year: Mapping[str, int] = field(default_factory=dict)
    engager_arms: frozenset[tuple[str, str]] = frozenset()
    unjudged: tuple[str, ...] = ()
    asked: tuple[AskedFigure, ...] = ()

    @property
    def of_each_itself(self) -> bool:
        """Studies of the fit were predicted as themselves, not as new trials."""
        return is_of_each(self.parameters)

    def inside(self, use: str | None) -> tuple[int, int]:
        """How many figures of a use lie inside, and how many could be judged."""
        judged = [one.is_inside for one in self.comparisons if one.use == use and one.is_inside is not None]
        return sum(judged), len(judged)

    @property
    def width_ratio(self) -> float | None:
        """Median over figures of the prediction interval's width beside the published interval's.

        Ratios and times are compared on the log scale; a prediction without an upper end is infinitely wide.
        None when no figure has both intervals.
        """
        ratios = [ratio for one in self.comparisons if (ratio := width_ratio(one)) is not None]
        return float(np.median(ratios)) if ratios else None

    def acceptance(self) -> list[Band]:
        """The bands set before the fit, and what was found."""
        limits = fit_defaults()["acceptance"]
        return accept(self.comparisons, limits, start_year=self.start_year, engager_arms=self.engager_arms)

    def as_json(self) -> dict[str, Any]:
        """What ``engager validate --json`` prints."""
        listed = [comparison_entry(one) for one in self.comparisons]
        counts: dict[str, Any] = {
            use or "unmarked": dict(zip(("inside", "of"), self.inside(use), strict=True)) for use in _USES
        }
        counts |= {
            "not_estimable": sum(one.is_inside is None for one in self.comparisons),
            "not_simulated": list(self.not_simulated),
            "n_failed": self.n_failed,
            "replicates": self.replicates,
            "interval_coverage": min((one.coverage for one in self.comparisons), default=None),
            "median_width_ratio": self.width_ratio,
        }
        targets = [{key: one[key] for key in _KEYS} for one in listed]
        bands = {one.name: {"band": one.limit, "found": one.found, "met": one.is_met} for one in self.acceptance()}
        asked = [asked_row(one) for one in self.asked]
        found: dict[str, Any] = plain_json({"targets": targets, "counts": counts, "acceptance": bands, "asked": asked})
        return found


def _ships(study: Protocol) -> bool:
    """Whether a study is what the package ships under its id, not a variant of it."""
    return study.study in shipped_protocols() and study == shipped_protocol(study.study)


def asked_row(one: AskedFigure) -> dict[str, Any]:
    """What was asked and found, by column; shares as fractions, times in months."""
    request = one.request
    return {
        "trial": one.study,
        "arm": request.arm,
        "endpoint": request.endpoint,
        "statistic": request.statistic,
        "time_months": request.time_months,
        "origin": request.origin,
        "censor_at_hsct": request.censor_at_hsct,
        "least": one.least,
        "most": one.most,
        "found": one.found,
        "met": one.is_met,
    }


def studies_with_targets(*, of_any_disease: bool = False) -> list[Protocol]:
    """The shipped studies that have something to be compared with.

    Parameters
    ----------
    of_any_disease : also those of a variant of their model, or of T lineage, whose disease no fit has seen.
    """
    studies = [study for study in map(shipped_protocol, shipped_protocols()) if study.targets]
    fitted = [study for study in studies if study.model.variant is None and study.population.lineage is None]
    return studies if of_any_disease else fitted


def studies_named(names: Sequence[str | Path]) -> list[Protocol]:
    """Studies by id or file; the problems of all of them are told together.

    Raises
    ------
    InputError
        Also when two have the same id, since figures are listed by it.
    """
    found: list[Protocol] = []
    problems: list[Problem] = []
    for name in names:
        try:
            found.append(load_protocol(name))
        except InputError as error:
            problems += error.problems
    ids = [study.study for study in found]
    twice = sorted({one for one in ids if ids.count(one) > 1})
    problems += [Problem("--against", one, "must be the id of one study only", "Give each its own.") for one in twice]
    if problems:
        raise InputError(problems)
    return found


def validate_studies(
    studies: Sequence[Protocol],
    *,
    replicates: int = VALIDATION_REPLICATES,
    seed: int = 1,
    parameters: str = "posterior",
    n_threads: int | None = None,
    progress: Callable[[str, float], None] | None = None,
) -> Validation:
    """Simulate studies and compare each with its targets.

    Parameters
    ----------
    studies : with targets.
    replicates : virtual trials of each; 95 % intervals need about 40.
    parameters : as for `run_study`; ``posterior:own`` predicts each study of the fit as itself, not as a new trial.
    progress : told a study's id and the finished share of everything.

    Raises
    ------
    InputError
        When a study has no targets, or a number is out of range.
    """
    problems = [
        Problem(study.study, "no targets", "needs `targets` to be compared with", "Add them, or use engager trial run.")
        for study in studies
        if not study.targets
    ]
    if replicates < 1:
        problems.append(Problem("--replicates", replicates, "must be at least 1"))
    if seed < 0:
        problems.append(Problem("--seed", seed, "must be a whole number from 0"))
    if problems:
        raise InputError(problems)
    comparisons: list[Comparison] = []
    split: list[Uncertainty] = []
    asked: list[AskedFigure] = []
    notes: list[str] = []
    n_failed = 0
    unjudged: list[str] = []
    has_draws = True
    total = float(sum(study.n_patients for study in studies))
    done = 0.0
    for study in studies:

        def tell(share: float, study: Protocol = study, before: float = done) -> None:
            if progress is not None:
                progress(study.study, (before + share * study.n_patients) / total)

        choice = of_each_study(parameters, study.study, study.model.id)
        values = population_parameters(study.model.id, seed, choice)
        # comparisons read the patients alone; visits of hundreds of trials would fill memory
        data = simulate_trial(
            study,
            replicates=range(replicates),
            seed=seed,
            n_threads=n_threads,
            progress=tell,
            settings=values.settings,
            n_sampled=0,
            only_patients=True,
        )
        estimated = target_estimates(data)
        comparisons += judged(compare(data, estimated), data.n_failed, data.patients.height)
        split += uncertainties(data, seed, estimated)
        asked += asked_of(data, fit_defaults()["asked"]) if _ships(study) else []
        note = _AS_THEMSELVES if choice != parameters else values.note
        notes += [note] if note and note not in notes else []
        n_failed += data.n_failed
        if not is_judged(data.n_failed, data.patients.height):
            unjudged.append(study.study)
        has_draws &= values.has_draws
        done += study.n_patients
    unanswered = tuple(
        f"{study.study}: {target.endpoint} ({target.statistic})"
        for study in studies
        for target in study.targets
        if not target.is_simulated
    )
    return Validation(
        comparisons=tuple(comparisons),
        uncertainties=tuple(split),
        not_simulated=unanswered,
        n_failed=n_failed,
        unjudged=tuple(unjudged),
        asked=tuple(asked),
        replicates=replicates,
        seed=seed,
        parameters=parameters,
        notes=tuple(notes),
        has_draws=has_draws,
        start_year={
            study.study: study.follow_up.start_year
            for study in studies
            if study.population.setting == "relapsed_refractory"
        },
        engager_arms=frozenset(
            (study.study, name)
            for study in studies
            for name, arm in study.arms.items()
            if not arm.regimen.is_chemotherapy
        ),
    )
