"""`engager patient`: one virtual patient, drawn or as a table."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engager.app.commands.model import read_changes
from engager.app.console import remark
from engager.app.options import complete_model, complete_regimen
from engager.core import PATIENT_DAYS

if TYPE_CHECKING:
    from engager.study import VirtualPatient

# The table holds one row per six hours, the figure every hour.
_EVERY = 6


def draw_patient(
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="A covariate or model parameter; may be repeated."),
    ] = None,
    regimen: Annotated[
        str, typer.Option(metavar="REGIMEN", help="One of `engager regimen list`.", autocompletion=complete_regimen)
    ] = "blinatumomab",
    compare: Annotated[
        list[str] | None,
        typer.Option(
            metavar="REGIMEN",
            help="Another regimen for the same patient; may be repeated.",
            autocompletion=complete_regimen,
        ),
    ] = None,
    days: Annotated[float, typer.Option(metavar="NUMBER", help="Days from the first dose.")] = PATIENT_DAYS,
    out: Annotated[
        Path, typer.Option(metavar="PATH", help="New file: .png .svg .pdf .html, or .csv for a table.")
    ] = Path("patient.png"),
    seed: Annotated[
        int | None, typer.Option(metavar="N", help="Draw a random patient; default: the typical one.")
    ] = None,
    parameters: Annotated[
        str,
        typer.Option(
            metavar="PARAMETERS",
            help="center of the fit, one draw of it (posterior), or table: unfitted values.",
        ),
    ] = "center",
    model: Annotated[
        str, typer.Option(metavar="MODEL", help="One of `engager model list`.", autocompletion=complete_model)
    ] = "b-all",
) -> None:
    """Follow one virtual patient: drug, T and B cells, blasts with the MRD limit, cytokines, blood counts.

    Doses are given as planned; no visit changes them. For research and teaching; never advice on treating a patient.

    Example: engager patient --set age_years=70 --compare flag --out patient.png
    """
    from engager.study import check_figure_path, draw_patients, regimen_by_id, simulate_patient

    check_figure_path(out, also=(".csv",))
    given = read_changes(changes or [])
    plans = {name: regimen_by_id(name) for name in dict.fromkeys([regimen, *(compare or [])])}
    patients = {
        name: simulate_patient(plan, days=days, changes=given, model=model, seed=seed, parameters=parameters)
        for name, plan in plans.items()
    }
    who = next(iter(patients.values())).covariates
    remark(", ".join(f"{name} {value:.3g}" for name, value in who.items()))
    for name, one in patients.items():
        for note in one.notes:
            remark(f"Note: {note}" if len(patients) == 1 else f"Note ({name}): {note}")
    if out.suffix.lower() == ".csv":
        _write_csv(out, patients)
    else:
        draw_patients(patients, out, _title(list(plans), seed))
    remark(f"Wrote {out}")


def _title(names: list[str], seed: int | None) -> str:
    who = "A typical virtual patient" if seed is None else f"Virtual patient of seed {seed}"
    return f"{who}: {' and '.join(names)}, doses as planned"


def _write_csv(out: Path, patients: dict[str, VirtualPatient]) -> None:
    from engager.core import write_whole, writing_to

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["regimen", "day", *next(iter(patients.values())).columns])
    for name, patient in patients.items():
        for k in range(0, patient.days.size, _EVERY):
            row = (f"{column[k]:.6g}" for column in patient.columns.values())
            writer.writerow([name, f"{patient.days[k]:g}", *row])
    with writing_to("--out", out):
        write_whole(out, text.getvalue())
