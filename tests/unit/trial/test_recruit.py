"""Who enters, when, for how long they are watched, and that draws belong to the patient."""

from __future__ import annotations

import numpy as np
import pytest

from engager.core import DAYS_PER_MONTH, DAYS_PER_YEAR, Stream
from engager.model import load_model
from engager.population import PopulationValues
from engager.protocol import Bins, Constant, MeanSpread, MedianRange, Protocol, Share, Table
from engager.trial.recruit import Lists, covariate_frame, quantile_of, recruit

ARMS = {"a": {"n": 400, "regimen": "flag"}}


def patients(replicates=(0,), seed=1, arm="a", settings=None, **study):
    protocol = Protocol.model_validate({"study": "entry", "arms": ARMS, **study})
    return recruit(protocol, arm, load_model("b-all"), seed, replicates, settings or (lambda _: PopulationValues()))


def test_patients_enter_evenly_over_the_accrual_and_are_watched_for_the_follow_up():
    found = patients(follow_up={"months": 12, "accrual_months": 10})
    months = found.entry_day / DAYS_PER_MONTH
    assert (months.min() > 0, months.max() < 10) == (True, True)
    # uniform on 0 to 10: mean 5, four standard errors of 10 / sqrt(12 * 400)
    assert months.mean() == pytest.approx(5.0, abs=4 * 10 / np.sqrt(12 * 400))
    assert months.std() == pytest.approx(10 / np.sqrt(12), rel=0.1)
    assert found.observable_day.tolist() == [12 * DAYS_PER_MONTH] * 400
    assert found.is_treated.all()
    assert patients(follow_up={"months": 12}).entry_day.tolist() == [0.0] * 400


def test_dropout_is_a_hazard_a_year():
    found = patients(follow_up={"months": 24, "dropout_per_year": 0.5}).observable_day
    end = 24 * DAYS_PER_MONTH
    lost = found < end
    # exp(-0.5 * 2) of patients are watched to the end of two years
    assert 1 - lost.mean() == pytest.approx(np.exp(-1.0), abs=4 * np.sqrt(0.37 * 0.63 / 400))
    assert found.max() == end
    within_a_year = (found < DAYS_PER_YEAR).mean()
    assert within_a_year == pytest.approx(1 - np.exp(-0.5), abs=4 * np.sqrt(0.4 * 0.6 / 400))


def test_some_are_never_treated():
    arms = {"a": {"n": 400, "regimen": "flag", "never_treated": 0.2}}
    treated = patients(arms=arms).is_treated
    assert 1 - treated.mean() == pytest.approx(0.2, abs=4 * np.sqrt(0.16 / 400))


def test_rows_are_replicate_by_replicate():
    found = patients(replicates=(3, 5))
    assert found.n == 800
    assert found.replicate.tolist() == [3] * 400 + [5] * 400
    assert found.number.tolist() == [*range(400)] * 2
    assert found.key.tolist() == [*range(400)] * 2
    assert found.parameters.shape[0] == 800


def test_each_replicate_has_its_own_population_values():
    place = load_model("b-all").system.parameters.index("k_kill")
    values = {one: PopulationValues(typical={"k_kill": float(one)}, spread={"k_kill": 0.0}) for one in (2, 5)}
    found = patients(replicates=(2, 5), settings=values.__getitem__).parameters[:, place]
    assert found == pytest.approx([2.0] * 400 + [5.0] * 400)


def test_draws_belong_to_the_patient_whoever_else_is_asked():
    found = patients(replicates=(0, 4))
    whole = found.draw("purpose", n_draws=3)
    assert whole.shape == (800, 3)
    rows = np.array([799, 3, 402])
    assert np.array_equal(found.draw("purpose", n_draws=3, rows=rows), whole[rows])
    alone = patients(replicates=(4,))
    assert np.array_equal(alone.draw("purpose", n_draws=3), whole[400:])
    assert not np.array_equal(whole[:400], whole[400:])
    assert not np.array_equal(found.draw("other", n_draws=3), whole)
    # the stream is that of the study and arm, of the replicate and the purpose
    assert np.array_equal(alone.draw("purpose"), Stream(1, "entry/a", 4).of("purpose").uniform(np.arange(400)))


def test_each_occasion_draws_anew():
    found = patients()
    rows = np.array([5, 6])
    first = found.draw("visit", n_draws=4, rows=rows, occasion=np.array([0, 1]))
    assert np.array_equal(first[0], found.draw("visit", n_draws=4, rows=rows[:1])[0])
    assert not np.array_equal(first[1], found.draw("visit", n_draws=4, rows=rows[1:])[0])


@pytest.mark.parametrize(("kind", "mean", "sd"), [("uniform", 0.5, 12**-0.5), ("normal", 0, 1), ("exponential", 1, 1)])
def test_draws_have_the_distribution_asked_for(kind, mean, sd):
    found = patients(replicates=range(5)).draw("x", kind)
    assert found.mean() == pytest.approx(mean, abs=4 * sd / np.sqrt(2000))
    assert found.std() == pytest.approx(sd, rel=0.1)


def test_arms_that_are_counterfactual_hold_the_same_people():
    arms = {"a": {"n": 50, "regimen": "flag"}, "b": {"n": 50, "regimen": "flag-ida"}}
    same, apart = (
        [patients(arms=arms, arm=arm, allocation=how).covariates["age_years"] for arm in arms]
        for how in ({"randomized": False, "counterfactual": True}, {"randomized": False})
    )
    assert np.array_equal(*same)
    assert not np.array_equal(*apart)


def test_who_is_not_eligible_does_not_enter():
    found = patients(
        eligibility=["age_years >= 40", "marrow_blasts_percent > 20"],
        population={"age_years": {"median": 37, "range": [18, 80]}},
    ).covariates
    assert found["age_years"].min() >= 40
    assert found["marrow_blasts_percent"].min() > 20


def test_in_remission_blasts_are_what_the_assay_counts():
    population = {"setting": "mrd_positive", "mrd_log10": {"median": -3, "range": [-5, -1]}}
    found = patients(eligibility=["marrow_blasts_percent >= 1"], population=population).covariates["mrd_log10"]
    assert found.min() >= -2  # one percent
    assert found.min() < -1.8
    assert found.max() > -1.9


def test_arms_of_a_randomized_study_are_dealt_from_one_list():
    arms = {"a": {"n": 30, "regimen": "flag"}, "b": {"n": 30, "regimen": "flag"}}
    population = {"prior_hsct": 0.5}
    allocation = {"strata": ["prior_hsct"], "block": 4}
    both = [patients(arms=arms, arm=arm, population=population, allocation=allocation) for arm in arms]
    assert not set(both[0].key) & set(both[1].key)
    with_prior = [int((one.covariates["prior_hsct"] > 0.5).sum()) for one in both]
    assert abs(with_prior[0] - with_prior[1]) <= 2
    assert both[0].number.tolist() == [*range(30)]


def test_arms_are_dealt_within_every_stratum_of_two_questions():
    arms = {"a": {"n": 40, "regimen": "flag"}, "b": {"n": 40, "regimen": "flag"}}
    population, how = {"prior_hsct": 0.5, "female": 0.5}, {"strata": ["prior_hsct", "female"], "block": 4}
    both = [patients(arms=arms, arm=arm, population=population, allocation=how).covariates for arm in arms]
    for prior in (True, False):
        for female in (True, False):
            n = [int((((one["prior_hsct"] > 0.5) == prior) & ((one["female"] > 0.5) == female)).sum()) for one in both]
            assert abs(n[0] - n[1]) <= 2


def test_with_common_chance_every_replicate_has_the_patients_of_the_first():
    arms = {"a": {"n": 12, "regimen": "flag"}, "b": {"n": 12, "regimen": "flag"}}
    protocol = Protocol.model_validate({"study": "entry", "arms": arms, "allocation": {"block": 4}})
    model, values = load_model("b-all"), lambda _: PopulationValues()
    same = recruit(protocol, "a", model, 1, (4, 7), values, common_chance=True)
    alone = recruit(protocol, "a", model, 1, (0,), values)
    for part in (slice(0, 12), slice(12, 24)):
        assert np.array_equal(same.key[part], alone.key)
        assert np.array_equal(same.covariates["age_years"][part], alone.covariates["age_years"])
    apart = recruit(protocol, "a", model, 1, (4, 7), values)
    assert not np.array_equal(apart.covariates["age_years"][:12], apart.covariates["age_years"][12:])
    dealt = Lists(protocol, 1, (4, 7)).numbers("a")
    assert not np.array_equal(dealt[:12], dealt[12:])


@pytest.mark.parametrize("setting", ["untreated", "relapsed_refractory"])
def test_who_was_never_treated_before_is_known(setting):
    assert set(patients(population={"setting": setting}).covariates["untreated"]) == {float(setting == "untreated")}


def test_a_table_of_covariates_has_yes_or_no_and_whole_numbers():
    table = covariate_frame({"age_years": np.array([40.5]), "prior_hsct": np.array([0.51]),
                             "salvage_line": np.array([1.6])})  # fmt: skip
    assert table.rows() == [(40.5, True, 2)]
    assert covariate_frame({"prior_hsct": np.array([0.5])})["prior_hsct"].to_list() == [False]


@pytest.mark.parametrize(
    ("given", "at", "value"),
    [
        (Constant(value=3.0), 0.9, 3.0),
        (Share(share=0.25), 0.74, 0.0), (Share(share=0.25), 0.76, 1.0),
        (MedianRange(median=37, range=(18, 80)), 0.5, 37.0),
        (MedianRange(median=37, range=(18, 80)), 1 - 1e-12, 80.0),
        (MedianRange(median=37, range=(18, 80)), 1e-12, 18.0),
        (MeanSpread(mean=10, sd=2), 0.841344746, 12.0),
        (MeanSpread(mean=10, sd=2, range=(9, 11)), 1 - 1e-12, 11.0),
        (MeanSpread(mean=10, sd=2, range=(9, 11)), 1e-12, 9.0),
        (Bins(bins={"18-34": 0.5, "35-54": 0.5}, edges=((18, 35), (35, 55))), 0.25, 26.5),
        (Table(table={"0": 0.3, "1": 0.5, "2+": 0.2}), 0.79, 1.0),
        (Table(table={"0": 0.3, "1": 0.5, "2+": 0.2}), 0.81, 2.0),
    ],
)  # fmt: skip
def test_a_distribution_of_the_file_is_its_quantiles(given, at, value):
    assert quantile_of(given)(np.array([at])) == pytest.approx([value], rel=1e-6)
