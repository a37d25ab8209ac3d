"""What a batch tells: a live bar on a terminal, plain lines elsewhere, and a file of events for programs."""

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import click

from trackmask.files import counted, writing

if TYPE_CHECKING:
    from trackmask.batch.owner import Event

PLAIN_EVERY = 60.0  # seconds between two lines of progress where there is no terminal
LOG_EVERY = 5.0


class Display:
    """On stderr."""

    def __init__(self) -> None:
        from tqdm import tqdm

        self._bar = tqdm(unit="clip", disable=not sys.stderr.isatty(), leave=False, bar_format="{l_bar}{bar}| {desc}")
        self._last = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def hear(self, event: "Event") -> None:
        about = event.about
        if event.kind == "plan":
            again = "".join(f", {count} again: {reason}" for reason, count in about["again"].items())
            kept = "".join(
                f", {count} kept, since a person corrected the result: {reason}"
                for reason, count in about["kept"].items()
            )
            self._say(f"{counted(about['clips'], 'clip')}, {about['done']} of them done{again}{kept}")
        elif event.kind == "note":
            self._say(about["text"])
        elif event.kind == "retry":
            self._say(f"{event.clip}: {about['reason']}; it is tried again")
        elif event.kind == "clip":
            rate = about["frames"] / max(about["seconds"], 1e-3)
            result = about["error"] or f"{counted(about['frames'], 'frame')} at {rate:.1f} frames/s"
            self._say(f"{about['state']}  {event.clip}: {result}")
        elif event.kind == "progress":
            self._progress(about)

    def _progress(self, about: Mapping[str, Any]) -> None:
        text = f"{about['ended']}/{about['total']} clips, {about['frames_per_second']:g} frames/s"
        text += f", {about['failed']} failed" if about["failed"] else ""
        if about["seconds_left"] is not None:
            text += f", {clock(about['seconds_left'])} left"
        if not self._bar.disable:
            self._bar.total, self._bar.n = about["total"], about["ended"]
            self._bar.bar_format = "{percentage:3.0f}%|{bar}| " + text
            self._bar.refresh()
        elif time.monotonic() - self._last >= PLAIN_EVERY:
            self._last = time.monotonic()
            self._say(text)

    def _say(self, text: str) -> None:
        self._bar.clear()
        click.echo(text, err=True)


@contextmanager
def log(path: Path) -> Iterator[Callable[["Event"], None]]:
    """Appends each event as a line of JSON; progress not more often than every few seconds. OutputError."""
    last = 0.0
    with writing(path):
        file = path.open("a", encoding="ascii")
    with file:

        def hear(event: "Event") -> None:
            nonlocal last
            if event.kind == "progress":
                if time.monotonic() - last < LOG_EVERY:
                    return
                last = time.monotonic()
            now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            line = {"time": now, "event": event.kind} | ({"clip": event.clip} if event.clip else {}) | dict(event.about)
            with writing(path):
                file.write(json.dumps(line) + "\n")
                file.flush()

        yield hear


def clock(seconds: int) -> str:
    hours, rest = divmod(seconds, 3600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}"
