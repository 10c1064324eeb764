"""One self-contained page of one virtual patient: who it is, and the courses under one regimen or several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from engager.report.plots.patient import PatientCourses, patient_figure
from engager.report.template import both_widths, render

_CAPTION = "Doses are given as planned; no visit changes them. Dashed: limits of a response and of residual disease."
_ONE = " Shaded: days on drug."
_SEVERAL = " The same patient under each regimen; color tells the regimen, the style of a line the course."


@dataclass(frozen=True)
class PatientContent:
    """Everything the page shows.

    Attributes
    ----------
    title : of the page. traits : of the patient at entry, in words. notes : remarks on the regimens.
    regimens : courses by regimen name.
    """

    title: str
    traits: Sequence[str]
    notes: Sequence[str]
    regimens: Mapping[str, PatientCourses]


def render_patient(content: PatientContent) -> str:
    """The page as text; the same content gives the same text."""
    one = next(iter(content.regimens.values())) if len(content.regimens) == 1 else None
    draw = partial(patient_figure, one if one is not None else dict(content.regimens))
    figure = both_widths("patient", content.title, lambda width: draw(width=width))
    caption = _CAPTION + (_SEVERAL if one is None else _ONE)
    return render("patient.html.j2", {"content": content, "figure": figure, "caption": caption})
