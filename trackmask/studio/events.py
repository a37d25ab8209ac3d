"""What all tabs are told, as server-sent events. A tab that does not listen for long is let go: it comes back by
itself, and asks anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any

from trackmask.result.records import dumps

Message = tuple[str, dict[str, Any]]  # its kind, and what it says
WAITING = 500  # events that wait for a tab, at most
PULSE = 15.0  # seconds: so often something is sent, by which a connection that is gone is noticed


class Hub:
    """Any thread may `send`. `greeting` gives what a tab is told when it comes."""

    def __init__(self) -> None:
        self.greeting: Callable[[], list[Message]] = list
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tabs: set[asyncio.Queue[str | None]] = set()

    def open(self) -> None:
        """In the loop of the server."""
        self._loop = asyncio.get_running_loop()

    def send(self, kind: str, data: dict[str, Any]) -> None:
        text = _event(kind, data)
        if self._loop is not None and not self._loop.is_closed():
            with suppress(RuntimeError):  # it ends just now
                self._loop.call_soon_threadsafe(self._give, text)

    def close(self) -> None:
        """In the loop: every tab is told, and its stream ends."""
        for tab in self._tabs:
            with suppress(asyncio.QueueFull):
                tab.put_nowait(_event("bye", {}))
                tab.put_nowait(None)

    async def listen(self) -> AsyncIterator[str]:
        tab: asyncio.Queue[str | None] = asyncio.Queue(WAITING)
        self._tabs.add(tab)
        try:
            yield ": here\n\n"
            for message in self.greeting():
                yield _event(*message)
            while True:
                try:
                    text = await asyncio.wait_for(tab.get(), PULSE)
                except TimeoutError:
                    text = ": here\n\n"
                if text is None:
                    return
                yield text
        finally:
            self._tabs.discard(tab)

    def _give(self, text: str) -> None:
        for tab in list(self._tabs):
            try:
                tab.put_nowait(text)
            except asyncio.QueueFull:
                self._tabs.discard(tab)
                tab.get_nowait()
                tab.put_nowait(None)


def _event(kind: str, data: dict[str, Any]) -> str:
    return f"event: {kind}\ndata: {dumps(data)}\n\n"
