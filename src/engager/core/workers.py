"""One function on many tasks, on all cores: this process and fresh ones beside it.

Python decides in one thread at a time, so work that is half Python scales over processes only. Workers are new
interpreters started by command. They are no forks (a fork of a process with threads may hang) and not those of
`multiprocessing`, which would run the user's script once more in each of them. They wait for more work until this
process ends.

In: a function that can be imported, tasks and results that can be pickled. Not here: what the work is.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import importlib
import io
import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from engager.core.errors import WorkerLost
from engager.core.interrupts import heard_again, not_inherited

if TYPE_CHECKING:
    import polars as pl

Tell = Callable[[float], None]

_COMMAND = "from engager.core.workers import serve; serve()"
# A pipe takes this much before the other end reads; what is asked ahead must not keep anyone waiting.
_MOST_AHEAD_BYTES = 32_768
# How often a process that waits for others looks up, for progress and for Ctrl-C.
_LOOK_UP_SECONDS = 0.2
_idle: list[_Worker] = []


def usable_cpus() -> int:
    """CPUs this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextlib.contextmanager
def safe_imports() -> Iterator[None]:
    """Python processes started within do not import from the folder they are started in; models come from there."""
    before = os.environ.get("PYTHONSAFEPATH")
    os.environ["PYTHONSAFEPATH"] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ["PYTHONSAFEPATH"]
        else:
            os.environ["PYTHONSAFEPATH"] = before


def start_workers(n_processes: int, function: Callable[..., Any], *task: Any) -> None:
    """Start the workers that `share_out` on so many processes will need, while the caller has other things to do; no
    more than those are asked for anything.

    Parameters
    ----------
    function, task : what each does first, as in `share_out`, so that the next task finds loaded what it needs; nobody
        hears what came of it. A task of more than 32 KiB is left out, and so is a function that a worker was asked
        for ahead before.
    """
    ours = [one for one in _idle if one.owner == os.getpid()]
    started = [_Worker() for _ in range(n_processes - 1 - len(ours))]
    _idle.extend(started)
    # `share_out` takes the last first
    for worker in [*ours, *started][::-1][: max(n_processes - 1, 0)]:
        worker.do_ahead(function, task)


def load_module(name: str, tell: Tell) -> None:
    """A first task for a worker: import a module that this process has yet to import."""
    importlib.import_module(name)


def share_out(
    function: Callable[..., Any], tasks: Sequence[tuple[Any, ...]], n_processes: int, progress: Tell | None = None
) -> Iterator[tuple[int, Any]]:
    """Results of ``function(*task, tell)`` as they are finished, each with the place of its task.

    Parameters
    ----------
    function : of a module; its last argument is called with the finished share of the task, 0 to 1.
    n_processes : at work at a time, this one included; 1: everything happens here, in order.
    progress : told the finished share of all tasks, each counted alike; always from the calling thread.

    Raises
    ------
    WorkerLost
        When a worker ended before its task (the system may have stopped it for want of memory). What `function`
        raises is raised here.
    """
    shares = [0.0] * len(tasks)
    waiting = queue.SimpleQueue[int]()
    for place in range(len(tasks)):
        waiting.put(place)
    finished = queue.SimpleQueue[tuple[int, Any, BaseException | None]]()

    def told(place: int, share: float) -> None:
        shares[place] = share
        if progress is not None:
            progress(sum(shares) / len(shares))

    helpers = [_Helper(function, tasks, waiting, finished, shares) for _ in range(min(n_processes, len(tasks)) - 1)]
    n_open = len(tasks)
    try:
        while n_open:
            mine = _next(waiting)
            if mine is not None:
                result = function(*tasks[mine], lambda share, place=mine: told(place, share))
                told(mine, 1.0)
                n_open -= 1
                yield mine, result
            while n_open:
                try:
                    # with nothing left to do here, wait for the others
                    done = finished.get(timeout=_LOOK_UP_SECONDS) if waiting.empty() else finished.get_nowait()
                except queue.Empty:
                    if not waiting.empty():
                        break
                    if progress is not None:
                        progress(sum(shares) / len(shares))
                    continue
                if done[2] is not None:
                    raise done[2]
                n_open -= 1
                yield done[0], done[1]
    finally:
        for helper in helpers:
            helper.leave(stop=n_open > 0)


@contextlib.contextmanager
def beside(
    tasks: Sequence[tuple[Callable[..., Any], tuple[Any, ...]]], n_processes: int
) -> Iterator[list[Callable[[], Any]]]:
    """A few tasks on one worker, one after the other, while this process goes on with something else.

    Parameters
    ----------
    tasks : each a function and its arguments, as in `share_out`.
    n_processes : 1: nothing is started; a task is done here when its result is asked for.

    Yields
    ------
    For each task a function that waits for the result and returns it, or raises what the task raised. Who waits does
    what the worker has not begun.
    """
    if n_processes < 2:
        yield [functools.partial(function, *task, lambda share: None) for function, task in tasks]
        return
    waiting = queue.SimpleQueue[int]()
    for place in range(len(tasks)):
        waiting.put(place)
    finished = queue.SimpleQueue[tuple[int, Any, BaseException | None]]()
    helper = _Helper(_outcome, list(tasks), waiting, finished, [0.0] * len(tasks))
    helper.has_begun.wait()
    known: dict[int, tuple[Any, BaseException | None]] = {}

    def answer(wanted: int) -> Any:
        while wanted not in known:
            if (mine := _next(waiting)) is not None:
                known[mine] = _outcome(*tasks[mine], lambda share: None)
                continue
            with contextlib.suppress(queue.Empty):
                place, outcome, lost = finished.get(timeout=_LOOK_UP_SECONDS)
                if lost is not None:  # the worker; nothing more comes from it
                    raise lost
                known[place] = outcome
        result, error = known[wanted]
        if error is not None:
            raise error
        return result

    try:
        yield [functools.partial(answer, place) for place in range(len(tasks))]
    finally:
        helper.leave(stop=len(known) < len(tasks))


def _outcome(function: Callable[..., Any], task: tuple[Any, ...], tell: Tell) -> tuple[Any, BaseException | None]:
    """What a task returns, or raises: a failed one is no reason to leave out the next."""
    try:
        return function(*task, tell), None
    except Exception as error:
        return None, _portable(error)


def serve() -> None:
    """The life of a worker: read a task, do it, answer, until the other end is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the first process decides
    heard_again()
    receive, send = sys.stdin.buffer, os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what the work prints is no answer

    def answer(kind: str, content: Any) -> None:
        _Answer(send, protocol=pickle.HIGHEST_PROTOCOL).dump((kind, content))
        send.flush()

    while True:
        try:
            sys.path[:] = pickle.load(receive)  # before what is to be found there
            function, task = pickle.load(receive)
        except EOFError:
            return
        try:
            result = function(*task, lambda share: answer("share", share))
        except Exception as error:
            answer("error", _portable(error))
        else:
            answer("result", result)


class _Answer(pickle.Pickler):
    """Pickles, and packs tables: those of 30,000 patients are 75 MB, or 15 MB in less time than copies would take."""

    def reducer_override(self, content: Any) -> Any:
        polars = sys.modules.get("polars")
        if polars is None or type(content) is not polars.DataFrame:
            return NotImplemented
        written = io.BytesIO()
        content.write_ipc(written, compression="lz4")
        return _read_table, (written.getvalue(),)


def _read_table(written: bytes) -> pl.DataFrame:
    import polars as pl

    return pl.read_ipc(io.BytesIO(written))


class _Worker:
    """Another interpreter, idle or at one task."""

    def __init__(self) -> None:
        # one thread each: as many processes as cores are at work
        places = os.pathsep.join(place for place in sys.path if place)
        environment = {**os.environ, "PYTHONPATH": places, "POLARS_MAX_THREADS": "1", "OMP_NUM_THREADS": "1"}
        with not_inherited():
            self.process = subprocess.Popen(
                # -P: the folder a program is started in is no place to import from
                [sys.executable, "-P", "-c", _COMMAND],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=environment,
            )
        self.owner = os.getpid()
        # of what was asked ahead: the functions, the bytes, and how many answers are still to come
        self._asked: list[Callable[..., Any]] = []
        self._n_bytes = self._n_ahead = 0

    def do_ahead(self, function: Callable[..., Any], task: tuple[Any, ...]) -> None:
        """Ask for something whose answer `do` passes over."""
        request = _request(function, task)
        if function in self._asked or self._n_bytes + len(request) > _MOST_AHEAD_BYTES:
            return
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # `do` tells of a worker that is no more
            self.process.stdin.write(request)
            self.process.stdin.flush()
        self._asked.append(function)
        self._n_bytes += len(request)
        self._n_ahead += 1

    def do(self, function: Callable[..., Any], task: tuple[Any, ...], tell: Tell) -> Any:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            self.process.stdin.write(_request(function, task))
            self.process.stdin.flush()
            while True:
                kind, content = pickle.load(self.process.stdout)
                if self._n_ahead:
                    self._n_ahead -= kind != "share"
                    continue
                if kind == "result":
                    return content
                if kind == "error":
                    raise content
                tell(content)
        except (EOFError, BrokenPipeError, pickle.UnpicklingError):
            code = self.process.wait()
            raise WorkerLost(
                f"a worker process ended before its task (exit status {code}); it may have run out of memory: "
                "use fewer --threads or a smaller --chunk"
            ) from None

    def end(self) -> None:
        self.process.kill()
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            with contextlib.suppress(BrokenPipeError):
                pipe.close()
        self.process.wait()


class _Helper:
    """A thread of this process that hands tasks to one worker and takes its answers."""

    def __init__(
        self,
        function: Callable[..., Any],
        tasks: Sequence[tuple[Any, ...]],
        waiting: queue.SimpleQueue[int],
        finished: queue.SimpleQueue[tuple[int, Any, BaseException | None]],
        shares: list[float],
    ):
        self._worker = _idle.pop() if _idle and _idle[-1].owner == os.getpid() else _Worker()
        self._left, self.has_begun = threading.Event(), threading.Event()

        def work() -> None:
            while not self._left.is_set() and (place := _next(waiting)) is not None:
                self.has_begun.set()

                def tell(share: float, place: int = place) -> None:
                    shares[place] = share

                try:
                    result = self._worker.do(function, tasks[place], tell)
                except BaseException as error:
                    if not self._left.is_set():
                        finished.put((place, None, error))
                    return
                tell(1.0)
                finished.put((place, result, None))
            self.has_begun.set()  # others were faster

        self._thread = threading.Thread(target=work, daemon=True)
        self._thread.start()

    def leave(self, stop: bool) -> None:
        """Give the worker back; with `stop`, end what it is doing."""
        self._left.set()
        if stop:
            self._worker.end()
            self._thread.join()
            return
        self._thread.join()
        _idle.append(self._worker)


def _request(function: Callable[..., Any], task: tuple[Any, ...]) -> bytes:
    """A task as `serve` reads it."""
    return b"".join(pickle.dumps(one, protocol=pickle.HIGHEST_PROTOCOL) for one in (sys.path, (function, task)))


def _next(waiting: queue.SimpleQueue[int]) -> int | None:
    try:
        return waiting.get_nowait()
    except queue.Empty:
        return None


def _portable(error: Exception) -> Exception:
    """The error itself where it survives the way; else its words."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError("".join(traceback.format_exception(error)))
    return error


@atexit.register
def _end_idle() -> None:
    while _idle:
        worker = _idle.pop()
        if worker.owner == os.getpid():
            worker.end()
