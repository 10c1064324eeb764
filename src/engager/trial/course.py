"""Where every patient of one arm stands: disease state, treatment, response, events.

One row per patient, all replicates of the arm together. Days count from randomization; day 0 is the first
day of treatment. Every patient has a clock of its own. The arrays change as the trial goes on; nothing here decides
anything.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engager.core import BoolArray, FloatArray, IntArray
from engager.model import DiseaseRoles, Model, System
from engager.trial.recruit import Recruits

# Response classes, better is larger; names as in the tables.
NO_RESPONSE, CRI, CRH, CR = 0, 1, 2, 3
RESPONSE_NAMES = ("none", "CRi", "CRh", "CR")
# Of a tumor that is read by its size: partial response is the lowest class, and there is none between it and CR.
PR = CRI
RESPONSE_NAMES_BY_SIZE = ("none", "PR", "PR", "CR")
# Kinds of visits; names as in the tables.
BASELINE, IN_CYCLE, FOLLOW_UP, SUSPECTED = 0, 1, 2, 3
VISIT_KINDS = ("baseline", "cycle", "follow-up", "suspected relapse")


@dataclass
class Course:
    """The running record of one arm.

    Attributes
    ----------
    clock : array (patient,) [day]: how far each patient has been followed.
    begun : array (patient,) [day]: the clock when what is given at a decision was last given.
    morning : array (patient,): the last day that was counted; days on treatment begin at whole numbers.
    n_seen : array (patient,): visits so far.
    states : array (patient, state) now. step : array (patient,): the solver's next step.
    infusion : array (patient,) [ug/day] now; infused : as the solver last had it.
    injected : array (patient,) [ug] by injection on the present day.
    is_alive, is_failed : still followed; the solver gave up on this patient.
    on_treatment : in a planned cycle (a hold included). treatment_end : day study treatment was stopped; NaN while it
        goes on, and for those who died on it.
    cycle, cycle_day : where in treatment, from 1; the day that comes next.
    hold_days : days of pause left; 0 when not on hold.
    restart_days : days still to go at the restart dose.
    hold_dexamethasone, dexamethasone_days : what a rule gives while on hold [mg/day], and for how many days yet.
    tocilizumab_due : an event has just struck for which a rule gives it.
    marrow_clear, blasts_seen : of the last marrow; in remission, and its blasts [percent].
    remission : observed response class now (`CR` ... `NO_RESPONSE`).
    best : best class within the window.
    response_day, crh_day, cr_day : first seen in at least CRi, at least CRh, CR.
    mrd_first_day, mrd_response_day, mrd_undetectable_day : first assay, first below its limit, first without signal.
    hsct_planned : day of the transplant that is planned; infinite: none. hsct_day, last_hsct_day : of the first and the
        last; n_hsct : how many. hsct_outside : meant to be transplanted without remission.
    later_therapy_day : first day of the first later line; infinite: none yet. next_line_day : of the line that is
        planned; NaN: none. next_line : its place in the study file, from 0.
    line_day, later_line : first day and number, from 1, of the line begun last (-infinite, 0: none).
    n_lines : lines begun.
    line_strength, line_is_course : strength of its chemotherapy; whether it is chemotherapy at all.
    lines_ended : nothing more will be given.
    end_reason : why study treatment was stopped; empty while it goes on.
    tumor_entry : cells of nodal disease at entry; tumor_least : smallest size seen on images [share of that at entry].
    progression_day : images first showed growth beyond the limit of progression.
    b_depleted_day, il6_high_day : a visit first saw no B cells to speak of, and IL-6 above the limit of an event.
    samples : daily (rows, days, states with the day's dose appended) of a few patients.
    """

    recruits: Recruits
    model: Model
    clock: FloatArray
    begun: FloatArray
    morning: IntArray
    n_seen: IntArray
    states: FloatArray
    step: FloatArray
    infusion: FloatArray
    infused: FloatArray
    injected: FloatArray
    is_alive: BoolArray
    is_failed: BoolArray
    on_treatment: BoolArray
    treatment_end: FloatArray
    cycle: IntArray
    cycle_day: IntArray
    hold_days: FloatArray
    hold_total: FloatArray
    restart_days: FloatArray
    hold_dexamethasone: FloatArray
    dexamethasone_days: IntArray
    last_dose: FloatArray
    tocilizumab_due: BoolArray
    marrow_clear: BoolArray
    blasts_seen: FloatArray
    remission: IntArray
    best: IntArray
    response_day: FloatArray
    response_cycle: IntArray
    crh_day: FloatArray
    cr_day: FloatArray
    mrd_day: FloatArray
    mrd_first_day: FloatArray
    mrd_response_day: FloatArray
    mrd_undetectable_day: FloatArray
    mrd_log10: FloatArray
    mrd_undetectable: BoolArray
    relapse_day: FloatArray
    relapse_is_negative: BoolArray
    relapse_is_extramedullary: BoolArray
    hsct_planned: FloatArray
    hsct_day: FloatArray
    hsct_in_response: BoolArray
    last_hsct_day: FloatArray
    n_hsct: IntArray
    hsct_outside: BoolArray
    later_therapy_day: FloatArray
    next_line_day: FloatArray
    next_line: IntArray
    line_day: FloatArray
    later_line: IntArray
    n_lines: IntArray
    line_strength: FloatArray
    line_is_course: BoolArray
    lines_ended: BoolArray
    end_reason: NDArray[np.str_]
    tumor_entry: FloatArray
    tumor_least: FloatArray
    progression_day: FloatArray
    b_depleted_day: FloatArray
    il6_high_day: FloatArray
    death_day: FloatArray
    death_cause: IntArray
    fatal_adverse_event: BoolArray
    crs_grade: IntArray
    crs_day: FloatArray
    neurologic_grade: IntArray
    neurologic_day: FloatArray
    n_events: dict[str, IntArray] = field(default_factory=dict)
    log: list[tuple[IntArray, FloatArray, str, IntArray, list[str] | str]] = field(default_factory=list)
    visits: list[dict[str, NDArray[Any]]] = field(default_factory=list)
    samples: list[tuple[IntArray, FloatArray, FloatArray]] = field(default_factory=list)

    @property
    def system(self) -> System:
        """The model's equations."""
        return self.model.system

    @property
    def roles(self) -> DiseaseRoles:
        """Which of the model's names plays which part."""
        return self.model.roles

    @property
    def n(self) -> int:
        return self.is_alive.size

    @property
    def response_names(self) -> tuple[str, ...]:
        """Names of the response classes, by code: those of a marrow, or those of a tumor's size."""
        return RESPONSE_NAMES_BY_SIZE if self.roles.is_nodal else RESPONSE_NAMES

    @property
    def dose(self) -> FloatArray:
        """What each patient gets on the present day: array (patient,) [ug/day], infused or injected."""
        return self.infusion + self.injected

    def column(self, state: str) -> FloatArray:
        """A writable view of one state, array (patient,)."""
        return self.states[:, self.system.index(state)]

    def note(
        self, rows: IntArray, day: FloatArray | float, event: str, grade: IntArray | int = 0, detail: str = ""
    ) -> None:
        """Log that something happened to some patients."""
        if rows.size:
            days, grades = np.empty(rows.shape), np.empty(rows.shape, dtype=np.int64)
            days[:], grades[:] = day, grade
            self.log.append((rows.copy(), days, event, grades, detail))


def start_course(recruits: Recruits, model: Model, states: FloatArray, in_remission: bool) -> Course:
    """Everybody on the day of randomization."""
    n = recruits.n

    def never() -> FloatArray:
        return np.full(n, np.nan)

    def zero() -> IntArray:
        return np.zeros(n, dtype=np.int64)

    def no() -> BoolArray:
        return np.zeros(n, dtype=bool)

    entered_in = CR if in_remission else NO_RESPONSE
    return Course(
        recruits=recruits,
        model=model,
        clock=np.zeros(n),
        begun=never(),
        morning=zero(),
        n_seen=zero(),
        states=states,
        step=np.zeros(n),
        infusion=np.zeros(n),
        infused=np.zeros(n),
        injected=np.zeros(n),
        is_alive=np.ones(n, dtype=bool),
        is_failed=no(),
        on_treatment=recruits.is_treated.copy(),
        treatment_end=never(),
        cycle=np.ones(n, dtype=np.int64),
        cycle_day=np.ones(n, dtype=np.int64),
        hold_days=np.zeros(n),
        hold_total=np.zeros(n),
        restart_days=np.zeros(n),
        hold_dexamethasone=np.zeros(n),
        dexamethasone_days=zero(),
        last_dose=np.zeros(n),
        tocilizumab_due=no(),
        marrow_clear=np.full(n, in_remission),
        blasts_seen=np.full(n, 0.0 if in_remission else 100.0),
        remission=np.full(n, entered_in, dtype=np.int64),
        best=np.full(n, entered_in, dtype=np.int64),
        response_day=np.full(n, 0.0 if in_remission else np.nan),
        response_cycle=zero(),
        crh_day=np.full(n, 0.0 if in_remission else np.nan),
        cr_day=np.full(n, 0.0 if in_remission else np.nan),
        mrd_day=never(),
        mrd_first_day=never(),
        mrd_response_day=never(),
        mrd_undetectable_day=never(),
        mrd_log10=never(),
        mrd_undetectable=no(),
        relapse_day=never(),
        relapse_is_negative=no(),
        relapse_is_extramedullary=no(),
        hsct_planned=np.full(n, np.inf),
        hsct_day=never(),
        hsct_in_response=no(),
        last_hsct_day=np.full(n, -np.inf),
        n_hsct=zero(),
        hsct_outside=no(),
        later_therapy_day=np.full(n, np.inf),
        next_line_day=never(),
        next_line=zero(),
        line_day=np.full(n, -np.inf),
        later_line=zero(),
        n_lines=zero(),
        line_strength=np.ones(n),
        line_is_course=no(),
        lines_ended=no(),
        end_reason=np.full(n, "", dtype="<U40"),
        tumor_entry=zero().astype(float),
        tumor_least=np.ones(n),
        progression_day=never(),
        b_depleted_day=never(),
        il6_high_day=never(),
        death_day=never(),
        death_cause=zero(),
        fatal_adverse_event=no(),
        crs_grade=zero(),
        crs_day=never(),
        neurologic_grade=zero(),
        neurologic_day=never(),
    )
