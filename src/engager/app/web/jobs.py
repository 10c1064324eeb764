"""Jobs live on disk: a folder each, run one after the other by the command line itself, resumed after a stop.

jobs/<id>/job.json   kind, title, state, command, what it makes
jobs/<id>/study.yaml the study to run
jobs/<id>/log.txt    what the command said

A job is `engager trial run` (or `design`, or `sensitivity`) in a process of its own. What it makes is an ordinary run
folder: runs of the command line and of the dashboard are the same thing. A job may also give a finished design more
virtual trials; its result is then the folder of that design.

While the process lives it holds a lock on jobs/<id>/.working, which it inherited from the server. A server that was
killed leaves its process at work; the next one sees the lock, waits, and takes what was made: no second is started.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import signal
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from engager.app.web.security import named_inside
from engager.app.web.settings import Settings
from engager.core import InputError, Problem, lock_file

WAITING, RUNNING, DONE, FAILED, CANCELED = "waiting", "running", "done", "failed", "canceled"
_ENDED = (DONE, FAILED, CANCELED)
_SHARE = re.compile(r": (\d+) of (\d+) patients")
_PERCENT = re.compile(r": (\d+) %")
_RESULTS = ("run.json", "design.json", "sensitivity.json")  # what a finished job has written
_WORKING = ".working"
_LOOK_S = 0.3  # between two looks at a process of an earlier server
_SERVER_ENDED = "The server was stopped while this job ran; the job went on where it was."
_WENT_ON = "This job was stopped, and went on where it was."


def replicates_of(folder: Path) -> int:
    """Virtual trials of a finished design; 0 when that cannot be read."""
    try:
        return int(json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["replicates"])
    except (OSError, ValueError, TypeError, KeyError):
        return 0


def _why_it_failed(code: int, log: str) -> str:
    """What a person is told: the command's own message, or that its process was ended."""
    if code < 0:
        return f"The program was ended from outside (signal {-code}), as when memory runs out. What was done is kept."
    told = [line.removeprefix("Error: ") for line in log.splitlines() if line.startswith("Error: ")]
    return told[-1] if told else f"The program ended with code {code}; below stands what it said."


@dataclass(frozen=True)
class Job:
    """One piece of work.

    Attributes
    ----------
    id : of its folder and of the run it makes. kind : ``trial``, ``design`` or ``sensitivity``. title : for people.
    state : waiting, running, done, failed or canceled. arguments : of the command, without the program.
    made : when it was asked for. pid : of its process while it runs. estimate_s : seconds it was expected to take.
    note : what happened to it on the way, for people. run : the finished design that it adds to; empty: none.
    """

    id: str
    kind: str
    title: str
    state: str
    arguments: tuple[str, ...]
    made: str
    pid: int | None = None
    estimate_s: float = 0.0
    note: str = ""
    run: str = ""

    @property
    def result(self) -> str:
        """Name of the folder that holds what it makes."""
        return self.run or self.id

    @property
    def options(self) -> dict[str, int]:
        """The numbers that it was asked for, by option of the command, e.g. ``replicates``."""
        pairs = zip(self.arguments, self.arguments[1:], strict=False)
        return {name[2:]: int(value) for name, value in pairs if name.startswith("--") and value.isdecimal()}

    @property
    def is_ended(self) -> bool:
        return self.state in _ENDED


class JobStore:
    """All jobs of a home folder, and the one worker that runs them."""

    def __init__(self, settings: Settings):
        self.settings = settings
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._worker: threading.Thread | None = None

    def start(self) -> None:
        """Begin to work; jobs that a stopped server left running wait again and go on where they were."""
        self.settings.jobs.mkdir(parents=True, exist_ok=True)
        self.settings.runs.mkdir(parents=True, exist_ok=True)
        for job in self.all():
            if job.state == RUNNING:  # its process may be at work still, so its pid is kept
                self._keep(replace(job, state=WAITING, note=_SERVER_ENDED))
        self._worker = threading.Thread(target=self._work, name="jobs", daemon=True)
        self._worker.start()

    def stop(self) -> None:
        """Stop working; the running job keeps what is done and waits for the next start."""
        self._stop.set()
        self._wake.set()
        with self._lock:
            if self._process is not None:
                self._process.send_signal(signal.SIGINT)
        if self._worker is not None:
            self._worker.join(timeout=20)

    # ---- what is there ----
    def all(self) -> list[Job]:
        """Every job, the newest first; a folder that cannot be read is left out."""
        found = []
        for path in self.settings.jobs.glob("*/job.json"):
            try:
                content = json.loads(path.read_text(encoding="utf-8"))
                found.append(Job(**{**content, "arguments": tuple(content["arguments"])}))
            except (OSError, ValueError, TypeError, KeyError):
                continue
        return sorted(found, key=lambda job: job.made, reverse=True)

    def get(self, job_id: str) -> Job:
        """One job.

        Raises
        ------
        InputError
            When there is none of this id.
        """
        named_inside(self.settings.jobs, job_id, "job")
        for job in self.all():
            if job.id == job_id:
                return job
        raise InputError(Problem("job", job_id, "there is none of this name"))

    def note(self, run_id: str) -> str:
        """What happened to the job that made a run; empty for runs of the command line."""
        return next((job.note for job in self.all() if job.result == run_id and job.note), "")

    def log(self, job: Job) -> str:
        """What the command has said so far."""
        path = self.settings.jobs / job.id / "log.txt"
        return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""

    def study(self, job: Job) -> str:
        """Text of the study file it was made with."""
        path = self.settings.jobs / job.id / "study.yaml"
        return path.read_text(encoding="utf-8") if path.is_file() else ""

    def progress(self, job: Job) -> tuple[float, str]:
        """Finished share and the last line said."""
        lines = [line for line in re.split(r"[\r\n]+", self.log(job)) if line.strip()]
        share = 1.0 if job.state == DONE else 0.0
        for line in lines:
            if counts := _SHARE.search(line):
                share = int(counts[1]) / max(int(counts[2]), 1)
            elif percent := _PERCENT.search(line):
                share = int(percent[1]) / 100
        return share, lines[-1] if lines else ""

    # ---- what can be asked ----
    def add(
        self, kind: str, title: str, study: str, arguments: list[str], estimate_s: float = 0.0, run: str = ""
    ) -> Job:
        """Put a job into the queue.

        Parameters
        ----------
        study : text of the study file. arguments : after the study's path, e.g. ``--replicates 40``.
        run : the finished design that gets more virtual trials.

        Raises
        ------
        InputError
            When too many jobs wait.
        """
        waiting = [job for job in self.all() if not job.is_ended]
        if len(waiting) >= self.settings.max_queue:
            rule = f"at most {self.settings.max_queue} jobs may wait"
            raise InputError(Problem("queue", len(waiting), rule, "Cancel one, or wait."))
        slug = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:40] or kind
        job_id = f"{slug}-{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
        folder = self.settings.jobs / job_id
        folder.mkdir(parents=True)
        path = folder / "study.yaml"
        path.write_text(study, encoding="utf-8")
        out = self.settings.runs / (run or job_id)
        command = ["trial", "run"] if kind == "trial" else [kind]
        more = ["--resume"] if run else []
        job = Job(
            job_id, kind, title, WAITING, (*command, str(path), *arguments, "--out", str(out), *more),
            datetime.now(UTC).isoformat(timespec="microseconds"), None, estimate_s, "", run,
        )  # fmt: skip
        self._keep(job)
        self._wake.set()
        return job

    def cancel(self, job_id: str) -> Job:
        """Stop a job; what is done of it is kept and it can go on later."""
        job = self.get(job_id)
        if job.state == WAITING:
            job = replace(job, state=CANCELED)
            self._keep(job)
        elif job.state == RUNNING:
            job = replace(job, state=CANCELED)
            self._keep(job)
            with self._lock:
                if self._process is not None:
                    self._process.send_signal(signal.SIGINT)
        if job.pid is not None and self._process is None and self._is_at_work(job):
            os.kill(job.pid, signal.SIGINT)  # left by an earlier server; its lock says that the pid is still its own
        return job

    def before(self, job: Job) -> int:
        """Jobs that come before a waiting one."""
        return sum(one.state in (WAITING, RUNNING) and one.made < job.made for one in self.all())

    def has_result(self, job: Job) -> bool:
        """Whether what the job makes is there."""
        folder = self.settings.runs / job.result
        if job.run:
            wanted = int(job.arguments[job.arguments.index("--replicates") + 1])
            return replicates_of(folder) >= wanted
        return any((folder / name).is_file() for name in _RESULTS)

    def again(self, job_id: str) -> Job:
        """Let a canceled or failed job go on where it was."""
        job = self.get(job_id)
        if job.state in (CANCELED, FAILED):
            job = replace(job, state=WAITING, pid=None, note=_WENT_ON)
            self._keep(job)
            self._wake.set()
        return job

    # ---- the worker ----
    def _work(self) -> None:
        while not self._stop.is_set():
            waiting = [job for job in self.all() if job.state == WAITING]
            if not waiting:
                self._wake.wait(timeout=1.0)
                self._wake.clear()
                continue
            self._run(min(waiting, key=lambda job: job.made))

    def _run(self, job: Job) -> None:
        folder = self.settings.jobs / job.id
        if job.pid is not None and not self._awaited(job):
            return  # this server is stopping as well, or the job was canceled meanwhile
        if self.has_result(job):
            self._keep(replace(job, state=DONE, pid=None))
            return
        arguments = list(job.arguments)
        out = Path(arguments[arguments.index("--out") + 1])
        if job.kind == "trial" and out.exists():
            arguments.append("--resume")
        with (folder / "log.txt").open("ab") as log, (folder / _WORKING).open("ab") as working:
            lock_file(working, folder)
            process = subprocess.Popen(
                [sys.executable, "-m", "engager", *arguments], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                cwd=folder, start_new_session=True, env={**os.environ, "PYTHONUNBUFFERED": "1"},
                pass_fds=() if sys.platform == "win32" else (working.fileno(),),
            )  # fmt: skip
            with self._lock:
                self._process = process
            job = replace(job, state=RUNNING, pid=process.pid)
            self._keep(job)
            process.wait()
            with self._lock:
                self._process = None
        if self._stop.is_set() and not self.has_result(job):  # the server goes; the job waits for the next one
            self._keep(replace(job, state=WAITING, pid=None, note=_SERVER_ENDED))
        elif self.get(job.id).state != CANCELED:
            is_made = self.has_result(job)
            note = job.note if is_made else _why_it_failed(process.returncode, self.log(job))
            self._keep(replace(job, state=DONE if is_made else FAILED, pid=None, note=note))

    def _awaited(self, job: Job) -> bool:
        """Let the process of an earlier server end; False when this job should not be worked on now."""
        if self._is_at_work(job):
            self._keep(replace(job, state=RUNNING))
        while self._is_at_work(job):
            if self._stop.is_set():
                return False
            time.sleep(_LOOK_S)
        return self.get(job.id).state != CANCELED

    def _is_at_work(self, job: Job) -> bool:
        """Whether a process holds the job's lock."""
        path = self.settings.jobs / job.id / _WORKING
        if not path.is_file():
            return False
        with path.open("ab") as working:
            try:
                lock_file(working, path.parent)
            except InputError:
                return True
        return False

    def _keep(self, job: Job) -> None:
        folder = self.settings.jobs / job.id
        unfinished = folder / ".job.json"
        with self._lock:
            unfinished.write_text(json.dumps(asdict(job), indent=1) + "\n", encoding="utf-8")
            os.replace(unfinished, folder / "job.json")
