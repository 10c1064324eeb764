"""What simulated trials were asked to show besides the published figures: medians of an outcome within limits.

In: the simulated patients of a study. Out: one `AskedFigure` for each row of ``asked`` in ``data/fit.yaml`` that is of
that study. They say what a hematologist expects of such patients, also where no single paper prints it. The fit does
not use their limits; to the published figures of some of these outcomes, survival in TOWER for one, it is fitted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from engager.analysis import EndpointRequest, estimate_endpoints
from engager.trial import TrialData

_NOT_OF_THE_REQUEST = ("study", "least", "most")


@dataclass(frozen=True)
class AskedFigure:
    """One outcome of a study and the limits that were asked for.

    Attributes
    ----------
    study : id. request : the outcome, of one arm.
    least, most : limits of its median over simulated trials, shares as fractions and times in months; None: none.
    found : that median; infinite when not reached, None when most trials cannot tell it.
    """

    study: str
    request: EndpointRequest
    least: float | None
    most: float | None
    found: float | None

    @property
    def is_met(self) -> bool | None:
        """None when nothing could be told."""
        if self.found is None:
            return None
        low, high = -np.inf if self.least is None else self.least, np.inf if self.most is None else self.most
        return bool(low <= self.found <= high)


def asked_of(data: TrialData, rows: Sequence[Mapping[str, Any]]) -> list[AskedFigure]:
    """The rows of a study beside what its simulated trials show.

    Parameters
    ----------
    data : simulated trials of one study; only the patients are read.
    rows : of ``asked`` in ``fit.yaml``: ``study``, ``least``, ``most`` and the fields of an `EndpointRequest`.
    """
    study = data.protocol.study
    own = [row for row in rows if row["study"] == study]
    setting = data.protocol.population.setting
    requests = [EndpointRequest(**{key: row[key] for key in row if key not in _NOT_OF_THE_REQUEST}) for row in own]
    if not requests:
        return []
    estimates = estimate_endpoints(data, requests, setting)
    found = []
    for number, (row, request) in enumerate(zip(own, requests, strict=True)):
        values = estimates.filter(estimates["request"] == number)["value"].to_numpy()
        told = values[~np.isnan(values)]
        # two in the middle of which one is not reached have no mean; what most trials cannot tell has no median
        median = float(np.quantile(told, 0.5, method="higher")) if 2 * told.size > values.size else None
        found.append(AskedFigure(study, request, row.get("least"), row.get("most"), median))
    return found
