"""Run a finished run again from its manifest and see whether the bits are the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from engager.core import versions
from engager.model import load_model
from engager.study.parameters import population_parameters
from engager.study.run.folder import RunFolder
from engager.study.run.tables import digests
from engager.trial import simulate_trial


@dataclass(frozen=True)
class Replay:
    """What a replay found.

    Attributes
    ----------
    run : the folder that was replayed.
    n_tables : tables compared.
    different : tables whose content is not the same.
    changed_inputs : inputs (model, fitted parameters) that are not what they were.
    changed_versions : libraries of other versions than then, as {name: (then, now)}.
    """

    run: Path
    n_tables: int
    different: tuple[str, ...]
    changed_inputs: tuple[str, ...]
    changed_versions: dict[str, tuple[str, str]]

    @property
    def is_same(self) -> bool:
        return not self.different


def replay(run: str | Path, *, n_threads: int | None = None, progress: Callable[[float], None] | None = None) -> Replay:
    """Simulate a run again and compare every table with what was recorded.

    Parameters
    ----------
    run : a run folder or its ``run.json``. Only the manifest is read, so it may have been moved.

    Raises
    ------
    InputError
        When there is no finished run there.
    """
    folder = RunFolder.open(run)
    manifest, protocol = folder.manifest, folder.protocol
    seed = int(manifest["seed"])
    values = population_parameters(protocol.model, seed, str(manifest["parameters"]))
    data = simulate_trial(
        protocol,
        replicates=range(int(manifest["replicates"])),
        seed=seed,
        n_threads=n_threads,
        progress=progress,
        settings=values.settings,
    )
    inputs = {**manifest["inputs"], f"parameters:{values.used}": values.hash}
    inputs[f"model:{protocol.model}"] = load_model(protocol.model).hash
    then, now = manifest["versions"], versions()
    found = digests(data)
    return Replay(
        run=folder.path,
        n_tables=len(found),
        different=tuple(name for name, value in found.items() if manifest["tables"].get(name) != value),
        changed_inputs=tuple(name for name, value in inputs.items() if manifest["inputs"].get(name) != value),
        changed_versions={name: (then.get(name, "absent"), now[name]) for name in now if then.get(name) != now[name]},
    )
