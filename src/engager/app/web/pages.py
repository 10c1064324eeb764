"""The pages. Each takes what `study` gives and a template; none computes."""

from __future__ import annotations

import hmac
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response

from engager.app.web.jobs import DONE, JobStore
from engager.app.web.security import COOKIE, named_inside, proof_of
from engager.app.web.words import GALLERY, GLOSSARY, PRESETS, SLIDERS
from engager.core import InputError, Problem
from engager.protocol import shipped_protocol, shipped_protocols, write_protocol
from engager.study import (
    RunFolder,
    compare_runs,
    comparison_html,
    evidence_rows,
    record_rows,
    regimens_for_arms,
    review_html,
    shipped_review,
    trust_content,
)

RESEARCH_USE = "For research and teaching; never advice on treating a patient."
_FILES = ("report.html", "comparisons.json", "run.json", "study.yaml", "patients.parquet", "visits.parquet",
          "events.parquet", "trajectories.parquet", "estimates.parquet", "design.json", "trials.parquet")  # fmt: skip
_SCRIPTS_IN_REPORTS = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"
_EXAMPLE_TRIALS = 12


def render(request: Request, name: str, title: str, status: int = 200, **context: Any) -> HTMLResponse:
    """A template filled in; everything that is not markup of ours is escaped."""
    template = _templates().get_template(f"{name}.html.j2")
    shared = {"title": title, "page": name, "research_use": RESEARCH_USE, "glossary": GLOSSARY}
    return HTMLResponse(template.render(**shared, **context), status_code=status)


@cache
def _templates() -> Any:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("engager.app.web"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip


def message(request: Request, title: str, sentences: list[str], status: int = 200) -> HTMLResponse:
    """A page that only says something."""
    return render(request, "message", title, status, sentences=sentences)


def ensure_example(jobs: JobStore) -> None:
    """A home without runs begins to make one, so that there is something to look at."""
    if not jobs.all() and not list(jobs.settings.runs.glob("*/run.json")):
        protocol = shipped_protocol("tower")
        jobs.add("trial", "TOWER, example", write_protocol(protocol), ["--replicates", str(_EXAMPLE_TRIALS)], 20.0)


async def start(request: Request) -> Response:
    """What the dashboard answers, the last runs, what to try."""
    jobs: JobStore = request.app.state.jobs
    return render(request, "start", "engager", runs=_runs(jobs)[:5], jobs=_open_jobs(jobs), gallery=GALLERY)


async def login(request: Request) -> Response:
    """Ask for the token once; a cookie remembers that it was right."""
    token = request.app.state.settings.token
    if token is None:
        return RedirectResponse("/", status_code=303)
    if request.method == "POST":
        given = str((await request.form()).get("token", ""))
        if hmac.compare_digest(given.encode(), token.encode()):
            answer = RedirectResponse("/", status_code=303)
            answer.set_cookie(COOKIE, proof_of(token), httponly=True, samesite="strict", max_age=7 * 86400)
            return answer
        return render(request, "login", "Log in", 401, wrong=True)
    return render(request, "login", "Log in", wrong=False)


async def patient(request: Request) -> Response:
    """One virtual patient: presets, sliders, one or two regimens."""
    arms = await run_in_threadpool(regimens_for_arms)
    return render(request, "patient", "One patient", sliders=SLIDERS, presets=PRESETS, regimens=arms)


async def trial(request: Request) -> Response:
    """Choose or edit a study, see how long it would take, run it."""
    studies = [(one, shipped_protocol(one).title or one) for one in shipped_protocols()]
    chosen = request.query_params.get("study", "tower")
    if chosen not in dict(studies):
        raise InputError(Problem("study", chosen[:100], "is no shipped study"))
    return render(request, "trial", "A trial", studies=studies, chosen=chosen, kind="trial")


async def design(request: Request) -> Response:
    """Operating characteristics of a design."""
    text = EXAMPLE_DESIGN
    return render(request, "design", "A design", text=text, kind="design")


EXAMPLE_DESIGN = """study: my-design
version: 1
title: "Randomized design"
population: {setting: relapsed_refractory, age_years: {median: 37, range: [18, 80]}}
arms:
  blinatumomab: {n: 120, regimen: blinatumomab}
  chemotherapy: {n: 60, regimen: soc-chemotherapy-tower}
allocation: {randomized: true, ratio: [2, 1], block: 6}
follow_up: {months: 24, accrual_months: 12}
endpoints:
  - {id: OS, origin: randomization}
  - {id: CR/CRh/CRi, window_weeks: 12}
simulated_only: true
design:
  primary: OS
  treatment: blinatumomab
  control: chemotherapy
  test: log_rank
  alpha_one_sided: 0.025
"""


async def runs(request: Request) -> Response:
    """All runs; tick two to compare them."""
    jobs: JobStore = request.app.state.jobs
    return render(request, "runs", "Runs", runs=_runs(jobs), jobs=_open_jobs(jobs))


async def run(request: Request) -> Response:
    """One run: figures published beside simulated, interactive curves, files."""
    folder = named_inside(request.app.state.settings.runs, request.path_params["run"], "run")
    if (folder / "design.json").is_file():
        return RedirectResponse(f"/runs/{folder.name}/report.html", status_code=303)
    found = RunFolder.open(folder)
    files = [name for name in _FILES if (folder / name).is_file()]
    return render(
        request, "run", found.protocol.title or found.id, run=found, rows=_comparison_rows(found), files=files,
        predictions=[] if found.comparisons else found.predictions(),
    )  # fmt: skip


def _comparison_rows(found: RunFolder) -> list[dict[str, str]]:
    from engager.study import figure_cells

    return [figure_cells({**one, "trial": found.protocol.study, "use": one.get("use")}) for one in found.comparisons]


async def run_report(request: Request) -> Response:
    """The run's own report; it has no scripts and is allowed none."""
    folder = named_inside(request.app.state.settings.runs, request.path_params["run"], "run")
    path = named_inside(folder, "report.html", "report")
    headers = {"content-security-policy": _SCRIPTS_IN_REPORTS, "x-frame-options": "SAMEORIGIN"}
    return FileResponse(path, media_type="text/html", headers=headers)


async def run_file(request: Request) -> Response:
    """A file of a run, to download."""
    folder = named_inside(request.app.state.settings.runs, request.path_params["run"], "run")
    name = request.path_params["name"]
    if name not in _FILES:
        raise InputError(Problem("file", name[:100], f"must be one of {', '.join(_FILES)}"))
    path = named_inside(folder, name, "file")
    return FileResponse(path, filename=f"{folder.name}-{name}")


async def job(request: Request) -> Response:
    """A job: its progress, and where its result will be."""
    jobs: JobStore = request.app.state.jobs
    found = jobs.get(request.path_params["job"])
    result = jobs.settings.runs / found.id
    if found.state == DONE and result.is_dir():
        return RedirectResponse(f"/runs/{found.id}", status_code=303)
    return render(request, "job", found.title, job=found, log=jobs.log(found)[-4000:])


async def compare(request: Request) -> Response:
    """Runs beside each other: the comparison's own page."""
    names = request.query_params.getlist("run")
    folder = request.app.state.settings.runs
    found = await run_in_threadpool(compare_runs, [named_inside(folder, one, "run") for one in names])
    headers = {"content-security-policy": _SCRIPTS_IN_REPORTS}
    return HTMLResponse(await run_in_threadpool(comparison_html, found), headers=headers)


async def evidence(request: Request) -> Response:
    """All records, searched and filtered."""
    words = request.query_params.get("search", "")[:100]
    setting = request.query_params.get("setting", "")[:40]
    rows, settings = await run_in_threadpool(evidence_rows, words, setting)
    return render(request, "evidence", "Evidence", rows=rows, search=words, setting=setting, settings=settings)


async def evidence_record(request: Request) -> Response:
    """One record: every figure with its source, what was never seen, the citation."""
    found = await run_in_threadpool(record_rows, request.path_params["record"])
    return render(request, "record", found["id"], record=found)


async def review(request: Request) -> Response:
    """The review's own page."""
    headers = {"content-security-policy": _SCRIPTS_IN_REPORTS}
    return HTMLResponse(await run_in_threadpool(lambda: review_html(shipped_review())), headers=headers)


async def trust(request: Request) -> Response:
    """How far to trust it: fitted and checked figures, what missed, versions."""
    return render(request, "trust", "How far to trust it", told=await run_in_threadpool(trust_content))


async def plotly(request: Request) -> Response:
    """The plotting library, from the installed package: no request leaves the machine."""
    path = Path(str(resources.files("plotly") / "package_data" / "plotly.min.js"))
    return FileResponse(path, media_type="text/javascript", headers={"cache-control": "max-age=86400"})


def _runs(jobs: JobStore) -> list[dict[str, Any]]:
    """Finished runs of this home, the newest first."""
    found = []
    paths = [*jobs.settings.runs.glob("*/run.json"), *jobs.settings.runs.glob("*/design.json")]
    for path in sorted(paths, key=lambda one: one.stat().st_mtime, reverse=True):
        try:
            if path.name == "design.json":
                found.append(
                    {"id": path.parent.name, "title": "Design", "size": "", "told": "design", "kind": "design"}
                )
                continue
            one = RunFolder.open(path)
            judged = [entry["inside"] for entry in one.comparisons if entry["inside"] is not None]
            told = f"{sum(judged)} of {len(judged)} published figures inside" if judged else "nothing to compare"
            n = one.manifest["replicates"]
            size = f"{n} x {one.manifest['patients_per_replicate']} patients, seed {one.manifest['seed']}"
            title = one.protocol.title or one.protocol.study
            found.append({"id": one.id, "title": title, "size": size, "told": told, "kind": "trial"})
        except (InputError, OSError, ValueError, KeyError):
            continue
    return found


def _open_jobs(jobs: JobStore) -> list[dict[str, Any]]:
    return [
        {"id": one.id, "title": one.title, "state": one.state, "share": round(100 * jobs.progress(one)[0])}
        for one in jobs.all()
        if one.state != DONE
    ]
