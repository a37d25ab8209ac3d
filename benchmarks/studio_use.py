"""What a clip costs its user: clicks, corrections and seconds, driven through the studio's HTTP interface.

    python benchmarks/studio_use.py DATA [--every 1] [--page docs/studio-figures.md]

DATA has DAVIS's layout. A simulated person clicks on the object in the first frame until its mask is good, tracks, goes
to the frame that the review list names first, mends its mask, tracks what is out of date, and so on, until the clip is
good or CORRECTIONS were made. A click is deepest in the largest error of what is shown; one that makes it worse is
taken back, and what is left is drawn with the lasso, the largest error first.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean, median
from typing import Any

import click
import cv2
import numpy as np
from sections import put_section
from studio import Machine, Studio, beside, studio, watch

from trackmask.evaluation.dataset import Clip, read_dataset
from trackmask.evaluation.measure import score_clip
from trackmask.metrics import boundary_f, jaccard
from trackmask.training.clicks import largest_part, next_click

GOOD = 0.95  # J&F: of a frame's mask, of a clip
CLICKS = 6  # in a frame at most
LASSOS = 8  # likewise
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
    drawn: list[float] = field(default_factory=list)  # of frames in which clicks did not do, the share drawn
    answers: list[float] = field(default_factory=list)  # seconds until what a click or lasso led to was there
    tracking: float = 0.0  # seconds
    beside: float = 0.0  # the share of the machine that other processes had

    @property
    def corrections(self) -> int:
        return len(self.clicks) - 1

    @property
    def person(self) -> float:
        """Seconds: clicking, drawing, and watching the clip once after each tracking."""
        return PER_CLICK * sum(self.clicks) + PER_POLYGON * sum(self.drawn) + len(self.clicks) * self.frames / RATE

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
        """Make the mask of a frame good."""
        self.seen.add(frame)
        truth, best, made = self.clip.truth(frame) > 0, 0.0, 0
        self.one.get(f"frames/{frame}", still=1)
        shown = self.mask(frame)
        if object_id:
            best = quality(shown, truth)
        while made < CLICKS and best < GOOD and (more := next_click(shown, truth)) is not None:
            before, made = shown, made + 1
            place: dict[str, Any] = {"x": more.x + 0.5, "y": more.y + 0.5, "on": more.positive}
            shown = self.act("click", frame, object=object_id, **place)
            object_id = object_id or 1
            if quality(shown, truth) < best:
                self.one.post("undo")
                shown, made = before, made + 1
                break
            best = quality(shown, truth)
        self.cost.clicks.append(made)
        if best < GOOD:
            self.draw(frame, shown, truth)

    def draw(self, frame: int, shown: np.ndarray, truth: np.ndarray) -> None:
        """Lassos around what is missing or too much, the largest first."""
        length, whole = 0.0, sum(cv2.arcLength(outline, True) for outline in outlines(truth))
        for _ in range(LASSOS):
            missing, wrong = largest_part(truth & ~shown), largest_part(shown & ~truth)
            add = bool(missing.sum() >= wrong.sum())
            outline = outlines(missing if add else wrong)[0]
            length += cv2.arcLength(outline, True)
            points = outline[:, 0].tolist()
            points += [points[-1]] * (3 - len(points))
            shown = self.act("polygon", frame, object=1, points=points, add=add)
            if quality(shown, truth) >= GOOD:
                break
        self.cost.drawn.append(min(length / max(whole, 1.0), 1.0))

    def act(self, do: str, frame: int, **said: Any) -> np.ndarray:
        """Returns the mask (H, W) bool that it leads to."""
        began = watch.now()
        self.one.post(do, frame=frame, **said)
        shown = self.mask(frame)
        self.cost.answers.append(watch.now() - began)
        return shown

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
        began = watch.now()
        if any(self.one.state()["stale"].values()):
            self.one.post("track", direction="all", frame=0)
            self.one.wait()
        self.cost.tracking += watch.now() - began

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


def outlines(mask: np.ndarray) -> list[np.ndarray]:
    """Of all parts of a mask (H, W) bool, (n, 1, 2) int each."""
    return list(cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)[0])


# --- what is printed -----------------------------------------------------------------------------------------------

COLUMNS = (
    "clip", "frames", "J&F first", "J&F at the end", "clicks", "frames drawn in", "corrections", "machine, s",
    "person, s", "by hand, s",
)  # fmt: skip
DIGITS = (0, 1, 1, 1, 1, 1, 0, 0, 0)  # of the means


def row(cost: Cost) -> tuple[str, ...]:
    shares = (f"{100 * cost.first:.1f}", f"{100 * cost.last:.1f}")
    counts = (str(sum(cost.clicks)), str(len(cost.drawn)), str(cost.corrections))
    return (
        cost.clip,
        str(cost.frames),
        *shares,
        *counts,
        *(f"{t:.0f}" for t in (cost.machine, cost.person, cost.by_hand)),
    )


def means(costs: Sequence[Cost]) -> tuple[str, ...]:
    """The last row of the table."""
    rows = [
        (
            c.frames,
            100 * c.first,
            100 * c.last,
            sum(c.clicks),
            len(c.drawn),
            c.corrections,
            c.machine,
            c.person,
            c.by_hand,
        )
        for c in costs
    ]
    return "**mean**", *(f"{fmean(v):.{digits}f}" for v, digits in zip(zip(*rows, strict=True), DIGITS, strict=True))


def section(costs: Sequence[Cost], every: int) -> str:
    """The section of the page."""
    lines = [COLUMNS, ("---", *["--:"] * (len(COLUMNS) - 1)), *map(row, costs), means(costs)]
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    good = sum(cost.last >= GOOD for cost in costs)
    hand, all_ = (sum(values) for values in zip(*((c.by_hand, c.person + c.machine) for c in costs), strict=True))
    answer = 1000 * median(seconds for cost in costs for seconds in cost.answers)
    thinned = "" if every == 1 else f" Of each clip one frame in {every} was taken."
    goal, shown = f"{100 * GOOD:.0f}", f"median {answer:.0f} ms"
    return f"""{HEADING}

Written by `python benchmarks/studio_use.py DATA`: a simulated person on {len(costs)} clips of the development split,
through the studio's own interface.{thinned} In the first frame they click, each time deepest in the largest error,
until the mask has a J&F of {goal}, {CLICKS} clicks were made, or one has made it worse, which is taken back; what is
wrong then is drawn with the lasso. All is tracked. Then they do the same in the frame that the review list names first
(where it names none, that of the lowest confidence) and track what is out of date: until the clip has {goal}, or
{CORRECTIONS} frames were corrected.

{table}

{good} of {len(costs)} clips came to {goal}. Person and machine together need {hand / all_:.1f} times less time than
drawing by hand.

*Frames drawn in* are those in which clicks alone did not do, the first one included. *Machine* is what one waits for:
masks ({shown} after each click) and tracking, on {beside(fmean(cost.beside for cost in costs))}
*Person* is reckoned, not measured: {PER_CLICK:g} s a click, twice what a click on the end of an object took people (7 s
for four: Papadopoulos et al., ICCV 2017); for what is drawn, its share of the object's outline times {PER_POLYGON:g} s,
which a polygon of a whole object takes in COCO (Lin et al., ECCV 2014); and watching the clip once, at {RATE} frames a
second, after each tracking. *By hand* is such a polygon in each frame.
"""


def use(clip: Clip, room: Path) -> Cost:
    """The clip, under its own name in a folder that can be written to."""
    place = room / clip.name
    place.mkdir()
    for index, image in enumerate(clip.images):
        shutil.copyfile(image, place / f"{index:05d}{image.suffix}")
    with studio(place) as one:
        one.wait()
        machine = Machine(one.process.pid)
        cost = Person(one, clip).work()
        cost.beside = machine.taken()
        return cost


@click.command(help=__doc__)
@click.argument("data", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--every", type=click.IntRange(1), default=1, show_default=True, help="Each so many-th frame alone.")
@click.option("--page", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="Where the section is put.")
@click.option("--clip", "only", multiple=True, help="Of the clips, these alone; may be given several times.")
def main(data: Path, every: int, page: Path | None, only: tuple[str, ...]) -> None:
    costs = []
    for clip in read_dataset(data):
        if not only or clip.name in only:
            with tempfile.TemporaryDirectory() as room:
                costs.append(use(thinned(clip, every), Path(room)))
            click.echo("  ".join(row(costs[-1])) + f"  clicks by frame: {costs[-1].clicks}")
    text = section(costs, every)
    click.echo(text)
    if page:
        put_section(page, text)


def thinned(clip: Clip, every: int) -> Clip:
    """Each so many-th frame alone."""
    images = clip.images[::every]
    kept = range(0, len(clip.images), every)
    truths = {new: clip.truths[old] for new, old in enumerate(kept) if old in clip.truths}
    return Clip(clip.name, truths, images)


if __name__ == "__main__":
    main()
