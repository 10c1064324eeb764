"""A design study in words and cells, for the terminal and the page alike."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from engager.analysis import Characteristics, Probability
from engager.core import number, signed
from engager.evidence import HistoricalMedian
from engager.study.design.document import effect_of, effective_sizes
from engager.study.design.plan import ALTERNATIVE, MEDIAN, NULL

if TYPE_CHECKING:
    from engager.study.design.result import DesignResult, DesignRow

TESTS = {
    "log_rank": "log-rank test",
    "score": "score test of two shares",
    "fisher": "Fisher's exact test",
    "exact": "exact binomial test",
    "simon": "two stages after Simon",
    "bayesian": "Bayesian decision",
}
EFFECTS = {
    "hazard_ratio": "hazard ratio",
    "ratio_of_medians": "ratio of medians",
    "median_months": "median, months",
    "difference": "difference of shares",
    "share": "share",
}
Cell = tuple[str, str]
_MOST = 0.8
COLUMNS = (
    "assurance", "power at median", "type I error", "type I at median", "patients", "events", "months", "estimate",
    "bias",
)  # fmt: skip
LOOK_COLUMNS = ("analyzed", "success from", "futility to", "success", "futility", "success, null", "futility, null")


def characteristics_cells(found: DesignResult, row: DesignRow) -> dict[str, Cell]:
    """One row of operating characteristics: a figure and what is said beside it, by column."""
    main = row.result()
    assert main is not None  # always simulated
    null = row.result(NULL)
    at_median = row.result(ALTERNATIVE, MEDIAN)
    effect = effect_of(found)
    null_median = row.result(NULL, MEDIAN)
    return {
        "assurance": probability(main.success),
        "power at median": probability(at_median.success) if at_median else ("-", ""),
        "type I error": probability(null.success) if null else ("-", ""),
        "type I at median": probability(null_median.success) if null_median else ("-", ""),
        "patients": (f"{main.expected_patients:.0f}", f"of {row.n_patients}"),
        "events": (f"{main.expected_events:.0f}", _planned_events(row)),
        "months": (f"{main.expected_months:.1f}", f"{main.months_low:.1f} to {main.months_high:.1f}"),
        "estimate": (figure(main.estimate_median, effect), _interval(main, effect)),
        "bias": _bias(main, effect),
    }


def look_cells(row: DesignRow, k: int) -> dict[str, Cell]:
    """One look: bounds and the share of trials that stop there."""
    look = row.rules.looks()[k]
    is_last = k == len(row.rules.information) - 1
    main, null = row.result(), row.result(NULL)
    assert main is not None  # always simulated
    unit = "events" if look["events"] is not None else "patients"
    counted = look["events"] if look["events"] is not None else look["patients"]
    scale = row.rules.scale
    return {
        "analyzed": (f"{counted} {unit}" if counted else "all, at the end", f"{100 * look['information']:.0f} %"),
        "success from": (_bound(look["success_from"], scale), ""),
        "futility to": ("-" if is_last else _bound(look["futility_to"], scale), ""),
        "success": probability(main.stops_with_success[k]),
        "futility": _ends(main, k, is_last),
        "success, null": probability(null.stops_with_success[k]) if null else ("-", ""),
        "futility, null": _ends(null, k, is_last) if null else ("-", ""),
    }


def rule_sentences(found: DesignResult) -> list[str]:
    """What a trial of this design does, in sentences."""
    design, protocol = found.design, found.protocol
    arms = protocol.arms
    treated, control = design.treatment_of(arms), design.control_of(arms)
    test = design.test_of(arms)
    strata = ", ".join(protocol.allocation.stratum_words())
    within = f", within strata ({strata})" if strata and design.stratified and test in ("log_rank", "score") else ""
    against = f"{treated} against {control}" if control else f"{treated} alone"
    said = [f"Primary endpoint {design.primary}: {against}, {TESTS[test]}{within}."]
    if test == "bayesian":
        beat = f"ratio of medians above {design.ratio:g}" if design.is_time_to_event else (
            "treated share above the control's" + (f" by more than {design.margin:g}" if design.margin else "")
        )  # fmt: skip
        said.append(f"Success when P({beat} | data) is at least {design.threshold:g}.")
    elif test in ("exact", "simon"):
        stages = found.rows[0].rules
        if test == "simon":
            n1, n = stages.patients_by_look
            r1, r = int(stages.lower[0]), int(stages.upper[1]) - 1
            said.append(f"Stop after {n1} patients with {r1} responders or fewer; success with more than {r} of {n}.")
        said.append(f"Null share {percent(design.null_share or 0)}, one-sided alpha {design.alpha:g}.")
        errors = [one["success"] for row in found.rows for one in row.exact if one["share"] == design.null_share]
        shown = ", ".join(percent(one) for one in dict.fromkeys(errors))
        said.append(f"Exact type I error at the null share: {shown}.")
    else:
        words = design.spending.replace("obrien_fleming", "O'Brien and Fleming").replace("pocock", "Pocock")
        many = len(found.rows[0].rules.information) > 1
        spent = f", spent over the looks by a function of {words} type (Lan and DeMets)" if many else ""
        said.append(f"One-sided alpha {design.alpha:g}{spent}.")
    if design.futility:
        what = "probability" if test == "bayesian" else "z"
        bounds = ", ".join(f"{value:g} at look {place}" for place, value in enumerate(design.futility, start=1))
        said.append(f"Stop for futility when {what} is at most {bounds}; success bounds do not rely on it.")
    said += _shares_needed(found)
    null = design.null_arm.regimen.id if design.null_arm else (arms[control].regimen.id if control else None)
    if null is not None:
        said.append(f"Null world: {treated} patients get {null}, simulated like everything else.")
    return said


def _shares_needed(found: DesignResult) -> list[str]:
    """For a single arm that counts responders: the true share at which most trials succeed, whatever the model says."""
    parts = []
    for row in found.rows:
        if row.exact and row.scenario == found.rows[0].scenario:
            reached = next((one["share"] for one in row.exact if one["success"] >= _MOST), None)
            words = "no share" if reached is None else f"{100 * reached:.0f} %"
            parts.append(f"{words} with {row.n_patients} patients")
    return [f"True share from which {100 * _MOST:.0f} % of the trials succeed: {', '.join(parts)}."] if parts else []


def prior_sentences(found: DesignResult) -> list[str]:
    """What the historical control says and what it is worth; empty without one."""
    prior = found.prior
    if prior is None:
        return []
    if isinstance(prior, HistoricalMedian):
        return [
            f"Historical control: median {prior.median:.1f} months, 95 % from {prior.low:.1f} to {prior.high:.1f};"
            f" {_trials(prior.n_studies)}.",
            f"The prior is worth {prior.effective_events:.0f} events ({prior.effective_events_predictive:.0f} without"
            " the vague part).",
        ]
    size = effective_sizes(prior)
    return [
        f"Historical control: share {percent(prior.mean)}, 95 % from {percent(prior.low)} to {percent(prior.high)};"
        f" {_trials(prior.n_studies)}, {prior.n_patients} patients.",
        f"The prior is worth {size['effective_sample_size']:.0f} patients"
        f" ({size['effective_sample_size_predictive']:.0f} without the vague part), by"
        f" {size['effective_sample_size_method']}.",
    ]


def _trials(n: int) -> str:
    return f"{n} earlier trial{'s' if n > 1 else ''}"


def probability(one: Probability) -> Cell:
    """A simulated share with its Monte Carlo standard error; of none and of all, which have none, with its interval."""
    if one.standard_error == 0:
        return percent(one.value), f"95 %: {100 * one.low:.1f} to {100 * one.high:.1f}"
    return percent(one.value), f"± {100 * one.standard_error:.1f}"


def percent(share: float) -> str:
    """A share as percent."""
    return number(share, "proportion")


def figure(value: float, effect: str) -> str:
    """An effect in its unit."""
    if not math.isfinite(value):
        return "infinite" if value > 0 else "-"
    statistic = {"difference": "difference", "share": "proportion", "median_months": "median"}.get(
        effect, "hazard_ratio"
    )
    return number(value, statistic).removesuffix(" months")


def _interval(main: Characteristics, effect: str) -> str:
    low, high = (figure(value, effect).replace(" %", "") for value in (main.estimate_low, main.estimate_high))
    return f"{low} to {high}"


def _bias(main: Characteristics, effect: str) -> Cell:
    truth = f"truth {figure(main.truth, effect)}"
    if not math.isfinite(main.bias):
        return "-", truth
    if effect in ("difference", "share"):
        return f"{signed(100 * main.bias)} points", truth
    return f"x {math.exp(main.bias):.2f}", truth


def _planned_events(row: DesignRow) -> str:
    return f"of {row.rules.events_by_look[-1]}" if row.rules.events_by_look else ""


def _bound(value: float | None, scale: str) -> str:
    if value is None:
        return "-"
    return {"z": f"z {value:.3f}", "responders": f"{value:.0f} responders", "probability": f"P {value:g}"}[scale]


def _ends(one: Characteristics, k: int, is_last: bool) -> Cell:
    text, error = probability(one.stops_for_futility[k])
    return text, f"{error}, end" if is_last else error
