"""Random NONMEM-style tables against the sum of what single doses do to a linear model, in closed form.

Nothing of `engager.engine.nonmem` is used on the other side: a steady state is many past doses, a reset forgets them.
"""

from dataclasses import dataclass

import numpy as np
import pytest

from engager.engine import read_nonmem
from engager.engine.reference.backend import solve_reference
from engager.model import read_antimony

STATES = ("DEPOT", "CENT", "PERI")
MODEL = """model m; species DEPOT, CENT, PERI; DEPOT = 0; CENT = 0; PERI = 0;
    {numbers}
    DEPOT' = -KA*DEPOT; CENT' = KA*DEPOT - (K + K12)*CENT + K21*PERI; PERI' = K12*CENT - K21*PERI; end"""
HEADER = "ID,TIME,EVID,AMT,CMT,RATE,DUR,ADDL,II,SS"


@dataclass
class Row:
    """One row of a table; `place` is the dosed compartment, from 0."""

    time: float
    kind: int
    place: int = 0
    amount: float = 0.0
    rate: float = 0.0
    duration: float = 0.0
    additional: int = 0
    interval: float = 0.0
    steady: int = 0

    def text(self, by_name):
        compartment = (STATES[self.place] if by_name else self.place + 1) if self.kind in (1, 4) else "."
        cells = (1, repr(self.time), self.kind, self.amount, compartment, self.rate, self.duration, self.additional)
        return ",".join(map(str, (*cells, self.interval, self.steady)))


class Linear:
    """A linear model by its eigenvectors, with shares, lags, rates and durations of each compartment."""

    def __init__(self, rng):
        ka, k, k12, k21 = np.exp(rng.uniform(np.log([0.05, 0.02, 0.01, 0.02]), np.log([3, 1, 0.5, 0.5])))
        self.share = np.where(rng.random(3) < 0.5, rng.uniform(0.1, 1.5, 3), 1.0)
        self.lag = np.where(rng.random(3) < 0.4, rng.choice([0.3, 5.0, 13.0, 30.0], 3), 0.0)
        self.rate, self.duration = rng.uniform(1, 30, 3), rng.choice([0.5, 3.3, 10.0, 26.0, 12.0], 3)
        named = {"KA": ka, "K": k, "K12": k12, "K21": k21}
        for n in range(3):
            named |= {f"F{n + 1}": self.share[n], f"ALAG{n + 1}": self.lag[n]}
            named |= {f"R{n + 1}": self.rate[n], f"D{n + 1}": self.duration[n]}
        self.text = MODEL.format(numbers=" ".join(f"{name} = {float(value)!r};" for name, value in named.items()))
        self.values, self.vectors = np.linalg.eig([[-ka, 0, 0], [ka, -k - k12, k21], [0, k12, -k21]])
        self.back = np.linalg.inv(self.vectors)

    def response(self, since, place, amount, duration):
        if since < 0:
            return np.zeros(3)
        if duration == 0:
            part = np.exp(self.values * since) * amount
        else:
            on = min(since, duration)
            part = (np.exp(self.values * since) - np.exp(self.values * (since - on))) / self.values * amount / duration
        return ((self.vectors * part) @ self.back[:, place]).real

    def doses(self, row):
        """(start, place, amount, duration) of a row, past ones of a steady state included."""
        amount = row.amount * self.share[row.place]
        duration = {0.0: 0.0, -1.0: amount / self.rate[row.place], -2.0: self.duration[row.place]}.get(row.rate)
        duration = row.duration or (amount / row.rate if duration is None else duration)
        first = row.time + self.lag[row.place]
        count = 0
        if row.steady:
            count = int((45 / -self.values.real.max() + duration + self.lag[row.place]) / row.interval) + 2
        times = first + row.interval * np.arange(-count, row.additional + 1)
        return [(time, row.place, amount, duration) for time in times]

    def course(self, rows):
        """States at each observation."""
        given, seen = [], []
        for row in rows:
            if row.kind in (3, 4) or row.steady == 1:
                given = []
            if row.kind in (1, 4):
                given += self.doses(row)
            if row.kind == 0:
                seen.append(sum(self.response(row.time - one[0], *one[1:]) for one in given) + np.zeros(3))
        return np.array(seen)


def random_rows(rng):
    """Doses of every kind, resets and remarks; observations at times of their own."""
    rows, time = [], 0.0
    for k in range(rng.integers(2, 7)):
        row = Row(time, int(rng.choice([1, 1, 1, 1, 4, 3, 2] if k else [1, 4])), int(rng.integers(0, 3)))
        if row.kind in (1, 4):
            row.amount, row.rate = float(rng.uniform(10, 200)), float(rng.choice([0, 0, -1, -2, 7.5, 40]))
            if row.rate == 0 and rng.random() < 0.25:
                row.duration = float(rng.choice([0.5, 2, 12, 25]))
            if rng.random() < 0.35:
                row.steady, row.interval = int(rng.choice([1, 1, 2])), float(rng.choice([6, 8, 12, 24]))
            if rng.random() < 0.4:
                row.interval, row.additional = row.interval or float(rng.choice([6, 8, 24])), int(rng.integers(1, 6))
        rows.append(row)
        for _ in range(rng.integers(1, 4)):
            time += float(rng.uniform(0.1, 20))
            rows.append(Row(time, 0))
        time = float(np.ceil(time))
    return rows


@pytest.mark.parametrize("seed", range(12))
def test_any_table_gives_the_sum_of_its_doses(seed):
    rng = np.random.default_rng(seed)
    linear, rows = Linear(rng), random_rows(rng)
    table = "\n".join([HEADER, *(row.text(by_name=seed % 2 == 0) for row in rows)]) + "\n"
    data = read_nonmem(table, read_antimony(linear.text))
    result = solve_reference(data.problem(), rtol=1e-9)
    assert result.n_failed == 0
    got = np.array([data.observed(result, name)[0] for name in STATES]).T
    want = linear.course(rows)
    # the largest amount of a compartment, for those that are all but empty at times
    np.testing.assert_allclose(got, want, rtol=1e-6, atol=1e-6 * np.abs(want).max())
