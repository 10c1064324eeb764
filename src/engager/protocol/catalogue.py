"""Regimens of the evidence base in a form an arm can be given.

A published regimen leaves things open (course length, number of courses). What is filled in is written into
`Regimen.assumptions`, which `engager trial show` prints.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator

from engager.core import InputError, factor
from engager.protocol.parts import refuse
from engager.protocol.regimen import CHEMOTHERAPY, Regimen

if TYPE_CHECKING:
    from engager.evidence import DrugDose, PublishedRegimen

# The catalogue prints lighter patients' doses as a regimen of their own (blincyto-smpc-2016) or as a note.
_BELOW_45_KG = {"blinatumomab": "blinatumomab-under-45kg"}
_BELOW_45_KG_NOTED = {"blinatumomab-mrd": [{"days": "1-28", "amount": 15, "unit": "ug/m2/day", "cap": 28}]}
_BAND_KG = 45.0
# Cycles seen but not in the catalogue: tower-2017, exposure of the chemotherapy arm, 1 to 4 cycles.
_CYCLES_SEEN = {"soc-chemotherapy-tower": 4}
_COURSE_DAYS = 28
# Regimens that take less of normal marrow than a salvage course does. Assumed, 0.2 to 0.7: an antibody brings its toxin
# to CD22-positive cells; under vincristine 15 of 83 had neutropenia of grade 3 or more (record obrien-2013-vsli).
_MARROW_TOXICITY = {"inotuzumab-ozogamicin": 0.35, "vsli": 0.4}
# Where it is not told how many courses follow: as many as the chemotherapy arm of TOWER got, four of four weeks.
_TREATMENT_DAYS = 112
_SHORT_CYCLE_DAYS = 14
_INDUCTION_COURSES = 2
_RESPONSES = ["CR", "CRh", "CRi"]


@cache
def executable_regimen(slug: str) -> Regimen:
    """A regimen of the evidence base, ready to be given.

    A slug that is unknown, or whose doses cannot be carried out as printed, is refused with the reason.
    """
    from engager.evidence import regimen

    try:
        published = regimen(slug)
    except InputError as error:
        refuse("must be a regimen of the catalogue, or written inline", error.problems[0].next_step)
    if published.drug_class == "transplant":
        refuse("must be a drug regimen; this one is a transplant", "Offer it with the `hsct` block.")
    if published.setting == "laboratory only":
        refuse("must be a regimen for people; this one has no human dose")
    if published.not_an_arm_because is not None:
        refuse(f"must be a treatment that can be an arm; this one is {published.not_an_arm_because}")
    raw = _engager(published) if _is_engager(published) else _course(published)
    return Regimen.model_validate(raw)


def _by_id(value: Any) -> Any:
    return executable_regimen(value) if isinstance(value, str) else value


# A regimen of a study file: one of ``engager regimen list``, or written inline.
NamedRegimen = Annotated[Regimen, BeforeValidator(_by_id)]


def _is_engager(published: PublishedRegimen) -> bool:
    return "engager" in published.drug_class


def _engager(published: PublishedRegimen) -> dict[str, Any]:
    given = published.given_as
    if given is None and (not published.is_complete or published.cycle_days is None):
        reasons = "; ".join(published.incomplete_because) or "cycle length not seen"
        refuse(f"must be complete to be given ({reasons})", "Write the regimen inline with the doses you mean.")
    assumptions: list[str] = [] if given is None else [given.because]
    treating = [dose for dose in (given or published).drugs if dose.role == "treatment"]
    raw: dict[str, Any] = {
        "id": published.slug,
        "drug": treating[0].drug,
        "route": treating[0].route,
        "cycle_days": (given or published).cycle_days,
        "cycles": given.cycles if given else published.cycles_max or max(max(dose.cycles or (1,)) for dose in treating),
        "doses": [_line(dose) for dose in treating],
        "premedication": _premedication(published),
        "longer_cycles": _longer_cycles(published, assumptions),
        "weight_bands": _weight_bands(published.slug),
    }
    phases = dict(published.phases)
    if phases.get("induction") == 2:
        raw["continue_if"] = {"after_cycle": 2, "response": _RESPONSES}
        assumptions.append("after the 2 induction cycles only patients in CR, CRh or CRi go on")
    return {**raw, "assumptions": assumptions}


def _line(dose: DrugDose) -> dict[str, Any]:
    line: dict[str, Any] = {
        "days": ",".join(f"{first}-{last}" for first, last in dose.days),
        "amount": dose.amount,
        "unit": dose.unit,
    }
    if dose.cycles is not None:
        line["cycles"] = list(dose.cycles)
    if dose.cap is not None:
        line["cap"] = dose.cap * _cap_factor(dose)
    return line


def _cap_factor(dose: DrugDose) -> float:
    """From the cap's unit to the dose's unit without m2."""
    return factor(str(dose.cap_unit), str(dose.unit).replace("/m2", ""), f"{dose.drug}: cap")


def _premedication(published: PublishedRegimen) -> dict[str, float]:
    for dose in published.drugs:
        if dose.role != "premedication" or dose.drug != "dexamethasone" or dose.amount is None:
            continue
        if "/m2" not in str(dose.unit):
            return {"dexamethasone_mg": dose.amount * factor(str(dose.unit), "mg")}
        per_m2 = dose.amount * factor(str(dose.unit), "mg/m2")
        most = dose.cap * factor(str(dose.cap_unit), "mg") if dose.cap else 0.0
        return {"dexamethasone_mg_per_m2": per_m2, "dexamethasone_mg": most}
    return {}


def _longer_cycles(published: PublishedRegimen, assumptions: list[str]) -> dict[str, int] | None:
    if published.cycle_days_continued is None:
        return None
    phases = dict(published.phases)
    earlier = phases.get("induction", 0) + phases.get("consolidation", 0)
    if not earlier:
        # Printed for the label's main regimen only: 2 induction and 3 consolidation cycles come first.
        earlier = 5
        assumptions.append("continued therapy with its longer cycles starts with cycle 6, as in the main regimen")
    return {"from_cycle": earlier + 1, "cycle_days": published.cycle_days_continued}


def _weight_bands(slug: str) -> list[dict[str, Any]]:
    from engager.evidence import regimen

    if slug in _BELOW_45_KG_NOTED:
        return [{"below_kg": _BAND_KG, "doses": _BELOW_45_KG_NOTED[slug]}]
    if slug not in _BELOW_45_KG:
        return []
    lighter = regimen(_BELOW_45_KG[slug])
    lines = [_line(dose) for dose in lighter.drugs if dose.role == "treatment"]
    return [{"below_kg": _BAND_KG, "doses": lines}]


def _course(published: PublishedRegimen) -> dict[str, Any]:
    """Chemotherapy and antibodies: given as courses whose kill belongs to the regimen as a whole."""
    assumptions = [f"doses as printed: {reason}" for reason in published.incomplete_because]
    cycle_days, cycles = published.cycle_days, published.cycles_max or _CYCLES_SEEN.get(published.slug)
    if cycle_days is None:
        cycle_days = _COURSE_DAYS
        assumptions.append(f"course length was not seen; {_COURSE_DAYS} days assumed")
    if cycles is None:
        cycles = max(1, _TREATMENT_DAYS // cycle_days)
        assumptions.append(f"number of courses was not seen; {cycles} of {cycle_days} days assumed, as in TOWER")
    # Weekly dosing becomes four-week cycles, so that the marrow visits have a cycle to stand in.
    repeats = _COURSE_DAYS // cycle_days if cycle_days < _SHORT_CYCLE_DAYS else 1
    cycles = max(1, cycles // repeats)
    starts = [cycle_days * i for i in range(repeats)]
    raw: dict[str, Any] = {
        "id": published.slug,
        "drug": CHEMOTHERAPY,
        "cycle_days": cycle_days * repeats,
        "cycles": cycles,
        "course": [_course_drug(dose, starts) for dose in published.drugs],
        "toxicity_rules": "none",
    }
    if published.slug in _MARROW_TOXICITY:
        raw["marrow_toxicity"] = _MARROW_TOXICITY[published.slug]
        assumptions.append(f"takes normal marrow at {_MARROW_TOXICITY[published.slug]:g} of a standard course")
    if cycles > _INDUCTION_COURSES:
        raw["continue_if"] = {"after_cycle": _INDUCTION_COURSES, "response": _RESPONSES}
        assumptions.append(f"after {_INDUCTION_COURSES} courses only patients in CR, CRh or CRi go on")
    return {**raw, "assumptions": assumptions}


def _course_drug(dose: DrugDose, starts: list[int]) -> dict[str, Any]:
    days = ",".join(f"{start + first}-{start + last}" for start in starts for first, last in dose.days) or None
    notes = [text for text in (dose.part and f"part {dose.part}", dose.days_text, dose.note) if text]
    return {
        "drug": dose.drug,
        "dose": dose.amount,
        "unit": dose.unit,
        "route": dose.route,
        "days": days,
        "every_hours": dose.every_hours,
        "note": "; ".join(notes) or None,
    }
