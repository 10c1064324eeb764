"""What a comparison of runs found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engager.analysis import Prediction

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class ComparedFigure:
    """One number of one arm (or of two arms against each other) in every run.

    Attributes
    ----------
    arm, endpoint, statistic, time_months, definition : what it is, in the words of a run's predictions.
    runs : prediction by run, in order; None where a run does not have it.
    differences : run minus first run, on the scale of `difference_scale`; None for the first and where either lacks it,
        NaN where fewer than 95 % of the replicates tell it.
    difference_scale : ``difference`` (shares; times, in months), or ``ratio`` (hazard and odds ratios).
    """

    arm: str
    endpoint: str
    statistic: str
    time_months: float | None
    definition: str
    runs: tuple[Prediction | None, ...]
    differences: tuple[Prediction | None, ...]
    difference_scale: str


@dataclass(frozen=True)
class RunComparison:
    """Two or more runs beside each other.

    Attributes
    ----------
    names : of the runs, the first being the one the others are set against.
    titles, sizes : of their studies; patients per virtual trial.
    is_paired : all runs have the same study id, seed, parameters and replicates, so that replicate k of one belongs to
        replicate k of another and patients who exist in both are the same.
    follow_each_other : some arms differ, others do not, and the data are cut by deaths, which moves those too.
    figures : one a row.
    study_changes : (key, value in each run) of keys of the study file that differ; None where a run has no such key.
    input_changes : the same for seed, replicates, parameters, inputs and versions.
    curves : frame ``run, arm, endpoint, month, survival, low, high, at_risk``.
    n_replicates : by run.
    outside_fit : by run, what of its study lies outside what was fitted.
    """

    names: tuple[str, ...]
    titles: tuple[str, ...]
    sizes: tuple[int, ...]
    is_paired: bool
    follow_each_other: bool
    figures: tuple[ComparedFigure, ...]
    study_changes: tuple[tuple[str, tuple[str | None, ...]], ...]
    input_changes: tuple[tuple[str, tuple[str | None, ...]], ...]
    curves: pl.DataFrame
    n_replicates: tuple[int, ...]
    outside_fit: tuple[tuple[str, ...], ...]
