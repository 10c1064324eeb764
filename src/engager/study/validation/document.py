"""A validation as a document: what was run, the acceptance bands, every miss, every figure.

In: a `Validation`, and what observations within patients say. Out: Markdown. Nothing here judges or leaves out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from engager.calibration import AskedFigure, Comparison, Uncertainty, fit_defaults, shipped_posterior, width_ratio
from engager.core import RESEARCH_USE, figure, number, versions
from engager.model import load_model
from engager.report import what
from engager.study.validation.validate import Validation

_BEFORE = "Set in the package before the fit (`src/engager/calibration/data/fit.yaml`)."
_NOT_MET = 'What holds back what is not met: "What it costs" in `docs/decisions/0010-one-hierarchical-fit.md`.'
_ASKED = (
    "What a hematologist would expect of such patients, and the median over simulated trials. The limits were written"
    " down after the fit, which does not use them, though it is fitted to the published figures of some of these"
    " outcomes; the same file says where each is from."
)
_AS_THEMSELVES = (
    "They are set for predictions of new trials. Here each study of the fit is predicted as itself, with what the fit"
    " found it to differ in: a fitted figure inside says that the fit explains it, not that it could be foretold."
)
_USE_WORDS = {"fit": "fitted", "check": "checked", None: "unmarked"}


def validation_text(
    found: Validation, command: str, observations: Sequence[Mapping[str, Any]] = (), title: str = ""
) -> str:
    """The document.

    Parameters
    ----------
    command : the line that made it, so that anyone can make it again.
    observations : rows of `calibration.validate_observations`; empty: no such section.
    title : empty: by what was predicted.
    """
    usual, bands = ("Studies as themselves", _AS_THEMSELVES) if found.of_each_itself else ("Validation", _BEFORE)
    judged = [*(one.is_met for one in found.acceptance()), *(one.is_met for one in found.asked)]
    parts = [
        f"# {title or usual}",
        _head(found, command),
        "## Acceptance bands",
        bands,
        _bands(found),
        *(["## What was asked besides", _ASKED, _asked(found)] if found.asked else []),
        *([_NOT_MET] if False in judged else []),
        "## Figures outside",
        _misses(found),
        "## Every figure",
        "Published with its 95 % interval where one is printed; simulated median with the 95 % prediction interval of a"
        " trial of that size. Width: prediction interval over published interval (from n where none is printed).",
        _figures(found),
        "## Where the scatter comes from",
        "Standard deviations over replicates, on the share or the logarithm: patients (a trial is a sample),"
        " parameters (values the fit left unsure, and what trials differ in beyond the description of their patients),"
        " and the part of the variance that parameters account for. Monte Carlo: standard error of the median above"
        " from this number of replicates; it is about the computation only.",
        _scatter(found),
    ]
    if observations:
        parts += ["## Observations within patients", _observations(observations)]
    return "\n\n".join(parts) + "\n"


def _head(found: Validation, command: str) -> str:
    lines = [
        f"Made by `{command}` on {datetime.now(UTC):%Y-%m-%d}; seed {found.seed}, {found.replicates} virtual trials of"
        f" each study, parameters: {found.parameters}.",
        *(f"Note: {note}." for note in found.notes),
        _provenance(),
    ]
    if found.n_failed:
        lines.append(f"{found.n_failed} virtual patients could not be followed to the end and are left out.")
    lines.append(RESEARCH_USE)
    return "\n".join(lines)


def _provenance() -> str:
    name = fit_defaults()["model"]
    model, posterior = load_model(name), shipped_posterior(name)
    text = f"Model {name} {model.hash[:12]}, engager {versions()['engager']}."
    if posterior is None:
        return text + " No posterior ships with this model: its table was used, and no figure has been fitted."
    fit = posterior.provenance
    seed, members, points = fit.get("seed"), len(posterior.draws), len(fit.get("data_points", ()))
    return text + f" Posterior: {members} draws from {points} figures, seed {seed}, model {posterior.model_hash[:12]}."


def _bands(found: Validation) -> str:
    rows = []
    for band in found.acceptance():
        value = "-" if band.found is None else f"{band.found:.2f}"
        value += f" ({band.inside} of {band.n})" if band.inside is not None else f" (n {band.n})"
        rows.append([band.words, f"at {'most' if band.is_most else 'least'} {band.limit:g}", value, _yes(band.is_met)])
    return _table(["band", "set to", "found", "met"], rows)


def _asked(found: Validation) -> str:
    rows = []
    for one in found.asked:
        request = one.request
        simulated = number(one.found, request.statistic)
        rows.append([one.study, str(request.arm), _asked_words(one), _limits(one), simulated, _yes(one.is_met)])
    return _table(["study", "arm", "figure", "asked", "simulated", "met"], rows)


def _limits(one: AskedFigure) -> str:
    statistic = one.request.statistic
    if one.least is None:
        return f"at most {number(one.most, statistic)}"
    if one.most is None:
        return f"at least {number(one.least, statistic)}"
    return f"{number(one.least, statistic, unit=False)} to {number(one.most, statistic)}"


def _asked_words(one: AskedFigure) -> str:
    request = one.request
    since = {"hsct": ", from the transplant", "failure": ", from the failure"}.get(request.origin or "", "")
    censored = ", censored at the transplant" if request.censor_at_hsct else ""
    return what(asdict(request)) + since + censored


def _misses(found: Validation) -> str:
    rows = [_figure_row(one) for one in found.comparisons if one.is_inside is False]
    if not rows:
        return "None."
    return _table(_FIGURE_COLUMNS, rows)


_FIGURE_COLUMNS = ["study", "use", "arm", "figure", "published", "simulated", "inside", "width"]


def _figures(found: Validation) -> str:
    table = _table(_FIGURE_COLUMNS, [_figure_row(one) for one in found.comparisons])
    left_out = [f"- {text}: not simulated, so not compared" for text in found.not_simulated]
    return "\n".join([table, *([""] if left_out else []), *left_out])


def _figure_row(one: Comparison) -> list[str]:
    ratio = width_ratio(one)
    low, high = one.published_low, one.published_high
    n = f", n {one.n}" if one.n else ""
    return [
        one.study,
        _USE_WORDS[one.use],
        one.arm,
        what(asdict(one)),
        f"{figure(one.published, low, high, one.statistic)}{n}",
        figure(one.median, one.low, one.high, one.statistic),
        _yes(one.is_inside),
        "-" if ratio is None else "open" if math.isinf(ratio) else f"{ratio:.1f}",
    ]


def _scatter(found: Validation) -> str:
    rows = []
    for one, split in zip(found.comparisons, found.uncertainties, strict=True):
        rows.append([one.study, one.arm, what(asdict(one)), *_split(split)])
    return _table(
        ["study", "arm", "figure", "scale", "patients", "parameters", "variance from parameters", "Monte Carlo"], rows
    )


def _split(split: Uncertainty) -> list[str]:
    share = split.parameter_share
    return [
        split.scale,
        _decimal(split.between_patients),
        _decimal(split.parameters),
        "-" if math.isnan(share) else f"{100 * share:.0f} %",
        _decimal(split.monte_carlo[0]),
    ]


def _observations(rows: Sequence[Mapping[str, Any]]) -> str:
    counts = []
    for use in ("fit", "check"):
        judged = [bool(row["inside"]) for row in rows if row["use"] == use and row["inside"] is not None]
        if judged:
            counts.append(f"{sum(judged)} of {len(judged)} {_USE_WORDS[use]}")
    cells = [
        [
            str(row["id"]),
            _USE_WORDS.get(row["use"], ""),
            str(row["quantity"]),
            _plain(row["observed"]),
            _plain(row["simulated"]),
            f"{_plain(row['low'])} to {_plain(row['high'])}",
            _yes(row["inside"]),
        ]
        for row in rows
    ]
    told = (
        "Courses and bins: the range is the 95 % interval of simulated cohorts and must hold the observed value. Single"
        " facts: the range is what agrees with the publication and must hold the simulated one."
    )
    return f"Inside: {', '.join(counts)}. {told}\n\n" + _table(
        ["observation", "use", "quantity", "observed", "simulated", "range", "inside"], cells
    )


def _plain(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, int | float) else "-" if value is None else str(value)


def _decimal(value: float) -> str:
    return "-" if not math.isfinite(value) else f"{value:.3f}"


def _yes(answer: bool | None) -> str:
    return {True: "yes", False: "**no**", None: "-"}[None if answer is None else bool(answer)]


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    # A bar within a cell would end it.
    lines = [" | ".join(columns), " | ".join("---" for _ in columns)]
    lines += [" | ".join(cell.replace("|", "\\|") for cell in row) for row in rows]
    return "\n".join(f"| {line} |" for line in lines)
