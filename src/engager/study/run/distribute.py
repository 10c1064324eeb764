"""The pieces of a run on a Dask cluster: the same numbers as in this process, from as many machines as there are.

In: spans of replicates. Out: each span's trial as it is finished, in any order. A worker needs the same package and
model and nothing else, no shared disk; Dask gives a lost worker's piece to another.
"""

from __future__ import annotations

import io
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Any

from engager.core import EngagerError, InputError, Problem, WorkerLost, versions
from engager.population import PopulationValues, Settings
from engager.protocol import Protocol, read_protocol, write_protocol
from engager.study.run.chunks import Span
from engager.study.run.tables import TABLES
from engager.trial import TrialData, simulate_trial

if TYPE_CHECKING:
    from distributed import Client, as_completed

_CONNECT_SECONDS = 10
_WHERE = "--scheduler"
# After so long without a finished piece one is told what the cluster does; then after twice as long, and so on.
_SILENT_SECONDS = 60.0
# How often a finished piece is looked for; workers send a sign of life every half second or so.
_LOOK_SECONDS, _UNHEARD_SECONDS = 0.05, 10.0


def simulate_on(
    scheduler: str,
    protocol: Protocol,
    spans: Sequence[Span],
    seed: int,
    n_threads: int | None,
    settings: Settings,
    tell: Callable[[str], None],
) -> Iterator[tuple[Span, TrialData]]:
    """Simulate spans of replicates on a cluster.

    Parameters
    ----------
    scheduler : its address, e.g. ``tcp://host:8786``; ``local`` starts a worker for each core of this machine,
        ``local:4`` four.
    spans : (first, end) replicates of each piece.
    n_threads : of each piece; None: one, since a cluster runs many pieces at a time. It changes no number.
    tell : told which workers are not heard of when nothing comes back for long.

    Raises
    ------
    InputError
        When Dask is not installed, the scheduler cannot be reached, or a worker runs another version.
    """
    try:
        from distributed import as_completed
    except ImportError:
        hint = "Install it with pip install 'engager[distributed]'."
        raise InputError(Problem(_WHERE, scheduler, "needs dask.distributed", hint)) from None
    text, expected = write_protocol(protocol), _identity(protocol)
    with ExitStack() as stack:
        client = _connect(scheduler, stack)
        pieces = {}
        for span in spans:
            values = {replicate: settings(replicate) for replicate in range(*span)}
            # not pure: what a stopped run left on the scheduler is not taken for this one's
            pieces[client.submit(_simulate_span, text, span, seed, n_threads or 1, values, pure=False)] = span
        try:
            for piece in _finished(client, as_completed(list(pieces)), tell):
                found, tables = _fetched(client, piece, tell)
                if found != expected:
                    rule = f"must run the same package and model as here ({expected})"
                    raise InputError(Problem(f"{_WHERE} {scheduler}: a worker", found, rule, "Install it there."))
                yield pieces.pop(piece), TrialData(protocol, **_unpacked(tables))
        except EngagerError:
            raise
        except Exception as error:
            # Dask tells a lost scheduler by several errors of its own, and a worker lost thrice by another.
            if not isinstance(error, OSError | TimeoutError) and not type(error).__module__.startswith("distributed"):
                raise
            reason = " ".join(str(error).split()) or type(error).__name__
            raise WorkerLost(
                f"the scheduler {scheduler} or its workers were lost ({reason[:200]}). Finished replicates are kept; "
                "go on with --resume, with or without a cluster"
            ) from error
        finally:
            with suppress(Exception):  # of a scheduler that is gone nothing has to be taken back
                client.cancel(list(pieces))


def _finished(client: Client, pieces: as_completed, tell: Callable[[str], None]) -> Iterator[Any]:
    """Pieces as they are finished; a silence is told: a worker that hangs is not lost, and nobody takes its work."""
    while not pieces.is_empty():
        began, patience = time.monotonic(), _SILENT_SECONDS
        while not pieces.has_ready():
            time.sleep(_LOOK_SECONDS)
            silent = time.monotonic() - began
            if silent >= patience:
                tell(_silence(client, silent))
                patience *= 2
        yield next(pieces)


def _fetched(client: Client, piece: Any, tell: Callable[[str], None]) -> tuple[str, dict[str, bytes]]:
    """What a finished piece holds. It lies on the worker that made it, which may hang before it was brought over."""
    began, patience = time.monotonic(), _SILENT_SECONDS
    while True:
        tried = time.monotonic()
        try:
            found: tuple[str, dict[str, bytes]] = piece.result(timeout=patience)
            return found
        except TimeoutError:
            if time.monotonic() - tried < patience:
                raise  # a connection's own limit, not ours
        tell(_silence(client, time.monotonic() - began))
        patience *= 2


def _silence(client: Client, seconds: float) -> str:
    """What is known of the workers while nothing comes back."""
    workers = client.scheduler_info(n_workers=-1)["workers"]
    unheard = [name for name, one in workers.items() if time.time() - one["last_seen"] > _UNHEARD_SECONDS]
    state = f"{len(workers)} connected"
    if unheard:
        state += f", {len(unheard)} not heard of for more than {_UNHEARD_SECONDS:.0f} s ({', '.join(unheard[:3])})"
    told = f"Nothing has come back from the cluster for {seconds:.0f} s; workers: {state}."
    if len(unheard) < len(workers):
        return told
    return f"{told} Start or restart a worker, or end with Ctrl-C and go on with --resume: what is finished is kept."


def _connect(scheduler: str, stack: ExitStack) -> Client:
    from distributed import Client, LocalCluster

    kind, _, count = scheduler.partition(":")
    if kind == "local":
        if count and not (count.isdigit() and int(count) > 0):
            raise InputError(Problem(_WHERE, scheduler, "must name a number of workers", "Write local or local:4."))
        n_workers = int(count) if count else os.cpu_count() or 1
        cluster = LocalCluster(
            n_workers=n_workers, threads_per_worker=1, host="127.0.0.1", dashboard_address=None, silence_logs=50
        )
        local: Client = stack.enter_context(Client(stack.enter_context(cluster)))
        return local
    try:
        found: Client = stack.enter_context(Client(scheduler, timeout=_CONNECT_SECONDS))
        return found
    except (OSError, TimeoutError, ValueError) as error:
        hint = "Start one with dask scheduler, or write local."
        rule = f"must be the address of a Dask scheduler that answers ({type(error).__name__})"
        raise InputError(Problem(_WHERE, scheduler, rule, hint)) from error


def _simulate_span(
    text: str, span: Span, seed: int, n_threads: int, values: Mapping[int, PopulationValues]
) -> tuple[str, dict[str, bytes]]:
    """One piece, on a worker: who simulated it, and its tables as compressed Arrow."""
    protocol = read_protocol(text)
    data = simulate_trial(
        protocol, replicates=range(*span), seed=seed, n_threads=n_threads, settings=values.__getitem__
    )
    return _identity(protocol), {name: _packed(getattr(data, name)) for name in TABLES}


def _identity(protocol: Protocol) -> str:
    return f"engager {versions()['engager']}, model {', '.join(protocol.model_hashes().values())}"


def _packed(table: Any) -> bytes:
    buffer = io.BytesIO()
    table.write_ipc(buffer, compression="zstd")
    return buffer.getvalue()


def _unpacked(tables: Mapping[str, bytes]) -> dict[str, Any]:
    import polars as pl

    return {name: pl.read_ipc(io.BytesIO(content)) for name, content in tables.items()}
