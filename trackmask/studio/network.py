"""The network that a studio runs: loaded once, warm before somebody waits for it, and its memory given back."""

from __future__ import annotations

import ctypes
import sys
import threading
from collections.abc import Callable
from contextlib import suppress

import numpy as np

from trackmask.errors import TrackmaskError
from trackmask.prompts import Prompt
from trackmask.runtime import OnnxRuntime, Runtime
from trackmask.studio.turns import Turns
from trackmask.tracking.prompted import PromptedFrame


class Network:
    """Any thread may call."""

    def __init__(self, load: Callable[[], Runtime], turns: Turns) -> None:
        """`load`: makes the network ready; called once, in the background."""
        self._load, self._turns, self._loading = load, turns, threading.Lock()
        self._runtime: Runtime | None = None
        self._warm()

    def close(self) -> None:
        self._warming.join()

    def runtime(self) -> Runtime:
        """Raises WeightsError."""
        with self._loading:
            if self._runtime is None:
                self._runtime = self._load()
            return self._runtime

    def give_back(self) -> None:
        """After a long work: the memory that the network took for it, hundreds of MB, goes back. Takes 0.05 s."""
        runtime = self.runtime()
        if isinstance(runtime, OnnxRuntime):
            with suppress(TrackmaskError):  # its files may be gone meanwhile: it goes on with what it has
                runtime.renew()
            trim()
            self._warm()

    def _warm(self) -> None:
        self._warming = threading.Thread(target=self._answer, daemon=True, name="trackmask-warm")
        self._warming.start()

    def _answer(self) -> None:
        """A network takes longer over its first answer than over all others: let nobody wait for it."""
        with suppress(TrackmaskError, MemoryError), self._turns.preparing:  # whoever opens a clip is told what is wrong
            blank = np.zeros((64, 64, 3), np.uint8)
            PromptedFrame(self.runtime(), blank).observe(Prompt(1, 0, positive=((32, 32),)))


def trim() -> None:
    """What was freed goes back to the system: glibc keeps blocks of up to 32 MB, in an area for each few threads."""
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "malloc_trim"):  # musl has none
        libc.malloc_trim(0)
