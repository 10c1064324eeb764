"""Run a finished run again from its manifest: is what lies on the disk what was written, and does it come out again?

Three things are compared: the files on the disk, what the manifest says of them, and a new simulation.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from engager.core import digest_object, versions
from engager.protocol import Protocol
from engager.study.parameters import Parameters, population_parameters
from engager.study.run.conclude import conclusions
from engager.study.run.folder import RunFolder
from engager.study.run.tables import TABLES, TableDigest, in_order, read_pieces, read_table, table_digest
from engager.trial import TrialData, piece_size, simulate_spans

if TYPE_CHECKING:
    import polars as pl

CONTENTS = (*TABLES, "estimates", "comparisons")


@dataclass(frozen=True)
class Replay:
    """What a replay found.

    Attributes
    ----------
    run : the folder that was replayed.
    n_tables : contents compared: tables, estimates and comparisons.
    different : contents of which a new simulation does not give what the manifest says.
    altered : files that are not as the run left them, by name: ``altered``, ``missing`` or ``unreadable``.
    misread : contents of which the file does not hold what the manifest says, whatever its bytes are.
    changed_inputs : inputs (model, fitted parameters) that are not what they were.
    changed_versions : libraries of other versions than then, as {name: (then, now)}.
    """

    run: Path
    n_tables: int
    different: tuple[str, ...]
    changed_inputs: tuple[str, ...]
    changed_versions: dict[str, tuple[str, str]]
    altered: Mapping[str, str] = field(default_factory=dict)
    misread: tuple[str, ...] = ()

    @property
    def is_same(self) -> bool:
        """Disk, manifest and new simulation agree."""
        return not (self.different or self.altered or self.misread)


def replay(run: str | Path, *, n_threads: int | None = None, progress: Callable[[float], None] | None = None) -> Replay:
    """Simulate a run again and compare disk, manifest and new tables with each other.

    Parameters
    ----------
    run : a run folder or its ``run.json``; it may have been moved.

    Raises
    ------
    InputError
        When there is no finished run there.
    """
    folder = RunFolder.open(run, believe=True)
    manifest, protocol = folder.manifest, folder.protocol
    seed = int(manifest["seed"])
    altered = folder.altered()
    on_disk = _digests_on_disk(folder)
    values = population_parameters(protocol.model.id, seed, str(manifest["parameters"]))
    anew = _digests_anew(protocol, int(manifest["replicates"]), seed, values, n_threads, progress)
    inputs = {**manifest["inputs"], f"parameters:{values.used}": values.hash}
    inputs |= protocol.model_hashes()
    then, now = manifest["versions"], versions()
    told = manifest["tables"]
    return Replay(
        run=folder.path,
        n_tables=len(CONTENTS),
        different=tuple(name for name in CONTENTS if told.get(name) != anew[name]),
        altered=altered,
        misread=tuple(name for name in CONTENTS if told.get(name) != on_disk[name]),
        changed_inputs=tuple(name for name, value in inputs.items() if manifest["inputs"].get(name) != value),
        changed_versions={name: (then.get(name, "absent"), now[name]) for name in now if then.get(name) != now[name]},
    )


def _digests_on_disk(folder: RunFolder) -> dict[str, str]:
    """Of what the files hold; empty for one that cannot be read."""
    return {name: _digest_on_disk(folder.path, name) for name in CONTENTS}


def _digest_on_disk(folder: Path, name: str) -> str:
    try:
        if name == "comparisons":
            return digest_object(json.loads((folder / "comparisons.json").read_text(encoding="utf-8")))
        if name == "estimates":
            return table_digest(read_table(folder, name))
        digest = TableDigest()
        for piece in read_pieces(folder / f"{name}.parquet"):
            digest.add(piece)
        return digest.value()
    except Exception:  # an altered file can break its reader anywhere; that it is no longer this table is the answer
        return ""


def _digests_anew(
    protocol: Protocol,
    replicates: int,
    seed: int,
    values: Parameters,
    n_threads: int | None,
    progress: Callable[[float], None] | None,
) -> dict[str, str]:
    """Of a new simulation, piece by piece; only the patients are held."""
    import polars as pl

    size = piece_size(protocol.n_patients, replicates, n_threads)
    spans = [(first, min(first + size, replicates)) for first in range(0, replicates, size)]
    digests = {name: TableDigest() for name in TABLES}
    patients: list[tuple[int, pl.DataFrame]] = []
    last: TrialData | None = None
    pieces = simulate_spans(
        protocol, spans, seed=seed, n_threads=n_threads, progress=progress, settings=values.settings
    )
    for span, last in pieces:
        for name in TABLES:
            digests[name].add(in_order(getattr(last, name)))
        patients.append((span[0], in_order(last.patients)))
    assert last is not None
    data = TrialData(
        protocol,
        patients=pl.concat([one for _, one in sorted(patients, key=lambda pair: pair[0])]),
        **{name: getattr(last, name).clear() for name in TABLES if name != "patients"},
    )
    found = conclusions(protocol, data, replicates, seed, values).digests()
    return {name: one.value() for name, one in digests.items()} | found
