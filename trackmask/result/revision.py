"""A result that is corrected: a new version takes its place whole, and what it replaced is kept for `undo`.

    history/001/          what the first correction replaced: result.json, overlay.mp4, studio.json, masks/, soft/, and
                          all of given/

Files that stay the same are hard links to the old version's, so that a correction of a long result costs little.
"""

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np

from trackmask.data import Frame, ObjectRecord, Patch
from trackmask.errors import ResultError
from trackmask.files import writing
from trackmask.result.atomic import LOCK, StagedFolder
from trackmask.result.folder import Result, open_result
from trackmask.result.layout import EDITS, GIVEN, HISTORY, JSON, MASKS, OVERLAY, REPORT, SOFT, STUDIO, versions
from trackmask.result.records import ObjectInfo, prompted
from trackmask.result.writer import ResultWriter


class Revision:
    """Fills the next version of a result; `finish` puts it in place, and without that the old one stays as it is.

    `result` is the version that is replaced: read once nobody else can be at work on it.
    """

    result: Result

    def __init__(self, folder: Path) -> None:
        self._target = folder
        has_soft = (folder / SOFT).is_dir()
        self._writer = ResultWriter(folder, overwrite=True, soft=has_soft, discard=True)

    @property
    def folder(self) -> Path:
        return self._writer.folder

    def __enter__(self) -> Self:
        self._writer.__enter__()
        try:
            self.result = open_result(self._target)
            with writing(self.result.folder):
                for part in (MASKS, SOFT, GIVEN, HISTORY):
                    link_tree(self.result.folder / part, self.folder / part)
                known = [int(version.name) for version in versions(self.result.folder)]
                self._kept = self.folder / HISTORY / f"{max(known, default=0) + 1:03d}"
                self._kept.mkdir(parents=True)
        except BaseException:
            self._writer.__exit__()
            raise
        self._writer.adopt(self.result.frames, self.result.shots, self.result.files)
        self._said = {(id_, frame) for id_, frames in prompted(self.result.prompts).items() for frame in frames}
        return self

    def __exit__(self, *raised: object) -> None:
        self._writer.__exit__(*raised)

    def replace(self, frame: Frame, record: ObjectRecord, patch: Patch | None, *, given: bool) -> Mapping[int, int]:
        """One object in one frame. Other objects keep their places, unless it is what a person has `given` there: that
        is shown, and what was said of others there before stays known whole. Returns how many of its pixels each of
        those has lost to it.
        """
        with writing(self.result.folder):
            self._keep(frame.index, record.id)
        if not given:
            self._writer.replace(frame, record, patch, given=False)
            return {}
        before = self.labels(frame.index)
        self._writer.replace(frame, record, patch, given=True)
        self._said.add((record.id, frame.index))
        with writing(self.result.folder):
            (self.folder / self.result.files.given(record.id, frame.index)).unlink(missing_ok=True)
        others = sorted(id_ for id_, at in self._said if at == frame.index and id_ != record.id)
        lost = {id_: self._writer.give(id_, frame.index, before == id_) for id_ in others}
        return {id_: pixels for id_, pixels in lost.items() if pixels}

    def _keep(self, index: int, object_id: int) -> None:
        """Move the old files of a frame into the history: written over, a hard link would change the old version."""
        for name in (self.result.files.mask(index), self.result.files.soft(object_id, index)):
            if (self.folder / name).exists() and not (self._kept / name).exists():
                (self._kept / name).parent.mkdir(parents=True, exist_ok=True)
                (self.folder / name).rename(self._kept / name)
                shutil.copyfile(self._kept / name, self.folder / name)

    def labels(self, index: int) -> np.ndarray:
        return self._writer.labels(index)

    def finish(
        self,
        prompts: Sequence[dict[str, Any]],
        objects: Sequence[ObjectInfo],
        weights_sha256: str,
        *,
        weights_folder: Path | None = None,
        ran: Mapping[str, str],
        style: str | None = None,
        edits_used: bool = False,
    ) -> Path:
        """Raises OutputError. The overlay must have been drawn into `folder` before, where there is to be one.
        Imported edits that were used move into the history.
        """
        with writing(self.result.folder):
            link_tree(self.result.folder / EDITS, (self._kept if edits_used else self.folder) / EDITS)
            link_tree(self.result.folder / GIVEN, self._kept / GIVEN)
            for name in (JSON, OVERLAY, STUDIO):
                if (self.result.folder / name).exists():
                    link(self.result.folder / name, self._kept / name)
        return self._writer.finish(
            source=self.result.source,
            prompts=prompts,
            objects=objects,
            weights_sha256=weights_sha256,
            weights_folder=weights_folder,
            ran=dict(self.result.ran) | dict(ran),
            style=style,
            complete=self.result.complete,
            reason=self.result.reason,
        )


def undo(folder: Path) -> Result:
    """Take back the last correction of a result. Raises ResultError where there is none, or where the studio has
    written the result since: what lies in the history fits no more.
    """
    open_result(folder)
    with StagedFolder(folder, lambda target: None) as staged:
        result, kept = open_result(folder), versions(folder)  # nobody else can be at work on it from here on
        if (folder / STUDIO).exists():
            raise ResultError(f"{folder} was last written by the studio; open it there, and undo it there")
        if not kept:
            raise ResultError(f"{folder} was not corrected; there is nothing to undo")
        with writing(folder):
            anew = (kept[-1], result.folder / REPORT, result.folder / GIVEN)
            link_tree(result.folder, staged.path, leave_out=lambda path: path in anew)
            (staged.path / OVERLAY).unlink(missing_ok=True)
            for path in (p for p in kept[-1].rglob("*") if p.is_file()):
                target = staged.path / path.relative_to(kept[-1])
                target.parent.mkdir(parents=True, exist_ok=True)
                target.unlink(missing_ok=True)
                link(path, target)
            if len(kept) == 1:
                (staged.path / HISTORY).rmdir()
        staged.publish()
    return open_result(folder)


def link_tree(old: Path, new: Path, leave_out: Callable[[Path], bool] = lambda path: False) -> None:
    """Raises ResultError where a link stands in the old tree: it would lead somewhere else."""
    if old.is_symlink():
        raise ResultError(f"{old} is a link, which no result holds; put the file or folder in its place")
    if not old.is_dir():
        return
    new.mkdir(exist_ok=True)
    for path in sorted(old.iterdir()):
        if leave_out(path) or path.name == LOCK:
            continue
        if path.is_symlink():
            raise ResultError(f"{path} is a link, which no result holds; put the file or folder in its place")
        if path.is_dir():
            link_tree(path, new / path.name, leave_out)
        else:
            link(path, new / path.name)


def link(old: Path, new: Path) -> None:
    try:
        os.link(old, new)
    except OSError:  # a file system without hard links
        shutil.copyfile(old, new)
