"""A command line that is wrong is answered with the value, the rule and what to type instead."""

from __future__ import annotations

import pytest

from engager.app.usage import number_advice


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (
            ("trial", "run", "tower", "--replicates", "5%"),
            ("--replicates: got '5%'", "whole number", "--replicates 5."),
        ),
        (("trial", "run", "tower", "--replicates=20x"), ("got '20x'", "--replicates 20.")),
        (("trial", "run", "tower", "--seed", "1.5"), ("got '1.5'", "--seed 1 or --seed 2")),
        (("patient", "--days", "28d"), ("--days: got '28d'", "must be a number", "--days 28.")),
        (("evidence", "pool", "--endpoint", "CR", "--at", "12 months"), ("got '12 months'", "--at 12.")),
        (("trial", "export", "x", "--out", "y", "--reference-date", "soon"), ("got 'soon'", "2026-01-31")),
        (("trial", "run"), ("engager trial run needs STUDY", "Example: engager trial run tower")),
        (("evidence", "pool"), ("needs --endpoint", "Example: engager evidence pool")),
        (("trail", "run"), ("No such command 'trail'", "'trial'", "Example: ")),
        (("trial", "run", "tower", "--patient", "5"), ("No such option", "--patients")),
    ],
)
def test_a_slip_is_told_in_one_line_with_the_way_out(engager, line, told):
    found = engager(*line)
    assert found.code == 2
    assert found.out == ""
    assert found.err.startswith("Error: ")
    assert found.err.count("\n") == 1
    for words in told:
        assert words in found.err


def test_what_is_no_number_with_a_unit_gets_no_invented_advice():
    assert number_advice("--days", "soon", is_whole=False) == ""
    assert number_advice("--replicates", "2.5%", is_whole=True) == "Type a whole number after --replicates."


def test_a_group_without_a_command_shows_its_help(engager):
    assert "compare" in engager("trial").out
