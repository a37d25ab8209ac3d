"""What is clicked, or what is salient? Simulated clicks in single frames.

    python benchmarks/clicks.py DATA [--every 5] [--weights FOLDER]
    python benchmarks/clicks.py DATA --names        what the training must leave out

The first click is deepest inside of the object, each further one deepest in the largest error of what all clicks
together gave, as a new prompt. DATA holds `dev` and `dev_sparse` (every so many-th frame of their clips) and
`images/duts`, of which 300 stills are held out: of those that show several things, the ones whose names have the
smallest sha256. One of the things, by the same hash, is the object. The cat of samples/cat.mp4 is clicked once at
nine places. Inside, outside: of all clicks so far, those that the mask does not contradict.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from statistics import fmean

import click
import numpy as np

from trackmask.data import Image
from trackmask.evaluation.dataset import Clip, read_dataset
from trackmask.metrics import jaccard
from trackmask.prompts import Point, Prompt
from trackmask.runtime import OnnxRuntime, Runtime
from trackmask.tracking import Tracker
from trackmask.training.clicks import next_click
from trackmask.training.stills import Stills, large_parts

HELD_OUT = 300  # stills
CLICKS = 6
TOLD = (1, 3, 6)  # after so many clicks
CAT = Path(__file__).parents[1] / "samples"
CAT_FRAMES = 12  # every so many-th
PLACES = 9  # on the cat, from its top to its bottom
MARGIN = 4  # pixels from its edge


@dataclass(frozen=True, eq=False)
class Target:
    """A picture (H, W, 3) and the object in it, (H, W) bool."""

    name: str
    image: Image
    truth: np.ndarray


@dataclass(frozen=True)
class Told:
    """What came of the clicks: one number for each count of clicks, 1 to CLICKS."""

    iou: tuple[float, ...]
    inside: tuple[float, ...]  # share of the positive clicks that the mask holds
    outside: tuple[float, ...]  # share of the negative clicks that it does not; 1 without any


def found(runtime: Runtime, image: Image, positive: Iterable[Point], negative: Iterable[Point]) -> np.ndarray:
    """The mask of a prompted frame, (H, W) bool."""
    prompt = Prompt(1, 0, positive=tuple(positive), negative=tuple(negative))
    mask: np.ndarray = Tracker(runtime, image.shape[:2]).step(image, [prompt]).labels == 1
    return mask


def told(runtime: Runtime, target: Target) -> Told:
    """Clicks, each on the largest error of what those before gave; where none is left, they stay as they are."""
    positive: list[Point] = []
    negative: list[Point] = []
    mask = np.zeros_like(target.truth)
    rows = []
    for _ in range(CLICKS):
        more = next_click(mask, target.truth)
        if more is not None:
            (positive if more.positive else negative).append((more.x, more.y))
            mask = found(runtime, target.image, positive, negative)
        outside = [not mask[int(y), int(x)] for x, y in negative]
        inside = [mask[int(y), int(x)] for x, y in positive]
        rows.append((jaccard(mask, target.truth), fmean(inside), fmean(outside) if outside else 1.0))
    return Told(*map(tuple, zip(*rows, strict=True)))


# --- what is clicked on --------------------------------------------------------------------------------------------


def digest(name: str) -> str:
    return sha256(name.encode()).hexdigest()


def held_out(stills: Stills) -> list[int]:
    """Of the stills that show several things, those that no training may see, by their number."""
    return sorted(sorted(stills.parted, key=lambda index: digest(stills.paths[index].stem))[:HELD_OUT])


def from_stills(stills: Stills, every: int) -> Iterator[Target]:
    for index in held_out(stills)[::every]:
        name = stills.paths[index].stem
        image, mask = stills[index]
        parts = large_parts(mask)
        yield Target(name, image, parts[int(digest(name), 16) % len(parts)] > 0)


def from_clips(clips: Iterable[Clip], every: int) -> Iterator[Target]:
    for clip in clips:
        for frame in clip.frames():
            if frame.index % every == 0 and frame.index in clip.truths and (truth := clip.truth(frame.index) > 0).any():
                yield Target(f"{clip.name} {frame.index}", frame.image, truth)


def cat(runtime: Runtime) -> list[float]:
    """The IoU of one click each on nine places of the cat, in several frames."""
    truths = {int(path.stem): path for path in (CAT / "cat.truth").iterdir()}
    ious = []
    for target in from_clips([Clip("cat", truths, film=CAT / "cat.mp4")], CAT_FRAMES):
        inside = np.argwhere(shrunk(target.truth))
        for y, x in inside[np.linspace(0, len(inside) - 1, PLACES).astype(int)]:
            ious.append(jaccard(found(runtime, target.image, [(int(x), int(y))], []), target.truth))
    return ious


def shrunk(mask: np.ndarray) -> np.ndarray:
    """The places of a mask that are MARGIN pixels from its edge, straight up, down, left and right."""
    far = mask.copy()
    for way in ((MARGIN, 0), (-MARGIN, 0), (0, MARGIN), (0, -MARGIN)):
        far &= np.roll(mask, way, (0, 1))
    return far


# --- what is printed -----------------------------------------------------------------------------------------------


def line(title: str, rows: list[Told]) -> str:
    """The means of one set."""
    ious = " / ".join(f"{fmean(row.iou[count - 1] for row in rows):.3f}" for count in TOLD)
    inside, outside = (fmean(value for row in rows for value in part(row)) for part in (_inside, _outside))
    return f"{title} ({len(rows)}): IoU {ious}, inside {100 * inside:.1f} %, outside {100 * outside:.1f} %"


def _inside(row: Told) -> tuple[float, ...]:
    return row.inside


def _outside(row: Told) -> tuple[float, ...]:
    return row.outside


@click.command(help=__doc__)
@click.argument("data", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--every", type=click.IntRange(1), default=5, show_default=True, help="Of frames; of stills as well.")
@click.option("--names", is_flag=True, help="Print the held-out stills' names with commas, and nothing else.")
@click.option("--weights", type=click.Path(path_type=Path), help="Folder of other weights than the shipped ones.")
@click.option("--threads", type=click.IntRange(0), default=0, help="Of the network. [as many as there are cores]")
def main(data: Path, every: int, names: bool, weights: Path | None, threads: int) -> None:
    stills = Stills(data / "images" / "duts")
    if names:
        click.echo(",".join(stills.paths[index].stem for index in held_out(stills)))
        return
    runtime = OnnxRuntime(weights, threads)
    click.echo(f"IoU after {', '.join(map(str, TOLD))} clicks")
    sets = {
        "split": from_clips(read_dataset(data / "dev"), every),
        "dev_sparse": from_clips(read_dataset(data / "dev_sparse"), max(every // 5, 1)),
        "stills": from_stills(stills, every),
    }
    for title, targets in sets.items():
        click.echo(line(title, [told(runtime, target) for target in targets]))
    ious = cat(runtime)
    click.echo(f"cat ({len(ious)}): IoU {fmean(ious):.3f} after 1 click, {min(ious):.3f} at the least")


if __name__ == "__main__":
    main()
