"""Designs judged on stand-in trials whose truth is known, so that theory tells what must come out."""

from __future__ import annotations

import re

import numpy as np
import polars as pl
import pytest
from scipy.stats import binom, norm

import engager.study.design.arms
from engager.core import InputError, Interrupted, Stream, working_in
from engager.protocol import read_protocol
from engager.study import design_json, design_study, rule_sentences, write_design
from engager.study.design.arms import alone, months_needed
from engager.study.design.scenarios import changed
from engager.trial import TrialData, simulate_trial

# Share of responders and median survival [months] by regimen.
TRUTH = {"blinatumomab": (0.45, 8.0), "flag": (0.25, 4.5)}
DAYS_PER_MONTH = 365.25 / 12
RANDOMIZED = """
study: stand-in
simulated_only: true
arms:
  a: {n: 160, regimen: blinatumomab}
  b: {n: 80, regimen: flag, never_treated: 0.1}
follow_up: {months: 60, accrual_months: 12}
hsct: {probability: {a: 0.6, b: 0.2}}
endpoints: [{id: CR, window_weeks: 12}, OS]
"""
SINGLE = """
study: stand-in
simulated_only: true
arms: {a: {n: 60, regimen: blinatumomab}}
follow_up: {months: 12, accrual_months: 12}
endpoints: [{id: CR, window_weeks: 12}]
"""


def stand_in(protocol, replicate, seed):
    parts = []
    for arm_id, arm in protocol.arms.items():
        share, median = TRUTH[arm.regimen.id]
        number = np.arange(arm.n)
        stream = Stream(seed, f"{protocol.study}/{arm_id}", replicate)
        death = stream.of("death").exponential(number) * median / np.log(2) * DAYS_PER_MONTH
        responds = stream.of("response").uniform(number) < share
        end = protocol.follow_up.months * DAYS_PER_MONTH
        nothing = [None] * arm.n
        day = [29.0 if r else None for r in responds]
        parts.append(
            pl.DataFrame(
                {
                    "replicate": pl.Series([replicate] * arm.n, dtype=pl.Int32),
                    "arm": [arm_id] * arm.n,
                    "patient": pl.Series(number, dtype=pl.Int32),
                    "failed": [False] * arm.n,
                    "entry_month": stream.of("entry").uniform(number) * protocol.follow_up.accrual_months,
                    "followup_day": [end] * arm.n,
                    "treated": [True] * arm.n,
                    "start_day": [0.0] * arm.n,
                    "best_response": ["CR" if r else "none" for r in responds],
                    **dict.fromkeys(("response_day", "crh_day", "cr_day"), day),
                    **dict.fromkeys(("mrd_day", "hsct_day", "relapse_day"), nothing),
                    "death_day": [d if d <= end else None for d in death.tolist()],
                },
                schema_overrides=dict.fromkeys(
                    ("response_day", "crh_day", "cr_day", "mrd_day", "hsct_day", "relapse_day", "death_day"), pl.Float64
                ),
            )
        )
    return pl.concat(parts)


@pytest.fixture
def simulation(monkeypatch):
    """Counts the arms that are simulated."""
    calls = []

    def fake(protocol, *, replicates, seed, n_threads, progress, settings, n_sampled, only_patients, arms):
        calls.append(protocol)
        progress(1.0)
        patients = pl.concat([stand_in(protocol, replicate, seed) for replicate in replicates])
        patients = patients.filter(pl.col("arm").is_in(arms))
        return TrialData(protocol, patients=patients, **dict.fromkeys(("visits", "events", "trajectories"), patients))

    monkeypatch.setattr(engager.study.design.arms, "simulate_trial", fake)
    return calls


def judged(study, block, **options):
    return design_study(read_protocol(f"{study}design: {block}\n"), **{"replicates": 400, **options})


def test_the_log_rank_test_keeps_alpha_in_a_null_world(simulation):
    found = judged(RANDOMIZED, "{primary: OS, events: 200, information: [0.5, 1], alpha: 0.05, patients: 120}")
    (row,) = found.rows
    null = row.result("null").success
    assert null.value == pytest.approx(0.05, abs=4 * np.sqrt(0.05 * 0.95 / 400))
    assert row.result("null").truth == pytest.approx(1.0, abs=0.06)


def test_power_is_schoenfelds(simulation):
    found = judged(RANDOMIZED, "{primary: OS, events: 96, patients: 120}")
    (row,) = found.rows
    # 120 of 240 patients, so 48 events; with equal hazards of patients at risk 2 to 1.
    drift = np.log(8.0 / 4.5) * np.sqrt(row.rules.events_by_look[-1] * 2 / 9)
    assert row.rules.events_by_look == (48,)
    # The formula holds for hazard ratios near 1; here it is off by a few points.
    assert row.result().success.value == pytest.approx(norm.cdf(drift - norm.isf(0.025)), abs=0.10)
    assert row.result().truth == pytest.approx(4.5 / 8.0, rel=0.06)


def test_futility_of_a_time_to_event_stops_the_trials_whose_z_is_at_or_below_its_bound(simulation):
    found = judged(RANDOMIZED, "{primary: OS, events: 160, information: [0.5, 1], futility: 0, patients: 240}")
    (row,) = found.rows
    null, treated = row.result("null"), row.result("alternative")
    half = null.stops_for_futility[0]
    assert half.value == pytest.approx(0.5, abs=4 * half.standard_error)  # z is symmetric about 0 there
    assert treated.stops_for_futility[0].value < 0.1
    assert treated.success.value > 0.8


def test_power_and_duration_rise_with_patients_and_events(simulation):
    found = judged(RANDOMIZED, "{primary: OS, events: 200, patients: [30, 90, 240]}")
    power = [row.result().success.value for row in found.rows]
    assert power == sorted(power)
    assert power[-1] > power[0] + 0.3


def test_a_smaller_trial_is_the_first_patients_of_a_larger_one(simulation):
    block = "{primary: OS, events: 200, information: [0.5, 1], patients: [60, 240]}"
    both = judged(RANDOMIZED, block, replicates=30)
    alone_ = judged(RANDOMIZED, block, replicates=30, patients=[60])
    assert both.rows[0].results == alone_.rows[0].results


def test_arms_that_scenarios_share_are_simulated_once(simulation):
    block = "{primary: CR, scenarios: {other-control: {arms.b.never_treated: 0.3}}}"
    judged(RANDOMIZED, block, replicates=4)
    # Two settings; treated, control and null arm as written, then control and null arm of the scenario.
    assert len(simulation) == 2 * (3 + 2)


def test_a_null_arm_is_the_control_arm_in_all_but_its_name():
    protocol = read_protocol(RANDOMIZED + "design: {primary: OS}\n")
    from engager.study.design.plan import null_arm_of

    null = alone(protocol, "a", 50, 12.0, null_arm_of(protocol))
    assert null.arms["a"].n == 50
    assert null.arms["b"].n == 1  # a place that patients are dealt to
    assert null.allocation.ratio == protocol.allocation.ratio_for([arm.n for arm in protocol.arms.values()])
    assert null.arms["a"].regimen == protocol.arms["b"].regimen
    assert null.arms["a"].never_treated == 0.1
    assert null.hsct.probability_of("a") == 0.2
    assert alone(protocol, "a", 50, 12.0).hsct.probability_of("a") == 0.6


def test_an_exact_test_agrees_with_the_binomial_distribution(simulation):
    found = judged(SINGLE, "{primary: CR, null_share: 0.25, null_arm: {regimen: flag}}")
    (row,) = found.rows
    needed = row.rules.upper[0]
    for world, share in (("alternative", 0.45), ("null", 0.25)):
        expected = binom.sf(needed - 1, 60, share)
        exact = next(one["success"] for one in row.exact if one["share"] == share)
        assert exact == pytest.approx(expected)
        assert row.result(world).success.value == pytest.approx(expected, abs=4 * 0.5 / np.sqrt(400))


def test_a_two_stage_design_stops_as_it_should(simulation):
    block = "{primary: CR, test: simon, alpha: 0.05, null_share: 0.2, simon: {alternative_share: 0.4}"
    found = judged(SINGLE, f"{block}, null_arm: {{regimen: flag}}}}")
    (row,) = found.rows
    assert row.n_patients == 43
    assert [look["patients"] for look in row.rules.looks()] == [13, 43]
    early = row.result("null").stops_for_futility[0]
    assert early.value == pytest.approx(binom.cdf(3, 13, 0.25), abs=4 * early.standard_error)
    assert row.result().stops_with_success[0].value == 0


def test_looks_come_when_outcomes_are_known(simulation):
    block = "{primary: CR, information: [0.5, 1], spending: pocock, patients: 120}"
    found = judged(RANDOMIZED, block, replicates=200)
    trials = found.trials.filter((pl.col("world") == "alternative") & (pl.col("setting") == "posterior"))
    early = trials.filter(pl.col("look") == 1)
    # Half of the patients have entered by month 6 of 12; 12 weeks later more have.
    assert early.height > 20
    assert early["months"].mean() == pytest.approx(6 + 84 / DAYS_PER_MONTH, abs=0.3)
    assert 75 < early["patients"].mean() < 105
    assert trials.filter(pl.col("look") == 2)["patients"].unique().to_list() == [120.0]


PRIOR = "prior: {records: [topp-2015-phase2/historical-standard-therapy], tau_scale: 0.25"


def test_a_historical_control_adds_power_where_it_fits(simulation):
    block = "{{primary: CR, patients: 60, threshold: 0.975, {}, robust_weight: {}}}}}"
    trusted = judged(RANDOMIZED, block.format(PRIOR, 0.1), replicates=400)
    vague = judged(RANDOMIZED, block.format(PRIOR, 0.98), replicates=400)
    assert trusted.rows[0].result().success.value > vague.rows[0].result().success.value + 0.05
    told, worth = design_json(trusted)["prior"], design_json(vague)["prior"]
    assert told["effective_sample_size"] > 20 > worth["effective_sample_size"] > 0
    assert told["studies"][0]["events"] == 167
    assert trusted.rows[0].result("null").success.value < 0.06


def test_a_bayesian_single_arm_agrees_with_its_exact_curve(simulation):
    block = f"{{primary: CR, information: [0.5, 1], futility: 0.3, threshold: 0.9, {PRIOR}, robust_weight: 0.05}}}}"
    found = judged(SINGLE, block)
    (row,) = found.rows
    exact = next(one for one in row.exact if one["share"] == 0.45)
    assert row.result().success.value == pytest.approx(exact["success"], abs=4 * 0.5 / np.sqrt(400))
    assert row.result("null") is None
    assert any("null_arm" in note for note in found.notes)


def test_the_share_that_a_prior_asks_for_is_told(simulation):
    asked = []
    for weight in (0.05, 0.5):
        found = judged(SINGLE, f"{{primary: CR, {PRIOR}, robust_weight: {weight}}}}}", replicates=4)
        (said,) = [one for one in rule_sentences(found) if "True share" in one]
        asked.append(int(re.search(r"(\d+) % with 60 patients", said)[1]))
        exact = {round(100 * one["share"]): one["success"] for one in found.rows[0].exact}
        assert exact[asked[-1] - 1] < 0.8 <= exact[asked[-1]]
    # A prior with a large vague part can hardly be beaten by a single arm.
    assert asked[1] > asked[0] + 20


def test_a_historical_median_can_be_the_control(simulation):
    block = "{primary: OS, events: 150, threshold: 0.95, prior: {drug_class: chemotherapy}}"
    found = judged(RANDOMIZED, block, replicates=200)
    (row,) = found.rows
    assert design_json(found)["effect"] == "ratio_of_medians"
    assert row.result().truth == pytest.approx(8.0 / 4.5, rel=0.06)
    assert row.result().success.value > 0.9
    assert row.result("null").success.value < 0.12


def test_too_few_events_are_told(simulation):
    short = RANDOMIZED.replace("months: 60", "months: 6")
    found = judged(short, "{primary: OS, events: 230, information: [0.5, 1]}", replicates=10)
    assert any("before the planned events" in note for note in found.notes)
    assert found.rows[0].result().short == 1.0


@pytest.mark.parametrize(
    ("block", "cut", "said"),
    [
        ("{primary: OS}", "{deaths: 90}", "90 deaths do not time the analysis, which takes place at the end of all"),
        ("{primary: OS, events: 90}", "{months: 20}", "not used: looks take place at the numbers of design.events"),
        ("{primary: CR}", "{months: 20}", "not used: looks take place when the outcomes"),
        ("{primary: OS}", "{months: 20}", ""),
    ],
)
def test_a_data_cut_that_does_not_time_the_analyses_is_told(simulation, block, cut, said):
    study = RANDOMIZED.replace("accrual_months: 12", f"accrual_months: 12, data_cut: {cut}")
    found = judged(study, block, replicates=4)
    told = [note for note in found.notes if note.startswith("follow_up.data_cut")]
    assert [said in note for note in told] == ([True] if said else [])


def test_ctrl_c_is_told_plainly(monkeypatch):
    def stop(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(engager.study.design.arms, "simulate_trial", stop)
    with pytest.raises(Interrupted, match="nothing was written"):
        judged(RANDOMIZED, "{primary: CR}")


def test_ctrl_c_before_an_arm_is_finished_says_so_and_leaves_nothing(simulation, monkeypatch, tmp_path):
    block, work = "{primary: CR, patients: 60}", tmp_path / "arms"

    def stop(*arguments, **options):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(engager.study.design.arms, "simulate_trial", stop)
        with pytest.raises(Interrupted, match="before the first arm was finished; nothing was written"):
            judged(RANDOMIZED, block, replicates=20, work=work)
    assert not work.exists()
    judged(RANDOMIZED, block, replicates=20, work=work)
    with monkeypatch.context() as patch:
        patch.setattr(engager.study.design.arms, "simulate_trial", stop)
        with pytest.raises(Interrupted, match="before another arm was finished; those of earlier calls are kept in"):
            judged(RANDOMIZED, block, replicates=20, seed=2, work=work)
    assert list(work.iterdir())


def test_an_interrupted_design_goes_on_with_the_arms_it_has(simulation, monkeypatch, tmp_path):
    block, options = "{primary: CR, patients: 60}", {"replicates": 20, "work": tmp_path / "arms"}
    whole = judged(RANDOMIZED, block, replicates=20)
    n_arms, fake = len(simulation), engager.study.design.arms.simulate_trial
    simulation.clear()

    def stop_at_the_third(*arguments, **named):
        if len(simulation) == 2:
            raise KeyboardInterrupt
        return fake(*arguments, **named)

    monkeypatch.setattr(engager.study.design.arms, "simulate_trial", stop_at_the_third)
    with pytest.raises(Interrupted, match="2 finished arms are kept in"):
        judged(RANDOMIZED, block, **options)
    monkeypatch.setattr(engager.study.design.arms, "simulate_trial", fake)
    simulation.clear()
    again = judged(RANDOMIZED, block, **options)
    assert len(simulation) == n_arms - 2
    assert again.rows == whole.rows
    assert again.trials.equals(whole.trials)


def test_kept_arms_of_other_inputs_or_with_other_bytes_are_not_used(simulation, tmp_path):
    block, work = "{primary: CR, patients: 60}", tmp_path / "arms"
    judged(RANDOMIZED, block, replicates=20, work=work)
    n_arms = len(simulation)
    assert len(list(work.iterdir())) == n_arms
    simulation.clear()
    judged(RANDOMIZED, block, replicates=20, seed=2, work=work)
    assert len(simulation) == n_arms
    simulation.clear()
    first = sorted(work.iterdir())[0]
    content = bytearray(first.read_bytes())
    content[len(content) // 2] ^= 1
    first.write_bytes(bytes(content))
    judged(RANDOMIZED, block, replicates=20, work=work)
    judged(RANDOMIZED, block, replicates=20, seed=2, work=work)
    assert len(simulation) == 1


def test_more_virtual_trials_are_those_of_all_at_once(simulation, tmp_path):
    block, work = "{primary: OS, patients: [60, 90]}", tmp_path / "arms"
    judged(RANDOMIZED, block, replicates=20, work=work)
    simulation.clear()
    grown = judged(RANDOMIZED, block, replicates=40, work=work)
    assert grown.manifest["replicates_kept"] == 20
    whole = judged(RANDOMIZED, block, replicates=40)
    assert grown.rows == whole.rows
    assert grown.trials.equals(whole.trials)
    fewer = judged(RANDOMIZED, block, replicates=30, work=work)
    assert fewer.rows == judged(RANDOMIZED, block, replicates=30).rows


def test_a_place_for_kept_arms_that_is_a_file_is_refused(simulation, tmp_path):
    place = tmp_path / "arms"
    place.write_text("mine")
    with pytest.raises(InputError, match="--work"):
        judged(RANDOMIZED, "{primary: CR}", work=place)
    assert place.read_text() == "mine"


def test_arms_are_kept_by_one_process_at_a_time(simulation, tmp_path):
    with working_in("--work", tmp_path / "arms"), pytest.raises(InputError, match="being written by process"):
        judged(RANDOMIZED, "{primary: CR, patients: 60}", work=tmp_path / "arms")
    assert not simulation
    assert not list(tmp_path.iterdir())


def test_what_is_kept_goes_unless_another_process_has_begun_there(simulation, tmp_path):
    found, arms = judged(RANDOMIZED, "{primary: CR, patients: 60}", replicates=20, work=tmp_path / "arms"), "arms"
    with working_in("--work", tmp_path / arms):
        write_design(found, tmp_path / "one", tmp_path / arms)
        assert len(list((tmp_path / arms).glob("*.parquet"))) == len(simulation)
    write_design(found, tmp_path / "two", tmp_path / arms)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one", "two"]


def test_mrd_in_remission_is_counted_among_everybody():
    study = """
study: remission
simulated_only: true
population: {setting: mrd_positive}
arms: {a: {n: 8, regimen: blinatumomab}}
follow_up: {months: 3}
endpoints: [{id: MRD_response, window_cycles: 1, among: null}]
design: {primary: MRD_response, prior: {records: [topp-2011]}, patients: 8}
"""
    protocol = read_protocol(study)
    (row,) = design_study(protocol, replicates=2).rows
    patients = simulate_trial(alone(protocol, "a", 8, 3.0), replicates=[0, 1], seed=1, n_sampled=0).patients
    assert row.result().expected_patients == 8
    assert row.exact == []
    assert 0 < row.result().expected_events <= patients["mrd_first_day"].is_not_null().sum() / 2


def test_a_scenario_changes_what_it_names_and_nothing_else():
    protocol = read_protocol(RANDOMIZED + "design: {primary: OS}\n")
    other = changed(protocol, {"arms.a.regimen.doses[0].amount": 15, "hsct.probability": 0.1}, "x")
    assert other.arms["a"].regimen.doses[0].amount == 15
    assert other.hsct.probability == 0.1
    assert other.arms["b"] == protocol.arms["b"]
    with pytest.raises(InputError, match="must lead to a key"):
        changed(protocol, {"arms.a.regimen.doses[0].amounts.x": 15}, "x")


def test_follow_up_beyond_the_window_changes_no_response():
    protocol = read_protocol(SINGLE + "design: {primary: CR, null_share: 0.2}\n")
    responses = []
    for months in (months_needed(protocol, 84.0), 6.0):
        data = simulate_trial(alone(protocol, "a", 12, months), replicates=[0, 1], seed=3, n_sampled=0)
        responses.append(data.patients["cr_day"].to_list())
    kept = [[day if day is not None and day <= 84 else None for day in days] for days in responses]
    assert months_needed(protocol, 84.0) < 3.1
    assert kept[0] == kept[1]
    assert any(day is not None for day in kept[0])
