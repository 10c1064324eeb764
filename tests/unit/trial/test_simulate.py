"""The virtual trial: the same bits however it is cut up, patients keyed by arm and number, rules that fire."""

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from engager.population import PopulationValues
from engager.protocol import Protocol, shipped_protocol
from engager.trial import TrialData, simulate_trial

TABLES = ("patients", "visits", "events", "trajectories")


def small(**changes):
    raw = {
        "study": "small",
        "simulated_only": True,
        "population": {"setting": "relapsed_refractory"},
        "arms": {"engager": {"n": 24, "regimen": "blinatumomab"}, "control": {"n": 12, "regimen": "flag"}},
        "follow_up": {"months": 6, "accrual_months": 3, "dropout_per_year": 0.1},
        "hsct": {"offer": "in_response", "probability": 0.5},
        "allocation": {"ratio": [2, 1], "strata": ["prior_hsct"]},
    }
    return Protocol.model_validate({**raw, **changes})


def simulate(protocol, replicates=(0, 1), seed=7, **options):
    return simulate_trial(protocol, replicates=list(replicates), seed=seed, n_sampled=3, **options)


@pytest.fixture(scope="module")
def base():
    return simulate(small())


def assert_same(one: TrialData, other: TrialData):
    for name in TABLES:
        assert_frame_equal(getattr(one, name), getattr(other, name), check_exact=True)


def test_twice_in_a_row_is_the_same_bits(base):
    assert_same(base, simulate(small()))


def test_one_thread_or_two_are_the_same_bits(base):
    assert_same(simulate(small(), n_threads=1), simulate(small(), n_threads=2))


def test_replicates_in_pieces_are_the_same_bits(base):
    pieces = [simulate(small(), replicates=[k]) for k in (0, 1)]
    order = ["arm", "replicate", "patient"]
    joined = TrialData.concatenate(pieces)
    for name in ("patients", "visits", "events"):
        assert_frame_equal(
            getattr(base, name).sort(order, maintain_order=True),
            getattr(joined, name).sort(order, maintain_order=True),
            check_exact=True,
        )


def test_another_seed_is_another_trial(base):
    other = simulate(small(), seed=8)
    assert not np.array_equal(base.patients["age_years"], other.patients["age_years"])


def test_an_added_arm_changes_nobody_where_arms_draw_their_own():
    base = simulate(small(allocation={"randomized": False}))
    arms = {
        "engager": {"n": 24, "regimen": "blinatumomab"},
        "control": {"n": 12, "regimen": "flag"},
        "third": {"n": 12, "regimen": "hyper-cvad"},
    }
    with_third = simulate(small(arms=arms, allocation={"randomized": False}))
    for name in ("patients", "visits", "events"):
        kept = getattr(with_third, name).filter(pl.col("arm") != "third")
        assert_frame_equal(kept, getattr(base, name), check_exact=True)


def test_an_arm_can_be_simulated_alone(base):
    alone = simulate(small(), arms=["control"])
    for name in TABLES:
        assert_frame_equal(
            getattr(alone, name), getattr(base, name).filter(pl.col("arm") == "control"), check_exact=True
        )


def test_an_added_endpoint_changes_nobody(base):
    assert_same(base, simulate(small(endpoints=["OS", "CR", "CRS_any", "RFS"])))


def test_more_patients_leave_the_first_ones_alone(base):
    arms = {"engager": {"n": 30, "regimen": "blinatumomab"}, "control": {"n": 12, "regimen": "flag"}}
    grown = simulate(small(arms=arms))
    kept = grown.patients.filter(~((pl.col("arm") == "engager") & (pl.col("patient") >= 24)))
    assert_frame_equal(kept, base.patients, check_exact=True)


def test_counterfactual_arms_hold_the_same_people():
    twins = small(
        arms={"engager": {"n": 12, "regimen": "blinatumomab"}, "control": {"n": 12, "regimen": "flag"}},
        allocation={"randomized": False, "counterfactual": True},
    )
    patients = simulate(twins, replicates=[0]).patients
    columns = ["age_years", "marrow_blasts_percent", "weight_kg", "entry_month"]
    one, other = (patients.filter(pl.col("arm") == arm).select(columns) for arm in ("engager", "control"))
    assert_frame_equal(one, other, check_exact=True)


def test_nothing_is_observed_after_follow_up_or_death(base):
    for column in ("response_day", "relapse_day", "hsct_day", "death_day", "mrd_day"):
        late = base.patients.filter(pl.col(column) > pl.col("followup_day"))
        assert late.is_empty(), column
    last = base.patients.select("replicate", "arm", "patient", "followup_day", "death_day")
    for table in (base.visits, base.events):
        joined = table.join(last, on=["replicate", "arm", "patient"])
        assert joined.filter(pl.col("day") > pl.col("followup_day")).is_empty()
        assert joined.filter(pl.col("day") > pl.col("death_day")).is_empty()


def test_the_dose_follows_the_label(base):
    treated = base.trajectories.filter(pl.col("arm") == "engager")
    first_week = treated.filter((pl.col("day") > 0.5) & (pl.col("day") < 7.5))["dose_ug_per_day"]
    assert set(first_week.unique()) <= {0.0, 9.0}
    assert treated["dose_ug_per_day"].max() == 28.0
    pause = treated.filter((pl.col("day") > 29) & (pl.col("day") < 42))["dose_ug_per_day"]
    # only a patient who was on hold still gets the drug in the treatment-free weeks
    assert pause.eq(0.0).mean() > 0.6


def test_responders_go_on_and_others_leave_after_two_cycles(base):
    engaged = base.patients.filter((pl.col("arm") == "engager") & pl.col("treated"))
    assert engaged.filter(pl.col("best_response") == "none")["n_cycles"].max() <= 3


@pytest.mark.parametrize(("cycle_days", "cycles", "days"), [(21, 2, [21, 42]), (42, 1, [28]), (42, 2, [28, 70])])
def test_a_marrow_is_taken_on_its_day_of_each_cycle_or_at_the_end_of_a_shorter_one(cycle_days, cycles, days):
    doses = [{"cycles": f"1-{cycles}", "days": "1-14", "amount": 15, "unit": "ug/day"}]
    regimen = {"drug": "blinatumomab", "cycle_days": cycle_days, "cycles": cycles, "doses": doses}
    data = simulate(small(arms={"engager": {"n": 80, "regimen": regimen}}, visits={"marrow_days": [29]}, allocation={}))
    in_cycle = data.visits.filter(pl.col("marrow_blasts_percent").is_not_null() & (pl.col("kind") == "cycle"))
    # those without a pause, who are most
    found = in_cycle.group_by("day").len().filter(pl.col("len") >= 10)
    assert found["day"].sort().to_list() == days


def test_only_some_visits_after_treatment_come_with_a_marrow():
    data = simulate(small(follow_up={"months": 12}))
    after = data.visits.filter((pl.col("kind") == "follow-up") & ~pl.col("on_treatment"))
    share = after["marrow_blasts_percent"].is_not_null().mean()
    assert 0.05 < share < 0.6


def test_grade_3_events_are_acted_upon():
    harsh = small(arms={"engager": {"n": 150, "regimen": "blinatumomab"}}, allocation={})
    data = simulate(harsh, replicates=[0])
    severe = data.events.filter(pl.col("event").is_in(["crs", "neurologic"]) & pl.col("grade").is_in([3, 4]))
    acted = data.events.filter(pl.col("event").is_in(["hold", "off_study_drug"]))
    assert severe.height > 0
    assert set(severe["patient"]) <= set(acted["patient"])


def test_a_patient_the_solver_gives_up_is_counted_and_left(monkeypatch):
    from engager.trial import simulate as module

    true_solve = module.solve

    def failing(problem, **options):
        solution = true_solve(problem, **options)
        is_first_round = np.all(problem.save_times[:, 0] == 0.0)
        if is_first_round and solution.status.size > 5:
            solution.status[5] = 1
            solution.values[5] = np.nan
        return solution

    monkeypatch.setattr(module, "solve", failing)
    data = simulate(small(), replicates=[0])
    assert data.n_failed == 2  # one in each arm
    failed = data.patients.filter(pl.col("failed"))
    assert failed["death_day"].is_null().all()


def test_data_cut_by_deaths_stops_at_that_death():
    cut = small(
        arms={"engager": {"n": 60, "regimen": "blinatumomab"}},
        allocation={},
        follow_up={"months": 12, "accrual_months": 6, "data_cut": {"deaths": 15}},
    )
    patients = simulate(cut, replicates=[0]).patients
    assert patients["death_day"].count() == 15


@pytest.mark.parametrize("name", ["tower", "mt103-211", "mt103-206", "mt103-202", "blast"])
def test_shipped_protocols_run(name):
    protocol = shipped_protocol(name)
    data = simulate(protocol.with_patients(10 * len(protocol.arms)), replicates=[0])
    assert data.patients.height == 10 * len(protocol.arms)
    assert data.n_failed == 0


def test_grades_have_their_shares():
    from engager.trial.strikes.toxicity import graded

    uniform = (np.arange(100_000)[:, None] + 0.5) / 100_000
    grades = graded(uniform, np.array([[0.25]]), [0.6, 0.4], [0.8, 0.15, 0.05])
    shares = [np.mean(grades == grade) for grade in range(1, 6)]
    np.testing.assert_allclose(shares, [0.45, 0.30, 0.20, 0.0375, 0.0125], atol=1e-4)


def test_a_trial_has_factors_that_all_its_patients_share():
    from engager.model import load_model
    from engager.trial.assumptions import with_trial_effects
    from engager.trial.recruit import recruit

    model = load_model("b-all")
    place = model.system.parameters.index("potency")
    values = PopulationValues(trial_effect={"potency": 0.4})

    def potencies(arm, settings, replicates=(0, 1, 2)):
        study = small()
        own = {one: with_trial_effects(settings, model, study.study, 7, one) for one in replicates}
        drawn = recruit(study, arm, model, 7, replicates, own.__getitem__)
        return drawn.parameters[:, place].reshape(len(replicates), -1)

    factors = {arm: potencies(arm, values) / potencies(arm, PopulationValues()) for arm in ("engager", "control")}
    for arm in factors.values():
        np.testing.assert_allclose(arm, np.broadcast_to(arm[:, :1], arm.shape))
    # one trial, one factor, whatever the arm; another trial, another
    np.testing.assert_allclose(factors["engager"][:, 0], factors["control"][:, 0])
    assert len(set(np.round(factors["engager"][:, 0], 9))) == 3
    many = potencies("control", values, range(200)) / potencies("control", PopulationValues(), range(200))
    assert np.log(many[:, 0]).std() == pytest.approx(0.4, rel=0.25)
