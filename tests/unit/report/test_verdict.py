"""What is said of a figure: counted by use, judged from ten trials on, marked near the edge, with its distance."""

from __future__ import annotations

import json
import math

import pytest

from engager.core import figure
from engager.report import distance, is_near_edge, mark, use_words, verdict_of


def row(inside=True, use=None, statistic="proportion", published=0.34, **simulated):
    simulated = {"median": 0.35, "low": 0.29, "high": 0.41} | simulated
    printed = {"value": published, "low": None, "high": None}
    found = {"arm": "A", "endpoint": "CR", "statistic": statistic, "time_months": None, "coverage": 0.9}
    return found | {"inside": inside, "use": use, "published": printed, "simulated": simulated}


def test_fitted_and_checked_figures_are_counted_apart():
    rows = [*[row(use="fit")] * 17, row(False, "fit"), *[row(use="check")] * 4, row(False, "check"), row(None, "check")]
    found = verdict_of(rows, 40)
    assert found.headline == "fitted 17 of 18, checked 4 of 5"
    assert found.interval_words == "90 % prediction"
    assert found.remark == ""
    assert json.loads(json.dumps(found.as_json()))["fitted"] == {"inside": 17, "judged": 18}
    assert verdict_of([row()], 40).headline == "compared 1 of 1"
    assert [use_words({"use": use}) for use in ("fit", "check", None)] == ["fitted", "checked", "compared"]


def test_figure_that_another_publication_repeats_is_no_further_check():
    paper, release, same = row(use="fit"), row(use="check"), row(use="check")
    for one, source in ((paper, "paper#S1"), (release, "release#S1"), (same, "paper#S3")):
        one["published"]["source"] = [source]
    assert verdict_of([paper, release], 40).headline == "fitted 1 of 1"
    # one publication that prints a number twice counts two things
    assert verdict_of([paper, same], 40).headline == "fitted 1 of 1, checked 1 of 1"


@pytest.mark.parametrize(
    ("replicates", "covered", "said"),
    [(1, 0.0, "have no width"), (9, 0.8, "No verdict"), (12, 11 / 13, "95 % needs 39"), (38, 37 / 39, "95 % needs 39"),
     (39, 0.95, ""), (200, 0.95, "")],
)  # fmt: skip
def test_too_few_replicates_are_told_with_what_their_intervals_cover(replicates, covered, said):
    found = verdict_of([], replicates)
    assert found.coverage == pytest.approx(covered)
    assert (said in found.remark) if said else found.remark == ""


def test_a_figure_in_the_outer_fifth_of_its_interval_is_near_the_edge():
    # the distance to the median is 0.05 of 0.06, and 0.03 of 0.06
    assert mark(row(published=0.40)) == "inside, near the edge"
    assert mark(row(published=0.38)) == "inside"
    assert mark(row(False, published=0.50)) == "outside"
    assert mark(row(None)) == "not judged"
    late = row(statistic="median", published=7.7, median=4.9, low=3.4, high=8.5)
    assert is_near_edge(late)
    assert distance(late) == "-2.8 months (x 0.64)"
    # on the logarithm 8 lies half way between 4 and 16, where it is near on no scale
    assert not is_near_edge(row(statistic="hazard_ratio", published=8.0, median=4.0, low=1.0, high=16.0))
    open_ended = row(statistic="median", published=20.0, median=9.0, low=6.0, high=None)
    assert mark(open_ended) == "inside"


def test_distance_is_in_the_words_of_the_figure():
    assert distance(row(published=0.30)) == "+5.0 points"
    assert distance(row(statistic="hazard_ratio", published=0.71, median=0.62)) == "x 0.87"
    assert distance(row(median=None)) == ""


@pytest.mark.parametrize("nothing", [None, math.nan])
def test_what_was_not_estimated_is_a_dash_and_what_was_not_reached_is_said(nothing):
    assert figure(nothing, nothing, nothing, "proportion") == "–"
    assert figure(nothing, nothing, nothing, "hazard_ratio") == "–"
    assert figure(nothing, nothing, nothing, "median") == "–"
    assert figure(nothing, 9.0, nothing, "median") == "not reached (9.0 to not reached)"
    assert figure(math.inf, 9.0, math.inf, "median") == "not reached (9.0 to not reached)"
    assert "nan" not in figure(0.5, nothing, 0.9, "hazard_ratio")
