"""A result as the formats see it: the chosen frames with the chosen objects, one at a time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np

from trackmask.data import Image, Labels, ObjectRecord, box_of
from trackmask.errors import CallError, ResultError, VideoError
from trackmask.export.options import Options
from trackmask.files import plain_name
from trackmask.formats.names import stems_of
from trackmask.result import SOFT, FrameRecord, ObjectInfo, Result, Source, called, open_result, source_video
from trackmask.video import open_video

_SEAM = np.ones((9, 9), np.uint8)  # pixels: how far from where two objects touch their shares may leave a valley


@dataclass(frozen=True, eq=False)
class Shown:
    """An object in a frame where it has a mask."""

    info: ObjectInfo
    record: ObjectRecord
    mask: np.ndarray  # (H, W) bool
    box: tuple[int, int, int, int]  # x, y, w, h of the mask
    area: int  # pixels


@dataclass(frozen=True, eq=False)
class Sample:
    """A frame that is exported."""

    place: int  # 0, 1, 2 ... among the exported frames of the clip
    index: int  # in the whole video
    name: str  # of its files, without their kind: the picture's in a folder, else its number, 00057
    time: float  # seconds
    known: tuple[tuple[ObjectInfo, ObjectRecord], ...]  # all asked objects that have a record, in order of id
    shown: tuple[tuple[ObjectInfo, ObjectRecord], ...]  # of these, the ones with a mask here
    labels: Labels  # of the shown objects only
    result: Result
    until: float | None = None  # seconds: when the frame has been shown in the video; None where that was not read
    last: bool = False  # the video has no frame behind it

    def objects(self) -> Iterator[Shown]:
        """One after the other, so that the full-size masks of many objects never stand side by side."""
        for info, record in self.shown:
            mask = self.labels == info.id
            box = box_of(mask)
            if box is not None:
                yield Shown(info, record, mask, box, int(mask.sum()))

    def alpha(self) -> np.ndarray:
        """(H, W) uint8, 255 = object: with soft edges where the run kept them, else hard."""
        if not (self.result.folder / SOFT).is_dir():
            return np.where(self.labels, 255, 0).astype(np.uint8)
        shares = np.zeros(self.labels.shape, np.uint16)
        for info, _ in self.shown:
            shares += self.result.soft(info.id, self.index)
        return _whole(np.minimum(shares, 255).astype(np.uint8), self.labels)


@dataclass(frozen=True)
class ExportClip:
    """One result folder. It holds what is the same for all frames; those are read when they are asked for."""

    name: str  # of files and folders: unique in an export
    folder: Path
    source: Source
    objects: tuple[ObjectInfo, ...]
    options: Options
    split: str = ""

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return self.source.size

    @cached_property
    def stems(self) -> tuple[str, ...]:
        """What the frames are called after a folder's pictures; none for a film, whose frames are called by number."""
        return stems_of(self.source.names)

    @property
    def fps(self) -> Fraction:
        """Of the exported frames."""
        return min(self.options.fps or self.source.fps, self.source.fps) / self.options.every

    @cached_property
    def video(self) -> Path:
        """The file, or folder, that was tracked. Raises VideoError where it is not there or another one."""
        return source_video(self.source, self.options.video)

    @cached_property
    def aspect(self) -> Fraction:
        """Of a pixel of the video: its width by its height."""
        with open_video(self.video) as reader:
            return reader.info.aspect

    def samples(self) -> Iterator[Sample]:
        """The chosen frames. Raises ResultError where masks are missing or damaged."""
        result = open_result(self.folder)
        wanted = chosen(result.frames.times, self.options)
        next_one = next(wanted, None)
        place = 0
        for at, frame in enumerate(result.frames):
            if at == next_one:
                yield self._sample(result, place, frame)
                next_one, place = next(wanted, None), place + 1

    def pictures(self) -> Iterator[tuple[Sample, Image]]:
        """The chosen frames with their images. Raises VideoError where the video has changed or lacks frames."""
        samples = self.samples()
        first = next(samples)
        wanted: Sample | None = first
        end = open_result(self.folder).frames[-1].index
        held: tuple[Sample, Image] | None = None
        with open_video(self.video) as reader:
            for frame in reader.frames(first.index):
                if wanted is not None and frame.index == wanted.index:
                    if held is not None:
                        yield held
                    held, wanted = (wanted, frame.image), next(samples, None)
                if wanted is None and held is not None:
                    # With --every, the last chosen frame stays until the last one that was tracked is over.
                    held = replace(held[0], until=frame.until, last=frame.last), held[1]
                    if frame.index >= end:
                        break  # before the reader tells of damage behind it
        if wanted is not None:
            raise VideoError(
                f"{self.video} ends before frame {wanted.index}, which has a mask; give a whole copy with --video"
            )
        if held is not None:
            yield held

    def _sample(self, result: Result, place: int, frame: FrameRecord) -> Sample:
        labels = result.masks(frame.index)
        counts = np.bincount(labels.ravel(), minlength=256)
        infos = {info.id: info for info in self.objects}
        known = tuple((infos[record.id], record) for record in frame.objects if record.id in infos)
        least = max(self.options.min_area, 1)
        shown = tuple(pair for pair in known if pair[1].state in self.options.states and counts[pair[0].id] >= least)
        kept = np.zeros(256, np.uint8)
        for info, _ in shown:
            kept[info.id] = info.id
        name = self.stems[frame.index] if frame.index < len(self.stems) else f"{frame.index:05d}"
        return Sample(place, frame.index, name, frame.time, known, shown, kept[labels], result)


def _whole(alpha: np.ndarray, labels: Labels) -> np.ndarray:
    """(H, W) uint8 without the line along which two objects touch: there the doubt is whose a pixel is, not whether it
    is anybody's, and shares that do not add up to one leave a valley between them.
    """
    least = 255 - cv2.dilate(np.where(labels, 255 - labels, 0).astype(np.uint8), _SEAM)  # ids near each pixel
    touching = (cv2.dilate(labels, _SEAM) != least) & (least < 255)
    closed = cv2.morphologyEx(alpha, cv2.MORPH_CLOSE, _SEAM)
    return np.where(touching, closed, alpha)


def open_clips(folders: tuple[Path, ...], options: Options, *, partial: bool = False) -> tuple[ExportClip, ...]:
    """The clips of result folders, named after their videos.

    Raises ResultError where one is none; CallError where one is not complete (unless `partial`), is given twice, has
    none of the asked objects, or where `options.video` would have to serve for several.
    """
    if options.video is not None and len(folders) > 1:
        raise CallError("--video says where one video is, but there are several results; export them one by one")
    clips: list[ExportClip] = []
    taken: set[str] = set()
    for folder in folders:
        result = open_result(folder)
        if not (result.complete or partial):
            raise CallError(f"{folder} is not complete ({result.reason}); track it again, or say --partial")
        if any(folder.resolve() == clip.folder.resolve() for clip in clips):
            raise CallError(f"{folder} is given twice; give each result once")
        if not result.frames:
            raise ResultError(f"{folder} has no frames; track the video again")
        name = _unique(plain_name(Path(result.source.name).stem), taken)
        clips.append(ExportClip(name, folder, result.source, _asked(result, options.objects), options))
    return tuple(clips)


def chosen(times: Sequence[float], options: Options) -> Iterator[int]:
    """The places of the frames that --every or --fps leaves; the first one always. `times` are theirs, in seconds."""
    if options.fps is None:
        yield from range(0, len(times), options.every)
        return
    step, due = float(1 / options.fps), 0.0
    for place, time in enumerate(times):
        since = time - times[0]
        if since >= due - 1e-4:  # containers round times
            yield place
            due = (since + 1e-4) // step * step + step


def _asked(result: Result, names: tuple[str, ...]) -> tuple[ObjectInfo, ...]:
    asked = {info for name in names for info in called(result, name)}
    return tuple(info for info in result.objects if not names or info in asked)


def _unique(name: str, taken: set[str]) -> str:
    """`name`, or name-2 and so on where it is taken; systems that ignore upper and lower case are thought of."""
    free, number = name, 2
    while free.casefold() in taken:
        free, number = f"{name}-{number}", number + 1
    taken.add(free.casefold())
    return free
