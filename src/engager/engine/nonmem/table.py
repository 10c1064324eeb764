"""Reads the rows of a NONMEM-style table and checks each; no model, no doses yet."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from engager.core import InputError, Problem

OBSERVATION, DOSE, OTHER, RESET, RESET_AND_DOSE = range(5)
MAX_ROWS = 5_000_000
MAX_ADDITIONAL = 100_000
KNOWN = ("ID", "TIME", "AMT", "RATE", "DUR", "CMT", "EVID", "MDV", "ADDL", "II", "SS", "DV")
_MISSING = {"", ".", "NA", "na", "NaN", "nan"}


@dataclass(frozen=True)
class Record:
    """One row: an observation, a dose, a reset or something else that happens to a patient.

    Attributes
    ----------
    line : line number in the file, from 1.
    compartment : number or name as written; empty when the row gives none.
    duration : of an infusion, from DUR; 0 where the row gives none.
    covariates : the other columns that hold numbers.
    at : when the row acts. Its time, or an instant too short to matter after it where an observation of the same
        time stands before it in the file.
    """

    line: int
    patient: str
    time: float
    kind: int
    amount: float = 0.0
    rate: float = 0.0
    compartment: str = ""
    additional: int = 0
    interval: float = 0.0
    steady_state: int = 0
    is_observed: bool = False
    covariates: Mapping[str, float] = field(default_factory=dict)
    duration: float = 0.0
    at: float = math.nan


def read_records(text: str, where: str, used: Collection[str] = ()) -> list[Record]:
    """All rows, in order.

    Parameters
    ----------
    used : columns beside those of NONMEM that change what is computed; where they hold something, it is a number.

    Raises
    ------
    InputError
        With every row that breaks a rule, by its line.
    """
    lines = _lines(text, where)
    if len(lines) > MAX_ROWS:
        raise InputError(Problem(where, len(lines), f"may have at most {MAX_ROWS} rows"))
    columns = columns_of(text, where)
    _check_header(columns, where)
    rows = _Rows(columns, where, used)
    cells = ((number, _cells(line, lines[0][1])) for number, line in lines[1:])
    records = [record for number, row in cells if (record := rows.record(number, row)) is not None]
    rows.check_order(records)
    if rows.problems:
        raise InputError(rows.problems[:50])
    return records


def columns_of(text: str, where: str) -> list[str]:
    """Names in the header; those of NONMEM in upper case."""
    first = _lines(text, where)[0][1]
    header = _cells(first, first)
    return [name.upper() if name.upper() in KNOWN else name for name in header]


def _lines(text: str, where: str) -> list[tuple[int, str]]:
    """Lines with content and their numbers, the header first."""
    lines = [
        (number, line)
        for number, line in enumerate(text.lstrip("\ufeff").splitlines(), start=1)
        if line.strip() and not line.lstrip().startswith("#")
    ]
    if not lines:
        raise InputError(Problem(where, "no rows", "must be a table with a header"))
    return lines


#: Share of a time, or of the table's length where that is more, by which a row acts after an observation before it:
#: more than the tolerance for instants, and far less than any course could show.
_AFTERWARDS = 1e-11


def in_file_order(rows: list[Record]) -> list[Record]:
    """One patient's rows; those that change something after an observation of the same time act just after it."""
    length = rows[-1].time - rows[0].time or 1.0
    ordered: list[Record] = []
    time, turns, is_read = math.nan, 0, False
    for row in rows:
        if row.time != time:
            time, turns, is_read = row.time, 0, False
        if row.kind in (DOSE, RESET, RESET_AND_DOSE) and is_read:
            turns, is_read = turns + 1, False
        is_read |= row.kind == OBSERVATION
        moment = _AFTERWARDS * max(abs(time), 1e-3 * length)
        ordered.append(replace(row, at=time + turns * moment) if turns else row)
    return ordered


def _cells(line: str, header: str) -> list[str]:
    """Separated as the header is; by commas and blanks alike where it has neither commas nor semicolons."""
    if ";" in header and "," not in header:  # where numbers may be written with a comma
        return [cell.strip() for cell in line.split(";")]
    if "," not in line:
        return [cell.strip() for cell in line.split(";")] if ";" in line else line.split()
    if "," not in header:
        return re.split(r"\s*,\s*|\s+", line.strip())
    try:
        return [cell.strip() for cell in next(csv.reader([line]))]
    except csv.Error:  # a cell of absurd length: told as a row with too few cells
        return []


def _check_header(columns: list[str], where: str) -> None:
    problems = []
    for name in ("ID", "TIME"):
        if name not in columns:
            problems.append(Problem(f"{where}: line 1", ",".join(columns), f"must have a column {name}"))
    for name in sorted({name for name in columns if columns.count(name) > 1}):
        problems.append(Problem(f"{where}: line 1", name, "stands twice"))
    for name in columns:
        if name.upper() in ("DATE", "DAT1", "DAT2", "DAT3"):
            problems.append(Problem(f"{where}: line 1", name, "calendar dates are not read", "Use numbers in TIME."))
    if problems:
        raise InputError(problems)


class _Rows:
    """Turns rows into records and collects what is wrong with them."""

    def __init__(self, columns: list[str], where: str, used: Collection[str]) -> None:
        self.columns, self.where, self.used = columns, where, used
        self.problems: list[Problem] = []
        self.extra = [name for name in columns if name not in KNOWN]

    def record(self, line: int, cells: list[str]) -> Record | None:
        if len(cells) != len(self.columns):
            self._complain(line, f"{len(cells)} cells", f"must have {len(self.columns)}, as the header")
            return None
        row = dict(zip(self.columns, cells, strict=True))
        before = len(self.problems)
        number = {name: self._number(line, name, row.get(name, "")) for name in KNOWN[1:] if name not in ("CMT", "DV")}
        kind = self._kind(line, row, number)
        record = Record(
            line, row["ID"], number["TIME"], kind, number["AMT"], number["RATE"], row.get("CMT", "").strip(),
            self._whole(line, "ADDL", number["ADDL"], MAX_ADDITIONAL), number["II"],
            self._whole(line, "SS", number["SS"], 2),
            is_observed=kind == OBSERVATION and number["MDV"] == 0,
            covariates=self._covariates(line, row), duration=number["DUR"], at=number["TIME"],
        )  # fmt: skip
        if row["ID"] in ("", "."):
            self._complain(line, row["ID"], "ID must say whose row this is")
        if row["TIME"] in _MISSING:
            self._complain(line, row["TIME"], "TIME must be a number")
        self._check_dose(record)
        return record if len(self.problems) == before else None

    def _complain(self, line: int, value: object, rule: str, next_step: str = "") -> None:
        self.problems.append(Problem(f"{self.where}: line {line}", value, rule, next_step))

    def _number(self, line: int, name: str, cell: str) -> float:
        if cell.strip() in _MISSING:
            return 0.0
        value = _as_number(cell)
        if value is None:
            hint = "Clock times are not read; use numbers." if ":" in cell else ""
            hint = hint or ("Write a point for the decimals." if _as_number(cell.replace(",", ".")) else "")
            self._complain(line, cell, f"{name} must be a number", hint)
            return 0.0
        return value

    def _whole(self, line: int, name: str, value: float, most: int) -> int:
        if value != int(value) or not 0 <= value <= most:
            self._complain(line, value, f"{name} must be a whole number from 0 to {most}")
            return 0
        return int(value)

    def _kind(self, line: int, row: Mapping[str, str], number: Mapping[str, float]) -> int:
        if row.get("EVID", "").strip() not in _MISSING:
            value = number["EVID"]
            if value not in (0, 1, 2, 3, 4):
                self._complain(line, row["EVID"], "EVID must be 0, 1, 2, 3 or 4")
                return OBSERVATION
            return int(value)
        is_dose = any(number[name] != 0 for name in ("AMT", "RATE", "DUR", "SS"))
        return DOSE if is_dose else OBSERVATION

    def _covariates(self, line: int, row: Mapping[str, str]) -> dict[str, float]:
        found = {}
        for name in self.extra:
            if name in self.used and row[name] not in _MISSING:
                found[name] = self._number(line, name, row[name])
            elif (value := _as_number(row[name])) is not None:
                found[name] = value
        return found

    def _check_dose(self, one: Record) -> None:
        if one.kind in (OBSERVATION, OTHER, RESET):
            for name, value in (
                ("AMT", one.amount), ("RATE", one.rate), ("DUR", one.duration), ("ADDL", one.additional),
                ("II", one.interval), ("SS", one.steady_state),
            ):  # fmt: skip
                if value:
                    self._complain(one.line, value, f"{name} must be 0 where EVID is {one.kind}")
            return
        is_constant = one.steady_state and one.amount == 0 and (one.rate > 0 or one.rate == -1) and one.interval == 0
        if one.amount < 0:
            self._complain(one.line, one.amount, "AMT must be >= 0")
        if one.amount == 0 and not is_constant:
            hint = "With SS, RATE > 0 or -1 and II 0 the amount may be 0: a constant infusion."
            self._complain(one.line, one.amount, "AMT of a dose must be > 0", hint)
        if one.rate < 0 and one.rate not in (-1, -2):
            self._complain(one.line, one.rate, "RATE must be >= 0, -1 (rate is a parameter) or -2 (duration is)")
        if one.duration < 0 or (one.duration and one.rate):
            self._complain(one.line, one.duration, "DUR must be >= 0, and 0 where RATE is given")
        if one.interval < 0:
            self._complain(one.line, one.interval, "II must be >= 0")
        if one.interval == 0 and (one.additional or (one.steady_state and not is_constant)):
            self._complain(one.line, one.interval, "II must be > 0 with ADDL or SS")
        if one.additional and is_constant:
            self._complain(one.line, one.additional, "ADDL does not go with a constant infusion")

    def check_order(self, records: list[Record]) -> None:
        """Patients in one block each, times not going back."""
        seen: set[str] = set()
        written: dict[str | float, str] = {}
        last: Record | None = None
        for one in records:
            number = _as_number(one.patient)
            first = written.setdefault(one.patient if number is None else number, one.patient)
            if one.patient != first:
                self._complain(one.line, one.patient, f"ID is the number {first}, and must be written alike")
            if last is None or one.patient != last.patient:
                if one.patient in seen:
                    self._complain(one.line, one.patient, "rows of one ID must stand together")
                seen.add(one.patient)
            elif one.time < last.time:
                self._complain(one.line, one.time, f"TIME must not go back (it was {last.time:g} before)")
            last = one


def _as_number(cell: str) -> float | None:
    """The finite number that a cell holds; None for anything else, also what only Python takes for a number."""
    try:
        value = float(cell)
    except ValueError:
        return None
    return value if math.isfinite(value) and "_" not in cell else None
