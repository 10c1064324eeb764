"""Replicates of a trial on all cores: cut into pieces, each simulated whole in one process.

In: a protocol and replicates. Out: their tables, the same bits however the work was cut and shared. Not here: what
happens to a patient (`simulate`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from engager.core import share_out, start_workers, usable_cpus
from engager.engine import make_ready
from engager.population import PopulationValues, Settings
from engager.protocol import Protocol
from engager.trial.simulate import METHOD, simulate_here
from engager.trial.tables import TrialData

Progress = Callable[[float], None]
# Replicates of one piece: the first, and one beyond the last.
Span = tuple[int, int]

# Large enough that a round's decisions are shared by many patients (each of some hundred rounds costs what a thousand
# patients do), small enough for memory (about 10 kB a patient) and for Ctrl-C.
_MOST_PATIENTS = 30_000
# A piece smaller than this costs more rounds than another process saves.
_FEWEST_PATIENTS = 1000
# A visit and a cycle or two: what comes later needs nothing new.
_WARM_UP_MONTHS = 1.0


def simulate_trial(
    protocol: Protocol,
    *,
    replicates: Sequence[int],
    seed: int,
    n_threads: int | None = None,
    progress: Progress | None = None,
    settings: Settings | None = None,
    n_sampled: int = 24,
    backend: str = "auto",
    only_patients: bool = False,
    arms: Sequence[str] | None = None,
    common_chance: bool = False,
) -> TrialData:
    """Run whole virtual trials.

    Parameters
    ----------
    protocol : the study.
    replicates : numbers of the virtual trials to run, each with all of its patients.
    seed : any integer; with the replicate and the patient it fixes every draw.
    n_threads : cores to use, as processes where there is enough to share; None: all.
    progress : called with the finished share of this call, 0 to 1.
    settings : population values of a replicate (e.g. a posterior draw), replacing the model's table; a mapping is
        read by its written names.
    n_sampled : patients per arm of replicate 0 whose daily courses are kept.
    only_patients : leave the other tables empty, where nobody reads them.
    arms : those to simulate, whose patients are what they are in the whole study; None: all.
    common_chance : every replicate has the patients and the luck of replicate 0, so that only `settings` tell
        replicates apart.

    Returns
    -------
    TrialData; the same bits for any split of `replicates` over calls and any number of threads.
    """
    numbers = list(replicates)
    chosen = tuple(protocol.arms if arms is None else arms)
    size = piece_size(_patients(protocol, chosen), len(numbers), n_threads)
    pieces = [numbers[start : start + size] for start in range(0, len(numbers), size)]
    found: dict[int, TrialData] = {}
    shared = _share(
        protocol, pieces, seed, n_threads, progress, settings, n_sampled, backend, only_patients, chosen, common_chance
    )  # fmt: skip
    for place, data in shared:
        found[place] = data
    return found[0] if len(found) == 1 else TrialData.concatenate([found[place] for place in sorted(found)])


def get_ready(protocol: Protocol, n_replicates: int, n_threads: int | None) -> None:
    """Begin to compile the models of a study and to start the workers, for a caller with other things to read first."""
    n_processes = _processes(protocol.n_patients * n_replicates, n_threads)
    start_workers(min(n_processes, n_replicates), _warm_up, protocol)
    for model in {id(one): one for one in map(protocol.model_of, protocol.arms)}.values():
        make_ready(model.system, METHOD)


def _warm_up(protocol: Protocol, tell: Progress) -> None:
    """Load all that a simulation needs; the first takes half a second longer than the next."""
    follow_up = protocol.follow_up.model_copy(update={"months": _WARM_UP_MONTHS})
    arms = {name: arm.model_copy(update={"n": 1}) for name, arm in protocol.arms.items()}
    few = protocol.model_copy(update={"follow_up": follow_up, "arms": arms})
    simulate_here(few, replicates=[0], seed=0, n_threads=1, n_sampled=0)


def simulate_spans(
    protocol: Protocol,
    spans: Sequence[Span],
    *,
    seed: int,
    n_threads: int | None = None,
    progress: Progress | None = None,
    settings: Settings | None = None,
    n_sampled: int = 24,
    backend: str = "auto",
    only_patients: bool = False,
) -> Iterator[tuple[Span, TrialData]]:
    """Replicates in given pieces, each handed on as it is finished, in any order; see `simulate_trial`.

    Parameters
    ----------
    spans : (first, one beyond the last) replicate of each piece; `piece_size` says how long they should be.
    """
    pieces = [list(range(*span)) for span in spans]
    arms = tuple(protocol.arms)
    shared = _share(protocol, pieces, seed, n_threads, progress, settings, n_sampled, backend, only_patients, arms)
    return ((spans[place], data) for place, data in shared)


def piece_size(n_patients: int, n_replicates: int, n_threads: int | None) -> int:
    """Replicates of one piece: as many pieces as keep every core at work until the end.

    Parameters
    ----------
    n_patients : of one replicate. n_replicates : still to simulate; 0 when a run only lacks its report.
    """
    if n_replicates < 1:
        return 1
    n_processes = _processes(n_patients * n_replicates, n_threads)
    n_pieces = -(-n_patients * n_replicates // _MOST_PATIENTS)
    n_pieces = -(-n_pieces // n_processes) * n_processes
    return max(1, -(-n_replicates // n_pieces))


def _processes(n_patients: int, n_threads: int | None) -> int:
    """How many processes are worth starting for so many patients."""
    return max(1, min(n_threads or usable_cpus(), n_patients // _FEWEST_PATIENTS))


def _patients(protocol: Protocol, arms: Sequence[str]) -> int:
    """Of one replicate, in these arms."""
    return sum(protocol.arms[arm].n for arm in arms)


def _share(
    protocol: Protocol,
    pieces: list[list[int]],
    seed: int,
    n_threads: int | None,
    progress: Progress | None,
    settings: Settings | None,
    n_sampled: int,
    backend: str,
    only_patients: bool,
    arms: tuple[str, ...],
    common_chance: bool = False,
) -> Iterator[tuple[int, TrialData]]:
    n_replicates = sum(len(piece) for piece in pieces)
    n_processes = min(_processes(_patients(protocol, arms) * n_replicates, n_threads), len(pieces))
    # one process has the cores to itself, for the solver
    n_solving = 1 if n_processes > 1 else n_threads
    values = {one: PopulationValues.read(settings(one) if settings else {}) for piece in pieces for one in piece}
    tasks = [
        (
            protocol, piece, seed, n_solving, {one: values[one] for one in piece}, n_sampled, backend, only_patients,
            arms, common_chance,
        )
        for piece in pieces
    ]  # fmt: skip
    return share_out(_simulate_piece, tasks, n_processes, progress)


def _simulate_piece(
    protocol: Protocol,
    replicates: Sequence[int],
    seed: int,
    n_threads: int | None,
    settings: Mapping[int, PopulationValues],
    n_sampled: int,
    backend: str,
    only_patients: bool,
    arms: tuple[str, ...],
    common_chance: bool,
    tell: Progress,
) -> TrialData:
    data = simulate_here(
        protocol,
        replicates=replicates,
        seed=seed,
        n_threads=n_threads,
        progress=tell,
        settings=settings.__getitem__,
        n_sampled=n_sampled,
        backend=backend,
        arms=arms,
        common_chance=common_chance,
    )
    return data.only_patients() if only_patients else data
