"""Observations of one's own, to be drawn over simulated courses: a NONMEM-style CSV.

In: text that nobody has checked. Out: points by subject. Nothing is kept, nothing is fitted. Understood are ID, TIME,
DV, and, where they stand, MDV and EVID (rows that are no observation are left out and counted) and BLQ.
"""

from __future__ import annotations

import csv
import io
import math
from dataclasses import dataclass

from engager.core import InputError, Problem

MAX_ROWS = 5000
_NEEDED = ("ID", "TIME", "DV")
_MISSING = ("", ".", "NA", "NaN")
_HOURS_PER_DAY = 24.0
_MOST_TOLD = 10


@dataclass(frozen=True)
class OwnData:
    """Observations.

    Attributes
    ----------
    points : ``id, day, value, below`` in the order of the file; `below` marks a value below a limit of quantification.
    left_out : rows that are no observation (doses, MDV 1, no DV).
    """

    points: tuple[tuple[str, float, float, bool], ...]
    left_out: int


def read_own_data(text: str, time_unit: str = "h") -> OwnData:
    """Read observations.

    Parameters
    ----------
    text : CSV with a header line; columns in any order, names in upper or lower case.
    time_unit : of TIME, ``h`` or ``day``.

    Raises
    ------
    InputError
        With the first ten things that are wrong, by line.
    """
    if time_unit not in ("h", "day"):
        raise InputError(Problem("time unit", time_unit, "must be h or day"))
    lines = [line for line in text.lstrip("\ufeff").splitlines() if line.strip()]
    rows = list(csv.reader(io.StringIO("\n".join(lines)), skipinitialspace=True))
    if len(rows) < 2:
        raise InputError(Problem("data", f"{len(rows)} lines", "must be a header line and rows", "ID,TIME,DV"))
    header = [name.strip().upper() for name in rows[0]]
    if missing := [name for name in _NEEDED if name not in header]:
        rule = f"must have the columns {', '.join(_NEEDED)}; missing: {', '.join(missing)}"
        raise InputError(Problem("data: line 1", ",".join(rows[0])[:100], rule))
    if len(rows) - 1 > MAX_ROWS:
        raise InputError(Problem("data", f"{len(rows) - 1} rows", f"must have at most {MAX_ROWS} rows"))
    scale = 1.0 if time_unit == "day" else 1.0 / _HOURS_PER_DAY
    points, problems, left_out = [], [], 0
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != len(header):
            rule = f"must have {len(header)} cells, as the header has"
            problems.append(Problem(f"data: line {number}", f"{len(row)} cells", rule))
            continue
        cell = dict(zip(header, (one.strip() for one in row), strict=True))
        if _is_no_observation(cell):
            left_out += 1
            continue
        day, value = _number(cell["TIME"]), _number(cell["DV"])
        for name, found in (("TIME", day), ("DV", value)):
            if found is None:
                problems.append(Problem(f"data: line {number}, {name}", cell[name][:40], "must be a finite number"))
        if day is not None and value is not None:
            points.append((cell["ID"][:40], day * scale, value, cell.get("BLQ", "0") not in ("0", *_MISSING)))
    if problems:
        raise InputError(problems[:_MOST_TOLD])
    if not points:
        raise InputError(Problem("data", f"{left_out} rows", "must hold an observation (EVID 0, MDV 0, a DV)"))
    return OwnData(tuple(points), left_out)


def _is_no_observation(cell: dict[str, str]) -> bool:
    is_dose = any(cell.get(name, "0") not in ("0", *_MISSING) for name in ("EVID", "MDV"))
    return is_dose or cell["DV"] in _MISSING


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
