"""One published figure in the package's own words: one endpoint spelling, one statistic, one unit."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Outcome:
    """A figure as published, normalized.

    Attributes
    ----------
    record, arm : where it stands; for a comparison the arm is ``treatment vs control``.
    endpoint : as spelled in the vocabulary.
    statistic : proportion, median, survival_at, cumulative_at, follow_up_median, median_upper_bound,
        rate_per_patient_year, range, text; between two groups hazard_ratio, odds_ratio, difference,
        p_value, ...
    value : the published figure; a share is a fraction, see `unit`. None: only an interval, counts without n,
        a range or words were published.
    unit : fraction, months, days, per_patient_year or ratio.
    time_months : the time of a landmark [month of 365.25/12 days].
    origin : when the clock of a time starts: remission, hsct, relapse or failure; None: with the treatment of the arm
        (with the response for an endpoint of responders).
    low, high : the published interval at `level`; None: not published, or that bound was not reached.
    events, n : published counts. `is_n_of_arm` says that n is the arm's, not printed beside the figure.
    spread : an observed (min, max), never a confidence interval.
    se : a published standard error, in the unit of `value`.
    window_weeks, window : within which time a response counted, as number and as words.
    population : randomized or treated, where the record tells.
    source, source_text : ids of the sources in the record, and what they are.
    derived : the figure was computed from other printed ones.
    """

    record: str
    arm: str
    endpoint: str
    statistic: str
    value: float | None = None
    unit: str = "fraction"
    time_months: float | None = None
    origin: str | None = None
    low: float | None = None
    high: float | None = None
    level: float = 0.95
    events: int | None = None
    n: int | None = None
    is_n_of_arm: bool = False
    spread: tuple[float, float] | None = None
    se: float | None = None
    window_weeks: float | None = None
    window: str | None = None
    definition: str | None = None
    subgroup: str | None = None
    population: str | None = None
    p: str | None = None
    source: tuple[str, ...] = ()
    source_text: str = ""
    derived: bool = False
    note: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """The outcome as a JSON-like mapping."""
        return asdict(self)
