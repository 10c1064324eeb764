"""A run as CDISC ADaM: analysis datasets in SAS transport files, and the Define-XML that describes them.

In: a finished run and one of its replicates. Out: a new folder with ``adsl.xpt``, ``adrs.xpt``, ``adtte.xpt``,
``adae.xpt``, ``adlb.xpt``, ``adex.xpt`` and ``define.xml``. Needs pyreadstat (extra ``adam``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import ModuleType
from typing import Any

from engager.core import InputError, Problem, versions, whole_folder, writing_to
from engager.study.adam.courses import adae, adex, adlb, infused_arms
from engager.study.adam.dataset import Dataset
from engager.study.adam.define import write_define
from engager.study.adam.responses import adrs
from engager.study.adam.source import Source, read_source
from engager.study.adam.subjects import adsl
from engager.study.adam.times import adtte
from engager.study.run.folder import RunFolder

REFERENCE_DATE = date(2000, 1, 1)
_EARLIEST, _LATEST = date(1900, 1, 1), date(2100, 12, 31)

_FORMATS = {"date": "DATE9.", "datetime": "DATETIME26.6"}
_LEFT_OUT = (
    "Race, ethnicity, country and site.",
    "The date of the data cut, and whether observation ended by it, by the end of follow-up or by dropout.",
    "Adverse events other than cytokine release syndrome and neurologic events; of these the end, the relation to"
    " treatment and MedDRA coding.",
    "Seriousness (AESER) of adverse events below grade 4, which rests on hospital stays that are not simulated.",
    "Laboratory values other than neutrophils, platelets, marrow blasts and residual disease.",
    "Doses of injections, chemotherapy and premedication.",
)


@dataclass(frozen=True)
class AdamExport:
    """What was written.

    Attributes
    ----------
    folder : where. run, replicate : of what.
    rows, variables : numbers by dataset.
    n_failed : subjects whose simulation failed; they are in ADSL only.
    left_out : what ADaM has a place for, or the run holds, and the files do not.
    """

    folder: Path
    run: str
    replicate: int
    rows: dict[str, int]
    variables: dict[str, int]
    n_failed: int
    left_out: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """For ``--json``."""
        return {
            "folder": str(self.folder),
            "run": self.run,
            "replicate": self.replicate,
            "datasets": {name: {"rows": n, "variables": self.variables[name]} for name, n in self.rows.items()},
            "n_failed": self.n_failed,
            "left_out": list(self.left_out),
        }


def export_adam(
    run: str | Path, out: str | Path, *, replicate: int = 0, reference_date: date = REFERENCE_DATE
) -> AdamExport:
    """Write one replicate of a run as ADaM.

    Parameters
    ----------
    run : a run folder or its ``run.json``.
    out : new folder.
    replicate : from 0; one study per export, since subjects of several replicates are no one study.
    reference_date : the first day of accrual, on which all dates rest. No date is one of a real trial.

    Raises
    ------
    InputError
        When there is no finished run, or it was altered, no such replicate, `out` exists or cannot be made, the date is
        out of range, or pyreadstat is not installed.
    """
    target = Path(out)
    if target.exists():
        raise InputError(Problem("--out", out, "must not exist yet", "Name a new folder."))
    if not _EARLIEST <= reference_date <= _LATEST:
        rule = f"must be from {_EARLIEST} to {_LATEST}"
        raise InputError(Problem("--reference-date", str(reference_date), rule))
    writer = _pyreadstat()
    folder = RunFolder.open(run)
    folder.check()
    source = read_source(folder, replicate, reference_date)
    made = datasets(source)
    left_out = (*_LEFT_OUT, *_left_out_here(source))
    _write(writer, target, source, made, left_out)
    return AdamExport(
        folder=target,
        run=folder.id,
        replicate=replicate,
        rows={one.name: one.table.height for one in made},
        variables={one.name: len(one.variables) for one in made},
        n_failed=source.subjects.height - source.followed.height,
        left_out=left_out,
    )


def datasets(source: Source) -> list[Dataset]:
    """All datasets of a replicate."""
    subjects = adsl(source.variables, source.subjects)
    return [subjects, adrs(source), adtte(source), adae(source), adlb(source), adex(source)]


def _write(writer: ModuleType, target: Path, source: Source, made: list[Dataset], left_out: tuple[str, ...]) -> None:
    """Everything into a new folder, which gets its name when it is complete."""
    with writing_to("--out", target), whole_folder(target) as part:
        for one in made:
            write_transport(writer, one, part / f"{one.name.lower()}.xpt")
        write_define(part / "define.xml", source.protocol, made, left_out, versions()["engager"])


def write_transport(writer: ModuleType, one: Dataset, path: Path) -> None:
    """One dataset as a SAS transport file, version 5.

    Raises
    ------
    OSError
        When it cannot be written.
    """
    try:
        writer.write_xport(
            one.table,
            path,
            file_label=one.label,
            column_labels=[variable.label for variable in one.variables],
            table_name=one.name,
            file_format_version=5,
            variable_format={v.name: _FORMATS[v.kind] for v in one.variables if v.kind in _FORMATS},
        )
    except writer.ReadstatError as error:  # of a full disk the library tells by an error of its own
        raise OSError(str(error)) from error


def _left_out_here(source: Source) -> list[str]:
    """What this run in particular holds and the datasets do not, or the other way round."""
    found = []
    if others := [name for name in source.protocol.population.other if name in source.subjects.columns]:
        found.append(f"Further covariates of the study file: {', '.join(others)}.")
    if infused_arms(source.protocol):
        kept = source.trajectories.select("arm", "patient").n_unique()
        kept_of = f"but of the {kept} subjects whose daily course was kept" if kept else "(kept in replicate 0 only)"
        found.append(f"Infusion rates {kept_of}.")
    found.append("Cytokines, T cells and other daily observables; they are in the run's trajectories.parquet.")
    if failed := source.subjects.height - source.followed.height:
        found.append(f"Outcomes of {failed} subjects whose simulation failed.")
    return found


def _pyreadstat() -> ModuleType:
    try:
        import pyreadstat
    except ImportError as error:
        rule = "needs pyreadstat, which writes SAS transport files"
        hint = "Install it with pip install 'engager[adam]'."
        raise InputError(Problem("--format", "adam", rule, hint)) from error
    return pyreadstat
