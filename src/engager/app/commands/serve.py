"""`engager serve`: the dashboard."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Annotated

import typer

from engager.app.console import remark
from engager.core import InputError, Problem


def serve(
    port: Annotated[int, typer.Option(metavar="N", help="Port to listen on.")] = 8765,
    host: Annotated[
        str, typer.Option(metavar="HOST", help="Address; visitors from other machines must give a token.")
    ] = "127.0.0.1",
    token: Annotated[
        str | None,
        typer.Option(metavar="TOKEN", help="Token that visitors must give; default with --host: a new one, printed."),
    ] = None,
    home: Annotated[
        Path, typer.Option(metavar="PATH", help="Folder of runs and jobs; `.` shows the runs of the command line.")
    ] = Path("."),
    max_patients: Annotated[
        int, typer.Option(metavar="N", help="Patients of all virtual trials of one job.")
    ] = 500_000,
) -> None:
    """Open the dashboard: patients, trials, designs, evidence and the review without code.

    Then open http://127.0.0.1:8765.

    Example: engager serve --port 8765
    """
    try:
        import uvicorn

        from engager.app.web.server import create_app
    except ImportError as error:
        hint = "Install it with pip install 'engager[web]'."
        raise InputError(Problem("engager serve", error.name, "is needed and is not installed", hint)) from None
    from engager.app.web.settings import LOOPBACK, Settings

    if not 1 <= port <= 65535:
        raise InputError(Problem("--port", port, "must be from 1 to 65535"))
    is_open = host not in LOOPBACK
    if token is not None and len(token) < 12:
        raise InputError(Problem("--token", "(hidden)", "must have at least 12 characters"))
    if is_open and token is None:
        token = secrets.token_urlsafe(24)
        remark(f"Token: {token}")
    if is_open and host in ("0.0.0.0", "::"):
        rule = "must be the address or name under which visitors come, so that other names can be refused"
        raise InputError(Problem("--host", host, rule, "Write the machine's own address or name."))
    settings = Settings(home.resolve(), (*LOOPBACK, host), token, max_patients)
    remark(f"http://{host}:{port}  (Ctrl-C stops the server; unfinished jobs continue at the next start)")
    uvicorn.run(create_app(settings), host=host, port=port, log_level="warning", access_log=False, server_header=False)
