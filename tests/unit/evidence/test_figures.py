"""Figures: written as asked, with every number in them, legible at phone width."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree

import pytest
from matplotlib.text import Text

from engager.core import InputError
from engager.evidence import (
    draw_curve,
    draw_forest,
    draw_map,
    draw_network,
    fit_network,
    forest_table,
    make_map,
    map_table,
    network_table,
    pool_hazard_ratios,
    pool_medians,
    pool_proportions,
    published_network,
    rebuild_curve,
    record,
    select,
    write_figure,
)

SIMULATED = [{"label": "simulated, tower, blinatumomab", "value": 0.33, "low": 0.25, "high": 0.41}]
PHONE_PIXELS = 390


@pytest.fixture(scope="module")
def pooled():
    return pool_proportions(select("CR", setting="relapsed_refractory"))


@pytest.fixture(scope="module")
def figures(pooled):
    network = fit_network(published_network("OS")[0])
    return {
        "forest": draw_forest(pooled, SIMULATED),
        "hazard": draw_forest(pool_hazard_ratios("OS")),
        "median": draw_forest(pool_medians(select("OS", "median", setting="relapsed_refractory"))),
        "network": draw_network(network, "OS", "hazard_ratio", True),
        "map": draw_map(make_map()),
        "curve": draw_curve(rebuild_curve(record("deangelo-2007"), "nelarabine")),
    }


def _texts(figure):
    return [text for text in figure.findobj(Text) if text.get_text().strip() and text.get_visible()]


def test_text_is_at_least_9_pixels_on_a_phone(figures):
    for name, figure in figures.items():
        pixels_per_point = PHONE_PIXELS / (figure.get_figwidth() * 72)
        smallest = min(text.get_fontsize() for text in _texts(figure))
        assert smallest * pixels_per_point >= 9, name


def test_no_text_leaves_the_figure_or_covers_another(figures):
    for name, figure in figures.items():
        figure.canvas.draw()
        width, height = figure.canvas.get_width_height()
        boxes = []
        for text in _texts(figure):
            box = text.get_window_extent()
            inside = box.x0 >= -1 and box.x1 <= width + 1 and box.y0 >= -1 and box.y1 <= height + 1
            if not inside and text.get_text().strip() in _tick_labels(figure):
                # An axis keeps labels of ticks beyond its limits; they are not drawn.
                continue
            assert inside, (name, text.get_text())
            boxes.append((text.get_text(), box))
        for index, (first, box) in enumerate(boxes):
            for second, other in boxes[index + 1 :]:
                overlap = min(box.x1, other.x1) - max(box.x0, other.x0)
                over = min(box.y1, other.y1) - max(box.y0, other.y0)
                assert overlap <= 1 or over <= 1, (name, first, second)


def _tick_labels(figure):
    return {label.get_text() for axes in figure.axes for label in axes.get_xticklabels() + axes.get_yticklabels()}


def test_simulated_row_is_told_apart(pooled):
    figure = draw_forest(pooled, SIMULATED)
    colors = {text.get_text(): text.get_color() for text in _texts(figure)}
    assert colors["simulated, tower, blinatumomab"] != colors["topp-2014 [37]"]
    assert forest_table(pooled, SIMULATED)[-1][:4] == ["simulated, tower, blinatumomab", "", "", "33.0 %"]


def test_a_simulated_trial_outside_the_fit_is_marked_and_explained(pooled):
    inside, outside = (draw_forest(pooled, [SIMULATED[0] | {"is_outside": told}]) for told in (False, True))
    assert not any("an extrapolation" in text.get_text() for text in _texts(inside))
    assert any("* outside what the model was fitted to" in text.get_text() for text in _texts(outside))
    assert forest_table(pooled, [SIMULATED[0] | {"is_outside": True}])[-1][0].startswith("* simulated")


def test_svg_is_xml_and_the_same_each_time(tmp_path, pooled):
    for name in ("a.svg", "b.svg"):
        write_figure(draw_forest(pooled), tmp_path / name, "title", "words")
    text = (tmp_path / "a.svg").read_text(encoding="utf-8")
    ElementTree.fromstring(text)
    assert text == (tmp_path / "b.svg").read_text(encoding="utf-8")
    assert "camera-2004 [7]" in text


def test_png_is_large_enough_for_print(tmp_path, pooled):
    write_figure(draw_forest(pooled), tmp_path / "a.png", "title", "words")
    content = (tmp_path / "a.png").read_bytes()
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    assert int.from_bytes(content[16:20], "big") >= 900


def test_html_is_self_contained_and_holds_the_numbers(tmp_path, pooled):
    table = forest_table(pooled)
    write_figure(draw_forest(pooled), tmp_path / "a.html", "Title <1>", "words", table, pooled.left_out)
    text = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert "Title &lt;1&gt;" in text
    assert not re.search(r"(src|href)=\"https?://", text.replace("xlink:href", "xlink"))
    assert "91/271" in text
    assert "never advice on treating a patient" in text
    assert "shares patients" in text
    # equally specific rules: the last one holds
    assert (
        text.index("footer{color:#6b7280")
        < text.index("prefers-color-scheme:dark")
        < text.index("footer{color:#9ca3af")
    )


def test_other_endings_and_unwritable_places_are_refused(tmp_path, pooled):
    with pytest.raises(InputError, match=r"\.svg, \.png, \.html"):
        write_figure(draw_forest(pooled), tmp_path / "a.gif", "title", "words")
    with pytest.raises(InputError, match="can be written"):
        write_figure(draw_forest(pooled), tmp_path / "missing" / "a.svg", "title", "words")


def test_map_counts_nobody_twice():
    found = make_map()
    row = found.regimens.index("blinatumomab")
    column = found.endpoints.index("EFS")
    # TOWER; the cohort transplanted after blinatumomab stands in the row of transplants
    assert found.n_patients[row, column] == 271
    assert found.n_trials[row, column] == 1
    transplants = found.regimens.index("allo-hsct")
    assert found.n_patients[transplants, column] == 106 + 180
    assert map_table(found)[0][0] == "regimen"


def test_network_table_marks_indirect_comparisons():
    fit = fit_network(published_network("OS")[0])
    rows = {(row[0], row[1]): row for row in network_table(fit, "hazard_ratio", True)[1:]}
    assert rows[("blinatumomab", "inotuzumab-ozogamicin")][4] == "0 (indirect only)"
    assert rows[("blinatumomab", "standard-chemotherapy")][2] == "0.71"


def test_page_has_its_own_layout_for_phone_and_print(tmp_path, pooled):
    write_figure(draw_forest(pooled), tmp_path / "forest.html", "CR", "words", forest_table(pooled))
    page = (tmp_path / "forest.html").read_text(encoding="utf-8")
    # In print a whole figure fits the page, and no column is cut off by a box that cannot be scrolled.
    printed = page.partition("@media print")[2]
    assert "max-height:22cm" in printed
    assert ".wide{overflow:visible}" in printed
    assert "@media (max-width:30rem)" in page
