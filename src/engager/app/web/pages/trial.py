"""The editors of a study and of a design."""

from __future__ import annotations

import json

from starlette.requests import Request
from starlette.responses import Response

from engager.app.web.rendering import render
from engager.app.web.security import named_inside
from engager.core import InputError, Problem
from engager.protocol import shipped_protocol, shipped_protocols
from engager.study import RunFolder


async def trial(request: Request) -> Response:
    """Choose or edit a study, see how long it would take, run it."""
    studies = [(one, shipped_protocol(one).title or one) for one in shipped_protocols()]
    run, base = request.query_params.get("run", ""), ""
    chosen = request.query_params.get("study", "" if run else "tower")
    if run:
        folder = named_inside(request.app.state.settings.runs, run, "run")
        base = RunFolder.open(folder).protocol.study
    elif chosen not in dict(studies):
        raise InputError(Problem("study", chosen[:100], "is no shipped study"))
    return render(request, "trial", "A trial", studies=studies, chosen=chosen, run=run, base=base, kind="trial")


async def design(request: Request) -> Response:
    """Operating characteristics of a design."""
    text, replicates, seed = EXAMPLE_DESIGN, 100, 1
    if run := request.query_params.get("run", ""):
        folder = named_inside(request.app.state.settings.runs, run, "design")
        named_inside(folder, "design.json", "design")
        made = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        text = (folder / "study.yaml").read_text(encoding="utf-8")
        replicates, seed = 2 * int(made["replicates"]), int(made["seed"])
    return render(request, "design", "A design", text=text, kind="design", run=run, replicates=replicates, seed=seed)


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
