"""How fast the dashboard answers and whether its memory stays flat: a server of its own, asked over HTTP.

In: a number of slider moves. Out: times and memory. The patients asked for differ from move to move, so that nothing
can be answered from a cache.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from engager.core import PATIENT_DAYS, InputError, Problem

_WARM_UP = 5
_PATIENCE_S = 120
_HOST = "127.0.0.1"
# A run folder that holds nothing: a home with a job has its example already, so the server starts none.
_NO_EXAMPLE = {"id": "none", "kind": "trial", "title": "none", "state": "canceled", "arguments": [], "made": ""}


def measure_dashboard(moves: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Ask a warm dashboard for one patient after the other, as sliders do.

    Returns
    -------
    ``moves, first_page_s, median_s, p95_s, longest_s, cpu_s_per_move``: times of an answer, from request to last byte;
    ``resident_start_bytes, resident_end_bytes``: memory of the server after a tenth of the moves and after all; 0
    where the system does not tell.

    Raises
    ------
    InputError
        When the server does not come up or an answer is not a patient.
    """
    with tempfile.TemporaryDirectory(prefix="engager-dashboard-") as home, socket.socket() as probe:
        job = Path(home) / "jobs" / "none" / "job.json"
        job.parent.mkdir(parents=True)
        job.write_text(json.dumps(_NO_EXAMPLE), encoding="utf-8")
        probe.bind((_HOST, 0))
        port = int(probe.getsockname()[1])
        probe.close()
        command = [sys.executable, "-m", "engager", "serve", "--port", str(port), "--home", home]
        server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            _await(port)
            return _asked(port, server.pid, moves, say)
        finally:
            server.terminate()
            server.wait(timeout=30)


def _await(port: int) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        try:
            _get(port, "/login")
            return
        except OSError:
            time.sleep(0.1)
    rule = f"did not answer within {_PATIENCE_S} s"
    raise InputError(Problem("engager serve", port, rule, "Is the extra web installed?"))


def _asked(port: int, pid: int, moves: int, say: Callable[[str], None]) -> dict[str, Any]:
    for k in range(_WARM_UP):
        _move(port, k)
    start = time.perf_counter()
    _get(port, "/")
    first_page = time.perf_counter() - start
    seconds, early, cpu = [], 0, _cpu(pid)
    for k in range(moves):
        seconds.append(_move(port, k + _WARM_UP))
        if k + 1 == max(1, moves // 10):
            early = _resident(pid)
        if (k + 1) % 100 == 0:
            say(f"{k + 1} of {moves} moves, p95 {np.quantile(seconds, 0.95):.3f} s")
    return {
        "moves": moves,
        "first_page_s": first_page,
        "median_s": float(np.median(seconds)),
        "p95_s": float(np.quantile(seconds, 0.95)),
        "longest_s": max(seconds),
        "cpu_s_per_move": (_cpu(pid) - cpu) / moves,
        "resident_start_bytes": early,
        "resident_end_bytes": _resident(pid),
    }


def _move(port: int, k: int) -> float:
    """Seconds of one answer; the k-th position of four sliders."""
    query = f"age_years={18 + k % 60}&weight_kg={45 + k % 80}&marrow_blasts_percent={10 + k % 90}&cd8_per_uL={20 + k}"
    start = time.perf_counter()
    body = _get(port, f"/api/patient?regimen=blinatumomab&days={PATIENT_DAYS:g}&{query}")
    seconds = time.perf_counter() - start
    if "panels" not in json.loads(body):
        raise InputError(Problem("engager serve", body[:200].decode(errors="replace"), "must answer with a patient"))
    return seconds


def _get(port: int, path: str) -> bytes:
    connection = http.client.HTTPConnection(_HOST, port, timeout=60)
    try:
        connection.request("GET", path)
        return connection.getresponse().read()
    finally:
        connection.close()


def _resident(pid: int) -> int:
    """Memory of a process now [bytes]; 0 where there is no /proc."""
    try:
        fields = Path(f"/proc/{pid}/statm").read_text().split()
    except OSError:
        return 0
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE")


def _cpu(pid: int) -> float:
    """Seconds of computing of a process so far; 0 where there is no /proc."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
