"""Unknowns, data points, and a small fit that finds what made its data."""

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from engager.analysis import EndpointRequest, estimate_endpoints
from engager.calibration.population.data_points import data_points, simulated_points, simulation_variance, to_scale
from engager.calibration.population.fit import FitPlan, fit_population
from engager.calibration.population.posterior import Posterior
from engager.calibration.population.unknowns import unknowns_of
from engager.core import InputError
from engager.model import load_model
from engager.protocol import Protocol, shipped_protocol
from engager.trial import simulate_trial


@pytest.fixture(scope="module")
def model():
    return load_model("b-all")


def test_unknowns_stay_between_their_bounds(model):
    for unknown in unknowns_of(model):
        values = unknown.value(np.array([-50.0, 0.0, 50.0]))
        assert np.all((values >= unknown.low - 1e-12) & (values <= unknown.high + 1e-12)), unknown.name
        assert np.all(np.diff(values) > 0)
        start = unknown.value(np.array([unknown.prior_mean]))[0]
        assert unknown.low < start < unknown.high


def test_only_figures_marked_for_fitting_are_data():
    labels = [point.label for point in data_points(shipped_protocol("tower"))]
    assert any(" OS curve" in label for label in labels)
    assert not any(" EFS " in label for label in labels)


def test_error_of_a_share_is_that_of_its_n():
    target = {"arm": "a", "endpoint": "CR", "events": 30, "n": 100, "use": "fit"}
    protocol = Protocol.model_validate(
        {"study": "one", "arms": {"a": {"n": 100, "regimen": "blinatumomab"}}, "targets": [target]}
    )
    (point,) = data_points(protocol)
    p = 30.5 / 101
    assert point.value == pytest.approx(np.log(p / (1 - p)))
    assert point.variance == pytest.approx(1 / (100 * p * (1 - p)))


def test_a_remission_within_one_that_nobody_reached_is_no_datum():
    shares = [{"arm": "a", "endpoint": name, "events": 0, "n": 40, "use": "fit"} for name in ("CR/CRh", "CR")]
    protocol = Protocol.model_validate(
        {"study": "one", "arms": {"a": {"n": 40, "regimen": "blinatumomab"}}, "targets": shares}
    )
    assert [point.label for point in data_points(protocol)] == ["one a CR/CRh proportion"]


def test_scales_are_finite_at_the_borders():
    assert np.all(np.isfinite(to_scale(np.array([0.0, 1.0]), "proportion", 50.0)))
    assert to_scale(np.array([2.0]), "hazard_ratio", 1.0)[0] == pytest.approx(np.log(2))


def plan_for(model, name, target):
    protocol = Protocol.model_validate(
        {
            "study": "probe",
            "arms": {"a": {"n": 60, "regimen": "blinatumomab"}},
            "follow_up": {"months": 4},
            "endpoints": [{"id": "neurologic_any"}],
            "targets": [target],
        }
    )
    unknowns = tuple(one for one in unknowns_of(model) if one.name == name)
    return FitPlan(model, (protocol,), members=16, rounds=3, seed=3, common=unknowns)


def test_a_fit_moves_the_hazard_toward_the_data_and_resumes(model, tmp_path):
    rare = {"arm": "a", "endpoint": "neurologic_any", "events": 20, "n": 1000, "use": "fit"}
    plan = plan_for(model, "h_neuro", rare)
    posterior, emulator = fit_population(plan, work=tmp_path)
    start = model.parameters["h_neuro"].model_value
    assert np.median(posterior.draws) < start / 2
    before, _, after = posterior.provenance["misfit_of_each_round"]
    assert after < before
    # the emulator of two rounds knows more than that of one
    first, second = posterior.provenance["emulation_error_of_each_round"]
    assert second < first
    # a more frequent event is expected where its hazard is higher
    assert emulator.emulator.slopes[0, 0] > 0
    # all rounds are on disk: the same plan gives the same draws without simulating again
    again, _ = fit_population(plan, work=tmp_path)
    np.testing.assert_array_equal(again.draws, posterior.draws)
    # but what is on disk must be what was written
    state = tmp_path / "calibration-state.json"
    text, altered = state.read_text(), json.loads(state.read_text())
    altered["rounds"][0] = "0" * 16
    for spoiled in (json.dumps(altered), text[:-20], "[" * 100_000, "[1]"):
        state.write_text(spoiled)
        with pytest.raises(InputError, match="--work: got"):
            fit_population(plan, work=tmp_path)


def test_a_round_that_is_damaged_is_told(model, tmp_path):
    plan = plan_for(model, "h_neuro", {"arm": "a", "endpoint": "neurologic_any", "events": 20, "n": 100, "use": "fit"})
    fit_population(plan, work=tmp_path)
    (tmp_path / "round-01.npz").write_bytes(b"not an archive")
    with pytest.raises(InputError, match="must be a round as engager calibrate kept it"):
        fit_population(plan, work=tmp_path)


def test_remissions_of_one_arm_are_one_multinomial():
    targets = [
        {"arm": "a", "endpoint": "CR", "events": 20, "n": 100, "use": "fit"},
        {"arm": "a", "endpoint": "CR/CRh/CRi", "events": 50, "n": 100, "use": "fit"},
        {"arm": "a", "endpoint": "CR/CRh", "events": 30, "n": 100, "use": "fit"},
    ]
    protocol = Protocol.model_validate(
        {"study": "one", "arms": {"a": {"n": 100, "regimen": "blinatumomab"}}, "targets": targets}
    )
    points = data_points(protocol)
    counts = [(50, 100), (30, 50), (20, 30)]
    assert [point.n for point in points] == [100, 50, 30]
    for point, (events, n) in zip(points, counts, strict=True):
        share = (events + 0.5) / (n + 1)
        assert point.value == pytest.approx(np.log(share / (1 - share)))
        assert point.variance == pytest.approx(1 / (n * share * (1 - share)))


def test_median_and_landmarks_of_one_arm_are_one_curve():
    targets = [
        {"statistic": "median", "value_months": 8},
        {"statistic": "survival_at", "time_months": 24, "value": 0.2},
    ]
    targets = [{"arm": "a", "endpoint": "OS", "n": 80, "use": "fit", **one} for one in targets]
    protocol = Protocol.model_validate(
        {"study": "one", "arms": {"a": {"n": 80, "regimen": "blinatumomab"}}, "targets": targets}
    )
    first, second = data_points(protocol)
    assert (first.months, second.months) == ((8.0,), (8.0, 24.0))
    assert (first.variance, second.variance) == (1.0, 1.0)
    # Greenwood without loss: Var log S = (1/S - 1)/n; the median is printed to a tenth of a month
    assert first.weights[0] == pytest.approx(np.log(2) * np.sqrt(80), rel=0.01)


def test_simulated_points_of_a_wide_and_a_narrow_remission_make_a_whole():
    targets = [
        {"arm": "a", "endpoint": "CR/CRh", "events": 30, "n": 60, "use": "fit"},
        {"arm": "a", "endpoint": "CR", "events": 20, "n": 60, "use": "fit"},
    ]
    protocol = Protocol.model_validate(
        {"study": "one", "arms": {"a": {"n": 60, "regimen": "blinatumomab"}}, "targets": targets,
         "follow_up": {"months": 4}}
    )  # fmt: skip
    data = simulate_trial(protocol, replicates=[0, 1], seed=1, n_sampled=0, n_threads=1)
    found = simulated_points(data, data_points(protocol))
    rows = estimate_endpoints(data, [EndpointRequest(name, window_days=84.0) for name in ("CR/CRh", "CR")], "x")
    for replicate in (0, 1):
        own = rows.filter(pl.col("replicate") == replicate).sort("request")
        wide, narrow = np.round(own["value"].to_numpy() * own["n"].to_numpy())
        assert found.n[replicate].tolist() == [60, wide]
        assert found.values[replicate, 1] == pytest.approx(np.log((narrow + 0.5) / (wide - narrow + 0.5)))
    assert simulation_variance(data_points(protocol), found.n)[0] == pytest.approx(data_points(protocol)[0].variance)


def test_a_posterior_is_written_and_read_back(tmp_path):
    posterior = Posterior("b-all", "hash", ("k", "k.sd"), np.array([[1.0, 0.25], [2.0, 0.5]]), {"x": 3.0}, {"seed": 1})
    posterior = replace(posterior, trial_effects={"k": 0.3})
    posterior.write(tmp_path / "p.json")
    back = Posterior.read(tmp_path / "p.json")
    np.testing.assert_allclose(back.draws, posterior.draws)
    assert back.draw(1).written() == {"x": 3.0, "k": 2.0, "k.sd": 0.5}
    assert back.center().written() == {"x": 3.0, "k": 1.5, "k.sd": 0.375}
    # a draw of the fit is one population; a predicted trial has its own factors besides
    assert back.settings(5)(0).trial_effect == {"k": 0.3}
    chosen = [back.settings(5)(replicate).typical["k"] for replicate in range(40)]
    assert set(chosen) == {1.0, 2.0}
    assert chosen == [back.settings(5)(replicate).typical["k"] for replicate in range(40)]
