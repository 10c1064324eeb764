"""Published observations within patients: courses, binned readings and single facts, read and held to their format."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from engager.core import FloatArray, InputError, Problem

USES = ("fit", "check")


@dataclass(frozen=True)
class Courses:
    """Readings of known patients at common times.

    Attributes
    ----------
    time_days : array (time,). values : array (patient, time) [unit].
    floor : readings at or below it only say "at most this"; None: all are exact.
    """

    id: str
    use: str
    quantity: str
    unit: str
    setting: str
    source: str
    patients: tuple[int, ...]
    time_days: FloatArray
    values: FloatArray
    floor: float | None
    note: str


@dataclass(frozen=True)
class Bin:
    """Readings above the floor within a stretch of time: how many, their median, lowest and highest."""

    from_day: float
    to_day: float
    n: int
    median: float
    lowest: float
    highest: float

    @property
    def day(self) -> float:
        """Middle of the stretch."""
        return 0.5 * (self.from_day + self.to_day)


@dataclass(frozen=True)
class Binned:
    """Readings of unnamed patients, in bins; only those above `floor` could be read; of `n_patients` in all."""

    id: str
    use: str
    quantity: str
    unit: str
    setting: str
    source: str
    floor: float
    n_patients: int
    bins: tuple[Bin, ...]
    note: str


@dataclass(frozen=True)
class Fact:
    """One number; a simulated one between `low` and `high` agrees with the publication.

    `sd` is the published standard deviation between patients, None where none is printed.
    """

    id: str
    use: str
    measure: str
    setting: str
    quantity: str
    unit: str
    observed: float
    low: float
    high: float
    because: str
    source: str
    sd: float | None = None


@dataclass(frozen=True)
class Observations:
    """All observations of a file."""

    courses: dict[str, Courses]
    binned: dict[str, Binned]
    facts: dict[str, Fact]
    sources: dict[str, str]


@cache
def load_observations(path: str | Path | None = None) -> Observations:
    """Observations of a file; None: those that ship.

    Raises
    ------
    InputError
        All problems of the file together.
    """
    file = Path(path) if path else Path(str(resources.files("engager.calibration") / "data" / "observations.yaml"))
    content = yaml.safe_load(file.read_text())
    problems: list[Problem] = []
    sources = content.get("sources", {})
    courses = [_courses(entry, file.name, problems) for entry in content.get("courses", [])]
    binned = [_binned(entry, file.name, problems) for entry in content.get("binned", [])]
    facts = [_fact(entry, file.name, problems) for entry in content.get("facts", [])]
    known = [one for one in [*courses, *binned, *facts] if one is not None]
    for one in known:
        if one.source not in sources:
            problems.append(Problem(f"{file.name}: {one.id}.source", one.source, "is not listed"))
        if one.use not in USES:
            problems.append(Problem(f"{file.name}: {one.id}.use", one.use, "must be fit or check"))
    ids = [one.id for one in known]
    problems += [Problem(f"{file.name}: id", id_, "is used twice") for id_ in {x for x in ids if ids.count(x) > 1}]
    if problems:
        raise InputError(problems)
    return Observations(
        courses={one.id: one for one in courses if one},
        binned={one.id: one for one in binned if one},
        facts={one.id: one for one in facts if one},
        sources=sources,
    )


def _missing(entry: dict[str, Any], keys: tuple[str, ...], where: str, problems: list[Problem]) -> bool:
    here = f"{where}: {entry.get('id', '?')}"
    missing = [key for key in keys if key not in entry]
    problems += [Problem(f"{here}.{key}", None, "is required") for key in missing]
    return bool(missing)


def _courses(entry: dict[str, Any], where: str, problems: list[Problem]) -> Courses | None:
    keys = ("id", "use", "quantity", "unit", "setting", "source", "time_days", "by_patient")
    if _missing(entry, keys, where, problems):
        return None
    times = np.array(entry["time_days"], dtype=float)
    rows = {number: values for number, values in entry["by_patient"].items() if len(values) != times.size}
    problems += [
        Problem(f"{where}: {entry['id']}.by_patient.{number}", values, f"must have {times.size} readings")
        for number, values in rows.items()
    ]
    if np.any(np.diff(times) <= 0):
        problems.append(Problem(f"{where}: {entry['id']}.time_days", entry["time_days"], "must rise"))
    if rows:
        return None
    return Courses(
        id=entry["id"],
        use=entry["use"],
        quantity=entry["quantity"],
        unit=entry["unit"],
        setting=entry["setting"],
        source=entry["source"],
        patients=tuple(int(number) for number in entry["by_patient"]),
        time_days=times,
        values=np.array(list(entry["by_patient"].values()), dtype=float),
        floor=entry.get("floor"),
        note=entry.get("note", ""),
    )


def _binned(entry: dict[str, Any], where: str, problems: list[Problem]) -> Binned | None:
    keys = ("id", "use", "quantity", "unit", "setting", "source", "floor", "n_patients", "bins")
    if _missing(entry, keys, where, problems):
        return None
    bins = tuple(Bin(**one) for one in entry["bins"])
    for one in bins:
        if not entry["floor"] <= one.lowest <= one.median <= one.highest:
            problems.append(
                Problem(f"{where}: {entry['id']}.bins", one, "must have floor <= lowest <= median <= highest")
            )
    return Binned(**{key: entry[key] for key in keys if key != "bins"}, bins=bins, note=entry.get("note", ""))


def _fact(entry: dict[str, Any], where: str, problems: list[Problem]) -> Fact | None:
    keys = ("id", "use", "measure", "setting", "quantity", "unit", "observed", "low", "high", "because", "source")
    if _missing(entry, keys, where, problems):
        return None
    if not entry["low"] <= entry["observed"] <= entry["high"]:
        problems.append(Problem(f"{where}: {entry['id']}.observed", entry["observed"], "must lie within low and high"))
    return Fact(**{key: entry[key] for key in keys}, sd=entry.get("sd"))
