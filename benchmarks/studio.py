"""How fast the studio answers, measured through HTTP as its page asks: tables in docs/studio-figures.md.

python benchmarks/studio.py                 both sizes of film, about two minutes on a machine that does nothing else
python benchmarks/studio.py --size 1080p    one of them
python benchmarks/studio.py --quick         a few frames, to see that it runs

Time in which the processes are held still, by SIGSTOP or since the machine sleeps, does not count.
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
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import fmean, median
from time import monotonic, sleep
from typing import Any

import click
import httpx2 as httpx
from clips import PHONE, Sample
from sections import put_section

SIZES = {"480p": (480, 854), "1080p": (1080, 1920)}
QUIET = 0.05  # of the machine that others take: from there on figures are not to be trusted
STAGE = 1280  # pixels: as wide as a page shows a frame
LOOKED = 1.0  # seconds that a person looks at a frame before the first click in it
TICK, HELD = 0.05, 0.5  # seconds: a process that does not come to it for so long was held still
ROOT = Path(__file__).parent.parent


class Watch:
    """Seconds, without those in which this process was held still."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock, self._lock, self._seen, self._held = clock, threading.Lock(), clock(), 0.0
        threading.Thread(target=self._tick, daemon=True).start()

    def now(self) -> float:
        with self._lock:
            now = self._clock()
            if now - self._seen > HELD:
                self._held += now - self._seen
            self._seen = now
            return now - self._held

    def _tick(self) -> None:
        while True:
            sleep(TICK)
            self.now()


watch = Watch()


class Studio:
    """The studio of a clip, in a process of its own."""

    def __init__(self, clip: Path) -> None:
        began = watch.now()
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
        self.opened = watch.now() - began  # seconds until the page could show the clip

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


class Machine:
    """What processors do beside one studio and this script, from now on."""

    def __init__(self, process: int) -> None:
        self.process = process  # the studio's
        self._began = self._busy()

    def worked(self) -> float:
        """Seconds that processors have worked for the studio, to a hundredth."""
        fields = Path(f"/proc/{self.process}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def taken(self) -> float:
        """The share of the machine that others have taken."""
        (busy, all_), (busy_then, all_then) = self._busy(), self._began
        return max(busy - busy_then, 0.0) / max(all_ - all_then, 1e-3)

    def _busy(self) -> tuple[float, float]:
        """Seconds that processors have worked for others, and that they could have worked."""
        user, nice, system, idle, waiting, *more = map(int, Path("/proc/stat").read_text().split("\n")[0].split()[1:])
        tick, own = os.sysconf("SC_CLK_TCK"), sum(os.times()[:2])
        busy = (user + nice + system) / tick
        return busy - own - self.worked(), busy + (idle + waiting + sum(more[:2])) / tick


def beside(share: float) -> str:
    """A sentence on what the processors did for others."""
    about = f"{os.cpu_count()} cores, {platform.machine()}; other processes took {100 * share:.0f} % of them."
    return about if share < QUIET else f"{about} **All of it is too slow; measure again.**"


class Measured:
    """What was measured of one film, by what it was."""

    def __init__(self, machine: Machine) -> None:
        self.times: dict[str, list[float]] = {}  # seconds
        self.work: dict[str, list[float]] = {}  # seconds that processors worked
        self.others: dict[str, str] = {}
        self.beside = 0.0  # the share of the machine that other processes had meanwhile
        self.machine = machine

    def took(self, name: str, call: Callable[..., Any], *given: Any, **more: Any) -> Any:
        began, worked = watch.now(), self.machine.worked()
        answer = call(*given, **more)
        self.times.setdefault(name, []).append(watch.now() - began)
        self.work.setdefault(name, []).append(self.machine.worked() - worked)
        return answer

    def add(self, other: Measured) -> None:
        """What was measured beside it."""
        self.times |= other.times
        self.work |= other.work
        self.others |= other.others
        self.beside = max(self.beside, other.beside)

    def cells(self) -> dict[str, str]:
        """Median, worst, and the processors' work in milliseconds; single figures as they are."""
        found = {
            name: f"{1000 * median(all_):.0f} | {1000 * max(all_):.0f} | {1000 * fmean(self.work[name]):.0f}"
            for name, all_ in self.times.items()
        }
        return found | {name: f"{value} | | " for name, value in self.others.items()}


def measure(clip: Path, phone: Path, size: tuple[int, int], frames: int, count: int) -> Measured:
    """`phone`: the film as a phone would have written it."""
    rng = random.Random(7)
    early = (
        opened(phone, "a frame anywhere, at first, in a film as phones write it", frames, count),
        opened(clip, "one near it when dragging, at first", frames, count, near=1),
    )
    with studio(clip) as one:
        found = Measured(Machine(one.process.pid))
        for other in early:
            found.add(other)
        one.wait()
        look(one, frames, count, rng, found)
        for frame in rng.sample(range(frames), count):
            point(one, size, frame, rng, found)
        track(one, size, frames, count, found)
        found.others["memory afterwards, MB"] = f"{one.memory():.0f}"
        found.beside = max(found.beside, found.machine.taken())
        one.close(signal.SIGKILL)
    with studio(clip) as again:
        found.others["open again after a kill, from the command to the page, s"] = f"{again.opened:.1f}"
    return found


def opened(clip: Path, name: str, frames: int, count: int, **asked: Any) -> Measured:
    """Frames of a film that was just opened."""
    rng = random.Random(7)
    with studio(clip) as one:
        found = Measured(Machine(one.process.pid))
        one.wait()
        for _ in range(count):
            found.took(name, one.get, f"frames/{rng.randrange(frames)}", width=STAGE, **asked)
        found.beside = found.machine.taken()
    return found


def look(one: Studio, frames: int, count: int, rng: random.Random, found: Measured) -> None:
    for when in ("at first", "after a while"):
        for _ in range(count):
            found.took(f"a frame anywhere, {when}", one.get, f"frames/{rng.randrange(frames)}", width=STAGE)
        sleep(frames / 50 + 1)  # as long as reading it through takes
    began, some = watch.now(), min(frames, 60)
    for frame in range(some):
        one.get(f"frames/{frame}", width=STAGE)
    found.others["frames a second when playing or dragging on"] = f"{some / (watch.now() - began):.0f}"


def point(one: Studio, size: tuple[int, int], frame: int, rng: random.Random, found: Measured) -> None:
    """What a person does in a frame that was looked at for a moment."""
    x, y = size[1] * rng.uniform(0.3, 0.7), size[0] * rng.uniform(0.3, 0.7)
    at: dict[str, Any] = {"object": None, "frame": frame}
    one.get(f"frames/{frame}", width=STAGE, still=1)
    sleep(LOOKED)
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
    """Track an object for a while, look on meanwhile, and point at something."""
    box = [size[1] * 0.3, size[0] * 0.2, size[1] * 0.4, size[0] * 0.6]
    one.post("box", object=None, frame=0, box=box)
    one.post("track", direction="all", frame=0)
    for _ in range(count):
        found.took("a frame while it tracks", one.get, "frames/0", width=STAGE)
        found.took("the state while it tracks", one.state)
    x, y, done, rate = size[1] / 2, size[0] / 2, 0, 0.0
    while (job := one.state()["job"]) and job["done"] < frames // 2:
        done, rate = job["done"], job["rate"]
        sleep(0.1)
    for frame in range(1, 4):
        found.took("a click while it tracks", one.post, "click", object=None, frame=frame, x=x, y=y, on=True)
    one.post("stop")
    one.wait()
    found.others["frames a second when tracking one object, each frame twice"] = f"{rate / 2:.1f}" if done else "?"


def section(size: str, found: Measured) -> str:
    """A section of the page."""
    lines = [f"| {what} | {cells} |" for what, cells in found.cells().items()]
    return f"""### At {size}

{beside(found.beside)}

| milliseconds, if nothing else is said | median | worst | work |
|---|--:|--:|--:|
{chr(10).join(lines)}
"""


@click.command(help=__doc__)
@click.option("--size", "sizes", multiple=True, type=click.Choice(list(SIZES)))
@click.option("--quick", is_flag=True)
@click.option("--page", type=click.Path(path_type=Path), default=ROOT / "docs" / "studio-figures.md")
def main(sizes: tuple[str, ...], quick: bool, page: Path) -> None:
    frames, count = (24, 2) if quick else (300, 8)
    sample = Sample()
    for name in sizes or SIZES:
        with tempfile.TemporaryDirectory() as room:
            clip = sample.clip(Path(room), SIZES[name], 1, frames)
            (other := Path(room) / "phone").mkdir()
            phone = sample.clip(other, SIZES[name], 1, frames, PHONE)
            told = section(name, measure(clip.path, phone.path, SIZES[name], frames, count))
        put_section(page, told)
        click.echo(told)


if __name__ == "__main__":
    main()
