"""SBML events at one instant: which fire, in which order, what they assign (Level 3 Version 2 rules)."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from engager.engine.instants import is_same_instant
from engager.engine.reference.model import ReferenceModel

MAX_EXECUTIONS = 20_000


class EndlessEvents(Exception):
    """Events at one instant trigger each other without end."""


@dataclass
class Pending:
    """An event that has fired and waits to execute; `values` were taken when it fired, or are None."""

    time: float
    event: int
    values: list[float] | None


@dataclass
class EventQueue:
    """The events of one patient.

    Attributes
    ----------
    truth : the value of each trigger when last looked at.
    pending : events that have fired and not executed.
    """

    model: ReferenceModel
    truth: list[bool]
    pending: list[Pending] = field(default_factory=list)

    def next_time(self) -> float:
        """When the next pending event executes."""
        return min((one.time for one in self.pending), default=math.inf)

    def happen(
        self, t: float, y: list[float], p: list[float], u: list[float], atoms: list[float] | None = None
    ) -> None:
        """Everything that events do at time `t`; changes `y` in place.

        `atoms` are values to use for the first look at the triggers: equalities that hold only now.
        """
        for _ in range(MAX_EXECUTIONS):
            self._look(t, y, p, u, atoms)
            atoms = None
            due = [one for one in self.pending if one.time <= t or is_same_instant(one.time, t)]
            if not due:
                return
            one = max(due, key=lambda pending: self._priority(pending, t, y, p, u))
            self.pending = [other for other in self.pending if other is not one]
            self._execute(one, t, y, p, u)
        raise EndlessEvents

    def _look(self, t: float, y: list[float], p: list[float], u: list[float], atoms: list[float] | None) -> None:
        """Fire triggers that have become true, drop what must not outlive a trigger that has become false."""
        events = self.model.system.events
        if atoms is None:
            atoms = self.model.live_atoms(t, y, p, u, ())
        now = [value != 0.0 and not math.isnan(value) for value in self.model.triggers(t, y, p, u, atoms)]
        before, self.truth = self.truth, now
        for k, event in enumerate(events):
            if before[k] and not now[k] and not event.persistent:
                self.pending = [one for one in self.pending if one.event != k]
        for k, event in enumerate(events):
            if now[k] and not before[k]:
                code = self.model.events[k]
                delay = code.delay(t, y, p, u, ())[0] if code.delay else 0.0
                taken = event.use_values_from_trigger_time
                self.pending.append(Pending(t + delay, k, code.values(t, y, p, u, ()) if taken else None))

    def _priority(self, one: Pending, t: float, y: list[float], p: list[float], u: list[float]) -> float:
        code = self.model.events[one.event]
        value = code.priority(t, y, p, u, ())[0] if code.priority else -math.inf
        return -math.inf if math.isnan(value) else value

    def _execute(self, one: Pending, t: float, y: list[float], p: list[float], u: list[float]) -> None:
        code = self.model.events[one.event]
        values = code.values(t, y, p, u, ()) if one.values is None else one.values
        now = [1.0 if factor is None else factor(t, y, p, u, ())[0] for factor in code.factors]
        for target, value, factor in zip(code.targets, values, now, strict=True):
            y[target] = value * factor
