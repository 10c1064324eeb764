"""Days of treatment as they pass: the count of cycle days and pauses, and the end of the study drug."""

from __future__ import annotations

import numpy as np

from engager.core import FloatArray, IntArray
from engager.protocol import Regimen
from engager.trial.calendar import cycle_lengths
from engager.trial.course import Course

# A shorter break carries on the same cycle, a longer one starts a new cycle (evidence: blincyto-smpc-2016).
_LONG_BREAK_DAYS = 7


def stop_treatment(course: Course, rows: IntArray, day: FloatArray | float, why: str) -> None:
    """No more study drug for these patients; they are followed on."""
    treated = course.on_treatment[rows]
    ending, last = rows[treated], np.broadcast_to(np.asarray(day, dtype=float), rows.shape)[treated]
    course.on_treatment[ending] = False
    course.end_reason[ending] = why
    course.treatment_end[ending] = last
    course.infusion[ending] = 0.0
    course.injected[ending] = 0.0
    course.last_dose[ending] = 0.0
    course.hold_days[ending] = 0.0
    course.dexamethasone_days[ending] = 0
    course.hold_dexamethasone[ending] = 0.0
    course.note(ending, last, "off_study_drug", detail=why)


def advance_days(course: Course, rows: IntArray, regimen: Regimen) -> IntArray:
    """Count the days of treatment or of pause that have passed since treated rows' last morning; returns rows whose
    cycle has ended.

    Notes
    -----
    A cycle or a pause may end with the last of these days, not before it (`Calendar.next_decision`).
    """
    if not rows.size:
        return rows
    passed = np.floor(course.clock[rows]).astype(np.int64) - course.morning[rows]
    course.morning[rows] += passed
    on_hold = course.hold_days[rows] > 0
    holding, dosing = rows[on_hold], rows[~on_hold]
    course.hold_days[holding] -= passed[on_hold]
    course.hold_total[holding] += passed[on_hold]
    resuming = holding[course.hold_days[holding] <= 0]
    # Chemotherapy waits for counts between its courses; that pause, however long, begins no further one.
    long_break = np.inf if regimen.is_chemotherapy else _LONG_BREAK_DAYS
    fresh = resuming[course.hold_total[resuming] > long_break]
    course.cycle[fresh] += 1
    course.cycle_day[fresh] = 1
    # As if nothing had been given: a restart after 4 h or more is premedicated (evidence: blincyto-smpc-2016).
    course.last_dose[resuming] = 0.0
    course.dexamethasone_days[resuming] = 0
    course.hold_dexamethasone[resuming] = 0.0
    course.note(resuming, course.clock[resuming], "restart")
    course.restart_days[dosing] = np.maximum(course.restart_days[dosing] - passed[~on_hold], 0.0)
    course.cycle_day[dosing] += passed[~on_hold]
    ended = dosing[course.cycle_day[dosing] > cycle_lengths(regimen, course.cycle[dosing])]
    course.cycle[ended] += 1
    course.cycle_day[ended] = 1
    # And before the first dose of each cycle, also where no day off or lower dose precedes it.
    course.last_dose[ended] = 0.0
    return np.concatenate([ended, fresh])
