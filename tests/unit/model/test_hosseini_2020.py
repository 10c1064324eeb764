"""The published model of blinatumomab does what its article says it does."""

from __future__ import annotations

import numpy as np
import pytest

from engager.engine import OdeProblem
from engager.engine.reference.backend import solve_reference
from engager.model import evaluate_outputs, load_model

BSA = 1.8  # the table's value: doses per m2 become ug/day
DAYS_OF_COURSE = [0, 0.0416, 0.083, 0.25, 0.5, 1, 2, 7, 14, 21, 28, 35]
FIRST_HOURS = np.linspace(0, 3, 73)


@pytest.fixture(scope="module")
def published_counts():
    """CD8 and B cells per uL before treatment of the 19 patients of the published run."""
    cd8 = [342.5, 221.8, 155.9, 332.8, 188.4, 371.3, 272.5, 1222, 66.15, 180.1, 321.8, 151.8, 9.83, 90.09,
           18.96, 108.1, 201.5, 102.9, 163.3]  # fmt: skip
    b = [8.3, 2.2, 3.3, 37.1, 4.2, 40.2, 8.3, 459.2, 6.2, 116.3, 20.2, 17.2, 246.7, 29.2, 2.2, 2.2, 4.2,
         130.4, 246.7]  # fmt: skip
    names = ("cd8_start", "cd8_reference", "b_start", "b_reference")
    return [dict(zip(names, (t, t, n, n), strict=True)) for t, n in zip(cd8, b, strict=True)]


@pytest.fixture(scope="module")
def in_all(follow, published_counts):
    """The published run: 15 ug/m2/day for 28 days, each patient with his own counts."""
    model = load_model("hosseini-2020", variant="healthy")
    doses = [[(0, 15 * BSA), (28, 0)]] * len(published_counts)
    return follow(model, DAYS_OF_COURSE, patients=published_counts, infusions=doses)


@pytest.fixture(scope="module")
def in_lymphoma(follow):
    """Steps of 5, 15, 60 ug/m2/day a week apart, and 60 from the start."""
    model = load_model("hosseini-2020", variant="nhl")
    days = np.concatenate([FIRST_HOURS, FIRST_HOURS + 7, FIRST_HOURS + 14])
    doses = [[(0, 5 * BSA), (7, 15 * BSA), (14, 60 * BSA)], [(0, 60 * BSA)]]
    return follow(model, days, patients=[{}, {}], infusions=doses)


@pytest.mark.parametrize(("dose", "level"), [(5, 224.2), (15, 672.6), (60, 2690.6)])
def test_steady_levels_are_dose_over_clearance(follow, dose, level):
    run = follow(load_model("hosseini-2020"), [0, 2], infusions=[[(0, dose * BSA)]])
    assert run.at("drug_pg_per_mL", 2)[0] == pytest.approx(level, rel=2e-4)


def test_levels_do_not_depend_on_body_size_when_dosed_per_m2(follow):
    run = follow(
        load_model("hosseini-2020"), [0, 2], patients=[{"BSA": 1.0}, {"BSA": 2.5}],
        infusions=[[(0, 15.0)], [(0, 37.5)]],
    )  # fmt: skip
    assert np.allclose(run["drug_pg_per_mL"][0], run["drug_pg_per_mL"][1], rtol=1e-6)


def test_without_drug_and_effect_nothing_moves(follow):
    for variant in ("all", "healthy"):
        run = follow(load_model("hosseini-2020", variant=variant), [0, 60], patients=[{"effect_start": 0}])
        start = run.values[0, 0]
        moved = np.abs(run.values[0, 1] - start) / np.maximum(start, 1.0)
        assert moved.max() < 1e-4


def test_a_placebo_dose_moves_t_cells_out_of_blood_and_they_come_back(follow):
    run = follow(load_model("hosseini-2020"), [0, 0.5, 30], start={"drug_effect": 0})
    share = run["cd8_per_uL"][0] / 200
    assert share[1] < 0.7
    assert share[2] > 0.95


def test_b_cells_leave_blood_within_a_day(in_all):
    gone = in_all.at("b_per_uL", 1) < 10
    # The one left has 10 CD8 per uL to 247 B cells: too few effectors in this model, not in the patient.
    assert list(np.flatnonzero(~gone)) == [12]
    assert np.median(in_all.at("b_per_uL", 1)) < 0.3
    assert np.all(in_all.at("b_per_uL", 2)[gone] < 2)
    assert np.all(in_all.between("b_per_uL", 7, 28)[gone] < 1)


def test_t_cells_fall_within_hours_and_return_to_about_twofold(in_all):
    fold = in_all["cd8_per_uL"] / in_all["cd8_per_uL"][:, :1]
    assert np.median(fold[:, 2]) == pytest.approx(0.146, abs=0.06)  # observed median at 2 h
    assert np.all(fold[:, 1:5].min(axis=1) < 0.25)
    assert 1.0 < np.median(fold[:, 7]) < 2.2  # observed 1.84 on day 7; the model returns a little lower
    assert np.median(fold[:, 8:11]) > 1.0


def test_activated_share_rises_and_falls(in_all):
    share = in_all["activated_percent"]
    assert np.median(share[:, 5]) > 3  # day 1
    assert np.median(share[:, 8]) < np.median(share[:, 5]) / 3


def test_il6_peaks_within_hours_of_the_first_dose(in_lymphoma):
    for i in range(2):
        first = in_lymphoma.between("IL6", 0, 3)[i]
        assert FIRST_HOURS[first.argmax()] < 0.5
        assert first[-1] < 0.2 * first.max()


def test_later_il6_peaks_are_about_ten_times_lower_even_after_a_step_up(in_lymphoma):
    steps = in_lymphoma
    peaks = [steps.between("IL6", day, day + 3)[0].max() for day in (0, 7, 14)]
    assert 5 < peaks[0] / peaks[1] < 50
    assert peaks[0] / peaks[2] > 5


def test_il6_is_higher_when_the_highest_dose_comes_first(in_lymphoma):
    first = in_lymphoma.between("IL6", 0, 3).max(axis=1)
    assert 1.3 < first[1] / first[0] < 5
    assert 100 < first[0] < 5000


def test_margination_is_triggered_only_at_the_start(follow):
    model = load_model("hosseini-2020", variant="healthy")
    run = follow(model, [0, 0.1, 0.25], patients=[{}, {"effect_start": 0}], infusions=[[(0, 15 * BSA)]] * 2)
    with_effect, without = run.at("cd8_per_uL", 0.1) / 500
    assert with_effect < 0.5 * without


def test_all_states_stay_positive(in_all, in_lymphoma):
    for run in (in_all, in_lymphoma):
        assert run.values.min() > -1e-3


def test_fast_and_trusted_solver_agree(in_lymphoma):
    run = in_lymphoma
    places = [0, 6, 12, 24]
    problem = OdeProblem(
        system=run.model.system,
        parameters=run.parameters[1:],
        save_times=run.time[places],
        inputs=np.array([[60 * BSA]]),
    )
    slow = solve_reference(problem, rtol=1e-9)
    expected = evaluate_outputs(run.model.system, ["IL6", "cd8_per_uL"], slow.values, run.parameters[1:])
    for name, values in expected.items():
        assert run[name][1, places] == pytest.approx(values[0], rel=1e-3, abs=1e-6)


def test_every_parameter_has_a_source_and_every_variant_a_meaning():
    model = load_model("hosseini-2020")
    assert all(row.source in model.sources for row in model.parameters.values())
    assert all(variant.meaning for variant in model.variants.values())
    assert {"drug_pg_per_mL", "cd8_per_uL", "b_per_uL", "IL6"} <= set(model.system.outputs)
