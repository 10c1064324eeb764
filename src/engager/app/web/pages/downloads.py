"""A run for other programs, made when it is asked for: spreadsheet, CSV, CDISC ADaM, figures. Nothing of it is kept."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from engager.app.web.security import named_inside
from engager.core import InputError, Problem
from engager.study import export_adam, export_figures, export_tables

# name of the download by form, with the words of its link
FORMS = {
    "tables.xlsx": "tables as one spreadsheet (XLSX)",
    "tables.zip": "tables as CSV (ZIP)",
    "adam.zip": "CDISC ADaM: SAS transport files and Define-XML (ZIP)",
    "figures.zip": "figures as SVG and PNG (ZIP)",
}


async def download(request: Request) -> Response:
    """One form of a run; its tables hold the patients of the first virtual trial and the estimates of all."""
    folder = named_inside(request.app.state.settings.runs, request.path_params["run"], "run")
    form = request.path_params["form"]
    if form not in FORMS:
        raise InputError(Problem("download", form[:60], f"must be one of {', '.join(FORMS)}"))
    place = Path(tempfile.mkdtemp(prefix="engager-"))
    try:
        path = await run_in_threadpool(_made, folder, form, place)
    except BaseException:
        shutil.rmtree(place, ignore_errors=True)
        raise
    done = BackgroundTask(shutil.rmtree, place, ignore_errors=True)
    return FileResponse(path, filename=f"{folder.name}-{form}", background=done)


def _made(run: Path, form: str, place: Path) -> Path:
    if form == "tables.xlsx":
        return export_tables(run, place / form).path
    inside = place / run.name
    if form == "tables.zip":
        export_tables(run, inside, form="csv")
    elif form == "adam.zip":
        export_adam(run, inside)
    else:
        export_figures(run, inside)
    return Path(shutil.make_archive(str(place / form.removesuffix(".zip")), "zip", place, run.name))
