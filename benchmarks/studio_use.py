"""What a clip costs its user: clicks, corrections and seconds, driven through the studio's HTTP interface.

    python benchmarks/studio_use.py DATA [--every 1] [--page docs/studio.md]

DATA has DAVIS's layout. A simulated person clicks on the object in the first frame until its mask is good, tracks, goes
to the frame that the review list names first, clicks there until its mask is good, tracks what is out of date, and so
on, until the clip is good or CORRECTIONS were made. A click is deepest in the largest error of what is shown.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean, median
from time import monotonic
from typing import Any

import click
import cv2
import numpy as np
from studio import HEADING as SPEED
from studio import Studio, studio

from trackmask.evaluation.dataset import Clip, read_dataset
from trackmask.evaluation.measure import score_clip
from trackmask.metrics import boundary_f, jaccard
from trackmask.training.clicks import next_click

GOOD = 0.95  # J&F: of a frame's mask, of a clip
CLICKS = 6  # in a frame at most
CORRECTIONS = 10  # frames of a clip at most, beside the first one
PER_CLICK = 2 * 7 / 4  # seconds: four clicks on an object's ends took 7 (Papadopoulos et al., ICCV 2017); doubled
PER_POLYGON = 79.2  # seconds: of one object's mask in COCO (Lin et al., ECCV 2014)
RATE = 24  # frames a second at which a clip is watched
HEADING = "## What a clip costs"


@dataclass
class Cost:
    """What one clip took."""

    clip: str
    frames: int
    first: float = 0.0  # J&F after the clicks in the first frame
    last: float = 0.0
    clicks: list[int] = field(default_factory=list)  # in the first frame, and in each one that was corrected
    answers: list[float] = field(default_factory=list)  # seconds until the mask of a click was there
    tracking: float = 0.0  # seconds

    @property
    def corrections(self) -> int:
        return len(self.clicks) - 1

    @property
    def person(self) -> float:
        """Seconds: the clicks, and watching the clip once after each tracking."""
        return PER_CLICK * sum(self.clicks) + len(self.clicks) * self.frames / RATE

    @property
    def machine(self) -> float:
        """Seconds that a person waited."""
        return sum(self.answers) + self.tracking

    @property
    def by_hand(self) -> float:
        """Seconds."""
        return PER_POLYGON * self.frames


# --- the person ----------------------------------------------------------------------------------------------------


class Person:
    """Who knows how the object looks, and sees what the page shows."""

    def __init__(self, one: Studio, clip: Clip) -> None:
        self.one, self.clip = one, clip
        self.cost = Cost(clip.name, len(clip))
        self.seen: set[int] = set()  # frames that were corrected

    def work(self) -> Cost:
        self.point(0, None)
        self.track()
        self.cost.first = self.cost.last = self.score()
        while self.cost.last < GOOD and self.cost.corrections < CORRECTIONS:
            self.point(self.doubtful(), 1)
            self.track()
            self.cost.last = self.score()
        return self.cost

    def point(self, frame: int, object_id: int | None) -> None:
        """Clicks in a frame until its mask is good."""
        self.seen.add(frame)
        truth, made = self.clip.truth(frame) > 0, 0
        self.one.get(f"frames/{frame}", still=1)
        shown = self.mask(frame)
        while made < CLICKS and (made == 0 or quality(shown, truth) < GOOD):
            if (more := next_click(shown, truth)) is None:
                break
            began = monotonic()
            at: dict[str, Any] = {"frame": frame, "x": more.x + 0.5, "y": more.y + 0.5, "on": more.positive}
            object_id = self.one.post("click", object=object_id, **at)["object"]
            shown = self.mask(frame)
            self.cost.answers.append(monotonic() - began)
            made += 1
        self.cost.clicks.append(made)

    def doubtful(self) -> int:
        """The frame that the review list names first; where it names none, that of the lowest confidence."""
        named = [item["frame"] for item in self.one.state()["review"] if item["frame"] not in self.seen]
        if named:
            return int(named[0])
        line = json.loads(self.one.get("timeline", object=1))["confidence"]
        left = [(value, frame) for frame, value in enumerate(line) if value is not None and frame not in self.seen]
        return min(left)[1]

    def track(self) -> None:
        """What is out of date, if anything is."""
        began = monotonic()
        if any(self.one.state()["stale"].values()):
            self.one.post("track", direction="all", frame=0)
            self.one.wait()
        self.cost.tracking += monotonic() - began

    def mask(self, frame: int) -> np.ndarray:
        """(H, W) bool, as it is shown."""
        data = np.frombuffer(self.one.get(f"masks/{frame}"), np.uint8)
        shown: np.ndarray = np.asarray(cv2.imdecode(data, cv2.IMREAD_UNCHANGED)) > 0
        return shown

    def score(self) -> float:
        return score_clip((self.mask(frame).astype(np.uint8) for frame in range(len(self.clip))), self.clip).jf


def quality(mask: np.ndarray, truth: np.ndarray) -> float:
    """J&F of one mask."""
    return (jaccard(mask, truth) + boundary_f(mask, truth)) / 2


# --- what is printed -----------------------------------------------------------------------------------------------

COLUMNS = (
    "clip",
    "frames",
    "J&F first",
    "J&F at the end",
    "clicks",
    "corrections",
    "machine, s",
    "person, s",
    "by hand, s",
)


def row(cost: Cost) -> tuple[str, ...]:
    shares = (f"{100 * cost.first:.1f}", f"{100 * cost.last:.1f}")
    counts = (str(sum(cost.clicks)), str(cost.corrections))
    return (
        cost.clip,
        str(cost.frames),
        *shares,
        *counts,
        *(f"{t:.0f}" for t in (cost.machine, cost.person, cost.by_hand)),
    )


def means(costs: Sequence[Cost]) -> tuple[str, ...]:
    """The last row of the table."""
    first, last = (100 * fmean(values) for values in zip(*((cost.first, cost.last) for cost in costs), strict=True))
    clicks, corrections = (
        fmean(values) for values in zip(*((sum(c.clicks), c.corrections) for c in costs), strict=True)
    )
    times = zip(*((cost.machine, cost.person, cost.by_hand) for cost in costs), strict=True)
    frames = fmean(cost.frames for cost in costs)
    return (
        "**mean**", f"{frames:.0f}", f"{first:.1f}", f"{last:.1f}", f"{clicks:.1f}", f"{corrections:.1f}",
        *(f"{fmean(values):.0f}" for values in times),
    )  # fmt: skip


def section(costs: Sequence[Cost], every: int, busy: float) -> str:
    """The section of the page."""
    lines = [COLUMNS, ("---", *["--:"] * (len(COLUMNS) - 1)), *map(row, costs), means(costs)]
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    good = sum(cost.last >= GOOD for cost in costs)
    hand, all_ = (sum(values) for values in zip(*((c.by_hand, c.person + c.machine) for c in costs), strict=True))
    answer = 1000 * median(seconds for cost in costs for seconds in cost.answers)
    thinned = "" if every == 1 else f" Of every clip each {every}th frame alone was taken."
    goal, shown = f"{100 * GOOD:.0f}", f"median {answer:.0f} ms"
    return f"""{HEADING}

Written by `python benchmarks/studio_use.py DATA`: a simulated person on {len(costs)} clips of the development split,
through the studio's own interface.{thinned} Clicks in the first frame, each deepest in the largest error, until its
mask has a J&F of {goal} or {CLICKS} were made; then all is tracked. Then the same in the frame that the review list
names first (where it names none, that of the lowest confidence), and what is out of date is tracked again: until the
clip has {goal}, or {CORRECTIONS} frames were corrected. Brush and lasso are not used.

{table}

{good} of {len(costs)} clips came to {goal}. All together take {hand / all_:.0f} times less than by hand, person and
machine together.

*Machine* is what one waits for: the masks of clicks ({shown} each) and tracking, on {os.cpu_count()} cores with a load
of {busy:.1f} before it began. *Person* is reckoned, not measured: {PER_CLICK:g} s a click, twice what a click on the
end of an object took people (7 s for four: Papadopoulos et al., ICCV 2017), and watching the clip once, at {RATE}
frames a second, after each tracking. *By hand* is a polygon in each frame, of {PER_POLYGON:g} s as in COCO (Lin et al.,
ECCV 2014).
"""


def put(text: str, page: Path) -> None:
    """In place of the section that was there; before the one on speed, which another script writes."""
    before = page.read_text(encoding="utf-8")
    start = before.find(HEADING)
    if start < 0:
        start = end = before.find(SPEED) if SPEED in before else len(before)
    else:
        end = before.find("\n## ", start) + 1 or len(before)
    parts = (before[:start].rstrip(), text.rstrip(), before[end:].strip())
    page.write_text("\n\n".join(filter(None, parts)) + "\n", encoding="utf-8")


def use(clip: Clip, room: Path) -> Cost:
    """The clip, under its own name in a folder that can be written to."""
    place = room / clip.name
    place.mkdir()
    for index, image in enumerate(clip.images):
        shutil.copyfile(image, place / f"{index:05d}{image.suffix}")
    with studio(place) as one:
        one.wait()
        return Person(one, clip).work()


@click.command(help=__doc__)
@click.argument("data", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--every", type=click.IntRange(1), default=1, show_default=True, help="Each so many-th frame alone.")
@click.option("--page", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="Where the section is put.")
@click.option("--clip", "only", multiple=True, help="Of the clips, these alone; may be given several times.")
def main(data: Path, every: int, page: Path | None, only: tuple[str, ...]) -> None:
    busy, costs = os.getloadavg()[0], []
    for clip in read_dataset(data):
        if not only or clip.name in only:
            with tempfile.TemporaryDirectory() as room:
                costs.append(use(thinned(clip, every), Path(room)))
            click.echo("  ".join(row(costs[-1])) + f"  clicks by frame: {costs[-1].clicks}")
    text = section(costs, every, busy)
    click.echo(text)
    if page:
        put(text, page)


def thinned(clip: Clip, every: int) -> Clip:
    """Each so many-th frame alone."""
    images = clip.images[::every]
    kept = range(0, len(clip.images), every)
    truths = {new: clip.truths[old] for new, old in enumerate(kept) if old in clip.truths}
    return Clip(clip.name, truths, images)


if __name__ == "__main__":
    main()
