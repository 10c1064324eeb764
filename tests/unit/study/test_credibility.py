"""What pages on credibility are given: comparisons with their scatter, individual patients, drivers and their age."""

from __future__ import annotations

import json

import numpy as np
import pytest

from engager.calibration import Comparison, load_time_course_fit, shipped_posterior
from engager.calibration.comparison.uncertainty import split_uncertainty
from engager.core import Stream
from engager.model import load_model
from engager.population import PopulationValues
from engager.protocol import Protocol
from engager.report import render_credibility
from engager.study import calibration_content
from engager.study.parameters import Parameters, population_parameters, posterior_hash
from engager.study.run.comparing import told_comparisons
from engager.study.run.individuals import predictive_section
from engager.study.sensitivity.drivers import drivers_section, shipped_summary


@pytest.fixture(scope="module")
def summary():
    """The summary that ships, as if it had been made with the present model and fit."""
    told = json.loads(json.dumps(shipped_summary()))
    told["made"] |= {
        "model_hash": load_model("b-all").hash,
        "posterior_hash": posterior_hash(shipped_posterior("b-all")),
    }
    return told


@pytest.fixture(scope="module")
def values():
    return population_parameters("b-all", 1, "posterior")


def test_a_summary_ships_and_says_where_it_came_from():
    told = shipped_summary()
    assert {"date", "study", "seed", "sets", "patients", "model_hash", "posterior_hash"} <= set(told["made"])
    assert set(told["patient"]["outputs"]) == {"response", "mrd_response", "il6_peak"}
    assert set(told["trial"]["outputs"]) == {"CR/CRh/CRi", "MRD_response", "OS_median"}
    for level in (told["patient"], told["trial"]):
        rows = [*level["indices"], *level["swings"]]
        assert {row["factor"] for row in rows} == set(level["labels"])
        for output in level["outputs"]:
            of_output = [row["total"] for row in level["indices"] if row["output"] == output]
            assert of_output == sorted(of_output, reverse=True)
            assert 1 <= len(of_output) <= 5


def test_drivers_of_the_present_fit_have_no_warning(summary, values):
    section = drivers_section("b-all", values, summary)
    assert section.warning == ""
    assert section.sentences[0].startswith("Study tower, arm blinatumomab")
    assert "response" not in section.patient.swing_outputs  # a tornado of a yes/no says nothing


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"model_hash": "0" * 16}, "the model has changed"),
        ({"posterior_hash": "0" * 16}, "the fit has changed"),
        ({"model_hash": "", "posterior_hash": ""}, "the model and the fit have changed"),
    ],
)
def test_drivers_of_an_earlier_fit_say_so(summary, values, changed, told):
    section = drivers_section("b-all", values, summary | {"made": summary["made"] | changed})
    assert section.warning.startswith("Computed for an earlier fit")
    assert told in section.warning


def test_drivers_of_another_fit_than_the_runs_say_so(summary):
    own = Parameters("posterior", lambda replicate: {}, "of my own")
    assert "not for the values" in drivers_section("b-all", own, summary).warning


def test_drivers_of_another_model_are_left_out(summary, values):
    assert drivers_section("hosseini-2020", values, summary) is None


def test_drivers_of_other_patients_or_treatments_are_left_out(summary, values):
    raw = {"study": "x", "arms": {"a": {"n": 10, "regimen": "blinatumomab"}}}
    assert drivers_section("b-all", values, summary, Protocol.model_validate(raw)).trial is not None
    elsewhere = [
        raw | {"population": {"setting": "mrd_positive"}},
        raw | {"arms": {"a": {"n": 10, "regimen": "salvage-mixed"}}},
    ]
    for other in elsewhere:
        assert drivers_section("b-all", values, summary, Protocol.model_validate(other)) is None


def test_a_polynomial_that_explains_nothing_names_no_unknown(summary, values):
    trial = summary["trial"]
    weak = summary | {"trial": trial | {"q2": dict.fromkeys(trial["q2"], 0.1)}}
    section = drivers_section("b-all", values, weak)
    assert section.trial.indices == []
    assert sum("explains too little" in text for text in section.trial.sentences) == 3
    assert section.trial.swings
    strong = drivers_section("b-all", values, summary | {"trial": trial | {"q2": dict.fromkeys(trial["q2"], 0.9)}})
    assert strong.trial.indices


def test_individual_patients_are_shown_with_the_values_of_the_run(values):
    section = predictive_section("b-all", values.used, values.typical, 1)
    assert [one.id for one in section.checks] == ["OBS-T1", "OBS-B1", "OBS-IL6a", "OBS-IL6b"]
    assert [one.id for one in section.levels] == ["OBS-PK1-9", "OBS-PK1-28"]
    slow = values.typical | PopulationValues(typical={"CL": values.typical.typical["CL"] / 2})
    assert predictive_section("b-all", values.used, slow, 1).levels[0].mean > 1.8 * section.levels[0].mean


def test_individual_patients_are_not_shown_for_other_models_or_unfitted_values(values):
    assert predictive_section("hosseini-2020", values.used, values.typical, 1) is None
    table = population_parameters("b-all", 1, "table")
    assert predictive_section("b-all", table.used, table.typical, 1) is None


def test_scatter_is_told_apart_only_where_trials_drew_their_own_values():
    one = Comparison(
        "s", "a", "CR", "proportion", None, None, 0.4, None, None, 50, (), 0.41, 0.3, 0.5, 0.95, True
    )  # fmt: skip
    shares = 0.4 + 0.1 * Stream(1, "test").normal(np.arange(400))
    split = split_uncertainty(shares, np.full(400, 0.06), Stream(1, "split"))
    drawn, shared = (told_comparisons([one], [split], flag)[0]["uncertainty"] for flag in (True, False))
    assert drawn["between_patients"] == pytest.approx(0.06)
    assert drawn["parameters"] == pytest.approx(0.08, rel=0.15)
    assert drawn["parameter_share"] == pytest.approx(0.64, abs=0.08)
    assert drawn["monte_carlo"]["median"] == pytest.approx(1.25 * 0.1 / 20, rel=0.4)
    assert (shared["parameters"], shared["parameter_share"]) == (None, None)
    assert shared["between_patients"] == shared["total"] == drawn["total"]


def test_a_fit_to_courses_shows_estimates_what_is_held_and_patients():
    fit = load_time_course_fit()
    content = calibration_content(fit, "engager calibrate --targets time-courses")
    rows = {row["name"]: row for row in content.parameters}
    assert set(rows) == set(fit.standard_errors)
    error = fit.standard_errors["drive50"]
    assert rows["drive50"]["error"] == f"{100 * error:.0f} %"
    assert rows["drive50"]["shrinkage"] == f"{100 * fit.shrinkage['drive50']:.0f} %"
    low, high = fit.profiles["drive50"]
    assert rows["drive50"]["interval"] == f"{low:.3g} to {high:.3g}"
    held = {row["name"] for row in content.held}
    assert "CL" in held
    assert "k_home.sd" in held  # its typical value is estimated, its spread is not
    page = render_credibility(content)
    for anchor in ("parameters", "held", "individuals"):
        assert f'<a href="#{anchor}">' in page
    assert "OBS-IL6b: predicted, not fitted" in page
