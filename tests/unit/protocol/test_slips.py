"""Slips in a study file are told by their key, once, and before anything is simulated."""

import pytest

from engager.core import InputError
from engager.protocol import Protocol, read_protocol, shipped_protocol, shipped_protocols, write_protocol
from engager.protocol.population import RESERVED
from engager.trial import simulate_trial

ARMS = "arms: {b: {n: 30, regimen: blinatumomab}, c: {n: 30, regimen: flag}}\n"
INLINE = "{n: 30, regimen: {drug: DRUG, cycle_days: DAYS, cycles: 2, doses: [{days: 1, amount: 9, unit: UNIT}]}}"


def problems(text):
    with pytest.raises(InputError) as caught:
        read_protocol("study: x\n" + text, "mine.yaml")
    return [(one.where.split(": ")[1].split(" (line")[0], one.rule, one.next_step) for one in caught.value.problems]


def inline(drug="blinatumomab", days=42, unit="ug/day"):
    text = INLINE.replace("DRUG", drug).replace("DAYS", str(days)).replace("UNIT", unit)
    return f"arms: {{b: {text}}}\n"


def notes(text):
    return read_protocol("study: x\n" + text).notes()


def test_a_key_with_several_forms_is_told_once_and_by_its_name():
    ((where, rule, hint),) = problems(ARMS + "hsct: {probability: 40}\n")
    assert (where, rule) == ("hsct.probability", "must be less than or equal to 1")
    assert "one by arm" in hint
    ((where, _, _),) = problems(ARMS + "hsct: {probability: {b: 40}}\n")
    assert where == "hsct.probability.b"
    rules = inline().replace("cycles: 2", "cycles: 2, toxicity_rules: RULES")
    ((where, rule, _),) = problems(rules.replace("RULES", "strict"))
    assert (where, rule) == ("arms.b.regimen.toxicity_rules", "must be 'label' or 'none'")
    ((where, rule, _),) = problems(rules.replace("RULES", "[{event: crs, grade: 3, action: hold}]"))
    assert where == "arms.b.regimen.toxicity_rules[0].event"


@pytest.mark.parametrize("grade", ["6", "6+", "2-6", "[3, 10]"])
def test_a_rule_for_a_grade_that_no_event_reaches_is_refused(grade):
    text = inline().replace("cycles: 2", f"cycles: 2, toxicity_rules: [{{event: CRS, grade: {grade}, action: stop}}]")
    ((where, rule, _),) = problems(text)
    assert (where, rule) == ("arms.b.regimen.toxicity_rules[0].grade", "must be grades from 1 to 5")


@pytest.mark.parametrize("source", ["2", "2.5", "true", "{a: 1}", "[[a]]"])
def test_a_source_that_is_no_text_is_told_with_its_place(source):
    target = f"{{record: tower-2017, arm: b, record_arm: blinatumomab, endpoint: CR, source: {source}}}"
    places = [where for where, _, _ in problems(inline() + f"targets: [{target}]\n")]
    assert any(where.startswith("targets[0]") for where in places)


def test_rules_use_the_words_of_the_file():
    found = problems("arms: {b: true}\neligibility: age_years > 3\ntitle: 5\nendpoints: 3\n")
    rules = {where: rule for where, rule, _ in found}
    assert rules["arms.b"] == "must be a mapping of keys and values"
    assert rules["eligibility"].startswith("must be a list")
    assert rules["title"] == "must be text"
    assert not any(word in rule for rule in rules.values() for word in ("tuple", "dictionary", "instance"))


def test_an_id_that_yaml_reads_as_a_truth_value_says_so():
    ((_, _, hint),) = problems("arms: {true: {n: 3, regimen: flag}}\n")
    assert "quotes" in hint


def test_one_bad_condition_hides_no_other():
    found = problems(ARMS + 'eligibility: ["age_years >", 3, "ecog < 2"]\n')
    assert sorted(where for where, _, _ in found) == ["eligibility[0]", "eligibility[1]", "eligibility[2]"]


@pytest.mark.parametrize("condition", ["age_years", "salvage_line == '1'", "age_years in ['x']", "not age_years"])
def test_a_condition_of_the_wrong_kind_is_refused_before_simulating(condition):
    target = f'targets: [{{arm: b, endpoint: CR, proportion: 0.3, subgroup: "{condition}"}}]\n'
    assert [where for where, _, _ in problems(ARMS + target)] == ["targets[0].subgroup"]
    assert [where for where, _, _ in problems(ARMS + f'eligibility: ["{condition}"]\n')] == ["eligibility[0]"]


def test_another_engager_or_model_is_not_taken_for_the_usual_one():
    ((where, rule, _),) = problems(inline(drug="teclistamab"))
    assert where == "arms.b.regimen.drug"
    assert "blinatumomab" in rule
    ((where, _, hint),) = problems(inline() + "model: b-al\n")
    assert (where, hint) == ("model", "Did you mean b-all?")
    places = [where for where, _, _ in problems(inline() + "model: hosseini-2020\n")]
    assert "population.setting" in places
    assert any(where.startswith("endpoints[") for where in places)


def test_a_cycle_without_end_is_refused():
    ((where, _, _),) = problems(inline(days=1_000_000_000))
    assert where == "arms.b.regimen.cycle_days"


def test_numbers_beyond_reason_are_refused():
    ((where, rule, _),) = problems(inline().replace("amount: 9", "amount: 1e300"))
    assert where == "arms.b.regimen.doses[0]"
    assert "1 g" in rule
    with pytest.raises(InputError, match="at most 10000000"):
        read_protocol("study: x\n" + inline()).with_patients(100_000_000_000)


def test_doses_by_kg_are_told_what_to_do():
    ((_, _, hint),) = problems(inline(unit="ug/kg/day"))
    assert "weight_bands" in hint


def test_own_covariates_cannot_take_a_column():
    raw = {"study": "x", "arms": {"b": {"n": 4, "regimen": "blinatumomab"}}, "follow_up": {"months": 0.3}}
    columns = simulate_trial(Protocol.model_validate(raw), replicates=[0], seed=1, n_sampled=0).patients.columns
    given = {"age_years", "female", "ph_positive", "salvage_line", "prior_hsct", "extramedullary", "remission_months"}
    given |= {"performance"}
    given |= {"height_cm", "weight_kg", "marrow_blasts_percent", "mrd_log10"}
    assert set(columns) - given <= set(RESERVED)
    ((where, rule, _),) = problems(ARMS + "population: {other: {n_cycles: 3, and: 2, ldh: 1}}\n")
    assert where == "population"
    assert "'n_cycles', 'and'" in rule
    assert "ldh'" not in rule


def test_numbers_that_do_nothing_are_told():
    text = ARMS + (
        "allocation: {ratio: [2, 1]}\nfollow_up: {data_cut: {deaths: 100}}\nhsct: {probability: {b: 0.4}}\n"
        "targets: [{arm: b, endpoint: CR, proportion: 0.3, window: 12 weeks}]\n"
    )
    found = " ".join(notes(text))
    for said in ("allocation.ratio [2, 1]", "100 deaths", "c is not named", "targets[0].window is text"):
        assert said in found
    fair = ARMS.replace("n: 30, regimen: blin", "n: 61, regimen: blin") + "allocation: {ratio: [2, 1]}\n"
    assert not any("ratio" in note for note in notes(fair))


def test_a_data_cut_before_the_last_patient_enters_is_told():
    text = ARMS + "follow_up: {accrual_months: 10, data_cut: {months: %s}}\n"
    assert any("follow_up.data_cut: at 5 months, while patients enter over 10" in note for note in notes(text % 5))
    assert not any("data_cut" in note for note in notes(text % 10))


@pytest.mark.parametrize("n", ["1:30", "yes", "true", "1_000", "'1_000'", "2020-01-01", "٣"])
def test_what_is_no_number_is_no_number_of_patients(n):
    ((where, rule, _),) = problems(f"arms: {{b: {{n: {n}, regimen: flag}}}}\n")
    assert (where, rule) == ("arms.b.n", "must be a number")


def test_a_leading_zero_makes_no_octal():
    assert read_protocol("study: x\narms: {b: {n: 010, regimen: flag}}\n").arms["b"].n == 10


@pytest.mark.parametrize("share", ["yes", "on", "true"])
def test_a_truth_value_is_no_share(share):
    ((where, rule, _),) = problems(ARMS + f"hsct: {{probability: {share}}}\n")
    assert (where, rule) == ("hsct.probability", "must be a number")


@pytest.mark.parametrize("key", ["a[b", "[", "a[0", "[²]", "dict[a", "list[", "a]"])
@pytest.mark.parametrize("block", ["{}", "hsct: {{{}}}", "endpoints: [{{id: CR, {}}}]", "targets: [{{arm: b, {}}}]"])
def test_a_key_with_a_bracket_is_an_unknown_key(block, key):
    found = problems(ARMS + block.format(f"'{key}': 3") + "\n")
    assert any(where.endswith(key) and rule == "is not a key of the study format" for where, rule, _ in found)


@pytest.mark.parametrize("key", ["b[0]", "b["])
def test_an_id_with_a_bracket_is_no_id(key):
    assert "match pattern" in problems(f"arms: {{'{key}': {{n: 3, regimen: flag}}}}\n")[0][1]


@pytest.mark.parametrize("sign", ["\\0", "\\x07", "\\uD800", "\\uFFFF"])
def test_a_sign_that_no_page_can_hold_is_refused(sign):
    assert "control character" in problems(ARMS + f'title: "a{sign}b"\n')[0][1]


@pytest.mark.parametrize("study", shipped_protocols())
def test_a_study_written_out_reads_back_the_same(study):
    protocol = shipped_protocol(study)
    assert read_protocol(write_protocol(protocol)) == protocol
