"""Every key of a study file acts: a change of it changes what is simulated, estimated, compared, designed or told.

The walk goes over the JSON schema. A key stands in `ACTS` with a change that has to be seen, or in `FOR_THE_READER`
with the reason why it does nothing; a new key of the format belongs into one of the two.
"""

from __future__ import annotations

import copy
import json
import re
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import pytest

import engager.study.design.arms
from engager.analysis import estimate_endpoints
from engager.calibration import compare
from engager.core import InputError, digest_object
from engager.protocol import Protocol, schema_text
from engager.study import design_json, design_study
from engager.study.run.requests import definitions_of, requests_of
from engager.trial import simulate_trial

# Events are frequent here, so that few patients and months show what a key does.
EVENTFUL = {
    "h_crs": 30.0,
    "h_neuro": 1.0,
    "trial:crs_severe_share": 0.6,
    "trial:neurologic_severe_share": 0.4,
    "h_leukemia": 0.04,
}
DOSES = [{"days": "1-7", "amount": 9, "unit": "ug/day"}, {"days": "8-28", "amount": 28, "unit": "ug/day"}]
HOLD = {"event": "neurologic", "grade": "1+", "action": "hold"}
RULES = [{"event": "CRS", "grade": "1+", "action": "hold"}, HOLD]
BASE: dict[str, Any] = {
    "study": "keys",
    "population": {"age_years": {"median": 40, "range": [5, 80]}},
    "arms": {
        "a": {
            "n": 12,
            "regimen": {
                "drug": "blinatumomab", "cycle_days": 35, "cycles": 2, "doses": DOSES, "toxicity_rules": RULES,
                "premedication": {"dexamethasone_mg": 16},
            },
        },
        "b": {"n": 6, "regimen": {"id": "flag", "drug": "chemotherapy", "cycle_days": 28, "cycles": 2}},
    },
    "allocation": {"ratio": [2, 1]},
    "follow_up": {"months": 4},
    "endpoints": ["CR/CRh/CRi", "OS", "EFS", "RFS", "MRD_response", "CRS_any"],
    "targets": [{"arm": "a", "endpoint": "CR/CRh/CRi", "events": 5, "n": 12}],
}  # fmt: skip
REGIMEN, BAND = "arms.a.regimen", "arms.a.regimen.weight_bands"
RESPONSE = {"arm": "a", "endpoint": "CR/CRh/CRi", "events": 5, "n": 12}
MEDIAN = {"arm": "a", "endpoint": "OS", "value_months": 3.0, "n": 12, "ci95": [1.0, 6.0]}
LANDMARK = {"arm": "a", "endpoint": "OS", "time_months": 2.0, "value": 0.8, "n": 12}
RATIO = {"endpoint": "OS", "measure": "HR", "treatment": "a", "control": "b", "value": 0.7, "ci95": [0.4, 1.2]}
LONG = {"follow_up.months": 9}
LOOKED_UP = {"arm": "a", "endpoint": "CR/CRh/CRi", "record": "tower-2017", "record_arm": "blinatumomab"}
NO_RESPONSE = "MRD non-responders, landmark day 45"
CURVE = {"arm": "a", "endpoint": "OS", "statistic": "curve", "record": "tower-2017", "record_arm": "blinatumomab"}
ONE_ARM = {"arms": {"a": BASE["arms"]["a"]}, "allocation": {}, "targets": []}
GIVEN = {"weight_kg": 30, "arms.a.regimen.weight_bands": None}


@dataclass
class Change:
    """`path` gets `value` in a study that also has `also`; None leaves the key out."""

    path: str
    value: Any
    also: dict[str, Any] = field(default_factory=dict)
    design: bool = False


def regimen(**also: Any) -> dict[str, Any]:
    return {f"{REGIMEN}.{key}": value for key, value in also.items()}


def rule(**keys: Any) -> dict[str, Any]:
    return {f"{REGIMEN}.toxicity_rules": [{**HOLD, **keys}]}


def target(one: dict[str, Any], key: str, value: Any) -> Change:
    return Change(f"targets[0].{key}", value, {"targets": [one]})


def endpoint(one: dict[str, Any], key: str, value: Any) -> Change:
    return Change(f"endpoints[0].{key}", value, {"endpoints": [one]})


def design(key: str, value: Any, block: dict[str, Any], **also: Any) -> Change:
    return Change(f"design.{key}", value, {"design": block, "targets": [], **also}, design=True)


NODAL = {
    "model": {"id": "b-all", "variant": "lymphoma"},
    "population": {"setting": "lymphoma"},
    "arms": {"a": BASE["arms"]["a"]},
    "allocation": {},
    "endpoints": ["ORR", "TTP"],
    "targets": [],
}
OWN_DRUG = {
    "target": "CD19",
    "quantities": {
        word: {"value": value, "unit": unit, "assumed": "for this test", "range": [0.01, 1000]}
        for word, value, unit in (
            ("molar_mass", 100, "kg/mol"), ("target_affinity", 1, "nmol/L"), ("cd3_affinity", 100, "nmol/L"),
            ("clearance", 0.5, "L/day"), ("volume", 4, "L"),
        )
    },
}  # fmt: skip
LINE = {"id": "next", "share": 1.0, "delay_days": 5, "log10_kill": 2.0, "log10_kill_sd": 0.5, "hsct": 1.0}
LATER = {"later_therapy": {"lines": [LINE]}, f"{REGIMEN}.cycles": 1, "hsct": {"probability": 0.5}}


def line(key: str, value: Any, **also: Any) -> Change:
    """A key of a later line, where many patients come to it."""
    return Change(f"later_therapy.lines[0].{key}", value, {**LATER, "later_therapy": {"lines": [{**LINE, **also}]}})


LIGHT = {"below_kg": 90, "doses": [{"days": "1-28", "amount": 5, "unit": "ug/day"}]}
LOG_RANK = {"primary": "OS", "events": [6]}
SCORE = {"primary": "CR/CRh/CRi"}
SIMON = {"primary": "CR/CRh/CRi", "test": "simon", "null_share": 0.2, "simon": {"alternative_share": 0.5}}
OWN_STAGES = {**SIMON, "simon": {"n1": 4, "r1": 0, "n": 9, "r": 3}}
PRIOR = {"endpoint": "CR", "records": ["faderl-2011", "camera-2004", "giebel-2006"], "drug_class": "chemotherapy"}
BAYES = {"primary": "CR/CRh/CRi", "test": "bayesian", "prior": PRIOR}
NULL = {"primary": "CR/CRh/CRi", "test": "exact", "null_share": 0.2, "null_arm": {"regimen": "flag"}}

ACTS: dict[str, Change] = {
    "study": Change("study", "other-keys"),
    "model": Change("model", "hosseini-2020"),
    "ModelChoice.id": Change("model", {"id": "hosseini-2020", "variant": "nhl"}, NODAL),
    "ModelChoice.variant": Change("model.variant", "lymphoma", {"model": {"id": "b-all"}}),
    "drugs": Change("drugs.own.quantities.clearance.value", 0.2, {"drugs": {"own": OWN_DRUG}, "arms.a.drug": "own"}),
    "simulated_only": Change("simulated_only", True),
    "population": Change("population", {"age_years": 70}),
    "eligibility": Change("eligibility", ["age_years >= 50"]),
    "arms": Change("arms", {"a": BASE["arms"]["a"], "c": BASE["arms"]["b"]}),
    "allocation": Change("allocation", {"randomized": False}),
    "visits": Change("visits", {"counts_every_days": 2}),
    "follow_up": Change("follow_up", {"months": 3}),
    "hsct": Change("hsct", {"offer": "in_response", "probability": 1.0}),
    "later_therapy": Change("later_therapy", "never", LATER),
    "endpoints": Change("endpoints", ["OS"]),
    "targets": Change("targets", [{**RESPONSE, "events": 6}]),
    "design": design("primary", "OS", SCORE),
    "Allocation.randomized": Change("allocation.randomized", False),
    "Allocation.ratio": Change("allocation.ratio", [1, 1]),
    "Allocation.block": Change("allocation.block", 6),
    "Allocation.strata": Change("allocation.strata", ["sex"]),
    "Allocation.counterfactual": Change("allocation", {"counterfactual": True}),
    "Arm.drug": Change("arms.a.drug", "own", {"drugs": {"own": OWN_DRUG}}),
    "Arm.n": Change("arms.a.n", 13),
    "Arm.regimen": Change("arms.b.regimen", "hyper-cvad"),
    "Arm.never_treated": Change("arms.a.never_treated", 0.5),
    "ContinueIf.after_cycle": Change(
        f"{REGIMEN}.continue_if.after_cycle", 2, regimen(continue_if={"after_cycle": 1, "response": ["CR"]}, cycles=3)
    ),
    "ContinueIf.response": Change(
        f"{REGIMEN}.continue_if.response",
        ["PR"],
        regimen(continue_if={"after_cycle": 1, "response": ["complete_MRD_response"]}, cycles=3),
    ),
    "CourseDrug.days": Change(
        "arms.b.regimen.course[0].days", "1-2", {"arms.b.regimen.course": [{"drug": "cytarabine", "days": "1-5"}]}
    ),
    "DataCut.deaths": Change("follow_up.data_cut.deaths", 2, {"follow_up.data_cut": {"deaths": 4}}),
    "DataCut.months": Change("follow_up.data_cut.months", 2, {"follow_up.data_cut": {"months": 3}}),
    "DoseLine.cycles": Change(f"{REGIMEN}.doses[0].cycles", "2"),
    "DoseLine.days": Change(f"{REGIMEN}.doses[0].days", "1-5"),
    "DoseLine.amount": Change(f"{REGIMEN}.doses[0].amount", 12),
    "DoseLine.unit": Change(f"{REGIMEN}.doses[0].unit", "ug/m2/day"),
    "DoseLine.cap": Change(f"{REGIMEN}.doses[0].cap", 5),
    "Endpoint.id": endpoint({"id": "CR"}, "id", "CRi"),
    "Endpoint.window_weeks": endpoint({"id": "CRS_any", "window_weeks": 12}, "window_weeks", 0.2),
    "Endpoint.window_cycles": endpoint({"id": "neurologic_any", "window_weeks": 0.3}, "window_weeks", None),
    "Endpoint.among": endpoint({"id": "MRD_response"}, "among", "all"),
    "Endpoint.origin": endpoint({"id": "RFS"}, "origin", "randomization"),
    "Endpoint.censor_at_hsct": Change(
        "endpoints[0].censor_at_hsct",
        True,
        {"endpoints": [{"id": "OS"}], "hsct": {"offer": "in_response", "probability": 1.0, "delay_days": 1}},
    ),
    "Endpoint.no_response": endpoint({"id": "EFS"}, "no_response", "ignored"),
    "FollowUp.months": Change("follow_up.months", 3),
    "FollowUp.accrual_months": Change("follow_up.accrual_months", 3),
    "FollowUp.dropout_per_year": Change("follow_up.dropout_per_year", 2),
    "FollowUp.data_cut": Change("follow_up.data_cut", {"deaths": 2}),
    "FollowUp.start_year": Change("follow_up.start_year", 1990),
    "LaterTherapyBlock.offer": Change("later_therapy", {"offer": "never"}, LATER),
    "LaterTherapyBlock.lines": Change("later_therapy.lines", [{**LINE, "share": 0.1}], LATER),
    "LaterLine.id": line("id", "other"),
    "LaterLine.agent": line("agent", "antibody"),
    "LaterLine.share": line("share", 0.1),
    "LaterLine.otherwise": Change(
        "later_therapy.lines[0].otherwise",
        "next_line",
        {**LATER, "later_therapy": {"lines": [{**LINE, "share": 0.0}, {**LINE, "id": "after"}]}},
    ),
    "LaterLine.delay_days": line("delay_days", 15),
    "LaterLine.regimen": line("regimen", "vsli"),
    "LaterLine.strength": line("strength", 5.0),
    "LaterLine.log10_kill": line("log10_kill", 4.0),
    "LaterLine.log10_kill_sd": line("log10_kill_sd", 3.0),
    "LaterLine.spares_cd19_negative": line("spares_cd19_negative", True),
    "LaterLine.hsct": line("hsct", 0.0),
    "LongerCycles.from_cycle": Change(
        f"{REGIMEN}.longer_cycles.from_cycle", 2, regimen(longer_cycles={"from_cycle": 1, "cycle_days": 49})
    ),
    "LongerCycles.cycle_days": Change(
        f"{REGIMEN}.longer_cycles.cycle_days", 42, regimen(longer_cycles={"from_cycle": 1, "cycle_days": 49})
    ),
    "MrdAssay.assay": Change("visits.mrd.assay", "pcr"),
    "MrdAssay.limit": Change("visits.mrd.limit", 0.01),
    "PopulationBlock.setting": Change("population.setting", "untreated"),
    "PopulationBlock.age_years": Change("population.age_years", 60),
    "PopulationBlock.female": Change("population.female", 1),
    "PopulationBlock.weight_kg": Change("population.weight_kg", 50),
    "PopulationBlock.height_cm": Change("population.height_cm", 150),
    "PopulationBlock.ph_positive": Change("population.ph_positive", 1),
    "PopulationBlock.marrow_blasts_percent": Change("population.marrow_blasts_percent", 20),
    "PopulationBlock.salvage_line": Change("population.salvage_line", {"4": 1.0}),
    "PopulationBlock.prior_hsct": Change("population.prior_hsct", 1),
    "PopulationBlock.extramedullary": Change("population.extramedullary", 1),
    "PopulationBlock.performance": Change("population.performance", {"3": 1.0}),
    "PopulationBlock.mrd_log10": Change("population.mrd_log10", -3, {"population": {"setting": "mrd_positive"}}),
    "PopulationBlock.blood_blasts_per_uL": Change("population.blood_blasts_per_uL", 5000),
    "PopulationBlock.cd8_per_uL": Change("population.cd8_per_uL", 900),
    "PopulationBlock.remission_months": Change("population.remission_months", 40),
    "PopulationBlock.other": Change("population.other", {"ldh_per_uln": 2}),
    "PopulationBlock.lineage": Change("population.lineage", "T"),
    "PopulationBlock.cd20_positive": Change("population.cd20_positive", 0.5),
    "PopulationBlock.unrelated_donor": Change("population.unrelated_donor", 1),
    "PopulationBlock.tumor_mL": Change("population.tumor_mL", 20, NODAL),
    "PopulationBlock.indolent": Change("population.indolent", 1, {**NODAL, "population.indolent": 0}),
    "Premedication.dexamethasone_mg": Change(f"{REGIMEN}.premedication.dexamethasone_mg", 0),
    "Premedication.dexamethasone_mg_per_m2": Change(f"{REGIMEN}.premedication.dexamethasone_mg_per_m2", 2),
    "Regimen.id": Change("arms.b.regimen.id", "vsli"),
    "Regimen.drug": Change("arms.b.regimen", {**BASE["arms"]["a"]["regimen"]}),
    "Regimen.route": Change(
        f"{REGIMEN}.route",
        "subcutaneous",
        regimen(doses=[{"days": "1", "amount": 200, "unit": "ug"}], route="iv_bolus"),
    ),
    "Regimen.cycle_days": Change(f"{REGIMEN}.cycle_days", 28),
    "Regimen.cycles": Change(f"{REGIMEN}.cycles", 1),
    "Regimen.longer_cycles": Change(f"{REGIMEN}.longer_cycles", {"from_cycle": 1, "cycle_days": 49}),
    "Regimen.doses": Change(f"{REGIMEN}.doses", DOSES[1:]),
    "Regimen.weight_bands": Change(BAND, [LIGHT]),
    "Regimen.premedication": Change(f"{REGIMEN}.premedication", {}),
    "Regimen.toxicity_rules": Change(f"{REGIMEN}.toxicity_rules", "none"),
    "Regimen.continue_if": Change(f"{REGIMEN}.continue_if", {"after_cycle": 1, "response": ["complete_MRD_response"]}),
    "Regimen.stop_if": Change(f"{REGIMEN}.stop_if", {"after_cycle": 1, "response": ["CR", "CRh", "CRi"]}),
    "StopIf.after_cycle": Change(
        f"{REGIMEN}.stop_if.after_cycle", 2, regimen(stop_if={"after_cycle": 1, "response": ["CR", "CRh", "CRi"]})
    ),
    "StopIf.response": Change(
        f"{REGIMEN}.stop_if.response", ["PR"], regimen(stop_if={"after_cycle": 1, "response": ["CR", "CRh", "CRi"]})
    ),
    "Regimen.course": Change("arms.b.regimen.course", [{"drug": "cytarabine", "days": "1-2"}]),
    "Regimen.strength": Change("arms.b.regimen.strength", 0.2),
    "Regimen.marrow_toxicity": Change("arms.b.regimen.marrow_toxicity", 0.2),
    "Regimen.assumptions": Change(f"{REGIMEN}.assumptions", ["a remark that is told at the run"]),
    "Target.arm": target(RESPONSE, "arm", "b"),
    "Target.endpoint": target(RESPONSE, "endpoint", "CR"),
    "Target.statistic": target({**LANDMARK, "statistic": "survival_at"}, "statistic", "cumulative_at"),
    "Target.events": target(RESPONSE, "events", 6),
    "Target.n": target(RESPONSE, "n", 20),
    "Target.proportion": target({"arm": "a", "endpoint": "CR", "proportion": 0.4, "n": 12}, "proportion", 0.5),
    "Target.value": target(LANDMARK, "value", 0.7),
    "Target.value_months": target(MEDIAN, "value_months", 4.0),
    "Target.value_weeks": target({**MEDIAN, "value_months": None, "value_weeks": 12, "ci95": None}, "value_weeks", 13),
    "Target.value_days": target({**MEDIAN, "value_months": None, "value_days": 90, "ci95": None}, "value_days", 80),
    "Target.value_years": target({**MEDIAN, "value_months": None, "value_years": 1, "ci95": None}, "value_years", 2),
    "Target.time_months": target(LANDMARK, "time_months", 1.0),
    "Target.time_weeks": target({**LANDMARK, "time_months": None, "time_weeks": 8}, "time_weeks", 4),
    "Target.time_days": target({**LANDMARK, "time_months": None, "time_days": 60}, "time_days", 30),
    "Target.time_years": target({**LANDMARK, "time_months": None, "time_years": 0.2}, "time_years", 0.1),
    "Target.ci95": target(MEDIAN, "ci95", [2.0, 6.0]),
    "Target.measure": target({**RATIO, "endpoint": "CR/CRh/CRi", "measure": "OR"}, "measure", "difference"),
    "Target.treatment": Change("targets[0]", {**RATIO, "treatment": "b", "control": "a"}, {"targets": [RATIO]}),
    "Target.control": Change("targets[0]", {**RATIO, "treatment": "b", "control": "a"}, {"targets": [RATIO]}),
    "Target.record": Change(
        "targets[0]", {**CURVE, "record": "ino-vate-2016", "record_arm": "inotuzumab"}, {"targets": [CURVE], **LONG}
    ),
    "Target.record_arm": Change("targets[0].record_arm", "chemotherapy", {"targets": [CURVE], **LONG}),
    "Target.record_endpoint": target({**LOOKED_UP, "record_endpoint": "CR"}, "record_endpoint", "CR/CRh/CRi"),
    "Target.record_subgroup": target(
        {"arm": "a", "endpoint": "OS", "statistic": "median", "record": "blast-2014", "record_subgroup": NO_RESPONSE},
        "record_subgroup",
        "MRD non-responders with alloHSCT",
    ),
    "Target.subgroup": target(RESPONSE, "subgroup", "age_years < 40"),
    "Target.window_weeks": target({**RESPONSE, "endpoint": "CRS_any", "window_weeks": 12}, "window_weeks", 0.2),
    "Target.window_cycles": target({**RESPONSE, "window_weeks": 1}, "window_weeks", None),
    "Target.window": target(RESPONSE, "window", "the first two cycles"),
    "Target.among": target({**RESPONSE, "endpoint": "MRD_response"}, "among", "all"),
    "ToxicityRule.event": Change(f"{REGIMEN}.toxicity_rules[0].event", "CRS", rule()),
    "ToxicityRule.grade": Change(f"{REGIMEN}.toxicity_rules[0].grade", "4+", rule()),
    "ToxicityRule.action": Change(f"{REGIMEN}.toxicity_rules[0].action", "stop", rule()),
    "ToxicityRule.resume_at_grade": Change(f"{REGIMEN}.toxicity_rules[0].resume_at_grade", 0, rule()),
    "ToxicityRule.min_hold_days": Change(f"{REGIMEN}.toxicity_rules[0].min_hold_days", 5, rule()),
    "ToxicityRule.max_hold_days": Change(f"{REGIMEN}.toxicity_rules[0].max_hold_days", 0.5, rule()),
    "ToxicityRule.restart": Change(f"{REGIMEN}.toxicity_rules[0].restart", "same", rule()),
    "ToxicityRule.restart_days": Change(f"{REGIMEN}.toxicity_rules[0].restart_days", 2, rule()),
    "ToxicityRule.stop_if_recurs": Change(f"{REGIMEN}.toxicity_rules[0].stop_if_recurs", True, rule()),
    "ToxicityRule.dexamethasone_mg_per_day": Change(
        f"{REGIMEN}.toxicity_rules[0].dexamethasone_mg_per_day", 24, rule()
    ),
    "ToxicityRule.dexamethasone_days": Change(
        f"{REGIMEN}.toxicity_rules[0].dexamethasone_days", 1, rule(dexamethasone_mg_per_day=24, min_hold_days=5)
    ),
    "ToxicityRule.tocilizumab": Change(
        f"{REGIMEN}.toxicity_rules[0].tocilizumab", True, {f"{REGIMEN}.toxicity_rules": [{**HOLD, "event": "CRS"}]}
    ),
    "Transplant.offer": Change("hsct.offer", "in_mrd_response", {"hsct": {"offer": "in_response", "probability": 1}}),
    "Transplant.probability": Change("hsct.probability", 0.0, {"hsct": {"offer": "in_response", "probability": 1}}),
    "Transplant.earliest_after_cycle": Change("hsct.earliest_after_cycle", 2, {"hsct": {"probability": 1}}),
    "Transplant.delay_days": Change("hsct.delay_days", 30, {"hsct": {"probability": 1}}),
    "Transplant.without_remission": Change("hsct.without_remission", 1.0, {"hsct": {"probability": 0.5}}),
    "Visits.marrow_days": Change("visits.marrow_days", [15]),
    "Visits.counts_every_days": Change("visits.counts_every_days", 3),
    "Visits.mrd": Change("visits.mrd", {"limit": 0.01}),
    "Visits.after_treatment_every_days": Change("visits.after_treatment_every_days", 14),
    "WeightBand.below_kg": Change(f"{BAND}[0].below_kg", 20, regimen(weight_bands=[LIGHT])),
    "WeightBand.doses": Change(f"{BAND}[0].doses[0].amount", 8, regimen(weight_bands=[LIGHT])),
    "DesignBlock.primary": design("primary", "MRD_response", SCORE),
    "DesignBlock.treatment": Change(
        "design", {**SCORE, "treatment": "b", "control": "a"}, {"design": SCORE, "targets": []}, design=True
    ),
    "DesignBlock.control": Change(
        "design", {**SCORE, "treatment": "b", "control": "a"}, {"design": SCORE, "targets": []}, design=True
    ),
    "DesignBlock.test": design("test", "fisher", {**SCORE, "test": "score"}),
    "DesignBlock.patients": design("patients", [12, 18], SCORE),
    "DesignBlock.alpha": design("alpha", 0.2, SCORE),
    "DesignBlock.information": design("information", [0.5, 1], SCORE),
    "DesignBlock.events": design("events", [3], LOG_RANK),
    "DesignBlock.spending": design("spending", "pocock", {**SCORE, "information": [0.5, 1]}),
    "DesignBlock.futility": design("futility", [3.0], {**SCORE, "information": [0.5, 1]}),
    "DesignBlock.stratified": design(
        "stratified", False, {**LOG_RANK, "patients": [60]}, **{"allocation.strata": ["age_years < 40", "sex"]}
    ),
    "DesignBlock.null_share": design("null_share", 0.5, NULL, **ONE_ARM),
    "DesignBlock.simon": design("simon", OWN_STAGES["simon"], SIMON, **ONE_ARM),
    "DesignBlock.prior": design("prior", {**PRIOR, "records": ["faderl-2011"]}, BAYES, **ONE_ARM),
    "DesignBlock.treatment_prior": design("treatment_prior", [200, 1], BAYES, **ONE_ARM),
    "DesignBlock.margin": design("margin", -0.3, BAYES, **ONE_ARM),
    "DesignBlock.ratio": design(
        "ratio",
        0.05,
        {"primary": "OS", "test": "bayesian", "threshold": 0.6, "prior": {"records": ["tower-2017"]}},
        **ONE_ARM,
    ),
    "DesignBlock.threshold": design("threshold", 0.6, BAYES, **ONE_ARM),
    "DesignBlock.null_arm": design("null_arm", {"regimen": "flag"}, {**NULL, "null_arm": None}, **ONE_ARM),
    "DesignBlock.scenarios": design("scenarios", {"older": {"population.age_years": 70}}, SCORE),
    "NullArm.regimen": design("null_arm.regimen", "vsli", NULL, **ONE_ARM),
    "NullArm.never_treated": design("null_arm.never_treated", 0.9, NULL, **ONE_ARM),
    "SimonChoice.alternative_share": design("simon.alternative_share", 0.6, SIMON, **ONE_ARM),
    "SimonChoice.power": design("simon.power", 0.9, SIMON, **ONE_ARM),
    "SimonChoice.choose": design("simon.choose", "minimax", SIMON, **ONE_ARM),
    "SimonChoice.n1": design("simon.n1", 5, OWN_STAGES, **ONE_ARM),
    "SimonChoice.r1": design("simon.r1", 1, OWN_STAGES, **ONE_ARM),
    "SimonChoice.n": design("simon.n", 10, OWN_STAGES, **ONE_ARM),
    "SimonChoice.r": design("simon.r", 4, OWN_STAGES, **ONE_ARM),
    "PriorChoice.endpoint": design("prior.endpoint", "CR/CRi", BAYES, **ONE_ARM),
    "PriorChoice.regimens": design("prior.regimens", ["flam"], BAYES, **ONE_ARM),
    "PriorChoice.drug_class": design("prior.drug_class", "t_cell_engager", BAYES, **ONE_ARM),
    "PriorChoice.setting": design("prior.setting", "mrd_positive", BAYES, **ONE_ARM),
    "PriorChoice.study_design": design("prior.study_design", "randomized_trial", BAYES, **ONE_ARM),
    "PriorChoice.year": design("prior.year", "2005-", BAYES, **ONE_ARM),
    "PriorChoice.records": design("prior.records", ["faderl-2011"], BAYES, **ONE_ARM),
    "PriorChoice.tau_scale": design("prior.tau_scale", 0.2, BAYES, **ONE_ARM),
    "PriorChoice.robust_weight": design("prior.robust_weight", 0.6, BAYES, **ONE_ARM),
    "PriorChoice.robust_mean": design("prior.robust_mean", 0.1, BAYES, **ONE_ARM),
}

FOR_THE_READER = {
    "version": "the format's; another is refused",
    "title": "the heading of page and report",
    "record": "the report links to it",
    "sources": "where the figures of the file were read",
    "CourseDrug.drug": "a course is killed with as a whole, by the regimen's strength",
    "CourseDrug.dose": "as drug",
    "CourseDrug.unit": "as drug",
    "CourseDrug.route": "as drug",
    "CourseDrug.every_hours": "as drug",
    "CourseDrug.note": "as drug",
    "Target.use": "fit or check; read by calibration and validation (tests/unit/calibration/test_fit.py)",
    "Target.definition": "told beside the figure",
    "Target.derived": "told beside the figure",
    "Target.p": "told beside the figure",
    "Target.source": "told beside the figure",
    "Target.note": "told beside the figure",
}


def keys_of_the_schema() -> list[str]:
    schema = json.loads(schema_text())
    blocks = {"": schema, **{f"{name}.": block for name, block in schema["$defs"].items()}}
    return [f"{prefix}{key}" for prefix, block in blocks.items() for key in block.get("properties", {})]


def test_every_key_of_the_format_acts_or_has_a_reason():
    keys = set(keys_of_the_schema())
    assert keys - set(ACTS) - set(FOR_THE_READER) == set(), "new keys: give each a change in ACTS that is seen"
    assert (set(ACTS) | set(FOR_THE_READER)) - keys == set(), "keys that are no longer there"
    assert not set(ACTS) & set(FOR_THE_READER)


@pytest.mark.parametrize("key", ACTS)
def test_a_change_of_the_key_is_seen(key, monkeypatch):
    monkeypatch.setattr(engager.study.design.arms, "simulate_trial", small_trial)
    change = ACTS[key]
    base = copy.deepcopy(BASE)
    for path, value in change.also.items():
        put(base, path, value)
    changed = copy.deepcopy(base)
    put(changed, change.path, change.value)
    before, after = (seen(json.dumps(one), change.design) for one in (base, changed))
    assert "refused" not in before, before["refused"]
    assert before != after


def put(raw: dict[str, Any], path: str, value: Any) -> None:
    *way, last = [int(step) if step.isdigit() else step for step in re.findall(r"[^.\[\]]+", path)]
    place: Any = raw
    for step in way:
        if isinstance(place, dict) and isinstance(place.get(step), str):
            place[step] = {"id": place[step]}
        place = place[step] if isinstance(place, list) else place.setdefault(step, {})
    if value is None:
        place.pop(last, None)
    else:
        place[last] = copy.deepcopy(value)


def without_nothing(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_nothing(one) for key, one in value.items() if one is not None}
    return [without_nothing(one) for one in value] if isinstance(value, list) else value


@cache
def seen(text: str, design: bool) -> dict[str, Any]:
    """Everything a study gives: tables, estimates, comparisons, notes, the answer of its design; or its refusal."""
    try:
        protocol = Protocol.model_validate(without_nothing(json.loads(text)))
        if design:
            found = design_json(design_study(protocol, replicates=4))
            return {key: value for key, value in found.items() if key not in ("seconds", "run")} | {
                "notes": protocol.notes()
            }
        data = simulate_trial(protocol, replicates=[0, 1], seed=3, n_sampled=2, settings=lambda replicate: EVENTFUL)
        estimates = estimate_endpoints(data, requests_of(protocol), protocol.population.setting)
        return {
            "tables": [digest_object(getattr(data, name).write_json()) for name in ("patients", "visits", "events")],
            "courses": digest_object(data.trajectories.write_json()),
            "estimates": digest_object([estimates.write_json(), definitions_of(protocol)]),
            "comparisons": digest_object([one.as_json() for one in compare(data)]),
            "notes": [*protocol.notes(), protocol.how_allocated()],
        }
    except (InputError, ValueError) as error:
        return {"refused": str(error)}


def small_trial(protocol: Protocol, **options: Any) -> Any:
    """The trials of a design, with frequent events."""
    return simulate_trial(protocol, **{**options, "settings": lambda replicate: EVENTFUL})
