"""Figures for methods and for mask folders: J, F and J&F as DAVIS defines them, and frames a second."""

import math
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np

from trackmask.data import Labels
from trackmask.errors import DataError
from trackmask.evaluation.baselines import Method
from trackmask.evaluation.dataset import VOID, Clip, folders_in, masks_in, read_labels, read_truth
from trackmask.formats.names import Places
from trackmask.metrics import Statistics, boundary_f, jaccard, statistics
from trackmask.result import FrameFiles, open_result

_Figures = dict[int, list[tuple[float, float]]]  # J and F of each object, by frame

_COLUMNS = ("jf", "j", "j_recall", "j_decay", "f", "f_recall", "f_decay")  # of a table, in its order
_TITLES = ("J&F", "J", "recall", "decay", "F", "recall", "decay", "fps")


@dataclass(frozen=True)
class ClipScore:
    """A clip's figures, each the mean over its objects; shares in [0, 1] (decays in [-1, 1]), not per cent."""

    clip: str
    j: float
    f: float
    jf: float
    j_recall: float
    j_decay: float
    f_recall: float
    f_decay: float
    frame_j: dict[int, float]  # J of each scored frame, by its index
    frames: int = 0  # that were timed
    fps: float | None = None  # frames a second, None where nothing was timed
    without_truth: tuple[int, ...] = ()  # ids in the masks that the truth does not have: they count for nothing
    never_given: tuple[int, ...] = ()  # ids in the truth that no mask has


def score_clip(predictions: Iterable[Labels], clip: Clip) -> ClipScore:
    """The score of one (H, W) uint8 label map a frame, taken one by one; first and last frame are left out.

    Only frames with truth count. The ids must be the truth's: `without_truth` and `never_given` tell of others. But
    where the truth knows one object, and no mask has its id, every nonzero id is that object: a method without a prompt
    cannot know it.
    DataError where there are fewer label maps than frames, one has another size than its truth, or none can be scored.
    """
    ids, given = clip.ids(), set[int]()
    named, merged = _Figures(), _Figures()  # by the ids, and with every id for the only object
    for index, prediction in _inner(predictions, clip):
        if index in clip.truths:
            truth = clip.truth(index)
            _check_size(prediction, truth, clip, index)
            here = set(np.unique(prediction).tolist()) - {0}
            given |= here
            named[index] = [_agreement(prediction == one, truth, one) for one in ids]
            one_alone = len(ids) == 1 and here - set(ids)
            merged[index] = [_agreement(prediction > 0, truth, ids[0])] if one_alone else named[index]
    if not named:
        raise DataError(f"the clip {clip.name} has no truth between its first and last frame; leave it out")
    if len(ids) == 1 and ids[0] not in given:
        return _score(clip.name, merged)
    strange, missed = tuple(sorted(given - set(ids))), tuple(sorted(set(ids) - given))
    return replace(_score(clip.name, named), without_truth=strange, never_given=missed)


def evaluate(method: Method, clips: Iterable[Clip], prompt: str) -> Iterator[ClipScore]:
    """The score of each clip as soon as it is done, with the frames a second that the method gave.

    Only the time inside the method counts, not the scoring; where the method decodes the frames as it goes, as most
    do, that is in it. Raises what the method and `score_clip` raise.
    """
    for clip in clips:
        watch = _Stopwatch()
        score = score_clip(watch.over(method(clip, prompt)), clip)
        yield replace(score, frames=watch.items, fps=watch.items / watch.seconds)


def score_folder(predictions: Path, truth: Path) -> list[ClipScore]:
    """The scores of masks that any tool wrote; folders, and what is raised, as in `pair_folders`."""
    method, clips = pair_folders(predictions, truth)
    return [score_clip(method(clip, "mask"), clip) for clip in clips]


def pair_folders(predictions: Path, truth: Path) -> tuple[Method, list[Clip]]:
    """The clips of `truth` (as `read_truth` knows it), and a method that reads their masks from `predictions`.

    That is a folder of CLIP/NAME.png, NAME as in the truth, or of trackmask's results; or one clip's masks, or one
    result: then only the clip of that name, or the only one. DataError where masks of a clip or frame are missing.
    """
    clips = read_truth(truth)
    own = _inside(predictions)
    if masks_in(own):
        clips = clips if len(clips) == 1 else [clip for clip in clips if _belongs(predictions, clip)]
        sources = {clip.name: own for clip in clips}
    else:
        sources = {clip.name: _source(predictions, clip) for clip in clips}
    if not clips:
        raise DataError(f"no truth in {truth} is of the clip {predictions.name}; give the folder of its truth masks")
    return lambda clip, prompt: _read_masks(sources[clip.name], clip), clips


def mean(scores: Sequence[ClipScore]) -> ClipScore:
    """The mean over clips, each counting the same; frames a second over all frames and all time. At least one score."""
    values: dict[str, Any] = {name: fmean(getattr(score, name) for score in scores) for name in _COLUMNS}
    frames = sum(score.frames for score in scores)
    seconds = sum(score.frames / score.fps if score.fps else math.inf for score in scores)
    fps = frames / seconds if math.isfinite(seconds) else None
    return ClipScore("mean", **values, frame_j={}, frames=frames, fps=fps)


def table(scores: Sequence[ClipScore]) -> str:
    """The scores as lines of text, in per cent, the mean last; at least one score. No rates where nothing was timed."""
    timed = any(score.fps is not None for score in scores)
    rows = [("clip", *_TITLES), *(_row(score) for score in [*scores, mean(scores)])]
    rows = rows if timed else [row[:-1] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    form = "  ".join([f"{{:{widths[0]}}}", *(f"{{:>{width}}}" for width in widths[1:])])
    lines = [form.format(*row) for row in rows]
    return "\n".join([*lines[:-1], "-" * len(lines[0]), lines[-1]])


def remarks(scores: Iterable[ClipScore]) -> Iterator[str]:
    """A sentence for each clip whose masks and truth do not have the same objects."""
    for score in scores:
        if score.without_truth:
            ids = ", ".join(map(str, score.without_truth))
            yield f"{score.clip}: the truth does not have the masks' object {ids}, which counts for nothing"
        if score.never_given:
            ids = ", ".join(map(str, score.never_given))
            yield f"{score.clip}: no mask has the truth's object {ids}"


def as_json(scores: Sequence[ClipScore]) -> dict:
    """{"clips": [a score's fields, ...], "mean": the mean's}; shares in [0, 1], rounded to 4 decimals. No rates where
    nothing was timed.
    """
    return {"clips": [_rounded(score) for score in scores], "mean": _rounded(mean(scores))}


class _Stopwatch:
    """How long an iterator takes to give its items, and how many it gave."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.items = 0

    def over(self, labels: Iterator[Labels]) -> Iterator[Labels]:
        while True:
            start = time.perf_counter()
            item = next(labels, None)
            self.seconds += time.perf_counter() - start
            if item is None:
                return
            self.items += 1
            yield item


def _inner(predictions: Iterable[Labels], clip: Clip) -> Iterator[tuple[int, Labels]]:
    """All but the first and the last, by index. One is held back, since a film's length is known only at its end."""
    count, held = 0, np.empty((0, 0), np.uint8)
    for count, labels in enumerate(predictions, 1):
        if count > 2:
            yield count - 2, held
        held = labels
    if count < len(clip):
        raise DataError(f"the clip {clip.name} has {len(clip)} frames, but {count} masks were made; make the others")


def _check_size(prediction: Labels, truth: Labels, clip: Clip, index: int) -> None:
    if prediction.shape != truth.shape:
        sizes = [f"{labels.shape[1]}x{labels.shape[0]}" for labels in (prediction, truth)]
        raise DataError(f"the mask of frame {index} of {clip.name} is {sizes[0]}, its truth {sizes[1]}; use one")


def _agreement(prediction: np.ndarray, truth: Labels, object_id: int) -> tuple[float, float]:
    """J and F of an object, its (H, W) bool mask less the void."""
    ours, theirs = prediction & (truth != VOID), truth == object_id
    return jaccard(ours, theirs), boundary_f(ours, theirs)


def _score(name: str, figures: _Figures) -> ClipScore:
    """Statistics of each object over the frames, then the mean over the objects."""
    j, f = (_over_objects([[pair[which] for pair in row] for row in figures.values()]) for which in (0, 1))
    by_frame = {index: fmean(j for j, _ in row) for index, row in figures.items()}
    return ClipScore(name, j.mean, f.mean, (j.mean + f.mean) / 2, j.recall, j.decay, f.recall, f.decay, by_frame)


def _over_objects(rows: list[list[float]]) -> Statistics:
    """`rows` holds a row a frame, in it a value an object."""
    objects = [statistics(values) for values in zip(*rows, strict=True)]
    return Statistics(*(fmean(values) for values in zip(*objects, strict=True)))


def _read_masks(source: Path, clip: Clip) -> Iterator[Labels]:
    """Frames that are not scored may be missing: those without truth, and the ends (many tools leave the given out)."""
    empty = np.zeros_like(clip.truth(min(clip.truths)))
    names = _names(source, clip)
    for index in range(len(clip)):
        name = names.get(index)
        if name and (source / name).is_file():
            yield read_labels(source / name)
        elif name and 0 < index < len(clip) - 1:
            raise DataError(f"the clip {clip.name} has no mask {name} in {source}; make it, empty if need be")
        else:
            yield empty


def _names(source: Path, clip: Clip) -> dict[int, str]:
    """What the masks of the frames with truth are called. A result tells; other tools name masks as the pictures."""
    stems = {index: truth.stem for index, truth in clip.truths.items()}
    files, places, numbered = FrameFiles(), Places(()), bool(clip.images) and source.name == "masks"
    if source.name == "masks" and (source.parent / "result.json").is_file():
        result = open_result(source.parent)
        files, places, numbered = result.files, Places(result.source.names), numbered and result.files.by == "number"
    elif numbered:  # a result's masks alone: by number where all of those are there
        numbered = all((source / files.name(index)).is_file() for index in stems if 0 < index < len(clip) - 1)
    frames = {index: places.of(stem) for index, stem in stems.items()}
    frames = {index: index if numbered and frame is None else frame for index, frame in frames.items()}
    return {i: f"{stems[i]}.png" if frame is None else files.name(frame) for i, frame in frames.items()}


def _source(folder: Path, clip: Clip) -> Path:
    for child in folders_in(folder):
        if _belongs(child, clip):
            return _inside(child)
    raise DataError(f"there are no masks of the clip {clip.name} in {folder}; put them into {folder / clip.name}")


def _belongs(folder: Path, clip: Clip) -> bool:
    """Its name is CLIP, or that of a result: CLIP.trackmask, CLIP.mp4.trackmask."""
    path = Path(folder.name)
    return clip.name == folder.name or (path.suffix == ".trackmask" and clip.name in (path.stem, Path(path.stem).stem))


def _inside(folder: Path) -> Path:
    """A result keeps its masks in a folder of that name."""
    return folder / "masks" if (folder / "masks").is_dir() else folder


def _row(score: ClipScore) -> tuple[str, ...]:
    shares = (f"{100 * getattr(score, name):z.1f}" for name in _COLUMNS)
    return score.clip, *shares, "-" if score.fps is None else f"{score.fps:.1f}"


def _rounded(score: ClipScore) -> dict:
    figures = {name: _plain(value) for name, value in asdict(score).items()}
    for name in () if score.fps is not None else ("frames", "fps"):
        del figures[name]
    return figures | {"frame_j": {str(index): _plain(value) for index, value in score.frame_j.items()}}


def _plain(value: object) -> object:
    """As JSON has it: 4 decimals, and no -0.0."""
    if isinstance(value, float):
        return round(value, 4) + 0.0
    return list(value) if isinstance(value, tuple) else value
