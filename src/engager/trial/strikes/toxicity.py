"""CRS and neurologic events: when they strike, how bad they are, and what the protocol does about it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engager.core import BoolArray, FloatArray, IntArray
from engager.protocol import Regimen, ToxicityRule
from engager.trial.assumptions import Assumptions, shifted_share
from engager.trial.course import Course
from engager.trial.treatment import stop_treatment

# Draws kept for repeated events of one kind; a patient with more has long stopped.
_MOST_EVENTS = 6
# Kinds of events; the model's part `toxicities` says which state integrates the hazard of each.
EVENT_KINDS = ("CRS", "neurologic")
# Felt inflammation is taken for no less, which keeps its logarithm finite.
_LEAST_INFLAMMATION = 1e-4
_GRADES = range(1, 6)


class Toxicity:
    """Draws and rules for the events of one arm.

    Notes
    -----
    An event of a kind strikes when its integrated hazard passes the next exponential threshold; repeated
    events are possible while the drug goes on. Grades and durations are drawn from shares that
    ``data/assumptions.yaml`` gives with their sources. What is done then are the rules of the study file; those of the
    label are `engager.protocol.LABEL_RULES` (evidence: blincyto-smpc-2016).
    """

    def __init__(self, course: Course, regimen: Regimen, assumptions: Assumptions):
        self.course, self.regimen = course, regimen
        recruits = course.recruits
        self._threshold = {
            kind: np.cumsum(recruits.draw(f"{kind}-time", "exponential", _MOST_EVENTS), axis=1) for kind in EVENT_KINDS
        }
        self.assumed = assumptions
        self._uniform = {kind: recruits.draw(f"{kind}-grade", "uniform", _MOST_EVENTS) for kind in EVENT_KINDS}
        self._duration = {
            kind: assumptions[f"{kind.lower()}_duration_days"]
            * np.exp(
                assumptions.spread(f"{kind.lower()}_duration_days")
                * recruits.draw(f"{kind}-duration", "normal", _MOST_EVENTS)
            )
            for kind in EVENT_KINDS
        }
        for kind in EVENT_KINDS:
            course.n_events[kind] = np.zeros(course.n, dtype=np.int64)
        # of rules that name the same event and grade the first decides
        self._rules: dict[tuple[str, int], ToxicityRule] = {}
        for rule in regimen.rules:
            for grade in _GRADES:
                if grade in rule.grade:
                    self._rules.setdefault((rule.event, grade), rule)

    def threshold(self, kind: str, rows: IntArray) -> FloatArray:
        """The integrated hazard at which the next event of a kind strikes: array (row,); infinite: no more."""
        count = self.course.n_events[kind][rows]
        found = self._threshold[kind][rows, np.minimum(count, _MOST_EVENTS - 1)]
        return np.where(count < _MOST_EVENTS, found, np.inf)

    def strike(self, kind: str, rows: IntArray) -> IntArray:
        """An event of a kind in each of these rows, at their clocks; returns the rows it killed."""
        if not rows.size:
            return rows
        course = self.course
        count, day = course.n_events[kind], course.clock[rows]
        grade = self._grade(kind, rows, count[rows])
        duration = self._duration[kind][rows, count[rows]]
        is_repeat = count[rows] > 0
        count[rows] += 1
        worst, first_day = (
            (course.crs_grade, course.crs_day) if kind == "CRS" else (course.neurologic_grade, course.neurologic_day)
        )
        first_day[rows] = np.where(np.isnan(first_day[rows]), day, first_day[rows])
        worst[rows] = np.maximum(worst[rows], grade)
        course.note(rows, day, kind.lower(), grade)
        fatal = grade >= 5
        self._apply_rules(kind, rows[~fatal], day[~fatal], grade[~fatal], duration[~fatal], is_repeat[~fatal])
        course.death_day[rows[fatal]] = day[fatal]
        return rows[fatal]

    def _grade(self, kind: str, rows: IntArray, number: IntArray) -> IntArray:
        """Grades of these events: array (row,); the more often severe the higher what the model says makes them so."""
        name = kind.lower()
        severe = self.assumed.of(f"{name}_severe_share", rows)
        if (felt_state := self.course.roles.severity.get(kind)) is not None:
            felt = np.maximum(self.course.column(felt_state)[rows], _LEAST_INFLAMMATION)
            severe = shifted_share(severe, self.assumed.of(f"{name}_severity_slope", rows) * np.log(felt))
        grades: IntArray = graded(
            self._uniform[kind][rows, number][:, None],
            severe[:, None],
            self.assumed[f"{name}_mild_split"],
            self.assumed[f"{name}_severe_split"],
        )[:, 0]
        return grades

    def _apply_rules(
        self, kind: str, rows: IntArray, day: FloatArray, grade: IntArray, duration: FloatArray, is_repeat: BoolArray
    ) -> None:
        """What the regimen's rules say of these events."""
        treated = self.course.on_treatment[rows]
        for degree in _GRADES:
            rule, struck = self._rules.get((kind, degree)), treated & (grade == degree)
            if rule is not None and struck.any():
                falls = days_to_grade(duration[struck], degree, rule.resume_at_grade)
                self._apply(rule, rows[struck], day[struck], falls, is_repeat[struck])

    def _apply(
        self, rule: ToxicityRule, rows: IntArray, day: FloatArray, duration: FloatArray, is_repeat: BoolArray
    ) -> None:
        """Stop or hold; `duration` is the time the grade takes to fall to where the rule resumes [day]."""
        course = self.course
        course.tocilizumab_due[rows] |= rule.tocilizumab
        stops = np.full(rows.size, rule.action == "stop")
        # "stop if it recurs at 9": a repeat at the restart dose ends the drug, one at full dose or while held holds it
        if rule.stop_if_recurs:
            is_given = course.hold_days[rows] <= 0
            stops |= is_repeat & is_given & (course.restart_days[rows] > 0)
        if rule.max_hold_days is not None:
            stops |= duration > rule.max_hold_days
        stop_treatment(course, rows[stops], day[stops], f"{rule.event} toxicity")
        rows, day, duration = rows[~stops], day[~stops], duration[~stops]
        # the drug is stopped at once; the day of the event is the first of the pause
        course.infusion[rows] = course.injected[rows] = 0.0
        pause = np.ceil(np.maximum(duration + rule.min_hold_days, 1.0))
        course.hold_days[rows] = np.maximum(course.hold_days[rows], pause)
        course.hold_total[rows] = 0.0
        course.restart_days[rows] = rule.restart_days if rule.restart == "lowest" else 0.0
        raised = rows[rule.dexamethasone_mg_per_day >= course.hold_dexamethasone[rows]]
        course.hold_dexamethasone[raised] = rule.dexamethasone_mg_per_day
        course.dexamethasone_days[raised] = rule.dexamethasone_days if rule.dexamethasone_mg_per_day else 0
        course.note(rows, day, "hold", detail=f"{rule.event} toxicity")


def days_to_grade(duration: FloatArray, grade: int, resume_at: int) -> FloatArray:
    """Days until events of one grade have fallen to another: array (event,).

    Parameters
    ----------
    duration : array (event,), days until grade 1, which is what durations of events are stated for.

    Notes
    -----
    The grade is taken to fall evenly, one step in duration / (grade - 1) days; no course of grades was seen.
    """
    return duration * max(grade - resume_at, 0) / max(grade - 1, 1)


def graded(
    uniform: FloatArray, severe_share: FloatArray, mild_split: Sequence[float], severe_split: Sequence[float]
) -> IntArray:
    """Grades 1 to 5 from uniform draws.

    Parameters
    ----------
    uniform : array (patient, event). severe_share : array (patient, 1), share of grade 3 or more.
    mild_split : shares of grades 1 and 2. severe_split : shares of grades 3, 4 and 5.
    """
    mild = uniform < 1.0 - severe_share
    within = np.where(mild, uniform / (1.0 - severe_share), (uniform - 1.0 + severe_share) / severe_share)
    mild_grade = 1 + np.minimum(np.searchsorted(np.cumsum(mild_split), within), 1)
    severe_grade = 3 + np.minimum(np.searchsorted(np.cumsum(severe_split), within), 2)
    return np.where(mild, mild_grade, severe_grade)
