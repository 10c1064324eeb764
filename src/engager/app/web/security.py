"""Who may ask, and what a page may do: hosts, token, same-origin posts, sizes, headers."""

from __future__ import annotations

import hashlib
import hmac
import re
from pathlib import Path

from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from engager.app.web.settings import Settings
from engager.core import InputError, Problem

MAX_BODY = 256 * 1024
COOKIE = "engager_token"
# letters of any script; nothing that leads elsewhere or that an address would have to escape
_NAME = re.compile(r"\w[\w .+=,@()-]{0,99}")
# Scripts come from files of this server alone; the plotting library writes styles at run time.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:;"
    " connect-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


def named_inside(folder: Path, name: str, what: str) -> Path:
    """A file or folder called `name` directly inside `folder`.

    Raises
    ------
    InputError
        When the name could lead elsewhere, or nothing of that name is there.
    """
    path = folder / name
    if not can_be_named(name) or path.resolve().parent != folder.resolve() or not path.exists():
        raise InputError(Problem(what, name[:100], "there is none of this name"))
    return path


def can_be_named(name: str) -> bool:
    """Whether a folder or file of this name has an address."""
    return _NAME.fullmatch(name) is not None


def proof_of(token: str) -> str:
    """What the cookie holds: not the token itself."""
    return hashlib.sha256(f"engager:{token}".encode()).hexdigest()


class Guard:
    """The outermost layer: refuses foreign hosts, foreign posts, large bodies and visitors without the token."""

    def __init__(self, app: ASGIApp, settings: Settings):
        self.app, self.settings = app, settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or hand it on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        refused = self._refusal(Request(scope))
        if refused is not None:
            await refused(scope, receive, _with_headers(send))
            return
        body = _Body(receive)
        try:
            await self.app(scope, body.receive, _with_headers(send))
        except ClientDisconnect:
            if not body.is_too_large:
                raise
            await _too_large()(scope, receive, _with_headers(send))

    def _refusal(self, request: Request) -> Response | None:
        host = request.headers.get("host", "").rsplit(":", 1)[0].strip("[]")
        if host not in self.settings.hosts:
            return PlainTextResponse("This server does not answer under that name.", status_code=400)
        if request.method not in ("GET", "HEAD"):
            origin = request.headers.get("origin")
            own = f"{request.url.scheme}://{request.headers.get('host', '')}"
            if request.headers.get("sec-fetch-site", "same-origin") != "same-origin" or origin not in (None, own):
                return PlainTextResponse("Posts from other pages are refused.", status_code=403)
            if int(request.headers.get("content-length") or 0) > MAX_BODY:
                return _too_large()
        if self.settings.token is None or request.url.path in ("/login",) or request.url.path.startswith("/static/"):
            return None
        given = request.cookies.get(COOKIE, "")
        if hmac.compare_digest(given.encode(), proof_of(self.settings.token).encode()):
            return None
        if request.method == "GET" and not request.url.path.startswith("/api/"):
            return RedirectResponse("/login", status_code=303)
        return PlainTextResponse("Log in first.", status_code=401)


def _with_headers(send: Send) -> Send:
    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return sent


def _too_large() -> Response:
    return PlainTextResponse(f"At most {MAX_BODY // 1024} kB are accepted.", status_code=413)


class _Body:
    """What is sent, ended where it grows beyond what is accepted, whatever its header said."""

    def __init__(self, receive: Receive):
        self._receive, self._total = receive, 0

    @property
    def is_too_large(self) -> bool:
        return self._total > MAX_BODY

    async def receive(self) -> Message:
        """The next part, or that there is none."""
        message = await self._receive()
        self._total += len(message.get("body", b""))
        return {"type": "http.disconnect"} if self.is_too_large else message
