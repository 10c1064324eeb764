"""All slips of a file at once, also those that others hide, each with what to write instead."""

import pytest

from engager.core import InputError, Problem
from engager.protocol import read_protocol
from engager.protocol.slips.numbers import meant_number, what_to_write

ARM = "arms: {b: {n: 30, regimen: blinatumomab}}\n"


def told(text):
    with pytest.raises(InputError) as caught:
        read_protocol("study: x\n" + text, "mine.yaml")
    return {one.where.split(": ")[1].split(" (line")[0]: one for one in caught.value.problems}


@pytest.mark.parametrize(
    ("block", "where", "said"),
    [
        ("follow_up: {months: 24 months}\n", "follow_up.months", "Write 24: the key counts months."),
        ("follow_up: {months: 2 years}\n", "follow_up.months", "Write 24: the key counts months."),
        ("follow_up: {months: 24, dropout_per_year: 5%}\n", "follow_up.dropout_per_year", "Write 0.05, the share."),
        (
            "endpoints: [{id: CR, window_weeks: 84 days}]\n",
            "endpoints[0].window_weeks",
            "Write 12: the key counts weeks.",
        ),
        ("population: {age_years: {median: 40 y, range: [18, 70]}}\n", "population.age_years.median", "Write 40"),
    ],
)
def test_number_with_its_unit_is_answered_with_what_to_write(block, where, said):
    assert told(ARM + block)[where].next_step.startswith(said)


def test_number_of_patients_is_no_percentage():
    assert told("arms: {b: {n: 5%, regimen: blinatumomab}}\n")["arms.b.n"].next_step == "Write a whole number."


def test_amount_with_its_unit_is_split_in_two():
    regimen = "{drug: blinatumomab, cycle_days: 42, cycles: 1, doses: [{days: 1-28, amount: 28 ug/day, unit: ug/day}]}"
    found = told(f"arms: {{b: {{n: 30, regimen: {regimen}}}}}\n")
    assert found["arms.b.regimen.doses[0].amount"].next_step == "Write amount: 28, unit: ug/day."


def test_unit_of_an_inline_regimen_names_those_there_are():
    regimen = "{drug: blinatumomab, cycle_days: 42, cycles: 1, doses: [{days: 1-28, amount: 28, unit: ug/kg/day}]}"
    problem = told(f"arms: {{b: {{n: 30, regimen: {regimen}}}}}\n")["arms.b.regimen.doses[0].unit"]
    assert "ug/day or ug/m2/day" in problem.rule
    assert "weight_bands" in problem.next_step


def test_a_slip_hides_no_rule_of_the_block_around_it():
    # the mean lies outside its possible values, which is only seen once the block can be read
    found = told(ARM + "population: {weight_kg: {mean: -60, sd: 11, colour: red}}\n")
    assert set(found) == {"population.weight_kg.colour", "population.weight_kg"}
    assert "outside the possible values" in found["population.weight_kg"].rule
    regimen = "{drug: blinatumomab, cycle_days: 42 days, cycles: 2, doses: [{days: 1-50, amount: 9, unit: ug/day}]}"
    found = told(f"arms: {{b: {{n: 30, regimen: {regimen}}}}}\n")
    assert set(found) == {"arms.b.regimen.cycle_days", "arms.b.regimen"}
    assert "runs to day 50, but a cycle has 42 days" in found["arms.b.regimen"].rule


def test_nothing_is_said_that_only_a_slip_taken_out_would_cause():
    found = told(ARM + "population: {age_years: {median: forty, range: [18, 70]}}\n")
    assert set(found) == {"population.age_years.median"}
    # that sd is missing is said of the file as it stands
    found = told(ARM + "population: {weight_kg: {mean: 60, sdd: 11}}\n")
    assert set(found) == {"population.weight_kg.sdd", "population.weight_kg.sd"}


def test_null_is_no_key():
    found = told(ARM + "population: {null: 3}\nnull: 4\n")
    assert set(found) == {"population.null", "null"}
    assert str(found["null"]).startswith("mine.yaml: null (line 4): is no key: YAML reads it as nothing.")


def test_keys_of_every_form_of_a_value_are_offered():
    hint = told(ARM + "population: {weight_kg: {mean: 60, sd: 11, rnge: [35, 110]}}\n")["population.weight_kg.rnge"]
    assert "range" in hint.next_step


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ({"months": "two"}, "got {months: two};"),
        ({f"key_{k}": [k] * 9 for k in range(9)}, "got a mapping with key_0, key_1, key_2, key_3, key_4 and 4 more;"),
        ([{"amount": 9, "unit": "ug/day"}] * 9, "got a list of 9;"),
        ([True, None, "a"], "got [true, nothing, a];"),
        ("5%", "got '5%';"),
        (None, "x: must be so."),
    ],
)
def test_values_are_shown_as_a_file_has_them_and_never_cut_in_the_middle(value, shown):
    text = str(Problem("x", value, "must be so"))
    assert shown in text
    assert "{'" not in text


def test_what_holds_no_number_gets_no_answer():
    assert meant_number("forty", ("a",)) is None
    assert what_to_write("forty", ("a",)) == ""
    assert meant_number("80 %", ("marrow_blasts_percent",)) == 80.0
    assert meant_number("6 weeks", ("cycle_days",)) == 42.0
