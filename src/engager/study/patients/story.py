"""One virtual patient told in words: what happens when, whether the leukemia goes, and which trait decides that.

In: the number of a patient drawn at random, and a regimen. Out: a `Story`. A reason is not an opinion: the same patient
is followed again with one trait made typical, and the traits that turn the outcome are named. Doses are given as
planned; a patient of a trial is also held, stopped and transplanted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from engager.core import PATIENT_DAYS, FloatArray
from engager.model import Model, load_model
from engager.protocol import Regimen
from engager.study.parameters import population_parameters
from engager.study.patients.patient import VirtualPatient, courses_of, draw_patients_of, simulate_patient

CLEAR_PERCENT = 5.0  # a marrow with fewer blasts is clear
MRD_PERCENT = 0.01
_BLASTS, _DRUG, _IL6, _CD8, _B = (
    "marrow_blasts_percent", "drug_pg_per_mL", "il6_pg_per_mL", "cd8_per_uL", "b_per_uL"
)  # fmt: skip
_NEGATIVE, _POSITIVE, _EXHAUSTED, _ACTIVATED = (
    "blasts_cd19_negative", "blasts_cd19_positive", "marrow_T_exhausted", "marrow_T_activated"
)  # fmt: skip
_PER_DAY = 4
_IL6_HIGH = 100.0  # pg/mL; fever and more are common above
_SAME = 0.01  # traits closer to the typical value than this share are typical
_MOST_REASONS = 3
_MOST_TOGETHER = 4
_NOTICEABLE = 0.3  # a trait counts when it moves the blasts by a factor of two (log10)


@dataclass(frozen=True)
class Reason:
    """What a trait of the patient does.

    Attributes
    ----------
    trait : words of the model's table. times_typical : value over that of the typical patient.
    blasts_percent : at the end, had the trait alone been typical. turns : whether that turns the outcome.
    """

    trait: str
    times_typical: float
    blasts_percent: float
    turns: bool


@dataclass(frozen=True)
class Story:
    """One patient under one regimen.

    Attributes
    ----------
    number : of the patient. patient : courses, hour by hour.
    is_clear : blasts below 5 % at the end of the last cycle that is followed, on day `judged_day`.
    blasts_percent : there.
    timeline : day and sentence, in order.
    reasons : traits that decide, the strongest first.
    together : traits that turn the outcome only together; empty when one does so alone, or no few do.
    """

    number: int
    patient: VirtualPatient
    is_clear: bool
    judged_day: float
    blasts_percent: float
    timeline: tuple[tuple[float, str], ...]
    reasons: tuple[Reason, ...]
    together: tuple[str, ...]


def patient_story(
    number: int, regimen: Regimen, *, days: float = PATIENT_DAYS, model: str = "b-all", parameters: str = "center"
) -> Story:
    """Tell one patient.

    Parameters
    ----------
    number : of a patient drawn from adults like TOWER's; ``engager patient --seed`` gives the same one.
    days : how long, > 0; the outcome is judged at their end.
    parameters : as for `run_study`.
    """
    followed = simulate_patient(regimen, days=days, model=model, seed=number, parameters=parameters)
    blasts = float(followed.columns[_BLASTS][-1])
    reasons, together = _reasons(_Trials(load_model(model), number, regimen, days, parameters), blasts)
    return Story(
        number,
        followed,
        blasts < CLEAR_PERCENT,
        days,
        blasts,
        tuple(_timeline(followed)),
        reasons,
        together,
    )


def _timeline(patient: VirtualPatient) -> list[tuple[float, str]]:
    """What a clinician would write down."""
    days, columns = patient.days, patient.columns
    who = patient.covariates
    found = [(0.0, f"{who['marrow_blasts_percent']:.0f} % blasts in the marrow; treatment begins.")]
    engager = not patient.regimen.is_chemotherapy
    if engager and _IL6 in columns:
        peak = int(np.argmax(columns[_IL6]))
        level = columns[_IL6][peak]
        word = "high: fever is likely" if level >= _IL6_HIGH else "low: little cytokine release"
        found.append((float(days[peak]), f"IL-6 is highest, {level:.0f} pg/mL ({word})."))
    if engager and _CD8 in columns:
        first_week = days <= 7  # later falls come with dose steps
        low = int(np.argmin(np.where(first_week, columns[_CD8], np.inf)))
        count = columns[_CD8][low]
        found.append((float(days[low]), f"T cells have left the blood for the tissues: {count:.0f} CD8 cells per µL."))
    if engager and _B in columns and (day := _first(days, columns[_B] < 1.0)) is not None:
        found.append((day, "No B cells are left in the blood: the drug works on CD19."))
    blasts = columns[_BLASTS]
    clear, deep = _first(days, blasts < CLEAR_PERCENT), _first(days, blasts < MRD_PERCENT)
    if clear is not None:
        found.append((clear, "Blasts fall below 5 % of the marrow."))
    if deep is not None:
        found.append((deep, "No residual disease is measurable (below 1 in 10 000)."))
    if engager and {_EXHAUSTED, _ACTIVATED} <= columns.keys():
        tired = _first(days, columns[_EXHAUSTED] > columns[_ACTIVATED])
        if tired is not None and tired > 0:
            found.append((tired, "More T cells of the marrow are exhausted than active."))
    if {_NEGATIVE, _POSITIVE} <= columns.keys():
        escaped = _first(days, (columns[_NEGATIVE] > columns[_POSITIVE]) & (columns[_NEGATIVE] > 1e6))
        if escaped is not None and engager:
            found.append((escaped, "Most blasts no longer carry CD19: the drug cannot see them."))
    if clear is not None and (back := _first(days, (blasts >= CLEAR_PERCENT) & (days > clear))) is not None:
        found.append((back, "Blasts are above 5 % again."))
    found.append((float(days[-1]), f"{_percent(float(blasts[-1]))} blasts in the marrow."))
    return sorted(found, key=lambda one: one[0])


def _first(days: FloatArray, is_so: np.ndarray) -> float | None:
    """Day from which something first holds; None: never."""
    places = np.flatnonzero(is_so)
    return float(days[places[0]]) if places.size else None


class _Trials:
    """The same patient again, with some of the traits made typical."""

    def __init__(self, model: Model, number: int, regimen: Regimen, days: float, parameters: str):
        population = population_parameters(model.id, number, parameters).settings(0)
        self.model, self.regimen, self.days = model, regimen, days
        self.patient = draw_patients_of(model, {}, population, set(), number)
        self.own = self.patient.parameters[0]
        self.usual = draw_patients_of(model, {}, population, set(), None).parameters[0]
        names = model.system.parameters
        self.places = [
            k for k, name in enumerate(names) if name in model.parameters and _differs(self.own[k], self.usual[k])
        ]

    def ends(self, sets: Sequence[tuple[int, ...]]) -> FloatArray:
        """Blasts on the last day with each set of traits typical: array (set,) [%]; NaN where the solver failed."""
        variants = np.repeat(self.own[None, :], len(sets), axis=0)
        for row, places in enumerate(sets):
            variants[row, list(places)] = self.usual[list(places)]
        many = replace(
            self.patient,
            numbers=np.zeros(len(sets), dtype=np.int64),
            covariates={name: np.repeat(value, len(sets)) for name, value in self.patient.covariates.items()},
            parameters=variants,
        )
        times = np.linspace(0.0, self.days, round(self.days * _PER_DAY) + 1)
        columns, is_failed = courses_of(self.model, self.regimen, [many], times)
        return np.where(is_failed, np.nan, columns[_BLASTS][:, -1])

    def words(self, place: int) -> str:
        """What a trait is called."""
        return self.model.parameters[self.model.system.parameters[place]].meaning


def _reasons(trials: _Trials, blasts: float) -> tuple[tuple[Reason, ...], tuple[str, ...]]:
    """Traits that, made typical alone, move the blasts at the end; and, where none of them turns the outcome, the
    fewest found that do so together.
    """
    if not trials.places:
        return (), ()
    ends = trials.ends([(k,) for k in trials.places])
    found = []
    for k, end in zip(trials.places, ends, strict=True):
        # a trait that helps a patient whose leukemia stays is no reason for it, nor the other way round
        is_against = (end < blasts) != (blasts < CLEAR_PERCENT)
        if np.isfinite(end) and is_against and abs(_log(end) - _log(blasts)) >= _NOTICEABLE:
            ratio = float(trials.own[k] / trials.usual[k]) if trials.usual[k] else np.inf
            turns = bool((end < CLEAR_PERCENT) != (blasts < CLEAR_PERCENT))
            found.append(Reason(trials.words(k), ratio, float(end), turns))
    found.sort(key=lambda one: (not one.turns, -abs(_log(one.blasts_percent) - _log(blasts))))
    together = () if any(one.turns for one in found) else _together(trials, ends, blasts)
    return tuple(found[:_MOST_REASONS]), together


def _together(trials: _Trials, ends: FloatArray, blasts: float) -> tuple[str, ...]:
    """Traits added one by one, each time the one that moves the blasts most, until the outcome turns."""
    is_clear = blasts < CLEAR_PERCENT
    chosen: tuple[int, ...] = ()
    for _ in range(_MOST_TOGETHER):
        order = np.where(np.isfinite(ends), -ends if is_clear else ends, np.inf)
        rest = [k for k in trials.places if k not in chosen]
        chosen = (*chosen, rest[int(np.argmin(order))])
        if (ends[int(np.argmin(order))] < CLEAR_PERCENT) != is_clear:
            return tuple(trials.words(k) for k in chosen)
        rest = [k for k in rest if k not in chosen]
        if not rest:
            break
        ends = trials.ends([(*chosen, k) for k in rest])
    return ()


def _log(percent: float) -> float:
    return float(np.log10(max(percent, 1e-9)))


def _differs(value: float, usual: float) -> bool:
    return bool(np.isfinite(value) and np.isfinite(usual) and abs(value - usual) > _SAME * max(abs(usual), 1e-12))


def _percent(value: float) -> str:
    return f"{value:.0f} %" if value >= 1 else f"{value:.2g} %" if value >= 1e-4 else "Hardly any"


def reason_sentence(story: Story, reason: Reason) -> str:
    """One reason as a sentence for people."""
    times = reason.times_typical
    size = f"{times:.2g} times the typical value" if 0.01 < times < 100 else "far from the typical value"
    end = _percent(reason.blasts_percent).lower()
    would = f"with the typical value alone, {end} blasts would be left on day {story.judged_day:.0f}"
    return f"{reason.trait[0].upper()}{reason.trait[1:]}: {size}; {would}."


def outcome_sentence(story: Story) -> str:
    """Whether the leukemia is gone."""
    outcome = "the marrow is clear" if story.is_clear else "the leukemia has not gone"
    left = _percent(story.blasts_percent).lower()
    return f"On day {story.judged_day:.0f}, {left} blasts are left in the marrow: {outcome}."


def verdict_sentence(story: Story) -> str:
    """Whether the leukemia is gone, and what decided it; the sentences of the reasons follow."""
    if any(one.turns for one in story.reasons):
        why = "Had the first of these traits been typical, it would have ended the other way."
    elif story.together:
        names = "; ".join(story.together)
        why = f"No single trait turns that; typical values of these together would: {names}."
    elif story.reasons:
        why = "No single trait turns that; these weigh most."
    else:
        why = "No single trait of this patient weighs noticeably."
    return f"{outcome_sentence(story)} {why}"


def traits(story: Story) -> Mapping[str, str]:
    """What a doctor would know before treatment, in words with units."""
    return patient_traits(story.patient.covariates)


def patient_traits(who: Mapping[str, float]) -> Mapping[str, str]:
    """Covariates of a patient in words with units.

    Parameters
    ----------
    who : value by name, as of `VirtualPatient.covariates`.
    """
    sex = "woman" if who.get("female") else "man"
    told = {
        "patient": f"{sex} of {who['age_years']:.0f} years, {who['weight_kg']:.0f} kg",
        "marrow": f"{who['marrow_blasts_percent']:.0f} % blasts",
        "earlier treatment": f"salvage line {who['salvage_line']:.0f}" if "salvage_line" in who else "",
        "earlier transplant": "yes" if who.get("prior_hsct") else "no",
    }
    return {name: words for name, words in told.items() if words}
