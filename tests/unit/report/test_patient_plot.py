"""One virtual patient drawn, alone and under two regimens."""

import matplotlib
import numpy as np
import pytest

from engager.core import InputError
from engager.report import NARROW, DailyCourse, DoseSegment, PatientCourses, patient_figure

DAYS = np.arange(0.0, 57.0)


def _patient(rate=0.2, amount=28.0, **more):
    courses = {
        "CD19+ blasts": DailyCourse(DAYS, np.exp(-rate * DAYS), "fraction", "Leukemia", limits={1e-4: "MRD limit"}),
        "CD19- blasts": DailyCourse(DAYS, np.full(57, 1e-6), "fraction", "Leukemia"),
        "platelets": DailyCourse(DAYS, DAYS * 3, "10^3/uL", log=False),
    }
    doses = [DoseSegment(0, 7, 9), DoseSegment(7, 28, amount), DoseSegment(42, 70, amount)]
    return PatientCourses(courses | more, doses, [0.0, 42.0], {29.0: "CR"})


def _texts(figure):
    return [text.get_text() for text in figure.findobj(matplotlib.text.Text)]


def test_courses_of_a_panel_share_it_and_keep_their_values():
    figure = patient_figure(_patient(), title="A patient")
    strip, leukemia, platelets = figure.axes
    lines = [line for line in leukemia.lines if len(line.get_xdata()) == 57]
    assert [line.get_ydata()[20] for line in lines] == pytest.approx([np.exp(-4.0), 1e-6])
    assert leukemia.get_yscale() == "log"
    assert platelets.get_yscale() == "linear"
    assert {"9", "28"} <= set(text.get_text() for text in strip.texts)


def test_days_are_named_by_cycle_and_step():
    texts = _texts(patient_figure(_patient()))
    assert {"C1D1", "C1D8", "C2D1", "MRD limit", "CR"} <= set(texts)


def test_cycle_labels_give_way_where_they_would_touch():
    days = np.arange(0.0, 400.0)
    long = PatientCourses(
        {"drug": DailyCourse(days, days + 1, "ng/L")},
        [DoseSegment(start, start + 28, 28) for start in range(0, 400, 42)],
        [float(start) for start in range(0, 400, 42)],
    )
    figure = patient_figure(long, width=NARROW)
    labels = {text for text in _texts(figure) if text.startswith("C") and "D" in text}
    assert labels == {"C1D1", "C3D1", "C5D1", "C7D1", "C9D1"}


def test_two_regimens_are_told_apart_by_color():
    figure = patient_figure({"28 ug/day": _patient(), "15 ug/day": _patient(0.1, 15.0)})
    leukemia = figure.axes[1]
    solid = [line for line in leukemia.lines if len(line.get_xdata()) == 57 and line.get_linestyle() == "-"]
    assert len({line.get_color() for line in solid}) == 2
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["28 ug/day", "15 ug/day"]


def test_narrow_figure_keeps_its_panels_wide():
    figure = patient_figure(_patient(), width=NARROW)
    figure.draw_without_rendering()
    for axes in figure.axes:
        assert axes.get_position().width > 0.6


def test_axis_ends_where_asked():
    assert patient_figure(_patient(), last_day=28.0).axes[1].get_xlim() == (0.0, 28.0)


def test_injection_is_a_mark_not_a_bar():
    given = PatientCourses({"drug": DailyCourse(DAYS, DAYS + 1, "ng/L")}, [DoseSegment(3.0, 3.0, 250.0, "ug")], [0.0])
    strip = patient_figure(given).axes[0]
    assert [line.get_xdata()[0] for line in strip.lines if line.get_marker() == "^"] == [3.0]
    assert not strip.patches


def test_what_cannot_be_drawn_is_refused_together():
    bad = _patient(
        short=DailyCourse(DAYS, DAYS[:5], "fraction"), other=DailyCourse(DAYS, DAYS, "cells", panel="Leukemia")
    )
    with pytest.raises(InputError) as caught:
        patient_figure(bad)
    assert len(caught.value.problems) == 2
    with pytest.raises(InputError, match="at least one course"):
        patient_figure(PatientCourses({}))
