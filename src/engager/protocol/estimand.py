"""What is to be estimated, whether or not anybody has published it.

A target is an estimand with a published figure; a report asks for estimands of which no figure is known.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Estimand:
    """One statistic of an endpoint: in which patients, and counted until when.

    Attributes
    ----------
    endpoint, statistic : words of the vocabulary.
    arm : None: the only arm, or a comparison. treatment, control : arms of a comparison.
    measure : HR, OR or difference of a comparison; None: of one arm.
    at_months : landmark.
    subgroup : condition. among : a response; only patients who reached it are counted.
    window_weeks, window_cycles : counts within this time from the first dose; None: as the study's endpoint does.
    """

    endpoint: str
    statistic: str
    arm: str | None = None
    treatment: str | None = None
    control: str | None = None
    measure: str | None = None
    at_months: float | None = None
    subgroup: str | None = None
    among: str | None = None
    window_weeks: float | None = None
    window_cycles: int | None = None

    @property
    def has_window(self) -> bool:
        return self.window_weeks is not None or self.window_cycles is not None
