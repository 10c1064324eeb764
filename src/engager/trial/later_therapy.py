"""What a patient gets after the study's treatment has failed: line after line, each when the one before has failed.

Which lines there are, how soon they begin, what they kill and who is transplanted in the remission they bring stands in
the study file (`engager.protocol.LaterLine`). Here chance decides for each patient, and the model gets what is given.
"""

from __future__ import annotations

import numpy as np

from engager.core import BoolArray, FloatArray, IntArray
from engager.engine import Action
from engager.protocol import LaterTherapyBlock
from engager.trial.assumptions import Assumptions, shifted_share
from engager.trial.course import NO_RESPONSE, Course
from engager.trial.dosing import ActionList, days_between
from engager.trial.regimen_strength import strength_of

# A line is judged by the marrow four weeks after its first day, when a salvage course has done what it can. Assumed: no
# study prints when lines outside it were judged.
JUDGED_AFTER_DAYS = 28.0


class LaterTherapy:
    """Lines of therapy of one arm's patients once the study's treatment has failed.

    Notes
    -----
    Each patient has one draw for each line: whether it is reached, how much it kills. A fitted population may move the
    shares (on the odds) and the kill of all lines together, so that a study's own lines keep their order and size.
    """

    def __init__(self, course: Course, block: LaterTherapyBlock, assumed: Assumptions):
        self.course, self.lines, self.assumed = course, block.lines, assumed
        n_lines = max(len(self.lines), 1)
        everybody = np.arange(course.n)
        shift = assumed.of("later_kill_shift", everybody)
        self._reached = course.recruits.draw("later-therapy", "uniform", n_lines).reshape(course.n, n_lines)
        kill = course.recruits.draw("later-kill", "normal", n_lines).reshape(course.n, n_lines)
        self._left = np.ones((course.n, n_lines))
        for k, line in enumerate(self.lines):
            logs = line.log10_kill + shift + line.log10_kill_sd * kill[:, k]
            self._left[:, k] = 10.0 ** -np.maximum(logs, 0.0)
        self._share_shift = assumed.of("later_share_log_odds", everybody)

    def plan(self, rows: IntArray) -> None:
        """Decide at these patients' clocks whether the next line follows, and when.

        Parameters
        ----------
        rows : patients whose treatment has failed; those who wait for a line or a transplant, or whose last line is
            not judged yet, are left alone, and so are those for whom there is nothing more.
        """
        course = self.course
        if not rows.size:
            return
        free = np.isnan(course.next_line_day[rows]) & ~course.lines_ended[rows] & ~self._unjudged(rows)
        rows = rows[free & ~np.isfinite(course.hsct_planned[rows])]
        number = course.later_line[rows]
        for k, line in enumerate(self.lines):
            asked = number == k
            chosen = rows[asked]
            goes_on = self._reached[chosen, k] < shifted_share(line.share, self._share_shift[chosen])
            course.next_line[chosen[goes_on]] = k
            course.next_line_day[chosen[goes_on]] = course.clock[chosen[goes_on]] + line.delay_days
            if line.otherwise == "next_line":
                number[np.flatnonzero(asked)[~goes_on]] = k + 1
            else:
                course.lines_ended[chosen[~goes_on]] = True
        course.lines_ended[rows[number >= len(self.lines)]] = True

    def begin(self, rows: IntArray, actions: ActionList) -> None:
        """What happens at once to those whose next line begins at their clocks."""
        course, system = self.course, self.course.system
        due = rows[course.next_line_day[rows] <= course.clock[rows]]
        number = course.next_line[due]
        for k in np.flatnonzero(np.bincount(number)):
            line, starting = self.lines[int(k)], due[number == k]
            at = course.clock[starting]
            course.note(starting, at, "later_therapy", detail=line.id)
            first = starting[np.isinf(course.later_therapy_day[starting])]
            course.later_therapy_day[first] = course.clock[first]
            course.line_day[starting], course.next_line_day[starting] = at, np.nan
            course.later_line[starting] = k + 1
            course.n_lines[starting] += 1
            usual = strength_of(line.regimen) if line.regimen else 1.0
            course.line_strength[starting] = line.strength or usual
            course.line_is_course[starting] = line.agent == "chemotherapy"
            roles = course.roles
            for pool in roles.pools["antigen_positive"] if line.spares_cd19_negative else roles.leukemia:
                place = system.index(pool)
                actions.add(starting, at, Action.MULTIPLY_STATE, place, self._left[starting, k])

    def give(self, rows: IntArray, fresh: BoolArray, until: FloatArray, actions: ActionList) -> None:
        """Days of a line's chemotherapy between these patients' clocks and `until`; see `days_between`."""
        course = self.course
        if not self.lines:
            return
        n_days = int(self.assumed["chemotherapy_days"])
        now = course.clock[rows]
        under_way = np.flatnonzero(course.line_is_course[rows] & (course.line_day[rows] + n_days > now))
        if not under_way.size:
            return
        rows, now, until, fresh = rows[under_way], now[under_way], until[under_way], fresh[under_way]
        place = course.system.index(course.roles.doses["chemotherapy"])
        for due, day in days_between(course.line_day[rows], n_days, now, fresh, until):
            actions.add(rows[due], day[due], Action.ADD_TO_STATE, place, 1.0)

    def to_judge(self, rows: IntArray, every: float) -> IntArray:
        """Rows whose last line is to be judged by a marrow at this visit; visits come `every` so many days."""
        since = self.course.clock[rows] - self.course.line_day[rows]
        found: IntArray = rows[(since >= JUDGED_AFTER_DAYS) & (since < JUDGED_AFTER_DAYS + every)]
        return found

    def failing(self, rows: IntArray) -> IntArray:
        """Rows, off the study's treatment, whose leukemia is seen and for which nothing is under way."""
        course = self.course
        large = np.zeros(rows.size, dtype=bool)
        if course.roles.sanctuary:
            large = course.column(course.roles.sanctuary)[rows] >= self.assumed["sanctuary_relapse_cells"]
        untreated_relapse = course.relapse_day[rows] > course.line_day[rows]
        # What is acted on: blasts in the marrow, disease elsewhere that is noticed, a relapse since the last line.
        fails = ~course.marrow_clear[rows] | large | untreated_relapse
        found: IntArray = rows[fails & ~self._unjudged(rows) & (course.remission[rows] == NO_RESPONSE)]
        return found

    def _unjudged(self, rows: IntArray) -> BoolArray:
        found: BoolArray = self.course.line_day[rows] + JUDGED_AFTER_DAYS > self.course.clock[rows]
        return found
