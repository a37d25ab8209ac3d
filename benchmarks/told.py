"""What the tracker says of each frame, and how right it is: for the fit of the confidence, and for what it is worth.

Tracking takes minutes, so what it gave is kept in a folder outside of the repository, by the weights and by the files
that it depends on: nothing of another tracker is ever taken from there.
"""

import hashlib
import os
import pickle
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np
from edits import OWN, SLOW, dissolve
from edits import film as to_and_fro
from identity import AFTER, BEFORE, BETWEEN, UNTRAINED
from situations import MEETINGS, Meeting, Moment, Shown, roomy, stage, visit, way, with_twin
from walls import Walled

import trackmask.tracking
from trackmask.data import Frame, Masks, ObjectRecord, VideoInfo
from trackmask.evaluation.dataset import Clip, read_dataset
from trackmask.metrics import jaccard
from trackmask.prompts import Prompt
from trackmask.runtime import (
    CALIBRATION,
    CHECKPOINT,
    Calibration,
    OnnxRuntime,
    Runtime,
    fingerprint,
    read_calibration,
    shipped_folder,
)
from trackmask.tracking import Course
from trackmask.tracking.loop import Given, Step
from trackmask.video import VideoReader
from trackmask.video.made import MadeVideo

RATE = Fraction(24)  # frames a second, as DAVIS's


@dataclass(frozen=True)
class Told:
    """One frame behind the prompted one."""

    frame: int
    record: ObjectRecord
    iou: float  # with the truth; 1 where both are empty
    away: bool  # the object, in truth
    cut: bool


class Passes(NamedTuple):
    """What was said after the first pass, and after both."""

    once: list[Told]
    twice: list[Told]


@dataclass(frozen=True)
class Situation:
    """A clip, or one that was made."""

    name: str
    kind: str
    make: Callable[[], list[Moment]]


def film(moments: Sequence[Moment]) -> MadeVideo:
    """Pictures as a video."""
    info = VideoInfo("memory", moments[0].truth.shape, RATE, len(moments), "images")
    return MadeVideo(info, lambda: (Frame(i, float(i / RATE), m.image) for i, m in enumerate(moments)))


class Watched(Course):
    """A course of two passes that also keeps what the first one has said."""

    def __init__(self, reader: VideoReader, runtime: Runtime, prompt: Prompt) -> None:
        super().__init__(reader, runtime, [prompt], twice=True)
        self.once: list[tuple[int, Masks]] = []

    def _first_pass(self, frames: Iterable[Frame], given: Given, done: Callable[[], None]) -> Generator[Step]:
        for frame, masks in super()._first_pass(frames, given, done):
            self.once.append((frame.index, masks))
            yield frame, masks


def tracked(runtime: Runtime, moments: Sequence[Moment]) -> Passes:
    """Tracked from the first moment's mask."""
    prompt = Prompt(1, 0, mask=moments[0].truth)
    with film(moments) as video, Watched(video, runtime, prompt) as course:
        twice = [_told(frame.index, masks, moments[frame.index].truth) for frame, masks in course.steps()]
        once = [_told(index, masks, moments[index].truth) for index, masks in course.once]
        return Passes(once[1:], twice[1:])


def _told(index: int, masks: Masks, truth: np.ndarray) -> Told:
    iou = float(jaccard(masks.labels > 0, truth))
    return Told(index, masks.objects[0], iou, not truth.any(), masks.cut)


def asks(command: Callable[..., None]) -> Callable[..., None]:
    """A command that is asked for the data, weights, cache and jobs of `told`."""
    for option in (
        click.option("--jobs", type=click.IntRange(1), default=2),
        click.option(
            "--cache", type=click.Path(path_type=Path), help="Folder for what was tracked, outside of the repository."
        ),
        click.option(
            "--weights",
            type=click.Path(path_type=Path),
            help=f"Folder of other weights than the shipped ones, whose {CALIBRATION} is taken where there is none.",
        ),
        click.argument("data", type=click.Path(path_type=Path, exists=True, file_okay=False)),
    ):
        command = option(command)
    return command


def calibration_of(weights: Path | None) -> Calibration:
    """What the confidence of some weights, or of the shipped ones, is made by. Held-out weights come without: the
    shipped one was fitted to them."""
    folder = weights or shipped_folder()
    if not (folder / CALIBRATION).exists():
        folder = shipped_folder()
    return read_calibration(folder / CALIBRATION, fingerprint(folder / CHECKPOINT))


def told(situations: Sequence[Situation], weights: Path | None, cache: Path, jobs: int) -> dict[str, Passes]:
    """What is said of each situation's frames, by its name."""
    folder = cache / f"{fingerprint((weights or shipped_folder()) / CHECKPOINT)[:12]}-{made_by()}"
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["OMP_NUM_THREADS"] = "1"
    with ProcessPoolExecutor(jobs) as pool:
        found = pool.map(partial(_kept, weights=weights, folder=folder), situations)
        return {one.name: frames for one, frames in zip(situations, found, strict=True)}


def made_by() -> str:
    """Names the version of all that what is told depends on, beside the weights: the tracker, and the situations."""
    here, tracking = Path(__file__).parent, Path(trackmask.tracking.__file__).parent
    files = [
        *sorted(tracking.glob("*.py")),
        *(here / f"{name}.py" for name in ("told", "situations", "walls", "edits")),
    ]
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:8]


def _kept(situation: Situation, weights: Path | None, folder: Path) -> Passes:
    path = folder / f"{situation.name.replace('/', '-')}.pickle"
    if not path.exists():
        found = tracked(OnnxRuntime(weights, threads=1), situation.make())
        path.with_suffix(".new").write_bytes(pickle.dumps(found))
        path.with_suffix(".new").rename(path)
    return Passes(*pickle.loads(path.read_bytes()))


# --- the situations --------------------------------------------------------------------------------------------------


def for_the_fit(data: Path) -> list[Situation]:
    """Of the training's clips and `tune`, never of the split."""
    clips = {clip.name: clip for clip in read_dataset(data / "train")}
    tune = [clips.pop(name) for name in UNTRAINED]
    trained = list(clips.values())
    found = [plain(clip, every) for clip in tune for every in (1, 4)]
    found += [plain(clip, 4) for clip in trained]
    found += [replace(plain(clip, 8), kind="fast") for clip in (*tune, *trained)]
    found += [walled(clip, 3) for clip in (*tune, *trained[::2])]
    found += meetings(tune, 12) + meetings(trained, 15)
    found += visits(tune, 3, trained) + visits(trained, 4, trained)
    found += dissolves(tune, 3, trained) + dissolves(trained, 4, trained)
    return found + cuts(tune, 6) + cuts(trained, 6)


def of_the_split(data: Path) -> list[Situation]:
    return [plain(clip, every) for clip in read_dataset(data / "dev") for every in (1, 4)]


def with_walls(data: Path) -> list[Situation]:
    return [walled(clip, 2) for clip in read_dataset(data / "dev")]


def of_identity(data: Path) -> list[Situation]:
    """As those of benchmarks/identity.py, made of the split alone: of `tune` the fit has seen such situations."""
    clips = read_dataset(data / "dev")
    twins = [clip for clip in clips if roomy(_without_pictures(clip))]
    return [*meetings(twins, 12), *visits(clips, 4, clips), *cuts(clips, 6)]


def plain(clip: Clip, every: int) -> Situation:
    return Situation(f"{clip.name} {every}", "clips", partial(_shown, clip.thinned(every)))


def walled(clip: Clip, every: int) -> Situation:
    return Situation(f"{clip.name} wall {every}", "walls", partial(_shown, Walled.of(clip.thinned(every))))


def _shown(clip: Clip) -> list[Moment]:
    return Shown.of(clip).moments()


def meetings(clips: Sequence[Clip], count: int) -> list[Situation]:
    """Objects and their twins, in the ways in which `situations.twins` has them."""
    ways = [(clips[number % len(clips)], MEETINGS[way(number)]) for number in range(count)]
    return [
        Situation(f"{clip.name} twin {how.kind} {how.mirrored} {how.side}", "twins", partial(_meeting, clip, how))
        for clip, how in ways
    ]


def visits(clips: Sequence[Clip], count: int, places: Sequence[Clip]) -> list[Situation]:
    """The object leaves, another crosses, the object comes back, each time in another one of the places, as far as
    these have room for it.
    """
    stages = [clip for clip in places if stage(_first(clip)) is not None]
    found = []
    for number in range(count):
        one, other = clips[number % len(clips)], clips[(number + 1) % len(clips)]
        free = [clip for clip in stages if clip.name not in (one.name, other.name)]
        make = partial(_visit, free[number % len(free)], one, other)
        found.append(Situation(f"{one.name} visited by {other.name}", "visits", make))
    return found


def cuts(clips: Sequence[Clip], count: int) -> list[Situation]:
    """A clip, another one, and the clip again, each time farther from each other in the list."""
    pairs = [(i % len(clips), (i + 1 + i // len(clips)) % len(clips)) for i in range(count)]
    return [
        Situation(f"{clips[i].name} cut to {clips[k].name}", "cuts", partial(_cut, clips[i], clips[k]))
        for i, k in pairs
    ]


def dissolves(clips: Sequence[Clip], count: int, others: Sequence[Clip]) -> list[Situation]:
    """A clip that goes over into another one and back, each time half a second long."""
    pairs = [(clips[number % len(clips)], others[(2 * number + 1) % len(others)]) for number in range(count)]
    return [
        Situation(f"{one.name} dissolves into {other.name}", "dissolves", partial(_dissolve, one, other))
        for one, other in pairs
    ]


def _meeting(clip: Clip, how: Meeting) -> list[Moment]:
    return list(with_twin(Shown.of(clip), how))


def _visit(place: Clip, one: Clip, other: Clip) -> list[Moment]:
    empty = stage(_first(place))
    assert empty is not None
    return list(visit(empty, Shown.of(one), Shown.of(other)))


def _cut(one: Clip, other: Clip) -> list[Moment]:
    shown = Shown.of(one)
    own, between = shown.moments(), Shown.of(other).moments(shown.size)
    half = min(len(own) // 2, BEFORE)
    return own[:half] + between[:BETWEEN] + own[half : half + AFTER]


def _dissolve(one: Clip, other: Clip) -> list[Moment]:
    """The object counts as seen while its own picture is the stronger one."""
    shown = Shown.of(one)
    edit = dissolve(shown, Shown.of(other))
    true = [moment.truth for moment in to_and_fro(shown, OWN + 2 * SLOW)[OWN:]]
    going = [replace(m, truth=true[i], away=False) if i < SLOW // 2 else m for i, m in enumerate(edit.mixed)]
    coming = [
        replace(m, truth=true[SLOW + i], away=False) if i >= SLOW // 2 else m for i, m in enumerate(edit.mixed_back)
    ]
    return [*edit.own, *going, *edit.gone, *coming, *edit.back]


def _first(clip: Clip) -> Shown:
    return Shown(clip.name, [next(clip.frames()).image], [clip.truth(0) > 0])


def _without_pictures(clip: Clip) -> Shown:
    return Shown(clip.name, [], [clip.truth(index) > 0 for index in sorted(clip.truths)])
