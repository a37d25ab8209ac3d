"""How fast the studio answers, measured through HTTP as its page asks: the last section of docs/studio.md.

python benchmarks/studio.py            all of it, some minutes on a machine that does nothing else
python benchmarks/studio.py --quick    a few frames, to see that it runs
"""

from __future__ import annotations

import os
import platform
import random
import resource
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import fmean, median
from time import monotonic, sleep
from typing import Any

import click
import httpx2 as httpx
from clips import Sample
from sections import put_section

SIZES = {"480p": (480, 854), "1080p": (1080, 1920)}
HEADING = "## How fast it is"
QUIET = 0.7  # load from which figures are not to be trusted
STAGE = 1280  # pixels: as wide as a page shows a frame
ROOT = Path(__file__).parent.parent


class Studio:
    """The studio of a clip, in a process of its own."""

    def __init__(self, clip: Path) -> None:
        began = monotonic()
        self.process = subprocess.Popen(
            [sys.executable, "-u", "-m", "trackmask", "studio", str(clip), "--no-browser"],
            cwd=clip.parent,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        link = self.process.stdout.readline().split()[-1]
        base = link.split("/?")[0]
        self.client = httpx.Client(base_url=base, headers={"Origin": base}, timeout=600, follow_redirects=True)
        self.client.get(link)
        self.way = f"/api/clips/{self.client.get('/api/clips').json()['clips'][0]['id']}"
        self.state()
        self.opened = monotonic() - began  # seconds until the page could show the clip

    def get(self, what: str, **asked: Any) -> bytes:
        answer = self.client.get(f"{self.way}/{what}", params=asked)
        assert answer.status_code == 200, answer.text
        return bytes(answer.content)

    def post(self, do: str, **said: Any) -> dict[str, Any]:
        answer = self.client.post(f"{self.way}/{do}", json=said)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def state(self) -> dict[str, Any]:
        return dict(self.client.get(self.way).json())

    def wait(self) -> dict[str, Any]:
        while (state := self.state())["job"] or not state["counted"]:
            sleep(0.05)
        return state

    def memory(self) -> float:
        """Resident, MB."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * resource.getpagesize() / 1e6

    def close(self, how: signal.Signals = signal.SIGINT) -> None:
        self.client.close()
        self.process.send_signal(how)
        self.process.wait(60)
        if self.process.stdout is not None:
            self.process.stdout.close()


@contextmanager
def studio(clip: Path) -> Iterator[Studio]:
    found = Studio(clip)
    try:
        yield found
    finally:
        if found.process.poll() is None:
            found.close()


class Measured:
    """What was measured of one film, by what it was."""

    def __init__(self) -> None:
        self.times: dict[str, list[float]] = {}  # seconds
        self.work: dict[str, list[float]] = {}  # seconds that processors worked
        self.others: dict[str, str] = {}
        self.process = 0  # the server's

    def took(self, name: str, call: Callable[..., Any], *given: Any, **more: Any) -> Any:
        began, worked = monotonic(), self.worked()
        answer = call(*given, **more)
        self.times.setdefault(name, []).append(monotonic() - began)
        self.work.setdefault(name, []).append(self.worked() - worked)
        return answer

    def worked(self) -> float:
        """Seconds that processors have worked for the server, to a hundredth."""
        fields = Path(f"/proc/{self.process}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def cells(self) -> dict[str, str]:
        """Median, worst, and the processors' work in milliseconds; single figures as they are."""
        found = {
            name: f"{1000 * median(all_):.0f} | {1000 * max(all_):.0f} | {1000 * fmean(self.work[name]):.0f}"
            for name, all_ in self.times.items()
        }
        return found | {name: f"{value} | | " for name, value in self.others.items()}


def measure(clip: Path, size: tuple[int, int], frames: int, count: int) -> dict[str, str]:
    rng, found = random.Random(7), Measured()
    with studio(clip) as one:
        found.process = one.process.pid
        one.wait()
        look(one, frames, count, rng, found)
        for frame in rng.sample(range(frames), count):
            point(one, size, frame, rng, found)
        track(one, size, frames, count, found)
        found.others["memory afterwards, MB"] = f"{one.memory():.0f}"
        one.close(signal.SIGKILL)
    with studio(clip) as again:
        found.others["open again after a kill, from the command to the page, s"] = f"{again.opened:.1f}"
    return found.cells()


def look(one: Studio, frames: int, count: int, rng: random.Random, found: Measured) -> None:
    for when in ("at first", "after a while"):
        for _ in range(count):
            found.took(f"a frame anywhere, {when}", one.get, f"frames/{rng.randrange(frames)}", width=STAGE)
        sleep(0.02 * frames + 2)  # as long as reading it through takes
    began, some = monotonic(), min(frames, 60)
    for frame in range(some):
        one.get(f"frames/{frame}", width=STAGE)
    found.others["frames a second when playing or dragging on"] = f"{some / (monotonic() - began):.0f}"


def point(one: Studio, size: tuple[int, int], frame: int, rng: random.Random, found: Measured) -> None:
    """What a person does in a frame that was looked at for a moment."""
    x, y = size[1] * rng.uniform(0.3, 0.7), size[0] * rng.uniform(0.3, 0.7)
    at: dict[str, Any] = {"object": None, "frame": frame}
    one.get(f"frames/{frame}", width=STAGE, still=1)
    sleep(0.4)
    who = at["object"] = found.took("a click", one.post, "click", **at, x=x, y=y, on=True)["object"]
    found.took("its mask", one.get, f"masks/{frame}")
    found.took("another click", one.post, "click", **at, x=x + 4, y=y + 4, on=True)
    box = [size[1] * 0.3, size[0] * 0.3, size[1] * 0.4, size[0] * 0.4]
    found.took("a box", one.post, "box", **at, box=box)
    line = [[x + 2 * i, y + i] for i in range(50)]
    found.took("a stroke", one.post, "stroke", **at, points=line, radius=12, add=True)
    found.took("undo", one.post, "undo")
    x, y, at["object"] = x + 40, y + 20, None
    one.client.post(f"{one.way}/hover", json={"frame": frame, "x": x, "y": y})
    sleep(0.5)
    found.took("a click where the pointer rested", one.post, "click", **at, x=x, y=y, on=True)
    for object_id in (who, who + 1):
        one.post("delete", object=object_id)


def track(one: Studio, size: tuple[int, int], frames: int, count: int, found: Measured) -> None:
    """Track an object, look on meanwhile, and point at something."""
    box = [size[1] * 0.3, size[0] * 0.2, size[1] * 0.4, size[0] * 0.6]
    one.post("box", object=None, frame=0, box=box)
    one.post("track", direction="all", frame=0)
    for _ in range(count):
        found.took("a frame while it tracks", one.get, "frames/0", width=STAGE)
        found.took("the state while it tracks", one.state)
    while (job := one.state()["job"]) and (job["frame"] or 0) < frames // 4:
        sleep(0.02)
    x, y = size[1] / 2, size[0] / 2
    found.took("a click while it tracks", one.post, "click", object=None, frame=1, x=x, y=y, on=True)
    rate = 0.0
    while job := one.state()["job"]:
        rate = job["rate"] if job["what"] == "tracking" else rate
        sleep(0.1)
    found.others["frames a second when tracking one object, each frame twice"] = f"{rate / 2:.1f}"


def section(found: dict[str, dict[str, str]], load: float) -> str:
    """The section of the page."""
    first = next(iter(found.values()))
    head = "".join(f" {size}: median | worst | work |" for size in found)
    lines = [f"| milliseconds, if nothing else is said |{head}", f"|---|{'--:|' * 3 * len(found)}"]
    lines += [f"| {what} | {' | '.join(rows.get(what, ' | | ') for rows in found.values())} |" for what in first]
    about = f"{os.cpu_count()} cores, {platform.machine()}"
    busy = "Nothing else ran."
    if load >= QUIET:
        busy = f"**{load:.0f} other processes ran beside it: all of it is too slow but the work; measure again.**"
    return f"""{HEADING}

Written by `python benchmarks/studio.py`, through HTTP as the page asks ({about}).
{busy}
*Work* is what the processors did for it on average, whatever else ran. The film has a key frame every 250 frames, the
most that encoders leave out: *at first* a frame is decoded from the key frame before it, *after a while* pictures of
all frames lie ready. *The pointer rested* half a second where the click was then made.

{chr(10).join(lines)}
"""


@click.command(help=__doc__)
@click.option("--quick", is_flag=True)
@click.option("--page", type=click.Path(path_type=Path), default=ROOT / "docs" / "studio.md")
def main(quick: bool, page: Path) -> None:
    frames, count = (24, 2) if quick else (300, 10)
    sample, found, load = Sample(), {}, os.getloadavg()[0]
    for name, size in SIZES.items():
        with tempfile.TemporaryDirectory() as room:
            clip = sample.clip(Path(room), size, 1, frames)
            found[name] = measure(clip.path, size, frames, count)
    told = section(found, load)
    put_section(page, told)
    click.echo(told)


if __name__ == "__main__":
    main()
