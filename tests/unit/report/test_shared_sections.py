"""Sections that pages share: panels of individual patients, the three uncertainties, what drives the outcomes."""

from __future__ import annotations

from dataclasses import replace

import matplotlib.colors
import numpy as np
import pytest

from engager.calibration import LevelCheck, PredictiveCheck
from engager.report import (
    NARROW,
    WIDE,
    CredibilityContent,
    DriversSection,
    PredictiveSection,
    SensitivityLevel,
    render_credibility,
)
from engager.report.pages.run import render_report
from engager.report.plots.position import figure_positions, position
from engager.report.plots.predictive import figure_predictive_check
from engager.report.plots.uncertainty import figure_parameter_shares, figure_uncertainty, monte_carlo_words

RED = "#B3261E"


def course(**more):
    usual = {
        "id": "OBS-X", "use": "fit", "quantity": "il6_pg_per_mL", "unit": "pg/mL", "doses": (5.0, 60.0), "per_m2": True,
        "days": np.array([0.25, 1.0, 7.0]), "percentiles": (0.0, 50.0, 100.0),
        "observed": np.array([[12.0, 12, 12], [50, 500, 50], [90, 900, 90]]),
        "low": np.array([[10.0, 10, 10], [40, 40, 40], [80, 80, 80]]),
        "middle": np.array([[13.0, 13, 13], [50, 50, 50], [90, 90, 90]]),
        "high": np.array([[15.0, 15, 15], [60, 60, 60], [99, 99, 99]]),
        "points": (np.zeros(0), np.zeros(0)), "floor": 10.0, "is_dropped": True, "above_floor": np.ones(3),
        "n_patients": 21, "n": np.array([13, 11, 6]), "n_simulated": 40, "n_failed": 0, "source": "here", "note": "",
    }  # fmt: skip
    return PredictiveCheck(**usual | more)


LEVEL = LevelCheck(
    "OBS-PK1-9", "fit", "mean steady level at 9 ug/day", "pg/mL", 9.0, False, 228, 356, 180, 90, 70, 400, 40, 0, "label"
)


def uncertain(share=0.25, total=0.1, median=0.012, scale="share"):
    return {
        "scale": scale, "between_patients": total * (1 - share) ** 0.5, "parameters": total * share**0.5,
        "total": total, "parameter_share": share, "n_replicates": 40,
        "monte_carlo": {"median": median, "low": 0.02, "high": 0.02},
    }  # fmt: skip


def texts(figure):
    return " ".join(text.get_text() for text in figure.findobj(lambda part: hasattr(part, "get_text")))


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_each_observation_has_its_panel(width):
    figure = figure_predictive_check([course(), course(id="OBS-Y", use="check")], [LEVEL], width)
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert [title.split("\n")[1] for title in titles if title] == [
        "OBS-X: fitted", "OBS-Y: predicted, not fitted", "OBS-PK1: fitted",
    ]  # fmt: skip
    assert titles[0].startswith("IL-6, 5 then 60 µg/m²/day")


def test_a_percentile_outside_its_band_is_red_and_the_others_are_not():
    axes = figure_predictive_check([course()]).axes[0]
    marked = [
        (float(x), float(y))
        for line in axes.lines
        if line.get_marker() == "D" and matplotlib.colors.to_hex(line.get_markerfacecolor()).upper() == RED
        for x, y in zip(line.get_xdata(), line.get_ydata(), strict=True)
    ]
    assert marked == [(1.0, 500.0), (1.0, 900.0)]


def test_what_could_not_be_read_is_said():
    dropped = figure_predictive_check([course()])
    assert "not read at or below 10 pg/mL" in texts(dropped)
    assert dropped.axes[0].get_ylim()[0] < 10
    kept = figure_predictive_check([course(is_dropped=False, unit="1/uL", floor=1.0)])
    assert "read as at most 1 per µL" in texts(kept)
    assert "read" not in texts(figure_predictive_check([course(floor=None)])).split("published single readings")[0]


def test_times_without_a_simulated_reading_are_said():
    is_last = [False, False, True]
    bands = {name: np.where(is_last, np.nan, getattr(course(), name)) for name in ("low", "middle", "high")}
    assert "no simulated" in texts(figure_predictive_check([course(**bands)]))
    assert "no simulated" not in texts(figure_predictive_check([course()]))


def test_levels_show_mean_and_spread_of_both_sides():
    axes = figure_predictive_check([], [LEVEL]).axes[0]
    ends = sorted(tuple(map(float, line.get_ydata())) for line in axes.lines if len(line.get_ydata()) == 2)
    assert (90.0, 270.0) in ends
    assert (0.0, 584.0) in ends  # 228 - 356 is cut at 0


def test_shares_of_the_variance_add_up_and_monte_carlo_has_the_unit_of_the_figure(comparisons):
    rows = [one | {"uncertainty": uncertain()} for one in comparisons[:1]]
    axes = figure_uncertainty({"": rows}).axes[0]
    widths = [patch.get_width() for patch in axes.patches]
    assert widths == pytest.approx([0.75, 0.25])
    assert monte_carlo_words(rows[0]) == "± 1.2 points"
    months = comparisons[2] | {"uncertainty": uncertain(median=0.31, scale="log")}
    assert monte_carlo_words(months) == "± 0.3 mo"
    ratio = comparisons[4] | {"uncertainty": uncertain(median=0.031, scale="log")}
    assert monte_carlo_words(ratio) == "± 0.03"


def test_too_few_trials_and_no_scatter_are_told_apart(comparisons):
    none = uncertain() | {"parameter_share": None}
    rows = [comparisons[0] | {"uncertainty": none}, comparisons[1] | {"uncertainty": none | {"total": 0.0}}]
    said = texts(figure_uncertainty({"": rows}))
    assert "too few trials reached it" in said
    assert "no scatter" in said


def test_many_studies_have_a_row_each(comparisons):
    rows = [one | {"uncertainty": uncertain()} for one in comparisons]
    axes = figure_parameter_shares({"one": rows, "two": rows[:1], "none": comparisons}).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["two", "one"]


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_no_axis_of_the_shares_is_named_beyond_the_figure(comparisons, width):
    figure = figure_parameter_shares({"one": [comparisons[0] | {"uncertainty": uncertain()}]}, width)
    figure.canvas.draw()
    box = figure.axes[0].xaxis.label.get_window_extent()
    assert box.x0 >= 0
    assert box.x1 <= figure.canvas.get_width_height()[0]


def test_positions_are_in_units_of_the_interval(comparisons):
    share = comparisons[0] | {"published": {"value": 0.29}}
    assert position(share) == pytest.approx(-1.0)
    ratio = comparisons[4] | {"published": {"value": 0.95}}
    assert position(ratio) == pytest.approx(1.0)
    halfway = comparisons[4] | {"published": {"value": (0.74 * 0.95) ** 0.5}}
    assert position(halfway) == pytest.approx(0.5)
    assert position(comparisons[2] | {"published": {"value": 12.0}}) is None  # upper end not reached
    assert "4 of 5 inside" in texts(figure_positions({"layout": comparisons}))


def test_a_run_tells_the_three_uncertainties_or_only_its_own(content):
    rows = [one | {"uncertainty": uncertain()} for one in content.comparisons]
    page = render_report(replace(content, comparisons=rows))
    assert "Three sources of uncertainty" in page
    assert "With 40 virtual trials, a share of the variance has a standard error of up to 23 points" in page
    alone = render_report(replace(content, comparisons=rows, tells_parameters=False))
    assert "Three sources" not in alone
    assert "use the same population values" in alone
    assert "± 1.2 points" in alone
    assert "uncertainty" not in render_report(content)


def level():
    index = {
        "output": "y", "factor": "k", "first": 0.4, "first_low": 0.3, "first_high": 0.5, "total": 0.6,
        "total_low": 0.5, "total_high": 0.7,
    }  # fmt: skip
    swing = {
        "output": "y", "factor": "k", "low_value": 1, "high_value": 2, "at_low": 1.0, "at_center": 2.0, "at_high": 4.0,
    }  # fmt: skip
    return SensitivityLevel({"y": "Response"}, {"k": "killing"}, [index], [swing], sentences=["Response: killing."])


def test_a_run_shows_individuals_and_what_drives_its_outcomes(content):
    predictive = PredictiveSection([course()], [LEVEL], {"here": "a table"}, ["With some values."])
    drivers = DriversSection(["Made once."], "Computed for an earlier fit.", level(), level())
    page = render_report(replace(content, predictive=predictive, drivers=drivers))
    assert "Compared with individual patients" in page
    assert "7 of 9 percentiles" in page
    assert "a table" in page
    assert '<p class="warning">Computed for an earlier fit.</p>' in page
    for picture in ("vpc-OBS-X", "vpc-levels", "drivers-sobol-patient", "drivers-tornado-trial"):
        assert f'"{picture}-0"' in page


def test_the_page_on_credibility_lists_what_it_holds(comparisons):
    rows = [one | {"uncertainty": uncertain(), "use": "fit", "width_ratio": 1.5} for one in comparisons]
    page = render_credibility(
        CredibilityContent(
            "Trust", [("1", "seed")], studies={"one": rows, "two": rows}, predictive=PredictiveSection([course()]),
            bands=[{"what": "Fitted", "band": "at least 90 %", "found": "80 %", "met": False}], made=["By hand."],
        )
    )  # fmt: skip
    for anchor in ("bands", "inside", "figures", "uncertainty", "individuals", "made"):
        assert f'<a href="#{anchor}">' in page
        assert f'id="{anchor}"' in page
    assert "#drivers" not in page
    assert "✗ not met" in page
    assert page.count("✗ outside") == 2
    assert "<script" not in page
    assert page.count("<details>\n<summary><b>") == 2, "each study is folded"
    assert "parameters 5.0 points" in page
    ids = [part.split('"')[0] for part in page.split(' id="')[1:]]
    assert len(ids) == len(set(ids))
