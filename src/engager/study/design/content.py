"""A design study as the content of its page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from engager.evidence import HistoricalMedian, HistoricalPrior, Study
from engager.report import DesignContent
from engager.study.design.plan import NULL, POSTERIOR
from engager.study.design.words import (
    COLUMNS,
    LOOK_COLUMNS,
    TESTS,
    characteristics_cells,
    look_cells,
    percent,
    prior_sentences,
    rule_sentences,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from engager.study.design.result import DesignResult, DesignRow

_POINTS = 401


def design_content(found: DesignResult) -> DesignContent:
    """Everything the page shows."""
    design, protocol, manifest = found.design, found.protocol, found.manifest
    test = design.test_of(protocol.arms)
    several = len({row.scenario for row in found.rows}) > 1
    sizes = sorted({row.n_patients for row in found.rows})
    return DesignContent(
        title=f"Design: {protocol.title or protocol.study}",
        facts=[
            (TESTS[test], "test"),
            (design.primary, "primary endpoint"),
            (", ".join(map(str, sizes)), "patients"),
            (str(manifest["replicates"]), "virtual trials each"),
            (str(manifest["seed"]), "seed"),
        ],
        verdict=_verdict(found),
        rules=rule_sentences(found),
        columns=COLUMNS,
        table=[_titled(row, several) | characteristics_cells(found, row) for row in found.rows],
        look_columns=LOOK_COLUMNS,
        look_table=[
            {**_titled(row, several), "title": f"{row.n_patients}, look {k + 1}"} | look_cells(row, k)
            for row in found.rows
            for k in range(len(row.rules.information))
        ],
        power=_power(found),
        alpha=design.alpha if test != "bayesian" else None,
        success="power" if test != "bayesian" else "success",
        stopping=_stopping(found, several),
        changes=[
            {"scenario": row.scenario, "what": "; ".join(f"{path} = {value}" for path, value in row.changes.items())}
            for row in found.rows
            if row.changes and row.n_patients == found.rows[0].n_patients
        ],
        limits=_limits(found),
        versions={str(name): str(version) for name, version in manifest["versions"].items()},
        **_prior(found),
        **_exact(found),
    )


def power_figure(found: DesignResult) -> Figure:
    """Power, and chance of a false success, over the number of patients, with bands of Monte Carlo error.

    Returns
    -------
    A matplotlib Figure.
    """
    from engager.report import figure_power

    content = design_content(found)
    return figure_power(content.power, content.alpha, content.success)


def _titled(row: DesignRow, several: bool) -> dict[str, Any]:
    return {"title": str(row.n_patients), "group": row.scenario if several else ""}


def _verdict(found: DesignResult) -> tuple[str, list[str]]:
    first = [row for row in found.rows if row.scenario == found.rows[0].scenario]
    largest = max(first, key=lambda row: row.n_patients)
    main, null = largest.result(), largest.result(NULL)
    assert main is not None  # always simulated
    headline = (
        f"With {largest.n_patients} patients {percent(main.success.value)} of the trials succeed"
        f" (95 % Monte Carlo {100 * main.success.low:.0f} to {100 * main.success.high:.0f} %)."
    )
    said = []
    if null is not None:
        limits = f"{100 * null.success.low:.1f} to {100 * null.success.high:.1f} %"
        said.append(f"Without an effect {percent(null.success.value)} do ({limits}).")
    for aim in (0.8, 0.9):
        reach = [row.n_patients for row in first if _success(row) >= aim]
        words = f"with {min(reach)} patients" if reach else "by none of these sizes"
        said.append(f"An assurance of {100 * aim:.0f} % is reached {words}.")
    said += [f"Note: {text}." for text in found.notes]
    return headline, said


def _success(row: DesignRow) -> float:
    found = row.result()
    return found.success.value if found is not None else 0.0


def _power(found: DesignResult) -> list[dict[str, Any]]:
    return [
        {
            "scenario": row.scenario, "patients": row.n_patients, "world": world, "setting": setting,
            "value": one.success.value, "low": one.success.low, "high": one.success.high,
        }
        for row in found.rows
        for (world, setting), one in row.results.items()
    ]  # fmt: skip


def _stopping(found: DesignResult, several: bool) -> list[dict[str, Any]]:
    return [
        {
            "label": f"{row.n_patients}, {row.scenario}" if several else f"{row.n_patients} patients",
            "world": world,
            "success": [share.value for share in one.stops_with_success],
            "failure": [share.value for share in one.stops_for_futility],
        }
        for row in found.rows
        for (world, setting), one in row.results.items()
        if setting == POSTERIOR
    ]


def _limits(found: DesignResult) -> list[str]:
    design = found.design
    said = [
        "Every patient is simulated by the mechanistic model: visits, assays, dropout, transplant as the study says.",
        "The largest size is simulated once for each scenario; a smaller trial is its first patients. Patients are"
        " fixed by their number, so sizes, scenarios and worlds share their chance, and their differences are more"
        " precise than their Monte Carlo errors suggest.",
        "Assurance draws the population values of each trial from the fitted posterior. It includes the uncertainty"
        " of the fit, not the question whether the model is right.",
        "The type I error is that of simulated trials in which treated patients get the control's regimen.",
    ]
    if design.is_time_to_event:
        said.append(
            "A look takes place on the calendar day of the planned event and sees nothing after that day. The truth is"
            " what all simulated patients show at the end of follow-up, so if hazards are not proportional, the bias"
            " also includes the effect of longer follow-up."
        )
    else:
        said.append(
            "A look takes the first patients to enter, when the outcome of the last of them is known; patients who"
            " entered meanwhile are counted in the size."
        )
    if design.test_of(found.protocol.arms) == "bayesian" and design.is_time_to_event:
        said.append("Medians follow from an exponential model: patient-months over events.")
    said += [f"Note: {text}." for text in found.protocol.notes()]
    if design.futility:
        said.append("The simulation applies the futility stops, which lowers the simulated type I error.")
    return said


def _prior(found: DesignResult) -> dict[str, Any]:
    """What the page says and shows of the historical control."""
    if found.prior is None or found.selection is None:
        return {}
    sources = [f"{one.label}: {_published(one)}" for one in found.selection.studies]
    prior = found.prior
    said = [
        *prior_sentences(found), *found.selection.remarks, *(f"Left out: {text}" for text in prior.left_out),
    ]  # fmt: skip
    if isinstance(prior, HistoricalMedian):
        return _median_prior(found, prior, sources, said)
    share = np.linspace(0.002, 0.998, _POINTS)
    curves = [_curve("historical prior, robust", share, prior.prior.density(share), "prior")]
    curves.append(_curve("without the vague part", share, prior.predictive.density(share), "predictive"))
    counts = found.counts
    if counts.get("control_n"):
        updated = prior.prior.posterior(counts["control_events"], counts["control_n"])
        label = f"control after {counts['control_events']} of {counts['control_n']}"
        curves.append(_curve(label, share, updated.density(share), "control"))
    if counts.get("treatment_n"):
        from scipy.stats import beta

        a, b = found.design.treatment_prior
        x, n = counts["treatment_events"], counts["treatment_n"]
        curves.append(_curve(f"treated after {x} of {n}", share, beta.pdf(share, a + x, b + n - x), "treatment"))
    marks = [
        {"label": one.label, "value": one.events / one.n}
        for one in found.selection.studies
        if one.events is not None and one.n
    ]
    return {
        "prior_curves": curves,
        "prior_marks": marks,
        "prior_unit": f"share with {found.design.primary}",
        "prior_sentences": said,
        "sources": sources,
    }


def _published(study: Study) -> str:
    return f"{study.events} of {study.n}" if study.events is not None else f"{study.outcome.value or 0:g} months"


def _median_prior(found: DesignResult, prior: HistoricalMedian, sources: list[str], said: list[str]) -> dict[str, Any]:
    months = np.linspace(0.2, 4 * prior.median, _POINTS)
    curves = [
        _curve(label, months, _density(mixture, months), kind)
        for label, mixture, kind in (
            ("historical prior, robust", prior.prior, "prior"),
            ("without the vague part", prior.predictive, "predictive"),
        )
    ]
    studies = found.selection.studies if found.selection is not None else ()
    marks = [{"label": one.label, "value": one.outcome.value} for one in studies if one.outcome.value]
    return {
        "prior_curves": curves,
        "prior_marks": marks,
        "prior_unit": f"median {found.design.primary}, months",
        "prior_sentences": said,
        "sources": sources,
    }


def _density(mixture: Any, months: np.ndarray) -> np.ndarray:
    """Density over months of a mixture that is normal in log months."""
    z = (np.log(months)[:, None] - mixture.means) / mixture.sds
    found: np.ndarray = np.exp(-0.5 * z**2) @ (mixture.weights / mixture.sds) / (np.sqrt(2 * np.pi) * months)
    return found


def _curve(label: str, x: np.ndarray, density: np.ndarray, kind: str) -> dict[str, Any]:
    return {"label": label, "x": x.tolist(), "density": np.asarray(density).tolist(), "kind": kind}


def _exact(found: DesignResult) -> dict[str, Any]:
    """The exact curves of the study as written, with what the model and the past say of the share."""
    first = found.rows[0].scenario
    rows = [row for row in found.rows if row.exact and row.scenario == first]
    if not rows:
        return {}
    curves = [
        {
            "label": f"{row.n_patients} patients",
            "share": [one["share"] for one in row.exact],
            "success": [one["success"] for one in row.exact],
        }
        for row in rows
    ]
    marks = []
    if found.design.null_share is not None:
        marks.append({"label": f"null share {percent(found.design.null_share)}", "value": found.design.null_share})
    if isinstance(found.prior, HistoricalPrior):
        marks.append({"label": f"history {percent(found.prior.mean)}", "value": found.prior.mean})
    for name, world in (("modeled", "alternative"), ("modeled, null", NULL)):
        one = rows[-1].result(world)
        if one is not None:
            marks.append({"label": f"{name} {percent(one.truth)}", "value": one.truth})
    return {"exact_curves": curves, "exact_marks": marks}
