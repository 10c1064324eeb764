"""Conditions: what is read, what is refused, what missing values do."""

import gc
import threading

import polars as pl
import pytest

from engager.core import InputError, parse_condition

TABLE = pl.DataFrame(
    {
        "age_years": [17.0, 40.0, 70.0, None, float("nan")],
        "prior_hsct": [True, False, True, True, None],
        "salvage_line": [0, 1, 2, 3, 1],
        "region": ["europe", "europe", "asia", None, "asia"],
    }
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("age_years >= 18", [False, True, True, False, False]),
        ("not age_years >= 18", [True, False, False, False, False]),
        ("age_years >= 65 and prior_hsct", [False, False, True, False, False]),
        ("18 <= age_years < 65", [False, True, False, False, False]),
        ("prior_hsct == false or salvage_line > 2", [False, True, False, True, False]),
        ("salvage_line in [1, 2]", [False, True, True, False, True]),
        ("salvage_line not in (1, 2)", [True, False, False, True, False]),
        ("region == 'europe'", [True, True, False, False, False]),
        ("age_years - 20 * salvage_line > 10", [True, True, True, False, False]),
        ("prior_hsct", [True, False, True, True, False]),
        ("salvage_line != -1", [True] * 5),
        ("salvage_line / 2 + 1 == 2", [False, False, True, False, False]),
    ],
)
def test_condition_selects_rows_and_never_those_it_cannot_judge(text, expected):
    assert parse_condition(text).holds(TABLE).to_list() == expected


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true')",
        "age_years.real > 3",
        "[x for x in (1,)]",
        "age_years[0] > 1",
        "age_years > (lambda: 3)()",
        "age_years is True",
        "age_years ** 9 > 1",
        "age_years > 5; prior_hsct",
        "age_years >",
        "age_years + 3",
        "salvage_line in region",
        "f'{age_years}' == 'x'",
        "1 < 2",
        "",
        "   ",
        "(" * 300 + "age_years > 1" + ")" * 300,
        "age_years > 1" + " and age_years > 1" * 60,
        "age_years > 1\x00",
    ],
)
def test_anything_but_a_comparison_is_refused(text):
    with pytest.raises(InputError):
        parse_condition(text)


def test_unknown_columns_are_named_together_with_the_nearest():
    with pytest.raises(InputError) as caught:
        parse_condition("age_year > 3 and salvage > 1", TABLE.columns, "trial.yaml: eligibility[0]")
    assert len(caught.value.problems) == 2
    assert "age_years" in str(caught.value)
    assert "trial.yaml: eligibility[0]" in str(caught.value)


def test_text_compared_with_a_number_is_refused_at_the_table():
    with pytest.raises(InputError, match="like with like"):
        parse_condition("region > 3").holds(TABLE)


def test_number_where_a_yes_or_no_is_needed_is_refused():
    with pytest.raises(InputError):
        parse_condition("salvage_line").holds(TABLE)


def test_absent_column_is_refused_at_the_table():
    with pytest.raises(InputError, match="weight_kg"):
        parse_condition("weight_kg > 50").holds(TABLE)


def test_condition_remembers_its_text_and_columns():
    condition = parse_condition("age_years > 1 or prior_hsct")
    assert condition.text == "age_years > 1 or prior_hsct"
    assert condition.columns == {"age_years", "prior_hsct"}


def test_two_threads_may_read_conditions_at_once():
    """One is held up while its tree is built, wherever the collector runs, and another reads a condition meanwhile."""
    here, met, wrong = threading.current_thread(), [], []

    def read(depth):
        if depth:
            return read(depth - 1)
        try:
            parse_condition("age_years >= 18 and not (prior_hsct or salvage_line > 2)")
        except SystemError as error:
            wrong.append(error)
        return None

    def hold_up(phase, info):
        if phase == "start" and threading.current_thread() is here and len(met) < 40:
            met.append(threading.Thread(target=read, args=(40,)))
            met[-1].start()
            met[-1].join(0.02)

    before = gc.get_threshold()
    gc.callbacks.append(hold_up)
    gc.set_threshold(3)
    try:
        for _ in range(10):
            read(0)
    finally:
        gc.callbacks.remove(hold_up)
        gc.set_threshold(*before)
    for one in met:
        one.join()
    assert met
    assert not wrong
