"""A result folder, written. What lies where in it says layout.py.

Nothing in result.json depends on the run: the same video and prompts give the same bytes.
"""

import logging
import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

import numpy as np

from trackmask import __version__
from trackmask.data import SURE, Frame, Labels, Masks, ObjectRecord, Patch, measured
from trackmask.errors import ResultError
from trackmask.files import writing
from trackmask.formats.pictures import read_picture
from trackmask.formats.png import write_grey, write_labels, write_mask
from trackmask.result.atomic import StagedFolder
from trackmask.result.document import SCHEMA, document
from trackmask.result.layout import JSON, MASKS, FrameFiles
from trackmask.result.overwriting import check_free
from trackmask.result.records import FrameRecord, ObjectInfo, Shot, Source, Spool, prompted, shots, way_to
from trackmask.result.review import review

_SPOOL = "records.spool"  # there while the folder is being filled

log = logging.getLogger(__name__)


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

    def __contains__(self, index: int) -> bool:
        """Whether the frame was written."""
        return index in self._spool

    def give(self, object_id: int, index: int, mask: np.ndarray) -> int:
        """What a person said of an object in a frame that was written, (H, W) bool, is kept whole where less of it is
        shown. Returns how many pixels of it are another object's there.
        """
        with writing(self._staged.target):
            lost = int(np.count_nonzero(mask & (self.labels(index) != object_id)))
            path = self.folder / self._files.given(object_id, index)
            if lost and not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                write_mask(path, mask)
        return lost

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
