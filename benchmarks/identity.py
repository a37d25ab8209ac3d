"""Whose mask is it? Cuts to other scenes and back, somebody else who comes in, and twins.

    python benchmarks/identity.py DATA [--part cuts|enter|edits|twins] [--quick] [--rows] [--fast]
        [--weights FOLDER]

DATA holds data sets in DAVIS's layout: `dev`, `dev_sparse` and `train`, and of the last one only the clips that no
training sees. The first mask is given.

cuts    Each clip with a mask for every frame, cut to every other clip, and back. A mask there that is neither empty nor
        uncertain is foreign. Found again: within 5 frames behind the cut back, and until the end, the mean J is at
        most 0.05 below what the clip gets without the cuts.
enter   The object leaves, another crosses the stage, the object comes back. Foreign, as above, while it is away; found
        again from half of its size on, within 5 frames (J above 0.5).
edits   Fades, dissolves, a camera that is swung or covered, flashes, black frames, a window on a screen, closer and
        wider shots of the same object. Foreign, as above; found again: J above 0.5 from 5 frames on.
twins   The object's own cut-out from another time of the clip crosses before it, behind it, or touches it; mirrored
        half of the time. On the twin: the mask has more in common with it. Kept: J above 0.6 in the last quarter.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from statistics import fmean

import click
import numpy as np
from edits import all_edits
from situations import Moment, Shown, film, stage, twins, visit

from trackmask.data import Masks, State
from trackmask.evaluation.dataset import read_dataset
from trackmask.metrics import jaccard
from trackmask.prompts import Prompt
from trackmask.runtime import OnnxRuntime, Runtime
from trackmask.tracking import Course

PARTS = ("cuts", "enter", "edits", "twins")
UNTRAINED = ("hockey", "lucia", "mallard-water")  # of the training clips: those that choose settings
BEFORE, BETWEEN, AFTER = 30, 20, 10  # frames of the clip, of the other one, and of the clip again
SOON = 5  # frames in which it must be found again
NEAR = 0.05  # of J: as good as without a cut
KEPT = 0.6  # J: a mask on both twins, if they are of one size, has half
HALF = 0.5  # of the object is seen; of J: the mask is the object's
TWINS = 30  # situations
QUICK = 8  # every so many-th situation


@dataclass(frozen=True)
class Said:
    """What the tracker says in one frame, and how right it is."""

    j: float  # with what is seen of the object
    other: float  # with what it may be taken for
    empty: bool
    sure: bool  # a mask that is not uncertain
    confidence: float
    away: bool  # the object, in truth
    share: float  # of the object's first area that is seen


@dataclass(frozen=True)
class Asking:
    """What is asked."""

    runtime: Runtime
    fast: bool = False  # one pass, not two

    def said(self, moments: Sequence[Moment]) -> list[Said]:
        """The answer to each moment, the first one's mask given."""
        first = moments[0].truth
        with (
            film([moment.image for moment in moments]) as video,
            Course(video, self.runtime, [Prompt(1, 0, mask=first)], twice=not self.fast) as course,
        ):
            steps = zip(course.steps(), moments, strict=True)
            return [answer(masks, moment, np.count_nonzero(first)) for (_, masks), moment in steps]


def answer(masks: Masks, moment: Moment, whole: int) -> Said:
    """`whole`: pixels of the mask that was given."""
    mask, (record,) = masks.labels > 0, masks.objects
    return Said(
        jaccard(mask, moment.truth),
        jaccard(mask, moment.other),
        not mask.any(),
        record.state == State.TRACKED,
        record.confidence,
        moment.away,
        np.count_nonzero(moment.truth) / whole,
    )


# --- the parts -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """The figures of one situation; counts are of frames."""

    name: str
    foreign: int = 0
    away: int = 0  # frames in which every mask is foreign
    confidence: float = 0.0  # summed over the foreign
    found: bool = False  # again; of twins: kept
    j: float = 0.0  # mean

    def line(self) -> str:
        back = "found again" if self.found else "not found again"
        return f"{self.name}: foreign {self.foreign} of {self.away}, {back}, J {self.j:.2f}"


def foreign(frames: Sequence[Said]) -> tuple[int, int, float]:
    """Of frames without the object: how many have a mask that is sure of itself, how many there are, and how sure."""
    wrong = [frame.confidence for frame in frames if not frame.empty and frame.sure]
    return len(wrong), len(frames), sum(wrong)


def cuts(ask: Asking, clips: Sequence[Shown], others: Sequence[Shown], every: int) -> Iterator[Row]:
    """Each clip, cut to each of the others and back."""
    number = -1
    for shown in clips:
        moments = shown.moments()
        half = min(len(shown) // 2, BEFORE)
        own, rest = moments[:half], moments[half : half + AFTER]
        uncut = ask.said([*own, *rest])[half:]
        for other in (*clips, *others):
            number += other is not shown
            if other is shown or number % every:
                continue
            between = other.moments(shown.size)[:BETWEEN]
            found = ask.said([*own, *between, *rest])[half:]
            behind, back = found[: len(between)], found[len(between) :]
            j, was = (fmean(frame.j for frame in frames[SOON:] or frames[-1:]) for frames in (back, uncut))
            yield Row(f"{shown.name} to {other.name}", *foreign(behind), j >= was - NEAR, j)


def enter(ask: Asking, clips: Sequence[Shown], every: int) -> Iterator[Row]:
    """Each clip's object leaves, each of two other clips' objects enters."""
    stages = [(shown.name, place) for shown in clips if (place := stage(shown)) is not None]
    for number in range(0, 2 * len(clips), every):
        one = clips[number % len(clips)]
        other = clips[(number % len(clips) + 1 + number // len(clips)) % len(clips)]
        free = [place for name, place in stages if name not in (one.name, other.name)]
        frames = ask.said(list(visit(free[number % len(free)], one, other)))[1:]
        back = max(i for i, frame in enumerate(frames) if frame.away) + 1
        gone = [frame for frame in frames[:back] if frame.away][1:]  # in the first one it may not be sure yet
        again = [frame for frame in frames[back:] if frame.share > HALF][SOON:]
        found, j = all(frame.j > HALF for frame in again), fmean(frame.j for frame in again)
        yield Row(f"{one.name}, then {other.name}", *foreign(gone), found, j)


def edit(ask: Asking, clips: Sequence[Shown], every: int) -> Iterator[Row]:
    """What is no plain cut; every other clip, since the kinds are many."""
    for maker, name, one in islice(all_edits(clips[::2]), 0, None, every):
        found = ask.said([*one.own, *one.mixed, *one.gone, *one.mixed_back, *one.back])
        begin = len(one.own) + len(one.mixed)
        gone, back = found[begin : begin + len(one.gone)], found[-len(one.back) :][SOON:]
        j = fmean(frame.j for frame in back)
        yield Row(f"{maker.__name__}: {name}", *foreign(gone), j > HALF, j)


def meet(ask: Asking, clips: Sequence[Shown], every: int) -> Iterator[Row]:
    """Objects and their twins."""
    for name, moments in islice(twins(clips, TWINS), 0, None, every):
        frames = ask.said(list(moments))[1:]
        wrong = [frame.sure and frame.other > frame.j for frame in frames]
        sure = sum(frame.confidence for frame, on in zip(frames, wrong, strict=True) if on)
        kept = fmean(frame.j for frame in frames[-len(frames) // 4 :]) > KEPT
        yield Row(name, sum(wrong), len(frames), sure, kept, fmean(frame.j for frame in frames))


# --- what is printed -----------------------------------------------------------------------------------------------


def summary(part: str, rows: Sequence[Row]) -> str:
    """One line on a part."""
    wrong, away = sum(row.foreign for row in rows), sum(row.away for row in rows)
    sure = sum(row.confidence for row in rows) / wrong if wrong else 0
    spoiled = sum(2 * row.foreign > row.away for row in rows)
    found, j = sum(row.found for row in rows), fmean(row.j for row in rows)
    share = f"{100 * wrong / max(away, 1):.1f} % of {away} frames"
    share += f" ({sure:.2f} sure; most frames in {spoiled} of {len(rows)})"
    if part == "twins":
        return f"twins: on the twin in {share}; kept to the end {found} of {len(rows)}; J {100 * j:.1f}"
    return f"{part}: foreign masks in {share}; found again {found} of {len(rows)}, J then {100 * j:.1f}"


def shown(folder: Path, names: Sequence[str] = ()) -> list[Shown]:
    """The clips of a data set, or those of these names that it has."""
    return [Shown.of(clip) for clip in read_dataset(folder) if not names or clip.name in names]


@click.command(help=__doc__)
@click.argument("data", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--part", "parts", type=click.Choice(PARTS), multiple=True, help="Only this part; may be said again.")
@click.option("--quick", is_flag=True, help=f"Only every {QUICK}th situation.")
@click.option("--rows", is_flag=True, help="Print every situation.")
@click.option("--weights", type=click.Path(path_type=Path), help="Folder of other weights than the shipped ones.")
@click.option("--fast", is_flag=True, help="One pass, not two.")
@click.option("--threads", type=click.IntRange(0), default=0, help="Of the network. [as many as there are cores]")
def main(
    data: Path, parts: tuple[str, ...], quick: bool, rows: bool, weights: Path | None, fast: bool, threads: int
) -> None:
    ask, every = Asking(OnnxRuntime(weights, threads), fast), QUICK if quick else 1
    clips = shown(data / "dev") + shown(data / "train", UNTRAINED)
    for part in parts or PARTS:
        if part == "cuts":
            found = cuts(ask, clips, shown(data / "dev_sparse"), every)
        else:
            found = {"enter": enter, "edits": edit, "twins": meet}[part](ask, clips, every)
        kept = []
        for row in found:
            kept.append(row)
            if rows:
                click.echo(row.line())
        kinds = dict.fromkeys(row.name.split(":")[0] for row in kept) if part == "edits" else [""]
        for kind in kinds:
            click.echo(summary(kind or part, [row for row in kept if row.name.startswith(kind)]))


if __name__ == "__main__":
    main()
