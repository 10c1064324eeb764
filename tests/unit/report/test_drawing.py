"""Figures of a page are drawn on all cores, and are the same wherever they were drawn."""

from functools import partial

import pytest

from engager.report import template
from engager.report.plots.style import new_figure, quiet
from engager.report.template import Drawing, both_widths


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


def test_what_cannot_be_sent_is_drawn_here():
    assert template._can_be_sent(Drawing("a", "a", partial(max, 1.0), 2.0))
    assert not template._can_be_sent(Drawing("a", "a", lambda width: line(1.0, width), 2.0))
