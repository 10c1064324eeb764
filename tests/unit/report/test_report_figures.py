"""Figures show the numbers they were given, at both widths, and leave no global state behind."""

import re

import matplotlib
import numpy as np
import pytest

from engager.report import (
    NARROW,
    WIDE,
    DoseSegment,
    Panel,
    cycle_label,
    figure_comparisons,
    figure_courses,
    figure_kaplan_meier,
    to_svg,
)


def _texts(figure):
    return [text.get_text() for text in figure.findobj(matplotlib.text.Text)]


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_survival_curve_band_marks_and_number_at_risk(bands, comparisons, width):
    figure = figure_kaplan_meier(bands, comparisons, "OS", width=width)
    axes, risk = figure.axes
    curve = next(line for line in axes.lines if line.get_label() == "A")
    assert curve.get_ydata() == pytest.approx(100 * np.exp(-0.08 * np.arange(13)))
    diamonds = [line for line in axes.lines if line.get_marker() == "D"]
    assert [(line.get_xdata()[0], line.get_ydata()[0]) for line in diamonds] == [(7.7, 50.0), (6.0, 54.0)]
    at_risk = [text.get_text() for text in risk.texts]
    assert "100" in at_risk
    assert str(round(100 * np.exp(-0.08 * 12))) in at_risk


def test_survival_of_an_endpoint_nobody_simulated_says_so(bands):
    assert "no simulated curve" in _texts(figure_kaplan_meier(bands, (), "EFS"))


def test_arm_keeps_its_color_when_another_is_absent(bands):
    both = figure_kaplan_meier(bands, (), "OS", arms=["A", "B"])
    alone = figure_kaplan_meier(bands.filter(bands["arm"] == "B"), (), "OS", arms=["A", "B"])
    color = [
        next(line for line in figure.axes[0].lines if line.get_label() == "B").get_color() for figure in (both, alone)
    ]
    assert color[0] == color[1]


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_comparison_plot_has_an_axis_per_unit_and_a_row_per_figure(comparisons, width):
    figure = figure_comparisons(comparisons, ["A", "B"], width)
    assert [len(axes.get_yticks()) for axes in figure.axes] == [3, 1, 1]
    first = figure.axes[0]
    diamonds = [line for line in first.lines if line.get_marker() == "D"]
    assert sorted(line.get_xdata()[0] for line in diamonds) == pytest.approx([16.0, 33.6, 54.0])
    assert any("✗" in text and "B" in text for text in _texts(figure))


def test_bar_that_is_not_reached_runs_off_the_axis(comparisons):
    axes = figure_comparisons(comparisons[2:3], ["A"]).axes[0]
    bar = next(line for line in axes.lines if line.get_linewidth() > 5)
    assert bar.get_xdata()[0] == 6.5
    assert bar.get_xdata()[1] > axes.get_xlim()[1]


def test_comparison_plot_of_nothing_says_so():
    assert "nothing published to compare with" in _texts(figure_comparisons([]))


def test_courses_show_the_median_and_floor_what_a_log_axis_cannot_show(trajectories):
    panels = [
        Panel("Drug", {"drug": "drug"}, "ng/L", floor=1.0),
        Panel("Blasts", {"blasts": "b"}, "fraction"),
    ]
    figure = figure_courses(trajectories, panels, {"A": [DoseSegment(0, 28, 9)]}, ["A", "B"])
    _, drug, blasts = figure.axes
    thick = next(line for line in drug.lines if line.get_linewidth() > 1)
    assert thick.get_ydata()[:2] == pytest.approx([602.0, 602.0])
    assert thick.get_ydata()[-1] == 1.0
    median = next(line for line in blasts.lines if line.get_linewidth() > 1)
    assert median.get_ydata()[10] == pytest.approx(0.8 * np.exp(-2.0))


def test_course_below_zero_on_a_plain_axis_is_not_cut(trajectories):
    table = trajectories.with_columns(log10_mrd=trajectories["blasts"].log10())
    figure = figure_courses(table, [Panel("MRD", {"log10_mrd": "MRD"}, "log10", log=False)])
    assert figure.axes[0].get_ylim()[0] < -4
    start = figure_courses(table, [Panel("Blasts", {"blasts": "b"}, "fraction", log=False)])
    assert start.axes[0].get_ylim()[0] == 0


def test_observable_that_was_not_recorded_is_named(trajectories):
    figure = figure_courses(trajectories, [Panel("IL-6", {"il6": "IL-6"}, "ng/L")])
    assert "il6: not recorded" in _texts(figure)


@pytest.mark.parametrize(
    ("day", "said"),
    [(0.0, "C1D1"), (7.0, "C1D8"), (41.9, "C1D42"), (42.0, "C2D1"), (49.0, "C2D8"), (-1.0, "")],
)
def test_days_are_named_by_cycle(day, said):
    assert cycle_label(day, [0.0, 42.0]) == said


def test_two_pictures_share_no_id_and_text_stays_text(bands):
    first = to_svg(figure_kaplan_meier(bands), "one", 'a "curve"')
    second = to_svg(figure_kaplan_meier(bands), "two", "a curve")
    ids = [set(re.findall(r'id="([^"]+)"', svg)) for svg in (first, second)]
    assert not ids[0] & ids[1]
    used = re.findall(r'url\(#([^)]+)\)|href="#([^"]+)"', first)
    assert {one or other for one, other in used} <= ids[0]
    assert "months from randomization" in first
    assert 'aria-label="a &quot;curve&quot;"' in first


def test_drawing_leaves_the_callers_settings_alone(bands):
    before = dict(matplotlib.rcParams)
    to_svg(figure_kaplan_meier(bands), "x", "x")
    assert dict(matplotlib.rcParams) == before
