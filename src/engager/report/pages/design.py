"""One self-contained page on a trial design: no script, no request to anywhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from engager.report.plots.design import figure_exact, figure_power, figure_prior, figure_stopping
from engager.report.template import both_widths, render

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Row = Mapping[str, Any]
_TEMPLATE = "design.html.j2"


@dataclass(frozen=True)
class DesignContent:
    """Everything the page shows; a part that is None or empty is left out.

    Attributes
    ----------
    title, facts : facts are (value, what it is) pairs.
    verdict : a strong sentence and further ones below it.
    rules : sentences on test, bounds and what success is.
    columns, table : operating characteristics; each row is ``title, group`` and the columns by name; `group` is the
        scenario.
    look_columns, look_table : bounds and stopping probabilities of each look, in the same form.
    power, stopping : as `figure_power` and `figure_stopping` take them. alpha, success : of `figure_power`.
    prior_curves, prior_marks, prior_unit, prior_sentences, sources : of a historical control.
    exact_curves, exact_marks : as `figure_exact` takes them.
    changes : ``scenario, what``, for each variant.
    limits : sentences. versions : by package.
    """

    title: str
    facts: Sequence[tuple[str, str]]
    verdict: tuple[str, Sequence[str]]
    rules: Sequence[str]
    columns: Sequence[str]
    table: Sequence[Row]
    look_columns: Sequence[str] = ()
    look_table: Sequence[Row] = ()
    power: Sequence[Row] = ()
    alpha: float | None = None
    success: str = "power"
    stopping: Sequence[Row] = ()
    prior_curves: Sequence[Row] = ()
    prior_marks: Sequence[Row] = ()
    prior_unit: str = ""
    prior_sentences: Sequence[str] = ()
    sources: Sequence[str] = ()
    exact_curves: Sequence[Row] = ()
    exact_marks: Sequence[Row] = ()
    changes: Sequence[Row] = ()
    limits: Sequence[str] = ()
    versions: Mapping[str, str] = field(default_factory=dict)


def design_figures(content: DesignContent) -> dict[str, Callable[[float], Figure]]:
    """The figures of the page by name, each drawn for a width in inches."""
    found: dict[str, Callable[[float], Figure]] = {}
    if content.power:
        found["power"] = partial(figure_power, content.power, content.alpha, content.success)
    if content.stopping:
        found["stopping"] = partial(figure_stopping, content.stopping)
    if content.prior_curves:
        found["prior"] = partial(figure_prior, content.prior_curves, content.prior_unit, content.prior_marks)
    if content.exact_curves:
        found["exact"] = partial(figure_exact, content.exact_curves, content.exact_marks)
    return found


def render_design(content: DesignContent) -> str:
    """The page as text; the same content gives the same text."""
    figures = {name: both_widths(name, _DESCRIPTIONS[name], draw) for name, draw in design_figures(content).items()}
    return render(_TEMPLATE, {"content": content, "figures": figures})


_DESCRIPTIONS = {
    "power": "Chance of success over the number of patients, with the treatment as modeled and without an effect",
    "stopping": "Share of simulated trials that stop at each look, with and without success",
    "prior": "Density of the historical prior beside posteriors of a typical simulated trial",
    "exact": "Chance of success over the true share of responders",
}
