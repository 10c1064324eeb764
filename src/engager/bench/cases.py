"""What the bench solves: a model, a population, doses and save times that every solver shares."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from engager.core import FloatArray
from engager.engine import Action, OdeProblem, Schedule
from engager.model import Model, load_model

#: Hosseini 2020: ten parameters and their spread (standard deviation of the logarithm); the table has none.
_SPREAD = {
    "K_BT": 0.3, "K_dT": 0.4, "K_TB": 0.3, "K_dB": 0.4, "k_Bkill": 0.3, "k_Adeath": 0.3, "f_prolif": 0.2,
    "k_act": 0.3, "k_IL6": 0.5, "CL": 0.4,
}  # fmt: skip


@dataclass(frozen=True)
class Case:
    """One model with its population and doses.

    Attributes
    ----------
    parameters : array (patient, parameter).
    rates : (day, ug/day) from which day on the infusion runs at which rate; the first at day 0.
    times : array (time,) [day], evenly spaced from 0.
    """

    id: str
    model: Model
    parameters: FloatArray
    rates: tuple[tuple[float, float], ...]
    times: FloatArray

    def problem(self, n: int) -> OdeProblem:
        """The first `n` patients."""
        actions = [(day, Action.SET_INPUT, 0, rate) for day, rate in self.rates]
        return OdeProblem(
            self.model.system, self.parameters[:n], self.times, schedule=Schedule.same_for_all(n, actions)
        )

    def segments(self) -> list[tuple[float, float, FloatArray]]:
        """(end, rate, save times up to the end) of each stretch between dose changes."""
        ends = [*(day for day, _ in self.rates[1:]), self.times[-1]]
        found = []
        start = 0.0
        for (_, rate), end in zip(self.rates, ends, strict=True):
            inside = self.times[(self.times > start) & (self.times <= end)]
            found.append((float(end), rate, inside))
            start = end
        return found

    def sbml(self) -> str:
        """The model with its doses as SBML: `max()` and `min()`, assignment rules kept, doses as timed events."""
        import antimony

        lines = [
            f"  bench{k}: at (time >= {day}): infusion = {rate}" for k, (day, rate) in enumerate(self.rates) if day
        ]
        system = self.model.system
        lines += [f"  {name} = {system.defaults[name]!r}" for name in system.parameters]
        body = self.model.text.rstrip().removesuffix("end")
        antimony.clearPreviousLoads()
        if antimony.loadAntimonyString("\n".join([body, *lines, "end\n"])) < 0:
            raise RuntimeError(antimony.getLastError())
        return str(antimony.getSBMLString(antimony.getMainModuleName()))


def hosseini(n: int) -> Case:
    """The published model with its nodal tumor, two cycles of 9 and 28 ug/day, saved daily."""
    model = load_model("hosseini-2020").with_values({"tumor": 1.0})
    rates = ((0.0, 9.0), (7.0, 28.0), (28.0, 0.0), (42.0, 28.0), (70.0, 0.0))
    return Case("hosseini-2020", model, _draw(model, _SPREAD, n), rates, np.arange(85.0))


def acute_leukemia(n: int) -> Case:
    """The ALL model through a TOWER course: five cycles of 4 weeks on, 2 off, then four of 4 on, 8 off; 24 months."""
    model = load_model("b-all")
    rates: list[tuple[float, float]] = [(0.0, 9.0), (7.0, 28.0), (28.0, 0.0)]
    for day in (*range(42, 210, 42), *range(210, 546, 84)):
        rates += [(float(day), 28.0), (float(day + 28), 0.0)]
    spread = {name: row.sd_log for name, row in model.parameters.items() if row.sd_log > 0}
    return Case("b-all", model, _draw(model, spread, n), tuple(rates), np.arange(0.0, 729.0, 7.0))


def _draw(model: Model, spread: dict[str, float], n: int) -> FloatArray:
    system = model.system
    middle = np.array([system.defaults[name] for name in system.parameters])
    parameters = np.tile(middle, (n, 1))
    normal = np.random.default_rng(20200803).standard_normal((n, len(spread)))
    for k, (name, sd) in enumerate(spread.items()):
        parameters[:, system.parameters.index(name)] *= np.exp(sd * normal[:, k])
    return parameters


BENCH_CASES = {"hosseini-2020": hosseini, "b-all": acute_leukemia}


def fewer(case: Case, n: int) -> Case:
    """The same case with its first `n` patients."""
    return replace(case, parameters=case.parameters[:n])
