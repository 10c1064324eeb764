"""The document of studies left out, read back: what the command wrote, and what ships."""

import math

import pytest

from engager.study import left_out_text
from engager.study.trust.left_out import read_left_out, studies_left_out
from engager.study.validation.leave_out import Figure, LeftOut

HEAD = "# Studies left out\n\nMade by `engager validate --leave-out one --seed 1 --markdown a.md`.\n\n"


def test_what_the_command_writes_is_read_back():
    fitted = Figure("a: OS, median", "fit", "OS", "median", 7.7, 3.8, 8.2, math.inf)
    checked = Figure("a: CR", "check", "CR", "share", 0.9, 0.2, 0.4, 0.6)
    rows = [LeftOut(name, 2017, (name,), (fitted, checked), -1.25, 2.0) for name in ("one", "two")]
    found = read_left_out(f"{HEAD}{left_out_text(rows, 'Words.')}\n")
    assert found.command == "engager validate --leave-out one --seed 1 --markdown a.md"
    assert found.counts == (2, 4)
    one, two = found.studies
    assert (one.study, one.year, one.fitted, one.checked) == ("one", "2017", "1 of 1", "0 of 1")
    assert (one.score, one.center_score) == ("-1.2", "2.0")
    assert one.misses == ("a: CR",)
    assert one.figures == two.figures
    assert one.figures[0].predicted == "8.2 months (3.8 to not reached)"
    assert [figure.use for figure in one.figures] == ["fitted", "checked"]


def test_the_document_that_ships_counts_as_its_figures_do():
    told = studies_left_out()
    assert len(told.studies) == told.command.count("--leave-out") > 1
    for one in told.studies:
        for use, counted in (("fitted", one.fitted), ("checked", one.checked)):
            inside = [figure.is_inside for figure in one.figures if figure.use == use and figure.is_inside is not None]
            assert counted == f"{sum(inside)} of {len(inside)}"


def test_a_figure_that_too_few_trials_tell_counts_neither_way():
    told = Figure("a: OS at 24 months", "fit", "OS", "survival_at", 0.3, 0.2, 0.4, 0.6)
    untold = Figure("a: OS at 30 months", "fit", "OS", "survival_at", 0.3, math.nan, math.nan, math.nan)
    row = LeftOut("one", 2017, ("one",), (told, untold), -1.25, 2.0)
    assert [figure["inside"] for figure in row.as_json()["figures"]] == [True, None]
    text = left_out_text([row], "Words.")
    assert "Overall survival: 1 of 1 figures inside." in text
    assert "| a: OS at 30 months | 30.0 % | too few trials tell it | – |" in text
    found = read_left_out(f"{HEAD}{text}\n")
    assert (found.counts, found.studies[0].fitted, found.studies[0].misses) == ((1, 1), "1 of 1", ())
    assert found.studies[0].figures[1].is_inside is None


@pytest.mark.parametrize("text", ["", HEAD, "| study | year |\n"])
def test_another_document_is_refused(text):
    with pytest.raises(ValueError, match="no "):
        read_left_out(text)
