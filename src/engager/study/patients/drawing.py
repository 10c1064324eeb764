"""A told patient drawn: drug, T cells, IL-6 and blasts, under one regimen or two laid over each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from engager.report import NARROW, WIDE, patient_figure, to_svg
from engager.study.patients.patient import VirtualPatient

_SHOWN = ("drug", "CD8 T cells", "IL-6", "blasts")


def story_svgs(patients: Mapping[str, VirtualPatient]) -> dict[str, str]:
    """The figure for a page and for a phone: SVG text by ``wide`` and ``narrow``.

    Parameters
    ----------
    patients : the same patient by regimen.
    """
    courses = {}
    for name, one in patients.items():
        told = one.courses()
        courses[name] = replace(told, courses={key: told.courses[key] for key in _SHOWN if key in told.courses})
    words = "Courses of one virtual patient under " + " and ".join(patients)
    given = courses if len(courses) > 1 else next(iter(courses.values()))
    return {
        kind: to_svg(patient_figure(given, width=width), f"story-{kind}", words, is_themed=True)
        for kind, width in (("wide", WIDE), ("narrow", NARROW))
    }
