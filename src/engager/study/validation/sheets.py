"""A validation as tables for other programs, every header explained."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engager.calibration import width_ratio
from engager.core import COMPARISONS, meanings, write_tables
from engager.study.figure_row import figure_row
from engager.study.validation.validate import Validation, asked_row

if TYPE_CHECKING:
    import polars as pl

MEANINGS = {
    "figures": meanings(COMPARISONS)
    | {
        "width_ratio": "width of the prediction interval over that of the published one; empty: no published interval",
        "scale": "of the next four columns: share, or log of months and ratios",
        "sd_patients": "standard deviation between trials, because a trial is a sample of patients",
        "sd_parameters": "standard deviation between trials, because population values are not known exactly",
        "share_parameters": "part of the variance that population values account for, 0 to 1",
        "monte_carlo": "standard error of the simulated median, from this number of virtual trials",
    },
    "bands": {
        "name": "acceptance band",
        "words": "what is judged",
        "limit": "set before the fit",
        "is_most": "true: the limit is a most; false: a least",
        "found": "value found; empty: nothing could be judged",
        "met": "whether the value keeps the limit",
        "inside": "of a share: figures inside",
        "n": "figures judged",
    },
    "asked": {
        "trial": "study",
        "arm": "its arm",
        "endpoint": "outcome that was asked for",
        "statistic": "of the outcome",
        "time_months": "landmark [months]; empty: none",
        "origin": "where its clock starts; empty: as usual for the endpoint",
        "censor_at_hsct": "true: the clock stops at a transplant",
        "least": "asked; shares as fractions, times in months; empty: no least",
        "most": "asked; empty: no most",
        "found": "median over virtual trials; inf: not reached; empty: most trials cannot tell it",
        "met": "whether it lies within",
    },
    "observations": {
        "id": "observation within patients",
        "use": "fit: the model was fitted to it; check: it was not",
        "quantity": "what was observed",
        "unit": "of the values",
        "observed": "published",
        "simulated": "in virtual patients",
        "low": "of courses: lower end of 95 % of simulated cohorts; of facts: least that agrees with the publication",
        "high": "upper end",
        "inside": "of courses: the published value lies between; of facts: the simulated one does",
        "n_observed": "patients behind the published value",
        "n_simulated": "virtual patients",
        "n_failed": "virtual patients the solver could not follow",
        "source": "record#source it was read from",
    },
}


def validation_tables(
    found: Validation | None, observations: Sequence[Mapping[str, Any]] = ()
) -> dict[str, pl.DataFrame]:
    """Figures, acceptance bands, what was asked besides, and observations within patients; an empty table is left out.

    Parameters
    ----------
    found : None: observations alone. observations : rows of `calibration.validate_observations`, of plain values.
    """
    import polars as pl

    rows: dict[str, list[dict[str, Any]]] = {}
    if found is not None:
        rows["figures"] = [
            figure_row(one.as_json())
            | {
                "width_ratio": width_ratio(one),
                "scale": split.scale,
                "sd_patients": _known(split.between_patients),
                "sd_parameters": _known(split.parameters),
                "share_parameters": _known(split.parameter_share),
                "monte_carlo": _known(split.monte_carlo[0]),
            }
            for one, split in zip(found.comparisons, found.uncertainties, strict=True)
        ]
        rows["bands"] = [asdict(one) | {"met": one.is_met} for one in found.acceptance()]
        rows["asked"] = [asked_row(one) for one in found.asked]
    rows["observations"] = [{key: one.get(key) for key in MEANINGS["observations"]} for one in observations]
    return {
        name: pl.DataFrame(listed, infer_schema_length=None).select(list(MEANINGS[name]))
        for name, listed in rows.items()
        if listed
    }


def write_validation_tables(
    found: Validation | None, path: Path, observations: Sequence[Mapping[str, Any]] = ()
) -> Path:
    """The tables as a spreadsheet or as a folder of CSV files, by the ending of the path.

    Raises
    ------
    InputError
        When the path cannot be written, or XlsxWriter is not installed.
    """
    about = []
    if found is not None:
        about = [
            f"{found.replicates} virtual trials of each study, seed {found.seed}, parameters: {found.parameters}.",
            *(f"Note: {note}." for note in found.notes),
            *(f"Not simulated: {text}." for text in found.not_simulated),
        ]
    return write_tables(path, validation_tables(found, observations), MEANINGS, about)


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None
