"""The review, and how far to trust it all."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from engager.app.web.rendering import framed, render
from engager.app.web.same import same_review
from engager.study import review_html, shipped_review, trust_content


async def review(request: Request) -> Response:
    """The review's own page."""
    links = {"record": "/evidence/{}", "study": "/trial?study={}"}
    return framed(await run_in_threadpool(lambda: review_html(shipped_review(), links)), "review", same_review())


async def trust(request: Request) -> Response:
    """How far to trust it: fitted and checked figures, what missed, versions."""
    return render(request, "trust", "How far to trust it", told=await run_in_threadpool(trust_content))
