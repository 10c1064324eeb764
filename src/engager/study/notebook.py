"""The package for people who write Python: a few verbs, results that show themselves in a notebook.

`run`, `patient`, `published` and `compare` stand at the top of the package (``engager.run("tower")``). They call the
same front door as the command line; what goes wrong is told in the words of Python, not of the command line.
"""

from __future__ import annotations

import functools
import re
import tempfile
import warnings
from collections.abc import Callable, Mapping
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from engager.core import PATIENT_DAYS, TRIAL_REPLICATES, InputError, Problem, figure
from engager.protocol import Protocol
from engager.report import what, without_repeats
from engager.study.compare.result import RunComparison
from engager.study.compare.runs import compare_runs, curves_of
from engager.study.compare.words import comparison_table, coverage_words, difference_cell, row_title, run_cell
from engager.study.html_table import html_table
from engager.study.load import load_protocol, regimen_by_id
from engager.study.patients.patient import VirtualPatient, simulate_patient
from engager.study.published import Published, published_record
from engager.study.review.words import figure_cells
from engager.study.run.folder import RunFolder
from engager.study.run.simulate import run_study
from engager.study.run.tables import TABLES

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    from matplotlib.figure import Figure

P = ParamSpec("P")
T = TypeVar("T")
_OPTION = re.compile(r"--(?:set )?([a-z][a-z-]*)")


def in_python_words(function: Callable[P, T]) -> Callable[P, T]:
    """The function, with complaints about ``--some-option`` or ``--set some_value`` told about the argument."""

    @functools.wraps(function)
    def called(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return function(*args, **kwargs)
        except InputError as error:
            raise InputError([_reworded(one) for one in error.problems]) from None

    return called


def _reworded(problem: Problem) -> Problem:
    def argument(text: str) -> str:
        return _OPTION.sub(lambda found: found[1].replace("-", "_"), text)

    return Problem(argument(problem.where), problem.value, argument(problem.rule), argument(problem.next_step or ""))


class Run:
    """A finished run.

    Attributes
    ----------
    folder : `RunFolder`, with everything on disk. path : of the folder.
    """

    def __init__(self, folder: RunFolder):
        self.folder = folder
        self.path = folder.path

    @property
    def comparisons(self) -> pl.DataFrame:
        """Published beside simulated: frame ``what, study, published, simulated, verdict, use, source`` in words."""
        import polars as pl

        told = [figure_cells({**one, "trial": self._study, "use": one.get("use")}) for one in self.folder.comparisons]
        return pl.DataFrame(told)

    @property
    def predictions(self) -> pl.DataFrame:
        """Every estimated figure: frame ``arm, endpoint, statistic, time_months, median, low, high``."""
        import polars as pl

        return pl.DataFrame(self.folder.predictions(), infer_schema_length=None)

    def table(self, name: str = "patients") -> pl.DataFrame:
        """``patients``, ``visits``, ``events``, ``trajectories`` or ``estimates`` as a polars frame.

        Raises
        ------
        InputError
            When there is no such table.
        """
        names = ("estimates", *TABLES)
        if name not in names:
            raise InputError(Problem("name", name, f"must be one of {', '.join(names)}"))
        return self.folder.table(name)

    def to_pandas(self, name: str = "patients") -> pd.DataFrame:
        """The same as a pandas frame."""
        return self.table(name).to_pandas()

    def plot_survival(self, endpoint: str = "OS") -> Figure:
        """Simulated survival by arm with its band over replicates, and what was published.

        Returns
        -------
        A matplotlib Figure.

        Raises
        ------
        InputError
            When the run has no curve of the endpoint.
        """
        from engager.report import figure_kaplan_meier

        curves = curves_of([self.folder])
        return figure_kaplan_meier(curves, self.folder.comparisons, _with_curve(curves, endpoint))

    @property
    def _study(self) -> str:
        return str(self.folder.manifest["trial"])

    def __repr__(self) -> str:
        manifest = self.folder.manifest
        judged = [one["inside"] for one in self.folder.comparisons if one["inside"] is not None]
        told = f", {sum(judged)} of {len(judged)} published figures inside" if judged else ""
        return f"<Run {self._study}: {manifest['replicates']} x {manifest['patients_per_replicate']} patients{told}>"

    def _repr_html_(self) -> str:
        told = f"<p><b>{escape(repr(self)[1:-1])}</b></p>"
        simulated = f"simulated ({self.folder.verdict.interval_words} interval)"
        if not self.folder.comparisons:
            return told + html_table(("figure", simulated), map(_predicted, self.folder.predictions()))
        kept = without_repeats(self.folder.comparisons)
        cells = [figure_cells({**one, "trial": self._study, "use": one.get("use")}) for one in kept]
        head = ("figure", "published (95 % CI)", simulated, "verdict", "use", "source")
        names = ("what", "published", "simulated", "verdict", "use", "source")
        table = html_table(head, ([one[name] for name in names] for one in cells))
        remark = self.folder.verdict.remark
        return f"{told}{f'<p>{escape(remark)}</p>' if remark else ''}{table}"


def _predicted(one: Mapping[str, Any]) -> tuple[str, str]:
    """A simulated figure of an arm in words, and its median with the interval."""
    named = ", ".join(word for word in (what(one), one.get("definition", ""), one["arm"]) if word)
    return named, figure(one["median"], one["low"], one["high"], one["statistic"], one.get("reason", ""))


class Patient:
    """One virtual patient under a regimen.

    Attributes
    ----------
    simulated : `VirtualPatient`, with the arrays.
    """

    def __init__(self, simulated: VirtualPatient):
        self.simulated = simulated

    @property
    def frame(self) -> pl.DataFrame:
        """Courses hour by hour: frame with ``day`` and one column each, units as in the names or the model."""
        import polars as pl

        return pl.DataFrame({"day": self.simulated.days, **self.simulated.columns})

    def to_pandas(self) -> pd.DataFrame:
        """The same as a pandas frame."""
        return self.frame.to_pandas()

    def plot(self) -> Figure:
        """Drug, T and B cells, blasts, cytokines and counts over time: a matplotlib Figure."""
        from engager.report import patient_figure

        return patient_figure(self.simulated.courses(), title=repr(self)[1:-1])

    def __repr__(self) -> str:
        who = self.simulated.covariates
        told = f"{who['age_years']:.0f} years, {who['marrow_blasts_percent']:.0f} % blasts"
        return f"<Patient under {self.simulated.regimen.id or 'a regimen'}: {told}>"

    def _repr_html_(self) -> str:
        from engager.report import to_svg

        return to_svg(self.plot(), "patient", repr(self)[1:-1])


@in_python_words
def run(
    study: str | Path | Protocol,
    *,
    replicates: int = TRIAL_REPLICATES,
    patients: int | None = None,
    seed: int = 1,
    out: str | Path | None = None,
    report: bool = True,
) -> Run:
    """Run a virtual trial.

    Parameters
    ----------
    study : id of a shipped study, path of a study file, or a `Protocol`.
    replicates : virtual trials; 39 are needed for a 95 % interval.
    patients : of one virtual trial, all arms; None: the study's own number.
    seed : same seed, same numbers.
    out : run folder to write; None: a new temporary one.
    report : write ``report.html`` into it; False: only the tables, which is quicker.

    Returns
    -------
    Run, which shows itself in a notebook.

    Raises
    ------
    InputError
        With everything that is wrong, by argument or key of the study file.

    Examples
    --------
    >>> import engager
    >>> engager.run("mt103-206", replicates=2, patients=8)
    <Run mt103-206: 2 x 8 patients...>
    """
    protocol = study if isinstance(study, Protocol) else load_protocol(study)
    folder = Path(out) if out is not None else Path(tempfile.mkdtemp(prefix="engager-")) / protocol.study
    return Run(run_study(protocol, replicates=replicates, patients=patients, seed=seed, out=folder, report=report))


@in_python_words
def patient(
    regimen: str = "blinatumomab",
    *,
    days: float = PATIENT_DAYS,
    seed: int | None = None,
    changes: Mapping[str, float] | None = None,
    **covariates: float,
) -> Patient:
    """Follow one virtual patient with the doses as planned.

    Parameters
    ----------
    regimen : id, see ``engager regimen list``.
    days : how long, above 0.
    seed : None for the typical patient; a number for one drawn at random.
    changes : covariates or model parameters by name, where a name is no Python word.
    covariates : the same as arguments, e.g. ``age_years=70``.

    Returns
    -------
    Patient, which draws itself in a notebook.

    Raises
    ------
    InputError
        When a name is no covariate and no parameter, or a value is impossible.

    Examples
    --------
    >>> import engager
    >>> engager.patient(age_years=70, days=7)
    <Patient under blinatumomab: 70 years, 80 % blasts>
    """
    asked = {**(changes or {}), **covariates}
    simulated = simulate_patient(regimen_by_id(regimen), days=days, changes=asked, seed=seed)
    for note in simulated.notes:
        warnings.warn(note, stacklevel=3)
    return Patient(simulated)


@in_python_words
def published(record_id: str) -> Published:
    """Every figure of a publication, with its source.

    Parameters
    ----------
    record_id : see ``engager evidence list``.

    Returns
    -------
    Published, with a ``frame`` of every figure in words, the ``citation``, and the ``sources`` that were read.

    Raises
    ------
    InputError
        When there is no such record; the nearest are offered.

    Examples
    --------
    >>> import engager
    >>> engager.published("tower-2017").frame.height > 50
    True
    """
    return published_record(record_id)


@in_python_words
def compare(*runs: Run | str | Path) -> Compared:
    """Set finished runs beside the first of them.

    Parameters
    ----------
    runs : two to six runs, or their folders.

    Returns
    -------
    Compared, with a ``frame`` of every figure in every run and its difference from the first.

    Raises
    ------
    InputError
        When there are fewer than two, or one is no finished run.
    """
    return Compared(compare_runs([one.path if isinstance(one, Run) else one for one in runs]))


class Compared:
    """Runs beside each other.

    Attributes
    ----------
    found : `RunComparison`. frame : one row a figure and run.
    """

    def __init__(self, found: RunComparison):
        self.found = found

    @property
    def frame(self) -> pl.DataFrame:
        """One row a figure and run: median, low, high, coverage, and the difference from the first run."""
        return comparison_table(self.found)

    @property
    def changes(self) -> dict[str, tuple[str | None, ...]]:
        """Keys of the study files that differ, with the value in each run."""
        return dict(self.found.study_changes)

    def plot_survival(self, endpoint: str = "") -> Figure:
        """Median simulated curves of every run with their bands over replicates.

        Parameters
        ----------
        endpoint : empty: the first that has a curve.

        Returns
        -------
        A matplotlib Figure.

        Raises
        ------
        InputError
            When no run has a curve of the endpoint.
        """
        from engager.report import figure_run_curves

        curves = self.found.curves
        return figure_run_curves(curves, _with_curve(curves, endpoint), self.found.names)

    def __repr__(self) -> str:
        n = len(self.changes)
        return (
            f"<Compared {' and '.join(self.found.names)}: {n} key{'' if n == 1 else 's'} differ{'s' if n == 1 else ''}>"
        )

    def _repr_html_(self) -> str:
        from engager.report import to_svg

        drawn = to_svg(self.plot_survival(), "compared", repr(self)[1:-1]) if self.found.curves.height else ""
        first, *others = self.found.names
        head = ("figure", "arm", first, *(word for name in others for word in (name, f"{name} against {first}")))
        rows = (
            (row_title(one), one.arm, run_cell(one, 0),
             *(cell(one, place) for place in range(1, len(others) + 1) for cell in (run_cell, difference_cell)))
            for one in self.found.figures
        )  # fmt: skip
        told = f"<p><b>{escape(repr(self)[1:-1])}</b></p><p>{escape(coverage_words(self.found))}</p>"
        return f"{told}{drawn}{html_table(head, rows)}"


def _with_curve(curves: pl.DataFrame, endpoint: str) -> str:
    """The endpoint, which must have a curve; empty: the first that has."""
    drawn = curves["endpoint"].unique(maintain_order=True).to_list()
    if endpoint in drawn or (not endpoint and drawn):
        return endpoint or str(drawn[0])
    rule = f"must be one of {', '.join(drawn)}" if drawn else "there is no survival curve"
    raise InputError(Problem("endpoint", endpoint, rule, "Curves are of `endpoints` in the study file."))
