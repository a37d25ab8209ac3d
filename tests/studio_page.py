"""The studio as people have it: its own process, its page in a browser, and what they see there."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from playwright.sync_api import Page

MARGIN = 12  # CSS pixels around a frame that fits: viewport.js
STILL = Path(__file__).with_name("still.py")
PATIENCE = 45.0  # seconds, on a machine that is busy with other things


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as place:
        return place.getsockname()[1]


class Studio:
    """`python -m trackmask studio`; with a file, tracking stands still while that is there: still.py."""

    def __init__(self, path: Path, port: int | None = None, still: Path | None = None) -> None:
        self.port, self.still = port or free_port(), still
        command = ["-m", "trackmask"] if still is None else [str(STILL), str(still)]
        args = [sys.executable, *command, "studio", str(path), "--no-browser", "--port", str(self.port)]
        env = {**os.environ, "PYTHONUNBUFFERED": "1"}
        self.process = subprocess.Popen(args, cwd=path.parent, env=env, stdout=subprocess.PIPE, text=True)
        found = re.search(r"http://\S+", self.process.stdout.readline())
        assert found, "the studio printed no link"
        self.link = found[0]

    @contextmanager
    def standing_still(self) -> Iterator[None]:
        """What is tracked meanwhile is under way until somebody stops it."""
        self.still.touch()
        try:
            yield
        finally:
            self.still.unlink()

    def end(self, how: int = signal.SIGINT) -> None:
        self.process.send_signal(how)
        self.process.communicate(timeout=PATIENCE)


@contextmanager
def studio(path: Path, port: int | None = None, still: Path | None = None) -> Iterator[Studio]:
    opened = Studio(path, port, still)
    try:
        yield opened
    finally:
        if opened.process.poll() is None:
            opened.end()


def until(true: Callable[[], object], what: str, patience: float = PATIENCE) -> None:
    """Wait for it, so many seconds at most."""
    end = time.monotonic() + patience
    while not true():
        assert time.monotonic() < end, f"not within {patience:.0f} s: {what}"
        time.sleep(0.05)


class Desk:
    """A person at the page, with one clip open."""

    def __init__(self, page: "Page", size: tuple[int, int]) -> None:
        """`size`: (height, width) of the clip."""
        self.page, (self.height, self.width) = page, size

    def at(self, x: float, y: float) -> tuple[float, float]:
        """A place of the frame on the screen, while the whole frame is shown."""
        box = self.page.locator("#picture").bounding_box()
        scale = min((box["width"] - 2 * MARGIN) / self.width, (box["height"] - 2 * MARGIN) / self.height)
        left = box["x"] + (box["width"] - self.width * scale) / 2
        top = box["y"] + (box["height"] - self.height * scale) / 2
        return left + x * scale, top + y * scale

    def click(self, x: float, y: float, **how: str) -> None:
        self.page.mouse.click(*self.at(x, y), **how)

    def drag(self, *places: tuple[float, float]) -> None:
        self.page.mouse.move(*self.at(*places[0]))
        self.page.mouse.down()
        for place in places[1:]:
            self.page.mouse.move(*self.at(*place), steps=4)
        self.page.mouse.up()

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def colour(self, x: float, y: float) -> np.ndarray:
        """(3,) int: what the screen shows at a place of the frame, RGB."""
        left, top = self.at(x, y)
        box = self.page.locator("#picture").bounding_box()
        at = [left - box["x"], top - box["y"]]
        read = "(canvas, [x, y]) => [...canvas.getContext('2d').getImageData(x, y, 1, 1).data]"
        return np.array(self.page.locator("#picture").evaluate(read, at)[:3])

    def masked(self, x: float, y: float) -> bool:
        """Whether the first object's dark red covers a place, which turns its green and blue down to a half."""
        with_mask = self.colour(x, y)
        self.page.click("#style [data-value=none]")
        self.page.wait_for_timeout(60)
        bare = self.colour(x, y)
        self.page.click("#style [data-value=fill]")
        self.page.wait_for_timeout(60)
        return bool(np.abs(with_mask - (bare / 2 + [64, 0, 0])).max() < 4)

    def wait_masked(self, x: float, y: float, *, is_masked: bool = True) -> None:
        until(lambda: self.masked(x, y) == is_masked, f"a mask at {x}, {y}" if is_masked else f"no mask at {x}, {y}")

    @property
    def frame(self) -> int:
        return int(self.page.input_value("#frame-field"))

    def go(self, frame: int) -> None:
        self.page.fill("#frame-field", str(frame))
        self.page.press("#frame-field", "Enter")
        shown = f"location.hash.endsWith('/{frame}')"
        until(lambda: self.page.evaluate(shown), f"frame {frame}")

    def wait_frame(self, frame: int) -> None:
        until(lambda: self.frame == frame, f"frame {frame}")

    def wait_shown(self) -> None:
        """A frame is there: the address names it."""
        until(lambda: "/" in self.page.evaluate("location.hash"), "the first frame")

    def wait_text(self, selector: str, text: str, patience: float = PATIENCE) -> None:
        until(lambda: text in (self.page.text_content(selector) or ""), f"{text!r} in {selector}", patience)
