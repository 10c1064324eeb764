"""The page on a design: complete, self-contained, and figures that show every row."""

from __future__ import annotations

import re

import numpy as np
import pytest

from engager.report import NARROW, WIDE, DesignContent, render_design
from engager.report.pages.design import design_figures
from engager.report.plots.design import figure_exact, figure_power, figure_prior, figure_stopping


def power_rows(scenarios=("as-written", "other"), sizes=(60, 120)):
    return [
        {
            "scenario": name, "patients": n, "world": world, "setting": setting,
            "value": level, "low": level - 0.02, "high": level + 0.02,
        }
        for name in scenarios
        for n in sizes
        for world, level in (("alternative", 0.8), ("null", 0.03))
        for setting in ("posterior", "posterior_median")
    ]  # fmt: skip


STOPPING = [
    {"label": f"{n} patients", "world": world, "success": [0.3, 0.2], "failure": [0.1, 0.4]}
    for n in (60, 120)
    for world in ("alternative", "null")
]
SHARE = np.linspace(0.01, 0.99, 50).tolist()
CELLS = {"assurance": ("80.0 %", "± 2.0"), "bias": ("x 0.95", "truth 0.70")}


def content(**more):
    return DesignContent(
        title="Design: <a trial>",
        facts=[("log-rank test", "test")],
        verdict=("With 120 patients 80 % succeed.", ["Note: one thing."]),
        rules=["One-sided alpha 0.025."],
        columns=list(CELLS),
        table=[{"title": "60", "group": "as-written", **CELLS}],
        look_columns=["success"],
        look_table=[{"title": "60, look 1", "group": "", "success": ("30 %", "")}],
        power=power_rows(),
        alpha=0.025,
        stopping=STOPPING,
        versions={"engager": "0.1.0"},
        **more,
    )


def test_axes_of_shares_are_in_percent_with_its_space():
    exact = [{"label": "60 patients", "share": SHARE, "success": SHARE}]
    for figure in (figure_power(power_rows(), 0.025, "power"), figure_exact(exact, [])):
        figure.draw_without_rendering()
        words = [tick.get_text() for axes in figure.axes for tick in axes.get_yticklabels()]
        assert words
        assert all(one.endswith(" %") for one in words)


def test_the_page_is_self_contained_and_says_everything():
    page = render_design(content())
    for words in ("Design: &lt;a trial&gt;", "log-rank test", "± 2.0", "truth 0.70", "look 1", "never advice"):
        assert words in page
    assert not re.search(r"<(script|link|img)\b", page)
    assert "historical control" not in page
    assert page == render_design(content())


def test_parts_that_are_there_are_shown():
    curve = {"label": "history", "x": SHARE, "density": SHARE, "kind": "prior"}
    page = render_design(
        content(
            prior_curves=[curve],
            prior_marks=[{"label": "earlier", "value": 0.2}],
            prior_unit="share",
            prior_sentences=["Worth 40 patients."],
            sources=["earlier: 10 of 50"],
            exact_curves=[{"label": "60 patients", "share": SHARE, "success": SHARE}],
            changes=[{"scenario": "other", "what": "population.prior_hsct = 0.7"}],
        )
    )
    for words in ("The historical control", "Worth 40 patients.", "earlier: 10 of 50", "Whatever the truth is"):
        assert words in page
    assert page.count("<svg") == 2 * 4


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_every_figure_has_the_width_asked_for(width):
    for draw in design_figures(content()).values():
        assert draw(width).get_size_inches()[0] == pytest.approx(width)


def test_every_row_of_a_power_curve_is_a_point():
    axes = figure_power(power_rows(), 0.025, "power").axes
    assert [one.get_title(loc="left").split(" (")[0] for one in axes] == [
        "Treatment as modeled", "Treatment no better than the control",
    ]  # fmt: skip
    for one, level in zip(axes, (0.8, 0.03), strict=True):
        marked = [line for line in one.lines if line.get_marker() not in ("None", None, "")]
        assert len(marked) == 2
        for line in marked:
            assert line.get_ydata() == pytest.approx([level, level])


def test_one_size_is_drawn_too():
    rows = [row for row in power_rows(("as-written",), (60,)) if row["world"] == "alternative"]
    assert len(figure_power(rows, None, "success").axes) == 1


def test_bars_of_stopping_add_up():
    for axes in figure_stopping(STOPPING).axes:
        assert sum(patch.get_width() for patch in axes.patches) == pytest.approx(2.0)


def test_a_prior_is_drawn_with_its_trials():
    curves = [{"label": kind, "x": SHARE, "density": SHARE, "kind": kind} for kind in ("prior", "control", "treatment")]
    (axes,) = figure_prior(curves, "share", [{"label": "earlier", "value": 0.2}]).axes
    assert [line.get_label() for line in axes.lines[:3]] == ["prior", "control", "treatment"]
    assert axes.lines[3].get_xdata() == [0.2]


def test_an_exact_curve_is_marked():
    curves = [{"label": "60 patients", "share": SHARE, "success": SHARE}]
    (axes,) = figure_exact(curves, [{"label": "null share", "value": 0.2}]).axes
    assert "null share" in [text.get_text() for text in axes.get_legend().get_texts()]
