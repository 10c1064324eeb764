"""Do the tests of what decides notice a mistake? Changes one operator or number at a time and runs them.

Run on demand, from anywhere: `python tests/mutation/run.py --sample 80 --seed 1`. Each mutant is a process of its own,
split off from one that has loaded the libraries and the layers below; it reads the changed module in place of the file,
so nothing on disk changes, and runs only the tests that `layers.yaml` names for that module. The golden files are not
among them. A mutant is caught when a test fails, or when it takes far longer than the unchanged module.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import random
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import CodeType

import yaml

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SOURCE = ROOT / "src"
sys.path.insert(0, str(HERE))

from mutants import Mutant, mutants_of  # noqa: E402

# Layers that no mutant is made in; loaded once, before processes are split off.
_BELOW = ("core.chance.randomness", "evidence.records.library", "model.library", "engine.problem", "protocol.protocol")
# A mutant may loop for ever: it has this long, and this many times what the tests need without it [s].
_LEAST_SECONDS, _TIMES = 30.0, 6.0


@dataclass(frozen=True)
class Outcome:
    """What became of a mutant: caught, survived, or survived as it is known to, with the reason."""

    mutant: Mutant
    is_caught: bool
    seconds: float
    reason: str = ""


class _Changed(importlib.machinery.SourceFileLoader):
    def __init__(self, name: str, path: str, code: CodeType):
        super().__init__(name, path)
        self._code = code

    def get_code(self, fullname: str) -> CodeType:
        return self._code


class _Finder(importlib.abc.MetaPathFinder):
    """Gives the changed code when the module is imported."""

    def __init__(self, name: str, loader: _Changed):
        self._name, self._loader = name, loader

    def find_spec(self, fullname, path=None, target=None):
        if fullname != self._name:
            return None
        return importlib.util.spec_from_file_location(fullname, self._loader.path, loader=self._loader)


def layers() -> dict[str, list[str]]:
    """Modules that decide, each with the tests that state what is right for it."""
    return yaml.safe_load((HERE / "layers.yaml").read_text())


def known() -> dict[tuple[str, str, str], str]:
    """Reasons of mutants that no test can or need tell apart: by module, line as it reads, and what it becomes."""
    rows = yaml.safe_load((HERE / "survivors.yaml").read_text()) or []
    lines = {name: {line.strip() for line in _file_of(name).read_text().splitlines()} for name in layers()}
    for row in rows:
        if row["text"] not in lines.get(row["module"], ()):
            raise SystemExit(
                f"survivors.yaml has a reason for a line that {row['module']} no longer has: {row['text']}"
            )
    return {(row["module"], row["text"], row["after"]): row["reason"] for row in rows}


def tests_fail(mutant: Mutant | None, tests: Sequence[str], seconds: float) -> bool:
    """Whether these tests fail, or take longer than `seconds`, with a mutant in place (None: as it is)."""
    child = os.fork()
    if child == 0:
        os._exit(_run_tests(mutant, tests))
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            code = os.waitstatus_to_exitcode(status)
            if code in (4, 5):
                raise SystemExit(f"pytest could not run {' '.join(tests)} (exit {code})")
            return code != 0
        time.sleep(0.02)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return True


def _run_tests(mutant: Mutant | None, tests: Sequence[str]) -> int:
    import pytest

    os.setpgid(0, 0)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    if mutant is not None:
        path = _file_of(mutant.module)
        name = "engager." + mutant.module.replace("/", ".")
        loader = _Changed(name, str(path), mutant.code(path.read_text(), str(path)))
        sys.meta_path.insert(0, _Finder(name, loader))
    paths = [str(ROOT / "tests" / one) for one in tests]
    try:
        return int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", f"--rootdir={ROOT}", *paths]))
    except BaseException:
        return 3


def _file_of(module: str) -> Path:
    return SOURCE / "engager" / f"{module}.py"


def _load_below() -> None:
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    sys.path.insert(0, str(SOURCE))
    for name in ("pytest", "numpy", "scipy.special", "scipy.stats", "pydantic", "polars"):
        importlib.import_module(name)
    for name in _BELOW:
        importlib.import_module(f"engager.{name}")
    importlib.import_module("engager.model").load_model("b-all")
    loaded = [name for name in sys.modules if name.startswith(("engager.trial", "engager.analysis", "engager.cal"))]
    assert not loaded, f"{loaded[0]} is loaded before it could be changed"


def examine(chosen: Sequence[Mutant], tests_of: dict[str, list[str]]) -> list[Outcome]:
    """Run the tests with each mutant in turn; tells on stderr how far it is."""
    _load_below()
    reasons, usual, found = known(), {}, []
    for k, mutant in enumerate(chosen):
        tests = tests_of[mutant.module]
        if mutant.module not in usual:
            began = time.monotonic()
            if tests_fail(None, tests, 600.0):
                raise SystemExit(f"the tests of {mutant.module} fail as it is: {' '.join(tests)}")
            usual[mutant.module] = time.monotonic() - began
        began = time.monotonic()
        caught = tests_fail(mutant, tests, _LEAST_SECONDS + _TIMES * usual[mutant.module])
        reason = "" if caught else reasons.get((mutant.module, mutant.text, mutant.after), "")
        found.append(Outcome(mutant, caught, time.monotonic() - began, reason))
        word = "caught" if caught else "survived"
        print(f"{k + 1}/{len(chosen)} {mutant.module}:{mutant.line} {word}", file=sys.stderr, flush=True)
    return found


def report(outcomes: Sequence[Outcome]) -> str:
    """The share caught, and each survivor with what was changed."""
    n_caught = sum(one.is_caught for one in outcomes)
    lines = [f"{n_caught} of {len(outcomes)} mutants caught ({n_caught / max(len(outcomes), 1):.0%})"]
    for one in outcomes:
        if not one.is_caught:
            mutant = one.mutant
            lines.append(f"survived {mutant.module}.py:{mutant.line}: {mutant.before}  ->  {mutant.after}")
            lines.append(f"    in: {mutant.text}")
            lines += [f"    known: {one.reason}"] if one.reason else []
    return "\n".join(lines)


def main() -> int:
    """Exit 1 when fewer are caught than `--least`."""
    parser = argparse.ArgumentParser(description="Mutate the modules that decide and count what their tests notice.")
    parser.add_argument("modules", nargs="*", help="of layers.yaml, e.g. trial/transplant; none: all")
    parser.add_argument("--sample", type=int, help="so many mutants, drawn by --seed; left out: all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--least", type=float, default=0.85, help="share to be caught")
    parser.add_argument("--json", type=Path, help="write the outcomes there")
    asked = parser.parse_args()
    tests_of = layers()
    unknown = set(asked.modules) - set(tests_of)
    if unknown:
        parser.error(f"{sorted(unknown)[0]} is not in layers.yaml; known: {', '.join(tests_of)}")
    pool = [one for name in asked.modules or tests_of for one in mutants_of(name, _file_of(name).read_text())]
    chosen = pool
    if asked.sample is not None and asked.sample < len(pool):
        places = sorted(random.Random(asked.seed).sample(range(len(pool)), asked.sample))
        chosen = [pool[place] for place in places]
    outcomes = examine(chosen, tests_of)
    print(f"{len(pool)} mutants of {len(asked.modules or tests_of)} modules, {len(chosen)} tried")
    print(report(outcomes))
    share = sum(one.is_caught for one in outcomes) / max(len(outcomes), 1)
    if asked.json:
        rows = [{**asdict(one.mutant), "caught": one.is_caught, "reason": one.reason} for one in outcomes]
        asked.json.write_text(json.dumps({"n": len(rows), "share_caught": share, "mutants": rows}, indent=1) + "\n")
    return 0 if share >= asked.least else 1


if __name__ == "__main__":
    raise SystemExit(main())
