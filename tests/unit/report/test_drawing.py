"""Figures of a page are drawn on all cores, and are the same wherever they were drawn."""

from functools import partial

import pytest

from engager.report import template
from engager.report.plots.style import new_figure, quiet
from engager.report.template import Drawing, both_widths, side_by_side


def line(height, width):
    """A figure of a module, as reports have them."""
    with quiet():
        figure = new_figure(width, height)
        figure.subplots().plot([0, 1], [0, height])
    return figure


def many():
    return [both_widths(f"line-{k}", "a line", partial(line, 1.0 + k)) for k in range(4)]


@pytest.mark.parametrize("draw", [partial(line, 2.0), lambda width: line(2.0, width)], ids=["sent", "kept"])
def test_text_stands_in_the_place_of_every_drawing(draw):
    context = {
        "figures": {"one": both_widths("one", "a line", draw)},
        "more": [both_widths("two", "a line", draw)],
        "n": 3,
    }
    found = template._drawn(context)
    assert found["figures"]["one"]["wide"].startswith("<svg")
    assert found["more"][0]["narrow"].startswith("<svg")
    assert found["n"] == 3


def test_figures_are_the_same_wherever_they_were_drawn(monkeypatch):
    monkeypatch.setattr(template, "usable_cpus", lambda: 1)
    here = template._drawn({"figures": many()})
    monkeypatch.setattr(template, "usable_cpus", lambda: 2)
    assert template._drawn({"figures": many()}) == here


def test_a_figure_that_no_run_changes_is_drawn_once(tmp_path, monkeypatch):
    monkeypatch.setenv("ENGAGER_CACHE_DIR", str(tmp_path / "kept"))
    drawn = []
    draw = Drawing._drawn
    monkeypatch.setattr(Drawing, "_drawn", lambda self: drawn.append(self.name) or draw(self))
    figures = [side_by_side({"line": ("a line", partial(line, 2.0))}, is_kept=True) for _ in range(2)]
    texts = [one["panels"][0].svg() for one in figures]
    assert texts == [draw(figures[0]["panels"][0])] * 2
    other = side_by_side({"line": ("a line", partial(line, 3.0))}, is_kept=True)["panels"][0]
    assert other.svg() != texts[0]
    assert drawn == ["line", "line"]


def test_what_cannot_be_sent_is_drawn_here():
    assert template._can_be_sent(Drawing("a", "a", partial(max, 1.0), 2.0))
    assert not template._can_be_sent(Drawing("a", "a", lambda width: line(1.0, width), 2.0))


def test_a_figure_that_was_drawn_before_is_not_drawn_again():
    context = {"figures": both_widths("one", "a line", lambda width: line(2.0, width))}
    found = template._drawn(context, {"one-narrow": "<svg>made before</svg>"})
    assert found["figures"]["narrow"] == "<svg>made before</svg>"
    assert found["figures"]["wide"].startswith("<svg role")
