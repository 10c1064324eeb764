"""A study file is read whole: defaults filled, every problem told with its key."""

import pytest

from engager.core import InputError
from engager.protocol import Protocol, read_protocol, shipped_protocol, shipped_protocols, write_protocol

SMALL = """
study: small
arms:
  a: {n: 20, regimen: blinatumomab}
  b: {n: 10, regimen: flag}
"""

# The example of the format's description, every key of it.
EXAMPLE = """
study: example
version: 1
title: "..."
record: tower-2017
model: b-all
simulated_only: false
population:
  setting: relapsed_refractory
  age_years: {median: 37, range: [18, 80]}
  female: 0.42
  weight_kg: {mean: 75, sd: 16}
  ph_positive: 0
  marrow_blasts_percent: {median: 80, range: [5, 100]}
  salvage_line: {1: 0.42, 2: 0.33, "3+": 0.25}
  prior_hsct: 0.35
  extramedullary: 0.1
eligibility: ["age_years >= 18", "marrow_blasts_percent > 5"]
arms:
  blinatumomab: {n: 271, regimen: blinatumomab}
  short-course:
    n: 30
    regimen:
      drug: blinatumomab
      route: iv_continuous
      cycle_days: 42
      cycles: 5
      doses:
        - {cycles: "1", days: "1-7", amount: 9, unit: ug/day}
        - {cycles: "1", days: "8-28", amount: 28, unit: ug/day}
        - {cycles: "2+", days: "1-28", amount: 28, unit: ug/day}
      weight_bands:
        - {below_kg: 45, doses: [{cycles: "1", days: "1-7", amount: 5, unit: ug/m2/day}, {cycles: "1", days: "8-28", amount: 15, unit: ug/m2/day}]}
      premedication: {dexamethasone_mg: 16}
      toxicity_rules: label
      continue_if: {after_cycle: 2, response: [CR, CRh, CRi]}
allocation: {randomized: true, ratio: [2, 1], block: 6, strata: [age_group, prior_salvage, prior_hsct]}
visits: {marrow_days: [29], counts_every_days: 7, mrd: {assay: flow, limit: 1.0e-4}}
follow_up: {months: 24, accrual_months: 20, dropout_per_year: 0.02, data_cut: {deaths: 248}}
hsct: {offer: in_response, probability: 0.5, earliest_after_cycle: 1}
endpoints:
  - {id: CR, window_weeks: 12}
  - {id: CR/CRh/CRi, window_weeks: 12}
  - {id: MRD_response, among: CR/CRh/CRi, window_cycles: 2}
  - {id: OS, origin: randomization}
  - {id: EFS, origin: randomization}
  - {id: RFS, origin: response, censor_at_hsct: false}
  - {id: CRS_grade3plus}
  - {id: neurologic_grade3plus}
  - {id: HSCT_after_response}
targets:
  - {arm: blinatumomab, endpoint: CR, events: 91, n: 271}
  - {arm: blinatumomab, endpoint: OS, statistic: median, value_months: 7.7, ci95: [5.6, 9.6], n: 271}
  - {arm: blinatumomab, endpoint: EFS, statistic: survival_at, time_months: 6, value: 0.31, n: 271}
  - {endpoint: OS, measure: HR, treatment: blinatumomab, control: short-course, value: 0.71, ci95: [0.55, 0.93]}
  - {arm: blinatumomab, endpoint: CR/CRh, subgroup: "marrow_blasts_percent >= 50", events: 38, n: 130}
"""  # noqa: E501


def problems_of(text):
    with pytest.raises(InputError) as caught:
        read_protocol(text, "file.yaml")
    return caught.value.problems


def test_the_documented_example_is_read():
    protocol = read_protocol(EXAMPLE)
    assert protocol.arms["short-course"].regimen.id == "short-course"
    assert [target.statistic for target in protocol.targets] == [
        "proportion", "median", "survival_at", "hazard_ratio", "proportion",
    ]  # fmt: skip
    assert protocol.targets[3].compared_arm == "blinatumomab vs short-course"


@pytest.mark.parametrize("text", [SMALL, EXAMPLE])
def test_the_filled_study_reads_back_the_same(text):
    protocol = read_protocol(text)
    assert read_protocol(write_protocol(protocol)) == protocol


def test_everything_omitted_has_a_default_that_is_printed():
    written = write_protocol(read_protocol(SMALL))
    for key in ("age_years", "marrow_days", "follow_up", "endpoints", "setting", "hsct", "model"):
        assert f"{key}:" in written


@pytest.mark.parametrize("study", shipped_protocols())
def test_shipped_studies_read_and_mirror_a_record(study):
    protocol = shipped_protocol(study)
    assert protocol.study == study
    assert protocol.record is not None


def test_tower_says_what_was_published():
    tower = shipped_protocol("tower")
    assert tower.n_patients == 405
    asked = {(t.compared_arm, t.endpoint, t.statistic) for t in tower.targets}
    for arm in ("blinatumomab", "chemotherapy"):
        assert {(arm, "CR", "proportion"), (arm, "CR/CRh/CRi", "proportion")} <= asked
        assert {(arm, "OS", "median"), (arm, "EFS", "survival_at")} <= asked
    assert ("blinatumomab vs chemotherapy", "OS", "hazard_ratio") in asked


def test_tower_targets_are_the_figures_of_its_record():
    from engager.evidence import record

    published = {(o.arm, o.endpoint, o.statistic): [] for o in record("tower-2017").outcomes}
    for outcome in record("tower-2017").outcomes:
        if outcome.value is not None:
            published[outcome.arm, outcome.endpoint, outcome.statistic].append(outcome.value)
    for target in shipped_protocol("tower").targets:
        values = published[target.compared_arm, target.endpoint, target.statistic]
        # A published share is rounded to a percent; counts are exact.
        assert any(abs(target.published - value) < 0.006 for value in values), target


def test_all_problems_of_a_file_are_told_together_with_key_and_line():
    text = """
study: Bad_Name
population: {female: 42, heigth: 3}
eligibility: ["age >="]
arms:
  a: {n: -3, regimen: blinatumomap}
  b: {n: 3, regimen: blinatumomab}
visits: {marrow_days: [99]}
targets:
  - {arm: c, endpoint: CR, events: 2, n: 3}
  - {arm: b, endpoint: CR, events: 5, n: 3}
"""
    found = {problem.where: problem for problem in problems_of(text)}
    assert set(found) == {
        "file.yaml: study (line 2)",
        "file.yaml: population.female (line 3)",
        "file.yaml: population.heigth (line 3)",
        "file.yaml: eligibility[0] (line 4)",
        "file.yaml: arms.a.n (line 6)",
        "file.yaml: arms.a.regimen (line 6)",
        "file.yaml: visits.marrow_days (line 8)",
        "file.yaml: targets[0].arm (line 10)",
        "file.yaml: targets[1] (line 11)",
    }
    assert "blinatumomab" in found["file.yaml: arms.a.regimen (line 6)"].next_step
    assert "height_cm" in found["file.yaml: population.heigth (line 3)"].next_step


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: [1", "must be YAML"),
        ("", "must be a mapping"),
        ("- 1", "must be a mapping"),
        ("study: x\nstudy: y", "must be given only once"),
        ("!!python/object:os.system {}", "must be YAML"),
        ("study: x", "is required"),
        (
            SMALL + "simulated_only: true\ntargets: [{arm: a, endpoint: CR, events: 1, n: 2}]",
            "must be false when",
        ),
        (SMALL + "allocation: {ratio: [1, 2, 3]}", "one number for each of the 2 arms"),
        (SMALL + "allocation: {ratio: [2, 1], block: 4}", "multiple of the ratio"),
        (SMALL + "allocation: {strata: [height]}", "not a covariate"),
        (SMALL + "follow_up: {months: 0}", "greater than 0"),
        (SMALL + "follow_up: {data_cut: {deaths: 3, months: 4}}", "either deaths or months"),
        (SMALL + "hsct: {probability: {c: 0.5}}", "must be an arm"),
        (SMALL + "endpoints: [{id: CRX}]", "must be an endpoint"),
        (SMALL + "record: tower", "must be an evidence record"),
        (SMALL + "targets: [{endpoint: OS, value_months: 3}]", "must name an arm"),
        (SMALL + "targets: [{arm: a, endpoint: OS, statistic: median, value: 3}]", "Write value_months"),
        (SMALL + "targets: [{arm: a, endpoint: CR, value: 34}]", "between 0 and 1"),
        (SMALL + "targets: [{arm: a, endpoint: OS, value_months: 3, ci95: [4, 5]}]", "ci95 must hold"),
        (SMALL + "targets: [{endpoint: OS, measure: HR, value: 0.7}]", "needs treatment and control"),
        (SMALL + "targets: [{arm: a, endpoint: CR, events: 1, n: 2, subgroup: 'x > 1'}]", "not a covariate"),
        ("study: x\narms: {a: {n: 0, regimen: flag}}", "greater than or equal to 1"),
        ("study: x\narms: {a: {n: 2.5, regimen: flag}}", "whole number"),
        ("study: x\narms: {a: {regimen: flag}}", "is required"),
        ("study: x\npopulation: {setting: mrd_positive, marrow_blasts_percent: 3}", "mrd_log10"),
    ],
)
def test_each_slip_is_told(text, told):
    assert told in "\n".join(map(str, problems_of(text)))


def test_an_alias_bomb_is_refused_quickly():
    levels = "\n".join(f"l{i}: &l{i} [{', '.join([f'*l{i - 1}'] * 9)}]" for i in range(1, 9))
    told = problems_of(f"l0: &l0 [x]\n{levels}\nstudy: x")
    assert max(len(str(problem.value)) for problem in told) < 10_000


def test_deep_nesting_is_refused():
    assert "deep nesting" in str(problems_of("study: " + "[" * 5000 + "]" * 5000)[0])


def test_another_number_of_patients_keeps_the_proportions():
    tower = shipped_protocol("tower")
    smaller = tower.with_patients(60)
    assert [arm.n for arm in smaller.arms.values()] == [40, 20]
    assert smaller.follow_up.data_cut.deaths == 37  # 248 * 60 / 405, rounded up
    assert [arm.n for arm in tower.with_patients(2).arms.values()] == [1, 1]
    assert tower.with_patients(405) == tower
    for n in (0, 1, -5):
        with pytest.raises(InputError, match="must be at least 2"):
            tower.with_patients(n)


def test_notes_tell_silent_weight_bands_and_targets_without_a_simulation():
    notes = read_protocol(EXAMPLE).notes()
    assert any("cycles 2 to 5 are not named" in note for note in notes)
    extra = SMALL + "targets: [{arm: a, endpoint: pyrexia_any, events: 1, n: 2}]"
    assert any("pyrexia_any" in note for note in read_protocol(extra).notes())


def test_a_one_arm_target_needs_no_arm():
    text = "study: x\narms: {only: {n: 5, regimen: blinatumomab}}\ntargets: [{endpoint: CR, events: 1, n: 5}]"
    protocol = read_protocol(text)
    assert protocol.arm_of(protocol.targets[0]) == "only"


def test_times_are_read_in_any_unit():
    text = SMALL + "targets: [{arm: a, endpoint: OS, value_weeks: 52.17857, ci95: [40, 60]}]"
    target = read_protocol(text).targets[0]
    assert target.published == pytest.approx(12.0, rel=1e-6)
    assert target.interval == pytest.approx((40 * 7 / 30.4375, 60 * 7 / 30.4375))


def test_settings_change_what_is_left_out():
    text = "study: x\npopulation: {setting: mrd_positive}\narms: {a: {n: 5, regimen: blinatumomab-mrd}}"
    protocol = read_protocol(text)
    assert protocol.population.mrd_log10 is not None
    assert protocol.population.marrow_blasts_percent is None
    assert protocol.endpoints[0].id == "complete_MRD_response"
    assert protocol.endpoints[0].among is None


def test_a_protocol_cannot_be_changed():
    with pytest.raises(Exception, match="frozen"):
        Protocol.model_validate(read_protocol(SMALL).model_dump()).study = "other"


def lookup(**keys):
    from engager.protocol.endpoints import Target

    return Target.model_validate({"record": "tower-2017", "arm": "blinatumomab", **keys})


def test_a_figure_is_looked_up_in_its_record():
    found = lookup(endpoint="CR", use="fit")
    assert (found.events, found.n, found.window_weeks) == (91, 271, 12)
    assert found.interval == (0.28, 0.395)
    assert found.source == ("tower-2017#S1", "tower-2017#S7")
    assert (lookup(endpoint="OS", statistic="median").published, lookup(endpoint="OS", statistic="median").n) == (
        7.7,
        271,
    )
    assert lookup(endpoint="EFS", time_months=6).published == 0.31
    ratio = lookup(endpoint="OS", measure="HR", treatment="blinatumomab", control="chemotherapy", arm=None)
    assert (ratio.published, ratio.interval) == (0.71, (0.55, 0.93))
    assert lookup(arm="new-drug", record_arm="chemotherapy", endpoint="CR").published == 0.16
    part = {"record": "blast-2014", "endpoint": "OS", "statistic": "median", "subgroup": "mrd_log10 < -2"}
    part |= {"record_subgroup": "MRD non-responders, landmark day 45"}
    assert lookup(**part).published == 14.4


@pytest.mark.parametrize(("donor", "published"), [("sibling-1993-2012", 0.6), ("unrelated-1993-2012", 0.62)])
def test_two_arms_may_name_a_subgroup_alike(donor, published):
    named = {"record": "giebel-2017-ebmt-cr1", "endpoint": "OS", "statistic": "survival_at", "time_months": 24}
    named |= {"record_subgroup": "2008-2012, age 46-55", "subgroup": "age_years >= 46"}
    assert lookup(**named, record_arm=donor).published == published
    with pytest.raises(ValueError, match="holds several figures"):
        lookup(**named)


def test_a_looked_up_figure_printed_in_full_is_read_again():
    from engager.protocol.endpoints import Target

    found = lookup(endpoint="OS", statistic="median", use="fit")
    assert Target.model_validate(found.model_dump(mode="json")) == found
    assert Target.model_validate(found.model_dump(mode="json", exclude_none=True)) == found


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"endpoint": "CR", "events": 90}, "must be the figure of record tower-2017 .events 91"),
        ({"endpoint": "HSCT_after_response"}, "holds no HSCT_after_response proportion"),
        ({"endpoint": "CRS_grade3plus"}, "Name the source|holds several figures"),
        ({"endpoint": "CR", "arm": "a"}, "has no arm a"),
        ({"endpoint": "CR", "record": "towr-2017"}, "must be an evidence record"),
    ],
)
def test_a_figure_that_its_record_does_not_hold_is_refused(keys, said):
    with pytest.raises(ValueError, match=said):
        lookup(**keys)


def test_no_shipped_target_repeats_or_contradicts_a_number_that_its_record_holds():
    """What is typed all the same is derived, of a part of the patients, or was printed in words."""
    from engager.evidence import load_records
    from engager.protocol import shipped_protocols
    from engager.protocol.endpoints import Target

    records = load_records()
    repeated, contradicted = [], []
    for study in shipped_protocols():
        for i, target in enumerate(shipped_protocol(study).targets):
            named = [target.source] if isinstance(target.source, str) else list(target.source or ())
            if target.record is not None or not named or (name := named[0].split("#")[0]) not in records:
                continue
            keys = target.model_dump(exclude_none=True, exclude_defaults=True) | {"record": name}
            for arm in (target.arm, *(one.id for one in records[name].arms)):
                try:
                    Target.model_validate(keys | {"record_arm": arm})
                except ValueError as error:
                    if "must be the figure of record" in str(error) and not (target.derived or target.subgroup):
                        contradicted.append(f"{study} targets[{i}]: {error}")
                    continue
                repeated.append(f"{study} targets[{i}]: {target.endpoint}")
                break
    assert repeated == []
    assert contradicted == []
