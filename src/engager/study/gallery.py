"""Eight cases that are ready to be looked at: a sentence and a picture each, drawn from what the package holds.

Pictures of trials are the figures of the shipped review (published beside simulated); those of patients are simulated
when they are first asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from engager.core import PATIENT_DAYS, InputError, Problem
from engager.model import presets_of
from engager.report import figure_small_comparison, figure_small_courses, to_svg
from engager.study.load import regimen_by_id
from engager.study.patients.patient import VirtualPatient, simulate_patient
from engager.study.review.summary import shipped_review_summary

_BLASTS = "marrow_blasts_percent"
_CLEAR_PERCENT = 5.0
_MOST_FIGURES = 9
# A picture stands alone in a page, so its colors follow the reader's own setting.
ALONE = (
    "<style>svg{--ink:#22303c;--published:#111111;--frame:#8a95a0;--rule:#c3cad1;--arm-0:#0072b2;--arm-1:#d55e00;"
    "--muted:#5a6570;--paper:transparent}"
    "@media(prefers-color-scheme:dark){svg{--ink:#e6ebf0;--published:#f4f6f8;--frame:#9fabb7;--rule:#515d68;"
    "--arm-0:#4aa8e8;--arm-1:#f28c45;--arm-2:#3cc79a;--muted:#a9b4be;--grid:#262f37;--guide:#515d68}}</style>"
)


def _preset(case: str) -> dict[str, float]:
    presets = presets_of()
    return presets.completed(presets.cases[case][1])


@dataclass(frozen=True)
class Case:
    """One case.

    Attributes
    ----------
    name : of its picture. title, sentence : for people.
    study : a shipped study that it runs; None for a patient, or for the whole review.
    patient : changes of the typical patient. regimens : what the patient gets. seed : of a patient drawn
        at random. days : how long.
    """

    name: str
    title: str
    sentence: str
    study: str | None = None
    patient: Mapping[str, float] | None = None
    regimens: tuple[str, ...] = ("blinatumomab",)
    seed: int | None = None
    days: float = PATIENT_DAYS


GALLERY_CASES = (
    Case("tower", "TOWER", "Blinatumomab against chemotherapy in 405 adults, beside what was published.", "tower"),
    Case("blast", "BLAST", "Residual disease only: how many clear it, and what becomes of them?", "blast"),
    Case("ino-vate", "INO-VATE", "An antibody-drug conjugate against chemotherapy.", "ino-vate"),
    Case("mt103-211", "MT103-211", "One arm, 189 patients: response, survival, the role of transplant.", "mt103-211"),
    Case("no-response", "Why no response?", "Guess what happens to one patient, then read what decided it.",
         patient={}, regimens=("blinatumomab", "soc-chemotherapy-tower"), seed=2),
    Case("escape", "Escape", "A CD19-negative clone grows while the drug clears the rest.",
         patient=_preset("negative-clone"), days=168.0),
    Case("or-chemotherapy", "Drug or chemotherapy", "The same patient under blinatumomab and under FLAG.",
         patient={}, regimens=("blinatumomab", "flag")),
    Case("review", "The review", "42 references: what runs each, and how it compares."),
)  # fmt: skip


@cache
def case_picture(name: str) -> str:
    """The picture of a case: SVG text, small, without words.

    Raises
    ------
    InputError
        When there is no such case.
    """
    case = next((one for one in GALLERY_CASES if one.name == name), None)
    if case is None:
        raise InputError(Problem("case", name[:60], f"must be one of {', '.join(one.name for one in GALLERY_CASES)}"))
    if case.patient is not None:
        followed = [_followed(case, regimen) for regimen in case.regimens]
        figure = figure_small_courses([(one.days, one.columns[_BLASTS]) for one in followed], _CLEAR_PERCENT)
    else:
        figure = figure_small_comparison(_shares(case.study))
    return to_svg(figure, f"case-{name}", case.sentence, is_themed=True).replace(">", f">{ALONE}", 1)


def _followed(case: Case, regimen: str) -> VirtualPatient:
    return simulate_patient(regimen_by_id(regimen), changes=case.patient, seed=case.seed, days=case.days)


def _shares(study: str | None) -> list[dict[str, float]]:
    """Published shares with the simulated intervals: of one study, or the first of each that only checks."""
    found, seen = [], set()
    for one in shipped_review_summary()["comparisons"]:
        simulated = one["simulated"]
        is_share = one["statistic"] in ("proportion", "survival_at") and simulated["median"] is not None
        wanted = one["trial"] == study if study else one["use"] == "check" and one["trial"] not in seen
        if is_share and wanted and not one["subgroup"] and one["published"]["value"] is not None:
            seen.add(one["trial"])
            found.append({"published": one["published"]["value"],
                          **{key: simulated[key] for key in ("low", "median", "high")}})  # fmt: skip
    return found[: _MOST_FIGURES if study else 2 * _MOST_FIGURES]
