"""Who goes first: prompts, then what a prompt will need, then tracking, then what nobody waits for."""

from __future__ import annotations

import threading

PATIENCE = 2.0  # seconds that tracking waits for a prompt to be answered: longer than one takes alone


class Room:
    """A room that any number may be in; others wait until it is empty."""

    def __init__(self) -> None:
        self._empty, self._lock, self._inside = threading.Event(), threading.Lock(), 0
        self._empty.set()

    def __enter__(self) -> None:
        with self._lock:
            self._inside += 1
            self._empty.clear()

    def __exit__(self, *raised: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                self._empty.set()

    def wait(self, seconds: float | None = None) -> None:
        self._empty.wait(seconds)

    @property
    def is_empty(self) -> bool:
        return self._empty.is_set()


class Turns:
    """The rooms of one studio, for all clips and threads: who does a thing stands in its room meanwhile."""

    def __init__(self) -> None:
        self.answering = Room()  # prompts
        self.preparing = Room()  # what a prompt will need
        self.looking = Room()  # a frame that somebody waits for
        self.working = Room()  # one long work
        self._all = (self.working, self.answering, self.preparing, self.looking)

    def rest(self) -> None:
        """Between two frames of tracking."""
        self.answering.wait(PATIENCE)

    def quiet(self) -> None:
        """Before what nobody waits for."""
        for room in self._all:
            room.wait()

    @property
    def are_quiet(self) -> bool:
        """Whether what nobody waits for goes on."""
        return all(room.is_empty for room in self._all)
