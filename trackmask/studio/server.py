"""The web server."""

from __future__ import annotations

import errno
import ipaddress
import logging
import secrets
import signal
import socket
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from time import monotonic

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp

from trackmask.errors import CallError, TrackmaskError
from trackmask.runtime import Runtime
from trackmask.studio.clips import Found
from trackmask.studio.desk import Desk
from trackmask.studio.events import Hub
from trackmask.studio.guard import Guard, TooLarge
from trackmask.studio.routes import Routes, failed

LOOPBACK = "127.0.0.1"
EVERYWHERE = ("0.0.0.0", "::", "")  # all addresses of this machine, none of which is one to open
PORT = 8731  # where it is, unless somebody has it: no service is known there
_GRACE = 2  # seconds that answers under way may take when it ends: those that take longer are given up
_PATIENCE = 10.0  # seconds that threads may take to come to an end
_THREADS = ("trackmask-", "AnyIO worker")  # how those are called that a studio starts

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Address:
    host: str
    port: int
    token: str

    @property
    def link(self) -> str:
        name = socket.gethostname() if self.host in EVERYWHERE else self.host
        host = f"[{name}]" if ":" in name else name
        return f"http://{host}:{self.port}/?token={self.token}"


def application(
    found: Found, load: Callable[[], Runtime], address: Address, hub: Hub, waits: Callable[[str], None] = lambda _: None
) -> ASGIApp:
    """The studio of the clips that were found; `load` makes the network ready, `waits` as in `Desk.close`."""
    desk = Desk(found, load, hub)

    @asynccontextmanager
    async def life(app: Starlette) -> AsyncIterator[None]:
        hub.open()
        yield
        desk.close(waits)

    told = (TrackmaskError, TooLarge, HTTPException, MemoryError, ClientDisconnect, Exception)
    errors = dict.fromkeys(told, failed)
    app = Starlette(routes=Routes(desk).all(), exception_handlers=errors, lifespan=life)
    app.state.desk = desk
    return Guard(app, names=names_of(address.host), port=address.port, token=address.token)


class Server(uvicorn.Server):
    """Lets the tabs go first when it ends: their streams would be waited for."""

    def __init__(self, config: uvicorn.Config, hub: Hub) -> None:
        super().__init__(config)
        self._hub = hub

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._hub.close()
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)  # an answer that is given up now is no error
        await super().shutdown(sockets)


def is_own(host: str) -> bool:
    """Whether no other machine can reach it by that name."""
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"


def names_of(host: str) -> list[str]:
    """What the machine may be called in an address, beside numbers."""
    return ["localhost"] if host == LOOPBACK else ["localhost", host, socket.gethostname()]


def listen(host: str, port: int | None) -> socket.socket:
    """Raises CallError where it cannot be; without a port, another is taken where the usual one is."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for number in (port,) if port is not None else (PORT, 0):
        # Said to be TCP: else asyncio lets small answers wait for an acknowledgement, 40 ms each.
        place = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            place.bind((host, number))
            place.listen()
            return place
        except (OSError, UnicodeError) as error:  # a name that no network takes
            place.close()
            refused = error if isinstance(error, OSError) else OSError(errno.EINVAL, "it is no name")
    if port is not None and refused.errno in (errno.EADDRINUSE, errno.EACCES):
        what = f"port {port} of {host} cannot be had ({refused.strerror}); give another one, or none"
    else:
        what = f"{host} cannot be listened at ({refused.strerror}); give a name or a number of this machine"
    raise CallError(what) from refused


def serve(
    found: Found,
    load: Callable[[], Runtime],
    *,
    host: str,
    port: int | None,
    opened: Callable[[Address], None],
    waits: Callable[[str], None],
) -> None:
    """Until somebody ends it (Ctrl-C). `opened` is called with the address once it can be opened, `waits` with what the
    end waits for. Raises CallError.
    """
    with listen(host, port) as place:
        address = Address(host, place.getsockname()[1], secrets.token_urlsafe(24))
        hub = Hub()
        config = uvicorn.Config(
            application(found, load, address, hub, waits),
            log_level="error",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=_GRACE,
            ws="none",
        )
        opened(address)
        try:
            with suppress(KeyboardInterrupt):  # the way to end it
                server = Server(config, hub)
                end_with_terminal(server)
                server.run(sockets=[place])
        finally:
            wait_for_threads(_PATIENCE)


def end_with_terminal(server: uvicorn.Server) -> None:
    """A terminal that is closed ends it as Ctrl-C does, unless somebody has said that it stays (nohup)."""
    if sys.platform != "win32" and signal.getsignal(signal.SIGHUP) == signal.SIG_DFL:
        signal.signal(signal.SIGHUP, server.handle_exit)


def wait_for_threads(patience: float) -> None:
    """Where Python ends while a thread is within a library, the return from there ends the whole process by force."""
    until = monotonic() + patience
    for thread in threading.enumerate():
        if thread.name.startswith(_THREADS):
            thread.join(max(until - monotonic(), 0.0))
