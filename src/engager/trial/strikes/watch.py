"""What strikes a patient between two decisions: a death, a toxicity, the loss of a clone's last cell.

In: the draws of one arm's patients. Out: the sums of states that the engine watches, each with the limit at which it
strikes, and afterwards what that does to the patient. Not here: what a toxicity is and does (`toxicity`), and of what a
patient dies (`deaths`).
"""

from __future__ import annotations

import numpy as np

from engager.core import FloatArray, IntArray
from engager.engine import Stops
from engager.model import System
from engager.protocol import Regimen
from engager.trial.course import Course
from engager.trial.strikes.deaths import Deaths
from engager.trial.strikes.toxicity import EVENT_KINDS, Toxicity
from engager.trial.tables import CAUSE_NAMES
from engager.trial.treatment import advance_days

_TOXICITY = CAUSE_NAMES.index("toxicity")


class Strikes:
    """What may strike the patients of one arm.

    Attributes
    ----------
    names : of the strikes, in the order of the engine's stops: death, toxicities by kind, clones.
    """

    def __init__(self, course: Course, system: System, regimen: Regimen, deaths: Deaths, toxicity: Toxicity):
        self.course, self.regimen, self.roles = course, regimen, course.roles
        self.deaths, self.toxicity = deaths, toxicity
        self.kinds = tuple(kind for kind in EVENT_KINDS if kind in self.roles.toxicities)
        self.names = ("death", *self.kinds, *self.roles.clones)
        n_clones = len(self.roles.clones)
        self._clones = np.array([system.index(clone) for clone in self.roles.clones], dtype=np.int64)
        last_cell = course.recruits.draw("last-cell", "exponential", max(n_clones, 1))
        self._last_cell = last_cell.reshape(course.n, -1)[:, :n_clones]
        self._watched = self._sums_watched(system)
        # what each patient stops at now; of a clone that is gone, nothing
        self._limits = self._first_limits()
        everybody = np.arange(course.n)
        self._watch_clones(everybody, self._cells(everybody))

    def stops(self, rows: IntArray) -> Stops:
        """What the engine is to stop these patients at; clones are as `take_effect` last found them."""
        return Stops(self._watched, self._limits.take(rows, axis=0))

    def take_effect(self, rows: IntArray, stopped: IntArray, until: FloatArray) -> None:
        """What struck these patients at their clocks."""
        course = self.course
        places = np.flatnonzero(stopped >= 0)
        met, what = rows[places], stopped[places]
        # whole days before it were days as planned
        early = met[course.clock[met] < until[places]]
        advance_days(course, early[course.on_treatment[early]], self.regimen)
        dying = met[what == self.names.index("death")]
        if dying.size:
            self.deaths.strike(dying)
        for kind in self.kinds:
            struck = met[what == self.names.index(kind)]
            if not struck.size:
                continue
            killed = self.toxicity.strike(kind, struck)
            self._limits[struck, self.names.index(kind)] = self.toxicity.threshold(kind, struck)
            course.death_cause[killed] = _TOXICITY
            course.fatal_adverse_event[killed] = True
            course.is_alive[killed] = False
            course.note(killed, course.death_day[killed], "death", detail="toxicity")
        for clone in self.roles.clones:
            course.column(clone)[met[what == self.names.index(clone)]] = 0.0
        self._extinguish(rows[course.is_alive[rows]])

    def _sums_watched(self, system: System) -> FloatArray:
        """The sums of states that strike when they reach a limit: array (strike, state)."""
        weights = np.zeros((len(self.names), len(system.states)))
        weights[0, [system.index(name) for name in self.roles.hazards.values()]] = 1.0
        for kind in self.kinds:
            weights[self.names.index(kind), system.index(self.roles.toxicities[kind])] = 1.0
        for clone in self.roles.clones:
            weights[self.names.index(clone), system.index(clone)] = -1.0
        return weights

    def _first_limits(self) -> FloatArray:
        """Each patient's draws for death and for the first toxicity of each kind: array (patient, strike)."""
        limits = np.full((self.course.n, len(self.names)), np.inf)
        limits[:, 0] = self.deaths.threshold
        everybody = np.arange(self.course.n)
        for kind in self.kinds:
            limits[:, self.names.index(kind)] = self.toxicity.threshold(kind, everybody)
        return limits

    def _extinguish(self, rows: IntArray) -> None:
        """A clone expected to hold x cells has none left with probability exp(-x): one draw per clone."""
        if self._clones.size:
            cells = self._cells(rows)
            row, clone = np.nonzero(cells < self._last_cell.take(rows, axis=0))
            self.course.states[rows[row], self._clones[clone]] = 0.0
            self._watch_clones(rows, cells)

    def _watch_clones(self, rows: IntArray, cells: FloatArray) -> None:
        """Watch for the last cell of each clone that is there, and of no other; `cells` is array (row, clone)."""
        least, first = self._last_cell.take(rows, axis=0), len(self.names) - self._clones.size
        is_there, was_there = cells > least, np.isfinite(self._limits.take(rows, axis=0)[:, first:])
        row, clone = np.nonzero(is_there != was_there)
        self._limits[rows[row], first + clone] = np.where(is_there[row, clone], -least[row, clone], np.inf)

    def _cells(self, rows: IntArray) -> FloatArray:
        """Cells of each clone: array (row, clone)."""
        return self.course.states[rows[:, None], self._clones]
