"""The mask that a prompt means, soon: crops that were encoded for a frame are kept while somebody works in it."""

from __future__ import annotations

import threading
from contextlib import suppress

import numpy as np

from trackmask.data import SURE
from trackmask.errors import TrackmaskError
from trackmask.prompts import Point, Prompt
from trackmask.runtime import Runtime
from trackmask.studio.frames import Frames
from trackmask.studio.turns import Turns
from trackmask.tracking.clicks import clicked
from trackmask.tracking.crop import paste
from trackmask.tracking.prompted import PromptedFrame
from trackmask.tracking.refine import refine
from trackmask.tracking.segment import Observation


class Prompting:
    """Answers prompts in the frames of one video."""

    def __init__(self, runtime: Runtime, frames: Frames, turns: Turns) -> None:
        self._runtime, self._frames, self._turns = runtime, frames, turns
        self._lock = threading.Lock()
        self._at: int | None = None
        self._frame: PromptedFrame | None = None
        self._last: tuple[object, Observation] | None = None  # what was asked last, and the answer
        self._wish = 0  # rises with every wish to get ready: only the last one is fulfilled

    def answer(self, prompt: Prompt) -> tuple[np.ndarray, float]:
        """The mask (H, W) bool that box or clicks mean, and its predicted IoU in [0, 1]. Raises VideoError."""
        self._wish += 1
        with self._turns.answering, self._lock:
            seen = self._observe(prompt)
        patch, size = paste(seen.prob, seen.crop, self._frames.info.size), self._frames.info.size
        if patch is None or seen.box is None:
            return np.zeros(size, bool), seen.iou
        return clicked(patch, prompt.positive, prompt.negative).over(size) > SURE, seen.iou

    def refine(self, index: int, mask: np.ndarray, click: Point, *, on: bool) -> np.ndarray:
        """A mask (H, W) bool after a click on what is wrong in it. Raises PromptError, VideoError."""
        self._wish += 1
        with self._turns.answering, self._lock:
            return refine(self._open(index), mask, click, on=on)

    def get_ready(self, index: int, prompt: Prompt | None = None) -> None:
        """Encode what a prompt in this frame will need, or answer just this one; given up where another wish comes."""
        self._wish += 1
        wish = self._wish
        with suppress(TrackmaskError, MemoryError), self._turns.preparing, self._lock:
            if wish != self._wish:
                return
            self._open(index).get_ready(prompt, lambda: wish == self._wish)
            if prompt is not None and wish == self._wish and self._turns.working.is_empty:
                self._observe(prompt)

    def forget(self) -> None:
        """Let go of what the network has answered."""
        with self._lock:
            self._frame = self._last = None

    def _observe(self, prompt: Prompt) -> Observation:
        """What a prompt means; at no cost where that was asked last."""
        key = (prompt.at, prompt.box, prompt.positive, prompt.negative)
        if self._last is None or self._last[0] != key:
            self._last = key, self._open(prompt.at).observe(prompt)
        return self._last[1]

    def _open(self, index: int) -> PromptedFrame:
        if self._frame is None or self._at != index:
            self._frame = PromptedFrame(self._runtime, self._frames.at(index).image)
            self._at = index
        return self._frame
