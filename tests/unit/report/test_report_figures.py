"""Figures show the numbers they were given, at both widths, and leave no global state behind."""

import re

import matplotlib
import numpy as np
import polars as pl
import pytest

from engager.report import NARROW, WIDE, DoseSegment, Panel, figure_comparisons, figure_kaplan_meier, to_svg
from engager.report.plots.courses import cycle_label, figure_courses
from engager.report.plots.run_curves import figure_run_curves
from engager.report.plots.style import power_of_ten


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


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_arms_are_named_at_their_numbers_at_risk(bands, width):
    risk = figure_kaplan_meier(bands, (), "OS", width=width).axes[1]
    assert {"A", "B"} <= {text.get_text() for text in risk.texts}


def test_one_trial_has_a_tick_where_a_patient_was_censored(bands):
    one = pl.DataFrame(
        {"arm": ["A"] * 3, "endpoint": ["OS"] * 3, "month": [0.0, 2.0, 5.0], "survival": [1.0, 0.8, 0.8],
         "n_censored": [0, 0, 2]}
    )  # fmt: skip
    axes = figure_kaplan_meier(bands, (), "OS", one_trial=one).axes[0]
    ticks = next(line for line in axes.lines if line.get_marker() == "|")
    assert (ticks.get_xdata().tolist(), ticks.get_ydata().tolist()) == ([5.0], [80.0])
    assert "first virtual trial, tick: censored" in _texts(axes.figure)


def test_rebuilt_curve_is_dotted_and_named(bands):
    curve = pl.DataFrame({"arm": ["A"] * 2, "endpoint": ["OS"] * 2, "month": [0.0, 6.0], "survival": [1.0, 0.5]})
    axes = figure_kaplan_meier(bands, (), "OS", rebuilt=curve).axes[0]
    assert any(line.get_linestyle() == ":" and line.get_ydata()[-1] == 50.0 for line in axes.lines)
    assert "published, curve through printed figures" in _texts(axes.figure)


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


def test_drug_level_counts_only_patients_on_drug(trajectories):
    panel = Panel("Drug", {"drug": "drug"}, "ng/L", floor=1.0, from_floor=True)
    off = trajectories.filter(pl.col("patient") == 1).with_columns(patient=pl.col("patient") + 3, drug=pl.lit(0.0))
    table = pl.concat([trajectories, off])
    thick = next(line for line in figure_courses(table, [panel]).axes[0].lines if line.get_linewidth() > 1)
    # patients 1 to 3 have 601 to 603, the fourth none; after day 28 nobody has any
    assert thick.get_ydata()[0] == pytest.approx(602.0)
    assert np.isnan(thick.get_ydata()[-1])


def test_one_or_two_patients_have_no_median(trajectories):
    panel = Panel("Drug", {"drug": "drug"}, "ng/L", floor=1.0, from_floor=True)
    table = trajectories.with_columns(drug=pl.when(pl.col("patient") == 1).then(0.0).otherwise(pl.col("drug")))
    thick = next(line for line in figure_courses(table, [panel]).axes[0].lines if line.get_linewidth() > 1)
    assert np.isnan(thick.get_ydata()).all()


def test_axis_over_two_powers_of_ten_has_ticks_between_them(trajectories):
    axes = figure_courses(trajectories, [Panel("Drug", {"drug": "drug"}, "ng/L", floor=10.0)]).axes[0]
    assert {10, 30, 100, 300} <= set(axes.yaxis.get_majorticklocs())


def test_short_dose_steps_carry_their_amount_and_courses_none(trajectories):
    given = {
        "A": [DoseSegment(0, 7, 9), DoseSegment(7, 28, 28)],
        "B": [DoseSegment(0, 5, 1, "course", "chemotherapy")],
    }
    strip = figure_courses(trajectories, [Panel("Drug", {"drug": "drug"}, "ng/L")], given, ["A", "B"]).axes[0]
    assert [text.get_text() for text in strip.texts] == ["9", "28"]
    assert strip.get_ylabel() == "dose\nµg/day"


def test_share_of_leukemic_cells_is_read_in_powers_of_ten(trajectories):
    panel = Panel("MRD", {"blasts": "b"}, "share", floor=1e-7, scale=0.01)
    axes = figure_courses(trajectories, [panel]).axes[0]
    thick = next(line for line in axes.lines if line.get_linewidth() > 1)
    assert thick.get_ydata()[10] == pytest.approx(0.008 * np.exp(-2.0))
    assert [power_of_ten(value) for value in (1e-4, 1e-7, 0.05, 1e5)] == ["10⁻⁴", "10⁻⁷", "0.05", "10⁵"]


def test_long_list_of_figures_is_read_from_both_ends(comparisons):
    rows = [dict(comparisons[0], endpoint=name) for name in ("CR", "CRh", "CRi", "CR/CRh", "CR/CRi", "OS", "EFS")]
    long = figure_comparisons(rows).axes[0].xaxis.get_tick_params()
    assert long["labeltop"]
    assert long["labelbottom"]
    assert not figure_comparisons(rows[:2]).axes[0].xaxis.get_tick_params()["labeltop"]


def test_themed_picture_names_its_colors_and_a_file_keeps_them(bands):
    assert "var(--ink, #22303c)" in to_svg(figure_kaplan_meier(bands), "one", "a curve", is_themed=True)
    assert "var(" not in to_svg(figure_kaplan_meier(bands), "one", "a curve")


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


def test_arms_of_several_runs_have_panels_of_their_own_with_bands(bands):
    runs = pl.concat([bands.with_columns(run=pl.lit(name)) for name in ("one", "two")])
    arms = runs["arm"].unique(maintain_order=True).to_list()
    figure = figure_run_curves(runs, "OS", ["one", "two"])
    assert [axes.get_title(loc="left") for axes in figure.axes] == arms
    assert all(len(axes.collections) == 2 for axes in figure.axes)
    single = figure_run_curves(runs.filter(pl.col("arm") == arms[0]), "OS", ["one", "two"])
    assert len(single.axes) == 1
    many = pl.concat([bands.with_columns(run=pl.lit(str(place))) for place in range(4)])
    assert not any(axes.collections for axes in figure_run_curves(many, "OS", list("0123")).axes)
