"""A result folder, written and read. What lies where in it says layout.py.

Nothing in result.json depends on the run: the same video and prompts give the same bytes.
"""

import logging
import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self, cast

import numpy as np

from trackmask import __version__
from trackmask.data import SURE, Frame, Labels, Masks, ObjectRecord, Patch, measured
from trackmask.draw import STYLES, Style
from trackmask.errors import CallError, ResultError, VideoError
from trackmask.files import brief, shown, writing
from trackmask.formats.pictures import read_picture
from trackmask.formats.png import write_grey, write_labels
from trackmask.result.atomic import StagedFolder, settle
from trackmask.result.document import SCHEMA, Frames, changed, document, read_document
from trackmask.result.layout import EDITS, HISTORY, JSON, MASKS, SOFT, FrameFiles
from trackmask.result.overwriting import check_free
from trackmask.result.records import (
    FrameRecord,
    ObjectInfo,
    Shot,
    Source,
    Spool,
    prompted,
    shots,
    way_from,
    way_to,
)
from trackmask.result.review import Range, review
from trackmask.video.reader import check_pixels

_SPOOL = "records.spool"  # there while the folder is being filled
_QUOTED = 300  # characters of what a damaged result.json says
_APART = 10  # frames: neighbours of an unsure frame are unsure as well, and tell nothing more

log = logging.getLogger(__name__)

_DAMAGED = (KeyError, TypeError, ValueError, AttributeError, OverflowError, ZeroDivisionError)


class ResultWriter:
    """Fills a result folder out of sight; `finish` gives it its name, and without that nothing remains.

    Entering raises OutputExistsError where `folder` exists (with `overwrite`: where it holds anything but a result)
    or another run is writing it, OutputError where it cannot be written; all methods raise OutputError as well.
    """

    def __init__(
        self,
        folder: Path,
        *,
        overwrite: bool = False,
        soft: bool = False,
        discard: bool = False,
        files: FrameFiles = FrameFiles(),
    ) -> None:
        """`soft`: keep the objects' probabilities, too; `discard`: overwrite a result with a person's corrections;
        `files`: what the frames' files are called.
        """
        self._staged = StagedFolder(folder, lambda target: check_free(target, overwrite=overwrite, discard=discard))
        self._soft = soft
        self._files = files
        self._cuts: set[int] = set()  # first frames of shots

    @property
    def folder(self) -> Path:
        """The hidden folder, while it is being filled."""
        return self._staged.path

    def __enter__(self) -> Self:
        self._staged.__enter__()
        try:
            with writing(self._staged.target):
                (self.folder / MASKS).mkdir(exist_ok=True)
                self._spool = Spool(self.folder / _SPOOL)
        except BaseException:
            self._staged.__exit__()
            raise
        return self

    def __exit__(self, *raised: object) -> None:
        with suppress(OSError):  # a full disk refuses the rest of the spool: it goes away all the same
            self._spool.close()
        self._staged.__exit__()

    def write(self, frame: Frame, masks: Masks) -> None:
        """Add a frame, in any order of frames; written again, it takes the place of its first version."""
        with writing(self._staged.target):
            if frame.index in self._spool:
                for record in self._spool.record(frame.index).objects:
                    (self.folder / self._files.soft(record.id, frame.index)).unlink(missing_ok=True)
            self._put(frame, masks, [record.id for record in masks.objects])
        if masks.cut:
            self._cuts.add(frame.index)

    def adopt(self, frames: Iterable[FrameRecord], shots: Sequence[Shot], files: FrameFiles = FrameFiles()) -> None:
        """Take over the shots, and the records of frames whose `files` are in `folder` already."""
        self._cuts, self._files = {shot.first for shot in shots[1:]}, files
        with writing(self._staged.target):
            for frame in frames:
                self._spool.add(frame.index, frame.time, frame.objects)

    def replace(self, frame: Frame, record: ObjectRecord, patch: Patch | None, *, given: bool = False) -> None:
        """Put a new version of one object into a frame that was written before. Other objects keep their places, unless
        it is what a person has `given` there.
        """
        with writing(self._staged.target):
            labels = self.labels(frame.index)
            labels[labels == record.id] = 0
            patches = {record.id: patch} if patch else {}
            new = Masks(labels, (), patches).soft(record.id) > SURE
            np.copyto(labels, record.id, where=new if given else new & (labels == 0))
            others = self._spool.record(frame.index).objects
            objects = {other.id: measured(other, labels) if given else other for other in others}
            objects[record.id] = measured(record, labels)
            masks = Masks(labels, tuple(objects[id_] for id_ in sorted(objects)), patches)
            self._put(frame, masks, [record.id])

    def _put(self, frame: Frame, masks: Masks, new: Iterable[int]) -> None:
        write_labels(self.folder / self._files.mask(frame.index), masks.labels)
        for object_id in new if self._soft else ():
            path = self.folder / self._files.soft(object_id, frame.index)
            path.parent.mkdir(parents=True, exist_ok=True)
            write_grey(path, masks.soft(object_id))
        self._spool.add(frame.index, frame.time, masks.objects)

    def labels(self, index: int) -> Labels:
        """A frame's masks that were written before, (H, W) uint8."""
        return np.array(read_picture(self.folder / self._files.mask(index), ResultError))

    def finish(
        self,
        *,
        source: Source,
        prompts: Sequence[Mapping[str, Any]],
        objects: Sequence[ObjectInfo],
        weights_sha256: str,
        weights_folder: Path | None = None,
        ran: Mapping[str, str] | None = None,
        style: str | None = None,
        complete: bool = True,
        reason: str | None = None,
    ) -> Path:
        """Write result.json, the last file of all, and move the folder into its place, which is returned.

        `reason` is one sentence on why the result is not complete. `prompts` are the user's, as `Prompt.as_json` has
        them. `ran`: sha256 of each file of weights that ran, by name. `weights_folder`: where the weights lie, None for
        those that ship with trackmask. `style`: the overlay's, None without one. The last two are for corrections,
        which track and draw as the run did.
        """
        head: dict[str, Any] = {
            "schema": SCHEMA,
            "tool": f"trackmask {__version__}",
            "weights": weights_sha256,
            "ran": dict(ran or {}),
            "weights_folder": None if weights_folder is None else way_to(weights_folder, self._staged.target),
            "overlay": style,
            "complete": complete,
            "reason": reason,
            "mask_names": self._files.by,
            "source": source.as_json(self._staged.target),
            "prompts": list(prompts),
            "objects": [asdict(item) for item in objects],
            "shots": [asdict(shot) for shot in shots(self._spool.indices(), self._cuts)],
        }
        ranges = (item.as_json() for item in review(self._spool.records(), prompted(prompts), self._cuts))
        with writing(self._staged.target):
            with (self.folder / JSON).open("w", encoding="ascii", newline="\n") as file:
                file.writelines(document(head, self._spool, ranges))
                file.flush()
                os.fsync(file.fileno())
            self._spool.close()
            (self.folder / _SPOOL).unlink()
        self._staged.publish()
        log.info("wrote %s: %d prompts, %d objects", self._staged.target, len(prompts), len(objects))
        return self._staged.target


@dataclass(frozen=True, eq=False)
class Result:
    """A result folder that was read. Ask `open_result` for one."""

    folder: Path
    version: tuple[int, int] | None  # of the folder: a correction puts another one in its place
    tool: str  # "trackmask 0.1.0"
    weights: str  # sha256
    weights_folder: Path | None  # where they lay; None for those that ship with trackmask
    ran: Mapping[str, str]  # sha256 of each file of weights that ran, by name
    style: Style | None  # of the overlay; None where there is none
    complete: bool
    reason: str | None  # why it is not complete
    source: Source  # its path leads to where the video stood; it may have moved since
    files: FrameFiles  # of each frame
    prompts: tuple[Mapping[str, Any], ...]  # as given
    objects: tuple[ObjectInfo, ...]
    shots: tuple[Shot, ...]  # in order; none where they were not looked for, before schema 2
    frames: Frames  # in order, read from the disk; those outside of --start and --end are not there
    review: tuple[Range, ...]  # worst first

    @property
    def cuts(self) -> tuple[int, ...]:
        """The first frame of each shot but the first one."""
        return tuple(shot.first for shot in self.shots[1:])

    def masks(self, index: int) -> Labels:
        """(H, W) uint8, the ids in frame `index`. Raises ResultError where they are missing or damaged."""
        return self._read(self.folder / self.files.mask(index), "P")

    def soft(self, object_id: int, index: int) -> np.ndarray:
        """(H, W) uint8, an object's probability in frame `index`, 255 = certain. Raises ResultError, as `masks`."""
        if not (self.folder / SOFT).is_dir():
            raise ResultError(f"{self.folder} has no soft masks; track the video again with --soft")
        return self._read(self.folder / self.files.soft(object_id, index), "L")

    def look_first(self, count: int) -> list[int]:
        """At most `count` frames of the review list to look at, and to correct, first: never two neighbours, and none
        where nothing is listed."""
        chosen: list[int] = []
        for item in self.review:
            if len(chosen) < count and all(abs(item.frame - other) >= _APART for other in chosen):
                chosen.append(item.frame)
        return chosen

    def _read(self, path: Path, mode: str) -> np.ndarray:
        try:
            picture = read_picture(path, ResultError, links=False)
        finally:
            if _version(self.folder) != self.version:  # the folder that was read may be the new one by now
                raise changed(self.folder)
        values = np.asarray(picture)
        if picture.mode != mode or values.shape != self.source.size:
            raise ResultError(f"{path} is not a mask of this result; track the video again")
        return values


def open_result(path: Path | str) -> Result:
    """Read a result folder. Raises ResultError where there is none, or one of a newer trackmask."""
    path = Path(path)
    settle(Path(os.path.realpath(path)))
    _refuse_links(path)
    version = _version(path)
    try:
        raw = read_document(path / JSON)
        prompted(raw["prompts"])  # what is no prompt is found here, not where it is first needed
        source = Source.from_json(raw["source"], path)
        check_pixels(f"the video of {path}", *source.size)
        files = FrameFiles.named(raw.get("mask_names", "number"), source.names)
        if files.stems and raw["frames"] and raw["frames"].indices[-1] >= len(files.stems):
            raise ValueError(f"frame {raw['frames'].indices[-1]} of {len(files.stems)} pictures")
        return Result(
            folder=path,
            version=version,
            tool=str(raw["tool"]),
            weights=str(raw["weights"]),
            weights_folder=way_from(path, raw["weights_folder"]) if raw.get("weights_folder") else None,
            ran={str(name): str(sha256) for name, sha256 in raw.get("ran", {}).items()},
            style=_known_style(raw.get("overlay")),
            complete=raw["complete"] is True,
            reason=None if raw["reason"] is None else brief(str(raw["reason"])),
            source=source,
            files=files,
            prompts=tuple(raw["prompts"]),
            objects=_objects(raw["objects"]),
            shots=tuple(Shot(int(item["first"]), int(item["last"])) for item in raw.get("shots", ())),
            frames=raw["frames"],
            review=tuple(Range.from_json(item) for item in raw["review"]),
        )
    except (*_DAMAGED, CallError, VideoError) as error:
        said = shown(repr(error))[:_QUOTED]
        raise ResultError(f"{path / JSON} is damaged ({said}); track the video again") from error


def _objects(raw: Iterable[Any]) -> tuple[ObjectInfo, ...]:
    objects = tuple(map(ObjectInfo.from_json, raw))
    if len({item.id for item in objects}) < len(objects):
        raise ValueError("two objects with one id")
    return objects


def _known_style(value: Any) -> Style | None:
    if value is not None and value not in STYLES:
        raise ValueError(f"there is no style {value!r}")
    return cast(Style | None, value)


def _refuse_links(folder: Path) -> None:
    """A link in a stranger's result would lead reads, and a correction's writes, to files elsewhere."""
    for name in (JSON, MASKS, SOFT, HISTORY, EDITS):
        if (folder / name).is_symlink():
            raise ResultError(f"{folder / name} is a link, which no result holds; put the folder in its place")


def _version(folder: Path) -> tuple[int, int] | None:
    """Each version of a result is a folder of its own; None where there is no folder."""
    with suppress(OSError):
        about = folder.stat()
        return about.st_dev, about.st_ino
    return None
