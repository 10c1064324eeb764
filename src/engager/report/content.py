"""What a report is made of; plain data, filled by the study layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from engager.report.sections import CoursesSection, DriversSection, PredictiveSection

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class Source:
    """A publication that figures were read from.

    Attributes
    ----------
    id : as comparisons name it in ``published.source``; a part after ``#`` there is not needed here.
    citation : authors, title, journal, year.
    seen : where its text was seen: a sentence, or an address.
    url : of the publication (http or https), or empty.
    """

    id: str
    citation: str
    seen: Sequence[str] = ()
    url: str = ""


@dataclass(frozen=True)
class BaselineRow:
    """One line of the baseline table.

    Attributes
    ----------
    label : with its unit, e.g. ``Age, years, median (range)``.
    simulated, published : text by arm; an arm that is absent was not reported.
    source : id of a `Source`, or empty.
    """

    label: str
    simulated: Mapping[str, str]
    published: Mapping[str, str] = field(default_factory=dict)
    source: str = ""


@dataclass(frozen=True)
class ReportContent:
    """Everything a report shows.

    Attributes
    ----------
    title : of the study.
    study : its id; `run` is the id of the run.
    arms : randomized patients by arm, in the order that fixes colors.
    replicates, seed, n_failed : of the run; `n_failed` counts patients of all replicates.
    model : name of the model; `summary` says in a few sentences what was simulated.
    outside_fit : what of the study lies outside what was fitted, a sentence each.
    versions : version by name of package.
    comparisons : dicts of docs/architecture.md; a ``subgroup``, a ``coverage`` (of the prediction
        interval) and an ``uncertainty`` are read where given.
    tells_parameters : every virtual trial drew population values of its own, so that the part of parameters can be
        told from that of patients.
    predictive : individual patients beside virtual ones, or None. drivers : what drives the outcomes, or None.
    sources : publications the comparisons and the baseline table name.
    baseline : rows of the baseline table.
    estimates : frame of ``engager.analysis.Estimate`` rows, for the tables of outcomes, or None.
    definitions : by request of `estimates`, what tells an endpoint that stands twice apart.
    patients : the patients table, for the participant flow, or None.
    survival : frame of ``engager.analysis.survival_bands`` for one or more endpoints, or None.
    one_trial : frame of ``engager.analysis.trial_curves`` for the same endpoints, or None.
    rebuilt : curves through printed figures, as `figure_kaplan_meier` takes them, or None.
    curve_notes : by endpoint, a sentence below its curve.
    is_counterfactual : the same patients are in every arm.
    courses : sampled patients day by day, or None.
    limits : what the model cannot say, a sentence each.
    seconds : how long the run took, or None.
    """

    title: str
    study: str
    arms: Mapping[str, int]
    replicates: int
    seed: int
    run: str = ""
    n_failed: int = 0
    model: str = ""
    summary: Sequence[str] = ()
    outside_fit: Sequence[str] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    comparisons: Sequence[Mapping[str, Any]] = ()
    sources: Sequence[Source] = ()
    baseline: Sequence[BaselineRow] = ()
    estimates: pl.DataFrame | None = None
    definitions: Sequence[str] = ()
    patients: pl.DataFrame | None = None
    survival: pl.DataFrame | None = None
    one_trial: pl.DataFrame | None = None
    rebuilt: pl.DataFrame | None = None
    curve_notes: Mapping[str, str] = field(default_factory=dict)
    is_counterfactual: bool = False
    courses: CoursesSection | None = None
    limits: Sequence[str] = ()
    seconds: float | None = None
    tells_parameters: bool = True
    predictive: PredictiveSection | None = None
    drivers: DriversSection | None = None
