"""One virtual patient drawn: dose, drug, cells, cytokines, counts, over days and cycles.

In: named courses with units and dose segments, for one regimen or two laid over each other. The figure knows
no model; what shares a panel is said by the courses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from engager.core import InputError, Problem
from engager.report.plots.courses import (
    DoseSegment,
    Panel,
    courses_legend,
    cycle_label,
    draw_doses,
    finish_panel,
    fits,
    floored,
    stacked_axes,
)
from engager.report.plots.style import COLORS, LINES, MUTED, SHADE, WIDE, color_of, is_narrow, quiet

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class DailyCourse:
    """One quantity over time.

    Attributes
    ----------
    days, values : array (time,); NaN where unknown.
    unit : e.g. ``ng/L`` or ``cells/uL``.
    panel : title of the panel it is drawn in; courses of one panel share unit and axis.
    log : draw the panel on a logarithmic axis.
    floor : where the axis starts, as in `Panel`.
    limits : label by value, drawn as thin lines in the panel.
    """

    days: ArrayLike
    values: ArrayLike
    unit: str
    panel: str = ""
    log: bool = True
    floor: float | None = None
    limits: Mapping[float, str] = field(default_factory=dict)


@dataclass(frozen=True)
class PatientCourses:
    """What happened to the patient under one regimen.

    Attributes
    ----------
    courses : by label, e.g. ``T cells, blood``.
    doses : what was given.
    cycle_starts : first day of each cycle.
    marks : label by day, e.g. ``{29.0: "CR", 140.0: "relapse"}``.
    """

    courses: Mapping[str, DailyCourse]
    doses: Sequence[DoseSegment] = ()
    cycle_starts: Sequence[float] = ()
    marks: Mapping[float, str] = field(default_factory=dict)


def patient_figure(
    regimens: Mapping[str, PatientCourses] | PatientCourses,
    title: str | None = None,
    width: float = WIDE,
    last_day: float | None = None,
) -> Figure:
    """Draw one virtual patient, under one regimen or compared between a few.

    Parameters
    ----------
    regimens : courses by regimen name; or the courses of a single regimen. With several, color tells the
        regimen and the line style the course; with one, color tells the course.
    title : above the figure.
    width : inches.
    last_day : where the axis ends; the last day of any course when None.

    Raises
    ------
    InputError
        When there is nothing to draw, lengths differ, or courses of one panel differ in unit or scale.
    """
    given = {"": regimens} if isinstance(regimens, PatientCourses) else dict(regimens)
    panels = _panels(given)
    end = last_day if last_day is not None else _last_day(given)
    doses = {name: one.doses for name, one in given.items() if one.doses}
    names = list(given)
    with quiet():
        figure, strip, rows = stacked_axes(len(panels), width, bool(doses), head=0.65 if title else 0.35)
        if strip is not None:
            draw_doses(strip, doses, names, end, width)
        for axes, (panel, labels) in zip(rows, panels.items(), strict=True):
            look = _panel_of(panel, labels, given)
            _draw_panel(axes, look, labels, given, width)
            finish_panel(axes, look, end)
        _cycles(strip if strip is not None else rows[0], given, end, width)
        _shade_infusions(rows, given, end)
        _marks(rows, given, end)
        _regimens_legend(figure, names)
        rows[-1].set_xlabel("days from the first dose")
        if title:
            figure.suptitle(title, x=0.01, ha="left", fontsize=10, fontweight="bold")
    return figure


def _panels(given: Mapping[str, PatientCourses]) -> dict[str, list[str]]:
    """Labels of the courses by panel title, in order of first appearance; refuses what cannot be drawn."""
    panels: dict[str, list[str]] = {}
    problems = []
    for name, one in given.items():
        for label, course in one.courses.items():
            where = f"courses{f'[{name}]' if name else ''}[{label}]"
            if np.shape(course.days) != np.shape(course.values) or np.ndim(course.days) != 1:
                shapes = (np.shape(course.days), np.shape(course.values))
                rule = "days and values must be arrays of one length"
                problems.append(Problem(where, shapes, rule))
            labels = panels.setdefault(course.panel or label, [])
            if label not in labels:
                labels.append(label)
    for panel, labels in panels.items():
        members = [one.courses[label] for one in given.values() for label in labels if label in one.courses]
        kinds = sorted({(course.unit, course.log) for course in members})
        if len(kinds) > 1:
            rule = "courses of a panel must share unit and scale"
            problems.append(Problem(f"panel {panel!r}", kinds, rule))
    if not panels:
        problems.append(Problem("courses", {}, "must hold at least one course"))
    if problems:
        raise InputError(problems)
    return panels


def _last_day(given: Mapping[str, PatientCourses]) -> float:
    return max(float(np.max(course.days)) for one in given.values() for course in one.courses.values())


def _panel_of(title: str, labels: Sequence[str], given: Mapping[str, PatientCourses]) -> Panel:
    members = [one.courses[label] for one in given.values() for label in labels if label in one.courses]
    limits = {value: text for course in members for value, text in course.limits.items()}
    floors = [course.floor for course in members if course.floor is not None]
    return Panel(
        title=title,
        columns={label: label for label in labels},
        unit=members[0].unit,
        log=members[0].log,
        floor=min(floors) if floors else None,
        limits=limits,
    )


def _draw_panel(
    axes: Axes, panel: Panel, labels: Sequence[str], given: Mapping[str, PatientCourses], width: float
) -> None:
    from matplotlib.lines import Line2D

    several = len(given) > 1
    handles = []
    for index, label in enumerate(labels):
        style: Any = LINES[index % len(LINES)] if several else "-"
        own = COLORS[index % len(COLORS)]
        for order, (name, one) in enumerate(given.items()):
            if label in one.courses:
                course = one.courses[label]
                color = color_of(name, list(given)) if several else own
                value = floored(course.values, panel)
                # The first is drawn thicker: where two regimens agree, both can be seen.
                thick = 2.8 if several and order == 0 else 1.5
                axes.plot(np.asarray(course.days), value, color=color, linestyle=style, linewidth=thick)
        handles.append(Line2D([], [], color=MUTED if several else own, linestyle=style))
    if len(labels) > 1:
        courses_legend(axes, handles, labels, width)


def _cycles(axes: Axes, given: Mapping[str, PatientCourses], end: float, width: float) -> None:
    """Names of days on a second axis on top: first day of each cycle and each change of dose."""
    first = next((one for one in given.values() if one.cycle_starts), None)
    if first is None:
        return
    # Days at which something begins: cycles first, they keep their place when labels must give way.
    begins = [segment.start_day for segment in first.doses]
    wanted = [day for day in (*first.cycle_starts, *begins) if 0 <= day <= end]
    kept: list[float] = []
    for day in dict.fromkeys(wanted):
        if all(abs(day - other) > end / fits(width) * 0.8 for other in kept):
            kept.append(day)
    top = axes.secondary_xaxis("top")
    top.set_xticks(sorted(kept), [cycle_label(day, first.cycle_starts) for day in sorted(kept)])
    top.tick_params(labelsize=7.5, length=2)
    top.spines["top"].set_visible(False)
    if axes.get_title(loc="left"):
        # The names stand between the axis and its title.
        axes.set_title(axes.get_title(loc="left"), pad=16)


def _shade_infusions(rows: Sequence[Axes], given: Mapping[str, PatientCourses], end: float) -> None:
    """A breath of color while drug runs; only for a single regimen, where it can mean but one thing."""
    if len(given) > 1:
        return
    for segment in next(iter(given.values())).doses:
        if segment.start_day < end:
            stop = min(segment.stop_day, end)
            for axes in rows:
                axes.axvspan(segment.start_day, stop, color=SHADE, linewidth=0, zorder=0)


def _marks(rows: Sequence[Axes], given: Mapping[str, PatientCourses], end: float) -> None:
    several = len(given) > 1
    for row, (name, one) in enumerate(given.items()):
        color = color_of(name, list(given)) if several else "#22303C"
        for day, text in one.marks.items():
            if not 0 <= day <= end:
                continue
            for axes in rows:
                axes.axvline(day, color=color, linewidth=0.8, linestyle=(0, (2, 2)), alpha=0.7, zorder=1)
            rows[-1].annotate(
                text,
                (day, 0.03 + 0.3 * row),
                xycoords=("data", "axes fraction"),
                xytext=(2, 0),
                textcoords="offset points",
                fontsize=7,
                rotation=90,
                va="bottom",
                color=color,
            )


def _regimens_legend(figure: Figure, names: Sequence[str]) -> None:
    from matplotlib.lines import Line2D

    if len(names) < 2:
        return
    handles = [Line2D([], [], color=color_of(name, names), linewidth=2.2) for name in names]
    ncols = 1 if is_narrow(figure.get_figwidth()) and len(names) > 2 else len(names)
    figure.legend(handles, names, loc="lower center", ncols=ncols)
