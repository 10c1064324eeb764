"""What a rule names is done while the drug is on hold: dexamethasone, how long, and from which grade on again."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from engager.engine import Action
from engager.model import initial_states, load_model
from engager.population import PopulationValues
from engager.protocol import LABEL_RULES, Protocol, ToxicityRule, executable_regimen
from engager.trial import simulate_trial
from engager.trial.assumptions import Assumptions
from engager.trial.course import start_course
from engager.trial.dosing import ActionList, DosePlan, give_tocilizumab, plan_day
from engager.trial.recruit import recruit
from engager.trial.strikes.toxicity import Toxicity, days_to_grade
from engager.trial.treatment import advance_days

ROW = np.array([0])


def one_patient(rules="label"):
    """A patient on day 10 of the label's first cycle: course, plan, toxicity."""
    regimen = executable_regimen("blinatumomab").model_copy(update={"toxicity_rules": rules})
    raw = {"study": "holds", "arms": {"a": {"n": 1, "regimen": regimen.model_dump(mode="json", exclude_none=True)}}}
    protocol, model = Protocol.model_validate(raw), load_model("b-all")
    recruits = recruit(protocol, "a", model, 1, [0], lambda replicate: PopulationValues())
    course = start_course(recruits, model, initial_states(model.system, recruits.parameters), False)
    course.cycle_day[0], course.last_dose[0], course.morning[0] = 11, 28.0, 10
    plan = DosePlan(regimen, recruits.covariates["weight_kg"], recruits.covariates["bsa_m2"], model)
    return course, plan, Toxicity(course, regimen, Assumptions({0: PopulationValues()}, recruits.replicate))


def strike(toxicity, kind, grade, duration):
    toxicity._apply_rules(kind, ROW, np.array([10.5]), np.array([grade]), np.array([duration]), np.array([False]))


def given(course, plan, day):
    """Dexamethasone of a day: (time, mg) pairs; then the day passes."""
    actions = ActionList()
    course.clock[:] = day
    plan_day(course, plan, ROW, actions)
    schedule = actions.schedule(ROW)
    is_dex = (schedule.index == load_model("b-all").system.index("dex")) & (schedule.action == int(Action.ADD_TO_STATE))
    course.clock[:] = day + 1
    advance_days(course, ROW, plan.regimen)
    return list(zip(schedule.time[is_dex].tolist(), schedule.value[is_dex].tolist(), strict=True))


def test_the_label_gives_8_mg_every_eight_hours_for_three_days_of_a_hold_for_crs():
    course, plan, toxicity = one_patient()
    strike(toxicity, "CRS", 3, 4.5)
    course.clock[:] = 11.0
    advance_days(course, ROW, plan.regimen)
    days = [given(course, plan, day) for day in range(11, 15)]
    for day, doses in zip((11, 12, 13), days, strict=False):
        assert [time for time, _ in doses] == pytest.approx([day, day + 1 / 3, day + 2 / 3])
        assert [mg for _, mg in doses] == [8.0, 8.0, 8.0]
    assert days[3] == []  # the fourth day of the hold
    assert [mg for _, mg in given(course, plan, 15)] == [20.0]  # premedication of the restart


def test_a_neurologic_hold_has_none():
    course, plan, toxicity = one_patient()
    strike(toxicity, "neurologic", 3, 1.0)
    assert course.hold_days[0] == 4.0  # a day to grade 1, then three days there
    assert given(course, plan, 11) == []


@pytest.mark.parametrize(("resume_at", "days"), [(2, 2.0), (1, 4.0), (0, 6.0)])
def test_a_lower_grade_to_resume_at_takes_longer(resume_at, days):
    assert days_to_grade(4.0, 3, resume_at) == days
    rule = ToxicityRule(event="CRS", grade="3", action="hold", resume_at_grade=resume_at)
    course, _, toxicity = one_patient((rule,))
    strike(toxicity, "CRS", 3, 4.0)
    assert course.hold_days[0] == days


def test_what_takes_too_long_to_that_grade_stops_the_drug():
    rule = ToxicityRule(event="CRS", grade="3", action="hold", resume_at_grade=0, max_hold_days=5)
    course, _, toxicity = one_patient((rule,))
    strike(toxicity, "CRS", 3, 4.0)
    assert not course.on_treatment[0]


@pytest.mark.parametrize(
    "keys", [{"dexamethasone_mg_per_day": 24}, {"resume_at_grade": 0}, {"restart": "same"}, {"max_hold_days": 3}]
)
def test_keys_of_a_hold_are_refused_where_the_drug_is_stopped(keys):
    with pytest.raises(ValidationError, match="belongs to action: hold"):
        ToxicityRule(event="CRS", grade="4", action="stop", **keys)


def test_days_at_a_restart_dose_are_refused_where_the_dose_stays():
    with pytest.raises(ValidationError, match="restart: lowest"):
        ToxicityRule(event="CRS", grade="3", action="hold", restart="same", restart_days=3)


def test_the_labels_rules_are_those_of_the_catalogue():
    by = {(rule.event, str(rule.grade)): rule for rule in LABEL_RULES}
    assert by["CRS", "3"].dexamethasone_mg_per_day == 3 * 8
    assert by["CRS", "3"].dexamethasone_days == 3
    assert by["neurologic", "3"].min_hold_days == 3
    assert by["neurologic", "3"].max_hold_days == 7
    assert by["neurologic", "3"].stop_if_recurs
    assert by["other", "3"].max_hold_days == 14


def test_a_rule_for_other_events_and_an_assay_that_changes_nothing_are_told():
    rules = [{"event": "other", "grade": "3", "action": "hold"}]
    regimen = {"drug": "blinatumomab", "cycle_days": 28, "cycles": 1, "toxicity_rules": rules,
               "doses": [{"days": "1-28", "amount": 9, "unit": "ug/day"}]}  # fmt: skip
    raw = {"study": "told", "arms": {"a": {"n": 1, "regimen": regimen}}, "visits": {"mrd": {"assay": "ngs"}}}
    notes = Protocol.model_validate(raw).notes()
    assert any("toxicity_rules[0]: other events are not simulated" in note for note in notes)
    assert any("visits.mrd.assay: ngs is only a description" in note for note in notes)


@pytest.mark.parametrize("action", ["hold", "stop"])
def test_tocilizumab_is_given_once_as_the_event_strikes(action):
    course, _, toxicity = one_patient((ToxicityRule(event="CRS", grade="2+", action=action, tocilizumab=True),))
    course.clock[0] = 10.5
    strike(toxicity, "CRS", 1, 4.0)
    assert not course.tocilizumab_due[0]
    strike(toxicity, "CRS", 2, 4.0)
    for wanted in ([(10.5, int(Action.SET_STATE), course.system.index("il6_block"), 1.0)], []):
        actions = ActionList()
        give_tocilizumab(course, ROW, actions)
        found = actions.schedule(ROW)
        assert [*zip(found.time, found.action, found.index, found.value, strict=True)] == wanted


def test_a_block_of_the_receptor_spares_further_events_and_is_told():
    doses = [{"days": "1-28", "amount": 112, "unit": "ug/day"}]
    rule = {"event": "CRS", "grade": "1+", "action": "hold", "restart": "same"}
    later = {}
    for given in (False, True):
        regimen = {"drug": "blinatumomab", "cycle_days": 28, "cycles": 1, "doses": doses}
        regimen["toxicity_rules"] = [rule | {"tocilizumab": given}]
        study = {"study": "blocked", "arms": {"a": {"n": 60, "regimen": regimen}}, "follow_up": {"months": 1}}
        data = simulate_trial(
            Protocol.model_validate(study), replicates=[0], seed=2, n_sampled=0, n_threads=1,
            settings=lambda _: PopulationValues.read({"h_crs": 300.0}),
        )  # fmt: skip
        events = data.events.filter(data.events["event"] == "crs")
        later[given] = events.height - events["patient"].n_unique()
        doses_given = data.events.filter(data.events["event"] == "tocilizumab").height
        assert doses_given == (events.filter(events["grade"] < 5).height if given else 0)
    # what was felt as the event struck wanes within a day, so that some follow at once
    assert later[True] < 0.75 * later[False]


def test_tocilizumab_is_for_cytokine_release():
    with pytest.raises(ValidationError, match="belongs to event: CRS"):
        ToxicityRule(event="neurologic", grade="3", action="hold", tocilizumab=True)
