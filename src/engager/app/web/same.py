"""What makes the same thing without a page: the command, the Python, the study file.

Paths are those seen from the dashboard's home, where its ``runs`` and ``jobs`` lie; results go to ``runs/again``.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engager.app.web.jobs import Job
from engager.study import RunFolder

_AGAIN = "runs/again"
# what a command calls, and what must be imported for it
_CALLS = {
    "trial": ("from engager.study import load_protocol, run_study", "run_study({given}, out={out!r})"),
    "design": (
        "from pathlib import Path\nfrom engager.study import design_study, load_protocol, write_design",
        "write_design(design_study({given}), Path({out!r}))",
    ),
    "sensitivity": (
        "from pathlib import Path\nfrom engager.study import load_protocol, study_sensitivity, write_sensitivity",
        "write_sensitivity(study_sensitivity({given}), Path({out!r}))",
    ),
}


@dataclass(frozen=True)
class Same:
    """How to make what a page shows.

    Attributes
    ----------
    command : one or more lines for a shell. python : lines that run as they stand.
    files : addresses and words of the files it starts from. study : text of the study file where no address leads
        to it.
    """

    command: str
    python: str
    files: tuple[tuple[str, str], ...] = ()
    study: str = ""


def same_run(run: RunFolder) -> Same:
    """Of a finished trial."""
    made = run.manifest
    options: dict[str, Any] = {"replicates": made["replicates"], "seed": made["seed"]}
    if made.get("parameters", "posterior") != "posterior":
        options["parameters"] = made["parameters"]
    told = _same("trial", f"runs/{run.id}/study.yaml", options)
    more = f"\nengager replay runs/{run.id}/run.json   # the same bits, checked"
    return Same(told.command + more, told.python, _study_of(run.id))


def same_design(folder: Path) -> Same:
    """Of a finished design."""
    made = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    told = _same("design", f"runs/{folder.name}/study.yaml", {"replicates": made["replicates"], "seed": made["seed"]})
    return Same(told.command, told.python, _study_of(folder.name))


def same_comparison(runs: Sequence[str]) -> Same:
    """Of runs beside each other."""
    paths = [f"runs/{one}" for one in runs]
    python = f"import engager\nengager.compare({', '.join(map(repr, paths))}).frame"
    files = tuple((f"/runs/{one}/files/study.yaml", f"Study file of {one}") for one in runs)
    return Same(f"engager trial compare {' '.join(paths)} --report beside.html", python, files)


def same_handout(run: RunFolder) -> Same:
    """Of the one-page handout; no command writes it alone."""
    python = f'from engager.study import RunFolder, handout_of\nhandout_of(RunFolder.open("runs/{run.id}"))'
    return Same(same_run(run).command.splitlines()[0], python, _study_of(run.id))


def same_review() -> Same:
    """Of the review with the figures that ship."""
    python = "from engager.study import review_html, shipped_review\nreview_html(shipped_review())"
    return Same("engager review --report review.html", python)


def same_sensitivity() -> Same:
    """Of a sensitivity analysis that the command line made: what it was asked for is not kept in its folder."""
    return _same("sensitivity", "study.yaml", {})


def same_job(job: Job, text: str = "") -> Same:
    """Of a job, done or not.

    Parameters
    ----------
    text : of its study file.
    """
    return _same(job.kind, f"jobs/{job.id}/study.yaml", job.options, text)


def _same(kind: str, study: str, options: dict[str, Any], text: str = "") -> Same:
    head, call = _CALLS[kind]
    flags = "".join(f" --{name} {value}" for name, value in options.items())
    program = "engager trial run" if kind == "trial" else f"engager {kind}"
    given = "".join(f", {name}={value!r}" for name, value in options.items())
    made = call.format(given=f"load_protocol({study!r}){given}", out=_AGAIN)
    return Same(f"{program} {study}{flags} --out {_AGAIN}", f"{head}\n{made}", study=text)


def _study_of(run: str) -> tuple[tuple[str, str], ...]:
    return ((f"/runs/{run}/files/study.yaml", "The study file"),)
