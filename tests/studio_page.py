"""The studio as people have it: its own process, its page in a browser, and what they see there."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2 as httpx
import numpy as np
from waiting import PATIENCE, until

if TYPE_CHECKING:
    from playwright.sync_api import Page

ROOT = Path(__file__).parent.parent
STILL = Path(__file__).with_name("still.py")
MARGIN = 12  # CSS pixels around a frame that fits: viewport.js


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as place:
        return place.getsockname()[1]


class Studio:
    """`python -m trackmask studio`; with a file, tracking stands still while that is there: still.py."""

    def __init__(self, path: Path, port: int | None = None, still: Path | None = None) -> None:
        """Without a port it finds one itself, which nobody else can take meanwhile."""
        self.port, self.still = port, still
        command = ["-m", "trackmask"] if still is None else [str(STILL), str(still)]
        args = [sys.executable, "-u", *command, "studio", str(path), "--no-browser"]
        self.process = subprocess.Popen(
            args if port is None else [*args, "--port", str(port)],
            cwd=path.parent,
            env=os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self.process.stdout is not None
        said = self.process.stdout.readline()
        found = re.search(r"http://\S+", said)
        assert found, f"the studio printed no link: {said}{self.end()}"
        self.link = found[0]
        self.address = self.link.split("/?")[0]

    @contextmanager
    def standing_still(self) -> Iterator[None]:
        """What is tracked meanwhile is under way until somebody stops it."""
        assert self.still is not None
        self.still.touch()
        try:
            yield
        finally:
            self.still.unlink()

    def end(self, how: int = signal.SIGINT) -> str:
        """What it has said since the link."""
        self.process.send_signal(how)
        return self.process.communicate(timeout=PATIENCE)[0]


class Process(Studio):
    """The studio as people start it, asked as its page asks."""

    def __init__(self, clip: Path, still: Path | None = None) -> None:
        super().__init__(clip, still=still)
        headers = {"Origin": self.address}
        self.client = httpx.Client(base_url=self.address, headers=headers, timeout=PATIENCE, follow_redirects=True)
        assert self.client.get(self.link).status_code == 200
        self.way = f"/api/clips/{self.client.get('/api/clips').json()['clips'][0]['id']}"

    def post(self, do: str, **said: object) -> dict:
        answer = self.client.post(f"{self.way}/{do}", json=said)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def state(self) -> dict:
        return dict(self.client.get(self.way).json())

    def end(self, how: int = signal.SIGINT) -> str:
        self.client.close()
        return super().end(how)


@contextmanager
def studio(path: Path, port: int | None = None, still: Path | None = None) -> Iterator[Studio]:
    opened = Studio(path, port, still)
    try:
        yield opened
    finally:
        if opened.process.poll() is None:
            opened.end()


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

    def wait_drawn(self) -> None:
        """What has changed is on the screen: the page draws it with the next picture, and what follows from that with
        the one behind it.
        """
        self.page.evaluate("async () => { for (const _ of [1, 2, 3]) await new Promise(requestAnimationFrame); }")

    def masked(self, x: float, y: float) -> bool:
        """Whether the first object's dark red covers a place, which turns its green and blue down to a half."""
        return until(lambda: self._masked(x, y), f"with or without a mask at {x}, {y}") == ["with"]

    def _masked(self, x: float, y: float) -> list[str]:
        """Neither where another picture of the frame came between."""
        self.wait_drawn()
        with_mask = self.colour(x, y)
        self.page.click("#style [data-value=none]")
        self.wait_drawn()
        bare = self.colour(x, y)
        self.page.click("#style [data-value=fill]")
        looks = {"with": bare / 2 + [64, 0, 0], "without": bare}
        return [how for how, look in looks.items() if np.abs(with_mask - look).max() < 4]

    def wait_masked(self, x: float, y: float, *, is_masked: bool = True) -> None:
        until(lambda: self.masked(x, y) == is_masked, f"a mask at {x}, {y}" if is_masked else f"no mask at {x}, {y}")

    @property
    def frame(self) -> int:
        return int(self.page.input_value("#frame-field"))

    @property
    def shown(self) -> int:
        """The frame whose picture is there, which the address names."""
        return int(self.page.evaluate("location.hash").partition("/")[2])

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

    def wait_text(self, selector: str, text: str) -> None:
        until(lambda: text in (self.page.text_content(selector) or ""), f"{text!r} in {selector}")

    def wait_idle(self) -> None:
        """Nothing is under way for this clip, as the page knows."""
        self.wait_drawn()
        until(lambda: self.page.text_content("#track") != "Stop", "the end of the work")
