"""The editors of a study and of a design."""

from __future__ import annotations

import json
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from engager.app.web.jobs import Job
from engager.app.web.rendering import render
from engager.app.web.security import named_inside
from engager.core import TRIAL_REPLICATES, InputError, Problem
from engager.protocol import read_protocol, shipped_protocol, shipped_protocols
from engager.study import RunFolder


async def trial(request: Request) -> Response:
    """Choose or edit a study, see how long it would take, run it."""
    studies = [(one, shipped_protocol(one).title or one) for one in shipped_protocols()]
    begun = _begun_from(request)
    chosen = request.query_params.get("study", "" if begun["source"] else "tower")
    if not begun["source"] and chosen not in dict(studies):
        raise InputError(Problem("study", chosen[:100], "is no shipped study"))
    return render(request, "trial", "A trial", studies=studies, chosen=chosen, kind="trial", **begun)


def _begun_from(request: Request) -> dict[str, Any]:
    """The run or job whose study is changed, if any: where its text is asked for, in words, its study, its size."""
    asked, state = request.query_params, request.app.state
    size = {"replicates": TRIAL_REPLICATES, "patients": "", "seed": 1}
    if asked.get("run"):
        folder = named_inside(state.settings.runs, asked["run"], "run")
        study = RunFolder.open(folder).protocol.study
        return {"source": f"/api/runs/{folder.name}/study", "whose": f"run {folder.name}", "base": study, "size": size}
    if asked.get("job"):
        job: Job = state.jobs.get(asked["job"])
        study = read_protocol(state.jobs.study(job), job.id).study
        size |= job.options if job.kind == "trial" else {}
        return {"source": f"/api/jobs/{job.id}/study", "whose": f"job {job.id}", "base": study, "size": size}
    return {"source": "", "whose": "", "base": "", "size": size}


async def design(request: Request) -> Response:
    """Operating characteristics of a design: a new one, a changed one, or more virtual trials for a finished one."""
    asked = request.query_params
    example = asked.get("example", "randomized")
    if example not in _EXAMPLES:
        raise InputError(Problem("example", example[:100], f"must be one of {', '.join(_EXAMPLES)}"))
    text, replicates, seed, there = _EXAMPLES[example][1], 100, 1, 0
    if asked.get("job"):
        job: Job = request.app.state.jobs.get(asked["job"])
        text, example = request.app.state.jobs.study(job), ""
        replicates, seed = job.options.get("replicates", replicates), job.options.get("seed", seed)
    if run := asked.get("run") or asked.get("change"):
        folder = named_inside(request.app.state.settings.runs, run, "design")
        named_inside(folder, "design.json", "design")
        made = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        text = (folder / "study.yaml").read_text(encoding="utf-8")
        there, seed = int(made["replicates"]), int(made["seed"])
        replicates, example = 2 * there if asked.get("run") else there, ""
    examples = [(name, words) for name, (words, _) in _EXAMPLES.items()]
    return render(
        request, "design", "More virtual trials" if asked.get("run") else "A design", text=text, kind="design",
        adds=asked.get("run", ""), there=there, replicates=replicates, seed=seed, examples=examples, example=example,
    )  # fmt: skip


_RANDOMIZED = """study: my-design
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
  alpha: 0.025
  patients: [120, 180]
  events: 120
  information: [0.5, 1]
  futility: [0]
"""
_TWO_STAGES = """study: my-design
version: 1
title: "One arm in two stages"
population: {setting: relapsed_refractory, age_years: {median: 37, range: [18, 80]}}
arms:
  blinatumomab: {n: 60, regimen: blinatumomab}
follow_up: {months: 6, accrual_months: 12}
endpoints:
  - {id: CR/CRh/CRi, window_weeks: 12}
simulated_only: true
design:
  primary: CR/CRh/CRi
  test: simon
  alpha: 0.05
  null_share: 0.2
  simon: {alternative_share: 0.4, power: 0.8}
  null_arm: {regimen: soc-chemotherapy-tower}
"""
_SCENARIOS = """  scenarios:
    lower-dose: {"arms.blinatumomab.regimen.doses[1].amount": 9}
    slower-accrual: {follow_up.accrual_months: 24}
"""
_EXAMPLES = {
    "randomized": ("a randomized trial", _RANDOMIZED),
    "scenarios": ("the same with other effects and accruals", _RANDOMIZED + _SCENARIOS),
    "two-stages": ("one arm in two stages", _TWO_STAGES),
}
