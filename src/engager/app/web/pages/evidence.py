"""Records, searched and shown."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from engager.app.web.rendering import render
from engager.study import evidence_rows, record_rows


async def evidence(request: Request) -> Response:
    """All records, searched and filtered."""
    words = request.query_params.get("search", "")[:100]
    setting = request.query_params.get("setting", "")[:40]
    rows, settings = await run_in_threadpool(evidence_rows, words, setting)
    return render(request, "evidence", "Evidence", rows=rows, search=words, setting=setting, settings=settings)


async def evidence_record(request: Request) -> Response:
    """One record: every figure with its source, what was never seen, the citation."""
    found = await run_in_threadpool(record_rows, request.path_params["record"])
    return render(request, "record", found["id"], record=found)
