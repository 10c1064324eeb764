"""A figure that cannot be is refused where a record is checked, and what is left out of a baseline is no figure."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from engager.core import InputError
from engager.evidence import baseline_targets, contribution_remarks
from engager.evidence.records.library import parse_record
from engager.evidence.records.reading import read_yaml
from engager.evidence.records.record import Record
from engager.evidence.records.vocabulary import DATA
from engager.evidence.synthesis import randomized_network
from engager.evidence.synthesis.selection import covariates

Change = Callable[[dict[str, Any]], object]


@cache
def _tower() -> dict[str, Any]:
    return read_yaml(DATA / "records" / "tower-2017.yaml")


def _changed(change: Change) -> Record:
    content = copy.deepcopy(_tower())
    change(content)
    return parse_record(content, "tower-2017.yaml")


def _figure(content: dict[str, Any], endpoint: str, statistic: str | None = None) -> dict[str, Any]:
    figures = content["arms"][0]["outcomes"]
    return next(one for one in figures if one["endpoint"] == endpoint and one.get("statistic") == statistic)


def _cr(**keys: Any) -> Change:
    return lambda content: _figure(content, "CR").update(keys)


def _os(**keys: Any) -> Change:
    return lambda content: _figure(content, "OS", "median").update(keys)


def _hazard(**keys: Any) -> Change:
    return lambda content: content["comparisons"][0].update(keys)


def _baseline(**traits: Any) -> Change:
    return lambda content: content["arms"][0]["baseline"].update(traits)


def _landmark(**keys: Any) -> Change:
    figure = {"endpoint": "OS", "statistic": "survival_at", "time_months": 12, "value": 0.4, "source": "S1", **keys}
    return lambda content: content["arms"][0]["outcomes"].append(figure)


@pytest.mark.parametrize(
    ("change", "where", "rule"),
    [
        # shares
        (_cr(ci95=[0.28, 39.5]), "outcomes[0].ci95", "must lie in 0 to 1"),
        (_landmark(ci95=[0.3, 50.0]), ".ci95", "must lie in 0 to 1"),
        (_cr(proportion_range=[20, 30]), "outcomes[0].proportion_range[0]", "less than or equal to 1"),
        (_cr(value=0.9, ci95=None), "outcomes[0].value", "must match events / n = 91/271 = 0.336"),
        (_cr(proportion=None, events=None, value=40, ci95=None), "outcomes[0].value", "must lie in 0 to 1"),
        # counts
        (_cr(n=5000, events=1700, ci95=None), "outcomes[0].n", "is more than the arm's 271 patients"),
        (_cr(n=10**400, events=None, ci95=None), "outcomes[0].n", "less than or equal to 10000000"),
        (_cr(n=None, proportion=None, events=999), "outcomes[0].events", "is more than the arm's 271 patients"),
        # times
        (_os(value_months=1e15, ci95=None), "outcomes[5].value_months", "must lie in 0 to 1200"),
        (_os(ci95_weeks=[4.0, 1e9]), "outcomes[5].ci95_weeks", "must lie in 0 to"),
        (_os(value_months=0, ci95=None), "outcomes[5].value_months", "a median must be > 0"),
        (_os(ci95=[7.7, 7.7]), "outcomes[5].ci95", "must have a width"),
        (_os(range=[20, 30]), "outcomes[5].range", "must hold its value 7.7"),
        (_os(statistic=None), "outcomes[5].value_months", "is not how a proportion is written"),
        (_os(proportion=0.4), "outcomes[5].proportion", "is not how a median is written"),
        (_landmark(time_days=10), ".time_months", "must be the same time as time_days = 10"),
        (_os(value_months=None, ci95=None, value_weeks=33.0, value_days=10.0), ".value_weeks", "must be the same time"),
        # comparisons
        (_hazard(ci95=[0, 0.93]), "comparisons[0].ci95", "must lie in 0.001 to 1000"),
        (_hazard(ci95=[0.71, 0.71]), "comparisons[0].ci95", "must have a width"),
        (_hazard(value=1e300, ci95=None), "comparisons[0].value", "must lie in 0.001 to 1000"),
        (_hazard(control="blinatumomab"), "comparisons[0].control", "must differ from the treatment"),
        (_hazard(p=16), "comparisons[0].p", "less than or equal to 1"),
        (_hazard(p=[0.1, 7.0]), "comparisons[0].p[1]", "less than or equal to 1"),
        # baselines
        (_baseline(age_years={"mean": 41, "sd": -3}), "age_years.sd", "must be > 0"),
        (_baseline(age_years={"median": 5500}), "age_years.median", "must lie in 0 to 120"),
        (_baseline(blasts_marrow_percent={"median": 400}), "blasts_marrow_percent.median", "must lie in 0 to 100"),
        (_baseline(prior_hsct={"events": 9, "n": 2710}), "prior_hsct.n", "is more than the arm's 271 patients"),
        (_baseline(prior_hsct={"events": 200, "n": 271, "unknown": 100}), "hsct.events", "the 171 of whom it is known"),
        (_baseline(prior_hsct={"events": 0, "n": 271, "unknown": 271}), "prior_hsct.n", "of whom it is not known"),
        (_baseline(salvage_phase={"first": 0, "second": 0}), "salvage_phase", "no category holds anybody"),
        (_baseline(salvage_phase={"first": 0.9, "second": 0.9}), "salvage_phase", "must not sum to more than 1"),
        (_baseline(cells={"many": 10**400}), "cells.many", "must be a number >= 0"),
        # words
        (lambda content: content["citation"].update(title="a\x1b[31mb"), "citation.title", "U+001B"),
        (lambda content: content["citation"].update(title="a\u202eb"), "citation.title", "U+202E"),
        (lambda content: content["sources"]["S1"].update(what=" "), "sources.S1.what", "must not be blank"),
        (lambda content: content["citation"].update(doi="10.1/x\ny"), "citation.doi", "must be a DOI such as 10.1056"),
    ],
)  # fmt: skip
def test_impossible_figure_is_refused_with_its_place(change, where, rule):
    with pytest.raises(InputError) as caught:
        _changed(change)
    told = [(problem.where, problem.rule) for problem in caught.value.problems]
    assert any(where in place and rule in said for place, said in told), told


def test_one_mistake_is_told_once():
    with pytest.raises(InputError) as caught:
        _changed(_hazard(p=[0.1, 7.0]))
    assert len(caught.value.problems) == 1


def test_figure_written_twice_is_refused():
    with pytest.raises(InputError, match="stands there twice"):
        _changed(lambda content: content["arms"][0]["outcomes"].append(dict(_figure(content, "CR"))))


def test_more_patients_than_the_arm_are_taken_when_the_arm_was_drawn_from_as_many():
    def change(content: dict[str, Any]) -> None:
        content["arms"][0]["n_enrolled"] = 405
        _cr(n=405, events=136, ci95=None)(content)

    assert _changed(change).outcomes[0].n == 405


def test_notes_and_nulls_of_a_baseline_are_no_figures():
    """Counts of the shipped arm: 114 of 271 in first salvage, 201 of the 270 whose blasts are known at 50 % or more."""

    def change(content: dict[str, Any]) -> None:
        baseline = content["arms"][0]["baseline"]
        baseline["salvage_phase"]["note"] = "as printed"
        baseline["blasts_marrow_class"]["note"] = "as printed"
        baseline["prior_hsct"] = {"events": None, "n": 271, "proportion": None}
        baseline["male"] = {"events": 162, "n": 271, "unknown": None}
        baseline["age_years"] = {"mean": None, "sd": None}

    record = _changed(change)
    targets = baseline_targets(record, "blinatumomab")
    assert targets["salvage_line"]["share"] == pytest.approx(1 - 114 / 271)
    assert targets["marrow_blasts_percent"] == {"above": 50.0, "share": 201 / 270}
    assert targets["female"]["proportion"] == pytest.approx(1 - 162 / 271)
    assert "prior_hsct" not in targets


@pytest.mark.parametrize(
    ("phase", "share"),
    [
        ({"first": 1, "second": 19, "n": 20}, 0.05),  # one patient is not everybody
        ({"first": 114, "second": 91, "third": 66}, 114 / 271),  # n left out
        ({"first": 0.67, "second": 0.32, "n": 109}, 0.67),
    ],
)
def test_first_salvage_is_a_share_however_it_was_printed(phase, share):
    record = _changed(_baseline(salvage_phase=phase))
    assert covariates(record, record.arms[0])["first_salvage"] == pytest.approx(share)


def test_comparison_with_what_is_no_arm_is_left_out_of_the_network_by_name(monkeypatch):
    record = _changed(_hazard(control="placebo"))
    assert any("placebo are not two of its arms" in said for said in contribution_remarks(record))
    monkeypatch.setattr(randomized_network, "load_records", lambda: {record.id: record})
    with pytest.raises(InputError, match="placebo is not an arm of the record"):
        randomized_network.published_network("OS")


def test_arm_of_no_record_that_shares_patients_is_told():
    record = _changed(lambda content: content["arms"][0].update(shares_patients_with=["nobody-1999/x"]))
    assert any("nobody-1999/x is not an arm of a shipped record" in said for said in contribution_remarks(record))
