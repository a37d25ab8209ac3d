"""Strangers stay out: other machines, other users' processes without the link, and pages of other sites in the same
browser, whatever name they give this machine.
"""

from __future__ import annotations

import ipaddress
import json
import secrets
from collections.abc import Iterable
from contextlib import suppress
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_CALL, MAX_IMPORT = 2 << 20, 512 << 20  # bytes of a body: of a call, and of a file to import
MAX_ADDRESS = 4000  # characters of an address: Python reads no number of more than 4300 digits
COOKIE_AGE = 30 * 86400  # seconds that the cookie is kept: a browser may be closed and opened again
_RULES = {
    "default-src": "'none'", "script-src": "'self'", "style-src": "'self'", "img-src": "'self' blob: data:",
    "media-src": "'self' blob:", "connect-src": "'self'", "font-src": "'self'", "manifest-src": "'self'",
    "base-uri": "'none'", "form-action": "'none'", "frame-ancestors": "'none'",
}  # fmt: skip
HEADERS = {
    "Content-Security-Policy": "; ".join(f"{what} {allowed}" for what, allowed in _RULES.items()),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Guard:
    """Lets through what comes from our own page, and answers 403 to all else. The link's token is good for once."""

    def __init__(self, app: ASGIApp, *, names: Iterable[str], port: int, token: str) -> None:
        """`names` are those that this machine may be called by, beside its numbers."""
        self._app, self._names, self._port = app, {name.lower() for name in names}, port
        self._token: str | None = token
        self._secret = secrets.token_urlsafe(32)
        self._cookie = f"trackmask-{port}"  # cookies do not tell ports apart

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        headers = Headers(scope=scope)
        if len(scope["path"]) + len(scope["query_string"]) > MAX_ADDRESS:
            await _refuse(scope, send, 414, "this address is longer than any of the studio's")
        elif (reason := self._foreign(scope, headers)) is not None:
            await _refuse(scope, send, 403, reason)
        elif self._is_link(scope):
            await self._let_in(scope, send)
        elif not self._knows(headers):
            await _refuse(
                scope, send, 403, "open the studio by the link that it printed when it was started; a link is good once"
            )
        elif (limit := _limit(scope)) < _length(headers):
            await _refuse(scope, send, 413, f"this is larger than the studio takes ({limit >> 20} MB)")
        else:
            await self._app(scope, _bounded(receive, limit), _hardened(send))

    def _foreign(self, scope: Scope, headers: Headers) -> str | None:
        """Why a request cannot come from our page."""
        host = headers.get("host", "")
        if not self._is_ours(host):
            return "this address is not the studio's; open it by the link that it printed"
        origin = headers.get("origin")
        if origin is not None and origin != f"http://{host}":
            return "another page has asked for this; the studio answers its own page only"
        if origin is None and scope["method"] not in ("GET", "HEAD"):
            return "it is not said which page asks for this; the studio answers its own page only"
        if headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
            return "another page has asked for this; the studio answers its own page only"
        return None

    def _is_ours(self, host: str) -> bool:
        """A name that a stranger made lead here is not: only numbers are, and names that were said."""
        name, _, port = host.rpartition(":")
        if port != str(self._port):
            return False
        if name.lower() in self._names:
            return True
        with suppress(ValueError):
            return bool(ipaddress.ip_address(name.strip("[]")))
        return False

    def _is_link(self, scope: Scope) -> bool:
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        ours = self._token is not None and secrets.compare_digest(given.encode(), self._token.encode())
        return scope["method"] == "GET" and scope["path"] == "/" and ours

    async def _let_in(self, scope: Scope, send: Send) -> None:
        self._token = None
        cookie = f"{self._cookie}={self._secret}; HttpOnly; SameSite=Strict; Path=/; Max-Age={COOKIE_AGE}"
        headers = {**HEADERS, "Set-Cookie": cookie, "Location": "/", "Cache-Control": "no-store", "Content-Length": "0"}
        await send({"type": "http.response.start", "status": 303, "headers": _raw(headers)})
        await send({"type": "http.response.body", "body": b""})

    def _knows(self, headers: Headers) -> bool:
        """Ours stands among those of all servers of this machine, which may hold anything: each is looked at alone."""
        cookies = (one.strip().partition("=") for line in headers.getlist("cookie") for one in line.split(";"))
        ours = (value for name, _, value in cookies if name == self._cookie)
        return any(secrets.compare_digest(value.encode(), self._secret.encode()) for value in ours)


class TooLarge(Exception):
    """A body without an end, or with a length that was not true."""


def _limit(scope: Scope) -> int:
    return MAX_IMPORT if scope["path"].endswith("/import") else MAX_CALL


def _length(headers: Headers) -> int:
    text = headers.get("content-length", "0")
    return int(text) if text.isascii() and text.isdigit() else 0


def _bounded(receive: Receive, limit: int) -> Receive:
    left = limit

    async def read() -> Message:
        nonlocal left
        message = await receive()
        left -= len(message.get("body", b""))
        if left < 0:
            raise TooLarge
        return message

    return read


def _hardened(send: Send) -> Send:
    async def write(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers.update(HEADERS)
            headers.setdefault("Cache-Control", "no-store")
        await send(message)

    return write


async def _refuse(scope: Scope, send: Send, status: int, reason: str) -> None:
    """One sentence: as text to people, who open / themselves, and to the page as it expects it."""
    sentence, person = f"{reason[0].upper()}{reason[1:]}.", scope["path"] == "/"
    body = sentence.encode() if person else json.dumps({"error": sentence}).encode()
    kind = "text/plain; charset=utf-8" if person else "application/json"
    headers = {**HEADERS, "Content-Type": kind, "Content-Length": str(len(body)), "Connection": "close"}
    await send({"type": "http.response.start", "status": status, "headers": _raw(headers)})
    await send({"type": "http.response.body", "body": body})


def _raw(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]
