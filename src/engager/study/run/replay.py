"""Run a finished run again from its manifest and see whether the bits are the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from engager.core import versions
from engager.model import load_model
from engager.population import Settings
from engager.protocol import Protocol
from engager.study.parameters import population_parameters
from engager.study.run.folder import RunFolder
from engager.study.run.tables import digests, write_tables
from engager.trial import piece_size, simulate_spans


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
    found = _tables_again(protocol, int(manifest["replicates"]), seed, values.settings, n_threads, progress)
    inputs = {**manifest["inputs"], f"parameters:{values.used}": values.hash}
    inputs[f"model:{protocol.model}"] = load_model(protocol.model).hash
    then, now = manifest["versions"], versions()
    return Replay(
        run=folder.path,
        n_tables=len(found),
        different=tuple(name for name, value in found.items() if manifest["tables"].get(name) != value),
        changed_inputs=tuple(name for name, value in inputs.items() if manifest["inputs"].get(name) != value),
        changed_versions={name: (then.get(name, "absent"), now[name]) for name in now if then.get(name) != now[name]},
    )


def _tables_again(
    protocol: Protocol,
    replicates: int,
    seed: int,
    settings: Settings,
    n_threads: int | None,
    progress: Callable[[float], None] | None,
) -> dict[str, str]:
    """Digests of the tables, made in pieces that are kept on disk until all are there."""
    size = piece_size(protocol.n_patients, replicates, n_threads)
    spans = [(first, min(first + size, replicates)) for first in range(0, replicates, size)]
    with TemporaryDirectory(prefix="engager-replay-") as place:
        for span, data in simulate_spans(
            protocol, spans, seed=seed, n_threads=n_threads, progress=progress, settings=settings
        ):
            folder = Path(place) / str(span[0])
            folder.mkdir()
            write_tables(data, folder)
        return digests([Path(place) / str(first) for first, _ in spans])
