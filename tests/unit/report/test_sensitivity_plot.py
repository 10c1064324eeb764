"""Figures and page of a sensitivity analysis: bars where the numbers say, every width, nothing from elsewhere."""

import io
import re
from xml.etree import ElementTree

import numpy as np
import pytest

from engager.report import NARROW, WIDE, SensitivityContent, SensitivityLevel, render_sensitivity, sensitivity_figures
from engager.report.plots.sensitivity import figure_contraction, figure_correlations, figure_sobol, figure_tornado

OUTPUTS = {"a": "First output", "b": "Second output"}
LABELS = {f"f{k}": f"factor number {k} with quite a long meaning that must be cut somewhere" for k in range(9)}
INDICES = [
    {"output": output, "factor": f"f{k}", "first": 0.5 / (k + 1), "first_low": 0.0, "first_high": 0.6,
     "total": 0.6 / (k + 1), "total_low": 0.3 / (k + 1), "total_high": 0.9 / (k + 1)}
    for output in OUTPUTS for k in range(9)
]  # fmt: skip
SWINGS = [
    {"output": output, "factor": f"f{k}", "at_low": 10.0 - k, "at_center": 10.0, "at_high": 10.0 + 2 * k}
    for output in OUTPUTS for k in range(9)
]  # fmt: skip
UNKNOWNS = [
    {"name": f"u{k}", "meaning": "an unknown", "contraction": c, "low": 0.9 * c, "high": 1.1 * c,
     "verdict": "hardly informed" if c > 0.9 else ""}
    for k, c in enumerate((0.95, 0.5, 0.1))
]  # fmt: skip
MATRIX = np.array([[1, -0.85, 0.1], [-0.85, 1, 0.0], [0.1, 0.0, 1]]).tolist()


def widths(axes):
    return sorted((round(float(bar.get_width()), 3) for bar in axes.patches), reverse=True)


def rendered(figure):
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getbuffer().nbytes


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_every_figure_draws_at_every_width(width):
    level = SensitivityLevel({"a": "First output"}, LABELS, INDICES, SWINGS)
    names = ("u0", "u1", "u2")
    content = SensitivityContent("t", [], level, level, UNKNOWNS, (), names, MATRIX)
    drawn = sensitivity_figures(content)
    assert set(drawn) == {
        "sobol-patient", "sobol-trial", "tornado-patient", "tornado-trial", "contraction", "correlations",
    }  # fmt: skip
    assert all(rendered(draw(width)) > 5000 for draw in drawn.values())


def test_sobol_bars_are_the_indices_of_the_strongest_factors():
    axes = figure_sobol(INDICES, OUTPUTS, LABELS, n_rows=2).axes[0]
    assert widths(axes) == [0.6, 0.5, 0.3, 0.25]


def test_tornado_puts_the_widest_swing_on_top_and_both_ends_from_the_middle():
    axes = figure_tornado(SWINGS, OUTPUTS, LABELS, n_rows=2).axes[0]
    assert widths(axes) == [16.0, 14.0, -7.0, -8.0]
    top = max(axes.patches, key=lambda bar: bar.get_y())
    assert abs(top.get_width()) in (16.0, 8.0)


def test_tornado_ends_on_one_side_do_not_hide_each_other():
    row = {"output": "a", "factor": "f1", "at_low": 12.0, "at_center": 10.0, "at_high": 15.0}
    low, high = figure_tornado([row], {"a": "A"}, LABELS).axes[0].patches
    assert low.get_y() >= high.get_y() + high.get_height() - 1e-9


def test_an_empty_panel_says_that_nothing_moves_it_only_where_factors_were_moved():
    still = [{**one, "total": 0.0, "first": 0.0} for one in INDICES]
    axes = figure_sobol(still, {"a": "A"}, LABELS).axes[0]
    assert [text.get_text() for text in axes.texts] == ["no share found"]
    axes = figure_tornado([], {"a": "A"}, LABELS).axes[0]
    assert [text.get_text() for text in axes.texts] == ["nothing moves it"]


def test_the_best_known_unknown_is_on_top():
    axes = figure_contraction(UNKNOWNS).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["u0", "u1", "u2"]


def test_a_narrow_heatmap_keeps_the_most_correlated_pair():
    names = [f"u{k}" for k in range(30)]
    matrix = np.eye(30)
    matrix[3, 27] = matrix[27, 3] = -0.9
    axes = figure_correlations(names, matrix.tolist(), NARROW).axes[0]
    shown = [label.get_text() for label in axes.get_yticklabels()]
    assert {"u3", "u27"} <= set(shown)
    assert len(shown) == 14


def test_the_page_stands_alone_and_tells_verdicts_and_reasons():
    level = SensitivityLevel(
        {"a": "A"}, LABELS, INDICES[:2], precision_columns=("Q2",), precision=[{"title": "A", "Q2": "0.81"}]
    )
    held = [{"name": "k_act", "meaning": "activation", "by": "time courses", "reason": "trades with <k_prolif>"}]
    pairs = [{"a": "u0", "b": "u1", "correlation": -0.85, "low": -0.9, "high": -0.8}]
    content = SensitivityContent(
        "Sensitivity: <a trial>", [("arm A", "arm")], level, None, UNKNOWNS, pairs, ("u0", "u1", "u2"),
        MATRIX, held, ("3 unknowns.",), ("A limit.",),
    )  # fmt: skip
    page = render_sensitivity(content)
    assert "Sensitivity: &lt;a trial&gt;" in page
    assert "trades with &lt;k_prolif&gt;" in page
    assert "hardly informed" in page
    assert "-0.85" in page
    assert page.index('<details class="on-phone long">') < page.index("0.81")
    assert "<script" not in page
    # A heatmap holds its picture itself; nothing is fetched.
    assert not re.search(r'\b(?:src|href)="(?!#|data:image/png;base64,)', page)
    for picture in re.findall(r"<svg.*?</svg>", page, re.DOTALL):
        ElementTree.fromstring(picture)
