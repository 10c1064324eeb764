"""A regimen a virtual arm can be given: drug, route, doses by cycle and day, and what stops it.

Days count from 1 within a cycle, both ends included: ``1-7`` runs from the start of the cycle (time 0) to the
end of day 7 (time 7 days). Amounts come out in ug/day (infusion) or ug (injection), per patient or per m2.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field, field_validator, model_validator

from engager.core import UnitError, factor
from engager.protocol.parts import Count, NotNegative, Part, Positive, refuse
from engager.protocol.spans import Cycles, Days, Spans, read_spans

Route = Literal["iv_continuous", "iv_bolus", "subcutaneous"]
Basis = Literal["flat", "per_m2"]
SegmentKind = Literal["infusion", "bolus", "subcutaneous", "course"]
CHEMOTHERAPY = "chemotherapy"

_KIND: dict[str, SegmentKind] = {
    "iv_continuous": "infusion",
    "iv_bolus": "bolus",
    "subcutaneous": "subcutaneous",
}
# Ten years; the days of a cycle are tabulated, so a slip in the length must not fill memory.
_LONGEST_CYCLE_DAYS = 3660
# No engager is given by the gram; larger amounts are slips that the solver could not follow.
_MOST_UG = 1e6
# A printed course without day numbers is given as five days, as most salvage courses of the evidence are.
_COURSE_DAYS_ASSUMED = 5
#: Of adverse events by CTCAE and of CRS: fatal ones.
HIGHEST_GRADE = 5
CycleDays = Annotated[Count, Field(le=_LONGEST_CYCLE_DAYS)]


@dataclass(frozen=True)
class Segment:
    """One stretch of dosing within a cycle.

    Attributes
    ----------
    first_day, last_day : from 1, both included; the stretch covers times first_day - 1 to last_day [days].
    amount : ug/day (infusion), ug on each day (bolus, subcutaneous), 1 (course); per m2 when `basis` says so.
    basis : flat or per_m2.
    cap : the most one patient gets, in the unit of `amount` without m2; None: no cap.
    kind : infusion, bolus, subcutaneous or course (of chemotherapy).
    drug : its name.
    """

    first_day: int
    last_day: int
    amount: float
    basis: Basis
    cap: float | None
    kind: SegmentKind
    drug: str

    def amount_for(self, bsa_m2: ArrayLike) -> NDArray[np.float64]:
        """What each patient gets: array (patient,) [ug/day or ug], the cap applied.

        Parameters
        ----------
        bsa_m2 : array (patient,) [m2]; > 0.
        """
        bsa = np.asarray(bsa_m2, dtype=np.float64)
        given = self.amount * (bsa if self.basis == "per_m2" else np.ones_like(bsa))
        return given if self.cap is None else np.minimum(given, self.cap)


class DoseLine(Part):
    """A dose on some days of some cycles."""

    cycles: Cycles = Spans(((1, None),))
    days: Days
    amount: Positive
    unit: str
    cap: Positive | None = None

    @field_validator("unit")
    @classmethod
    def _unit_is_a_dose(cls, unit: str) -> str:
        read_dose_unit(unit)
        return unit

    @model_validator(mode="after")
    def _amount_is_a_dose(self) -> DoseLine:
        if self.canonical > _MOST_UG:
            refuse(f"{self.amount:g} {self.unit} is more than 1 g; a dose must be less", "Check amount and unit.")
        return self

    @property
    def basis(self) -> Basis:
        return read_dose_unit(self.unit)[0]

    @property
    def is_rate(self) -> bool:
        return read_dose_unit(self.unit)[1]

    @property
    def canonical(self) -> float:
        """The amount in ug/day, ug/m2/day, ug or ug/m2."""
        return self.amount * read_dose_unit(self.unit)[2]

    @property
    def canonical_cap(self) -> float | None:
        """The cap in ug/day or ug; `cap` is written in the unit of the dose without m2."""
        return None if self.cap is None else self.cap * read_dose_unit(self.unit)[2]


class WeightBand(Part):
    """Other doses below a body weight; a cycle it does not name follows the main doses."""

    below_kg: Positive
    doses: tuple[DoseLine, ...] = Field(min_length=1)


class Premedication(Part):
    """Dexamethasone before the first dose of a cycle, a dose step and a restart.

    Given per m2 when `dexamethasone_mg_per_m2` is above 0; `dexamethasone_mg` is then the most anyone gets.
    """

    dexamethasone_mg: NotNegative = 0.0
    dexamethasone_mg_per_m2: NotNegative = 0.0

    def dose_mg(self, bsa_m2: ArrayLike) -> NDArray[np.float64]:
        """What each patient gets: array (patient,) [mg].

        Parameters
        ----------
        bsa_m2 : array (patient,) [m2]; > 0.
        """
        bsa = np.asarray(bsa_m2, dtype=np.float64)
        if not self.dexamethasone_mg_per_m2:
            return np.full(bsa.shape, self.dexamethasone_mg)
        return np.minimum(self.dexamethasone_mg_per_m2 * bsa, self.dexamethasone_mg or np.inf)


_OF_A_HOLD = (
    "resume_at_grade", "min_hold_days", "max_hold_days", "restart", "restart_days", "stop_if_recurs",
    "dexamethasone_mg_per_day", "dexamethasone_days",
)  # fmt: skip


class ToxicityRule(Part):
    """What happens when an event reaches a grade while on drug.

    Attributes
    ----------
    event : CRS, neurologic or other; other events are not simulated.
    grade : ``3`` or ``4+``.
    action : hold the drug, or stop it for good.
    resume_at_grade : restart once the grade is this or lower.
    min_hold_days : days the grade stays there before the restart.
    max_hold_days : stop when it takes longer to fall to that grade; None: no limit.
    restart : ``lowest`` dose of the regimen, or the ``same`` dose.
    restart_days : days at the restart dose before the scheduled one.
    stop_if_recurs : stop when the event comes back at the restart dose.
    dexamethasone_mg_per_day : given while on hold, in three doses a day.
    dexamethasone_days : on the first days of the hold.
    tocilizumab : given once as the event strikes; it blocks the receptor of IL-6. CRS only.
    """

    event: Literal["CRS", "neurologic", "other"]
    grade: Cycles
    action: Literal["hold", "stop"]
    resume_at_grade: int = Field(default=1, ge=0, le=2)
    min_hold_days: NotNegative = 0.0
    max_hold_days: Positive | None = None
    restart: Literal["lowest", "same"] = "lowest"
    restart_days: NotNegative = 7.0
    stop_if_recurs: bool = False
    dexamethasone_mg_per_day: NotNegative = 0.0
    dexamethasone_days: Count = 3
    tocilizumab: bool = False

    @field_validator("grade")
    @classmethod
    def _grade_is_one_of_five(cls, grade: Cycles) -> Cycles:
        if any(max(first, last or 0) > HIGHEST_GRADE for first, last in grade.pieces):
            refuse(f"must be grades from 1 to {HIGHEST_GRADE}", "Write 3, 2-3 or 3+.")
        return grade

    @model_validator(mode="after")
    def _keys_belong_to_the_action(self) -> ToxicityRule:
        if self.tocilizumab and self.event != "CRS":
            refuse(f"tocilizumab belongs to event: CRS, not to {self.event}", "Remove it.")
        named = [name for name in _OF_A_HOLD if getattr(self, name) != type(self).model_fields[name].default]
        if self.action == "stop" and named:
            refuse(f"{', '.join(named)}: belongs to action: hold, not to stop", "Remove it, or hold the drug.")
        if self.restart == "same" and "restart_days" in named:
            refuse(
                "restart_days belongs to restart: lowest", "At the same dose there is no other dose to come back to."
            )
        return self


# The label's rules (evidence: blincyto-smpc-2016). CRS: 8 mg of dexamethasone every 8 h, no limit to the pause.
# Neurologic: grade 1 or lower for 3 days, and no restart when that took over 7 days. Others: within 14 days.
LABEL_RULES = (
    ToxicityRule(event="CRS", grade=read_spans("3"), action="hold", dexamethasone_mg_per_day=24.0),
    ToxicityRule(event="CRS", grade=read_spans("4+"), action="stop"),
    ToxicityRule(
        event="neurologic", grade=read_spans("3"), action="hold", min_hold_days=3.0, max_hold_days=7.0,
        stop_if_recurs=True,
    ),
    ToxicityRule(event="neurologic", grade=read_spans("4+"), action="stop"),
    ToxicityRule(event="other", grade=read_spans("3"), action="hold", max_hold_days=14.0),
    ToxicityRule(event="other", grade=read_spans("4+"), action="stop"),
)  # fmt: skip


class ContinueIf(Part):
    """Go on after this cycle only with one of these responses, else off treatment."""

    after_cycle: Count
    response: tuple[Literal["CR", "CRh", "CRi", "PR", "MRD_response", "complete_MRD_response"], ...] = Field(
        min_length=1
    )


class StopIf(Part):
    """Treatment is complete at the end of this cycle, or of a later one, with one of these responses."""

    after_cycle: Count
    response: tuple[Literal["CR", "CRh", "CRi", "PR"], ...] = Field(min_length=1)


class LongerCycles(Part):
    """From this cycle on the cycles are longer (continued therapy)."""

    from_cycle: Count
    cycle_days: CycleDays


class CourseDrug(Part):
    """One drug of a chemotherapy course as its source prints it; kept, not interpreted."""

    drug: str
    dose: NotNegative | None = None
    unit: str | None = None
    route: str | None = None
    days: Days | None = None
    every_hours: Positive | None = None
    note: str | None = None


class Regimen(Part):
    """A treatment that can be given to an arm; written inline or taken from the evidence base by id.

    Attributes
    ----------
    id : slug of the evidence base, or the arm's name for an inline regimen.
    drug : an engager, or ``chemotherapy`` (a course; see `course`).
    cycle_days, cycles, longer_cycles : lengths [days] and number of cycles.
    doses : what is given when; empty for chemotherapy.
    weight_bands : other doses below a weight, the lightest band first.
    continue_if, stop_if : who goes on after a cycle, and whose treatment is then complete.
    course : the drugs of a chemotherapy course, for the record.
    strength : killing by a chemotherapy regimen, relative to standard salvage chemotherapy; left out: as
        calibrated to the remission rate published for `id`, else 1.
    marrow_toxicity : loss of normal marrow under a chemotherapy regimen, relative to a standard salvage course.
    assumptions : what the source left open and how it was filled.
    """

    id: str = ""
    drug: str
    route: Route = "iv_continuous"
    cycle_days: CycleDays
    cycles: Count = Field(le=200)
    longer_cycles: LongerCycles | None = None
    doses: tuple[DoseLine, ...] = ()
    weight_bands: tuple[WeightBand, ...] = ()
    premedication: Premedication = Premedication()
    toxicity_rules: Literal["label", "none"] | tuple[ToxicityRule, ...] = "label"
    continue_if: ContinueIf | None = None
    stop_if: StopIf | None = None
    course: tuple[CourseDrug, ...] = ()
    strength: Positive | None = None
    marrow_toxicity: Annotated[NotNegative, Field(le=3)] = 1.0
    assumptions: tuple[str, ...] = ()

    @field_validator("weight_bands")
    @classmethod
    def _lightest_first(cls, bands: tuple[WeightBand, ...]) -> tuple[WeightBand, ...]:
        ordered = tuple(sorted(bands, key=lambda band: band.below_kg))
        for lighter, heavier in itertools.pairwise(ordered):
            if lighter.below_kg == heavier.below_kg:
                refuse(f"two bands end at {lighter.below_kg:g} kg; each must end at its own weight")
        return ordered

    @model_validator(mode="after")
    def _doses_make_sense(self) -> Regimen:
        if self.is_chemotherapy:
            if self.doses or self.weight_bands:
                refuse("chemotherapy has a course, not doses", "List its drugs under `course`.")
            return self
        if not self.doses:
            refuse("doses: a regimen needs at least one dose", "Add {cycles, days, amount, unit}.")
        if self.strength is not None:
            refuse("strength belongs to `drug: chemotherapy`", "An engager is as strong as its doses.")
        if self.course:
            refuse("course belongs to `drug: chemotherapy`", "Use doses.")
        self._check_lines(self.doses, "doses")
        for i, band in enumerate(self.weight_bands):
            self._check_lines(band.doses, f"weight_bands[{i}].doses")
        return self

    def _check_lines(self, lines: tuple[DoseLine, ...], where: str) -> None:
        for i, line in enumerate(lines):
            self._check_line(line, f"{where}[{i}]")
        for cycle in range(1, min(self.cycles, 200) + 1):
            taken: dict[int, int] = {}
            for i, line in enumerate(lines):
                if cycle not in line.cycles:
                    continue
                for first, last in line.days.closed(self.cycle_length(cycle)):
                    for day in range(first, last + 1):
                        if taken.setdefault(day, i) != i:
                            refuse(
                                f"{where}[{taken[day]}] and [{i}] both dose day {day} of cycle {cycle}",
                                "Give each day of a cycle one dose.",
                            )

    def _check_line(self, line: DoseLine, where: str) -> None:
        if line.is_rate != (self.route == "iv_continuous"):
            wanted = "ug/day or ug/m2/day" if self.route == "iv_continuous" else "ug or ug/m2"
            refuse(f"{where}.unit is {line.unit}; the route {self.route} takes {wanted}")
        longest = self.longest_cycle
        last_day = line.days.last or line.days.pieces[-1][0]
        if last_day > longest:
            refuse(f"{where}.days runs to day {last_day}, but a cycle has {longest} days")
        first_cycle = line.cycles.pieces[0][0]
        last_cycle = line.cycles.last or first_cycle
        if last_cycle > self.cycles:
            refuse(f"{where}.cycles names cycle {last_cycle}, but the regimen has {self.cycles}")

    @property
    def is_chemotherapy(self) -> bool:
        return self.drug == CHEMOTHERAPY

    @property
    def rules(self) -> tuple[ToxicityRule, ...]:
        """The toxicity rules in force; the label's are for engagers."""
        if isinstance(self.toxicity_rules, tuple):
            return self.toxicity_rules
        return LABEL_RULES if self.toxicity_rules == "label" and not self.is_chemotherapy else ()

    def cycle_length(self, cycle: int) -> int:
        """Days of cycle `cycle`, from 1."""
        longer = self.longer_cycles
        return longer.cycle_days if longer and cycle >= longer.from_cycle else self.cycle_days

    @property
    def longest_cycle(self) -> int:
        """Days of the longest cycle."""
        return max(self.cycle_length(1), self.cycle_length(self.cycles))

    def cycle_start(self, cycle: int) -> int:
        """Days from the start of cycle 1 to the start of `cycle` when no cycle is delayed."""
        return sum(self.cycle_length(earlier) for earlier in range(1, cycle))

    def band_of(self, weight_kg: ArrayLike) -> NDArray[np.int64]:
        """Dose band of each patient: array (patient,); 0 main doses, i + 1 the band `weight_bands[i]`.

        Parameters
        ----------
        weight_kg : array (patient,) [kg].
        """
        weight = np.asarray(weight_kg, dtype=np.float64)
        limits = np.array([band.below_kg for band in self.weight_bands])
        # The lightest band whose limit lies above the weight; a weight equal to a limit is not below it.
        index = np.searchsorted(limits, weight, side="right")
        return np.where(index < limits.size, index + 1, 0).astype(np.int64)

    def segments(self, cycle: int, band: int = 0) -> list[Segment]:
        """What is given in a cycle, ordered by day.

        Parameters
        ----------
        cycle : from 1; past the last cycle nothing is given.
        band : 0 for the main doses, or a value of `band_of`.
        """
        if not 1 <= cycle <= self.cycles:
            return []
        if self.is_chemotherapy:
            return [Segment(1, self._course_last_day(), 1.0, "flat", None, "course", CHEMOTHERAPY)]
        lines = [line for line in self.doses if cycle in line.cycles]
        if band:
            banded = [line for line in self.weight_bands[band - 1].doses if cycle in line.cycles]
            lines = banded or lines
        length = self.cycle_length(cycle)
        found = [
            Segment(first, last, line.canonical, line.basis, line.canonical_cap, _KIND[self.route], self.drug)
            for line in lines
            for first, last in line.days.closed(length)
        ]
        return sorted(found, key=lambda segment: segment.first_day)

    def dose_at(self, cycle: int, day: int, weight_kg: ArrayLike, bsa_m2: ArrayLike) -> NDArray[np.float64]:
        """What each patient gets on a day of a cycle: array (patient,) [ug/day or ug]; 0 when nothing."""
        given = self.doses_in(cycle, weight_kg, bsa_m2)
        inside = 1 <= day <= given.shape[1]
        return given[:, day - 1] if inside else np.zeros(given.shape[0])

    def doses_in(self, cycle: int, weight_kg: ArrayLike, bsa_m2: ArrayLike) -> NDArray[np.float64]:
        """What each patient gets on each day of a cycle: array (patient, day) [ug/day or ug]; 0 when nothing."""
        band_by_patient, bsa = self.band_of(weight_kg), np.asarray(bsa_m2, dtype=np.float64)
        given = np.zeros((bsa.size, self.cycle_length(cycle)))
        for band in range(len(self.weight_bands) + 1):
            own = band_by_patient == band
            for segment in self.segments(cycle, band):
                given[own, segment.first_day - 1 : segment.last_day] = segment.amount_for(bsa)[own, None]
        return given

    def cycles_without_dose(self) -> list[int]:
        """Cycles in which a patient of some band gets nothing; usually a slip in the file."""
        bands = range(len(self.weight_bands) + 1)
        return [c for c in range(1, self.cycles + 1) if any(not self.segments(c, band) for band in bands)]

    def _course_last_day(self) -> int:
        ends = [drug.days.last for drug in self.course if drug.days is not None and drug.days.last]
        return min(max(ends, default=_COURSE_DAYS_ASSUMED), self.cycle_days)


_CANONICAL: tuple[tuple[str, Basis, bool], ...] = (
    ("ug/day", "flat", True),
    ("ug/m2/day", "per_m2", True),
    ("ug", "flat", False),
    ("ug/m2", "per_m2", False),
)


def read_dose_unit(unit: str) -> tuple[Basis, bool, float]:
    """Read a dose unit: its basis, whether it is a rate, and the factor to ug/day, ug/m2/day, ug or ug/m2.

    Anything else is refused, which the reader of the file tells with its key.
    """
    # Units that are already canonical need no pint, which takes a while to load.
    for canonical, basis, is_rate in _CANONICAL:
        if unit.strip() == canonical:
            return basis, is_rate, 1.0
    for canonical, basis, is_rate in _CANONICAL:
        try:
            return basis, is_rate, factor(unit, canonical)
        except UnitError:
            continue
    by_weight = "Doses by kg are not given; write weight_bands." if "kg" in unit.split("/")[1:] else ""
    refuse("must be a dose: ug/day or ug/m2/day for an infusion, ug or ug/m2 for one injection", by_weight)
