"""The clips that a path names: a video, a folder of pictures, a result, or a folder of any of these."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from trackmask.batch.find import RESULT, find_clips
from trackmask.errors import CallError, TrackmaskError, VideoError
from trackmask.files import absolute, has_file, has_folder, shown
from trackmask.result import default_folder, is_result, open_result, source_video
from trackmask.result.layout import JSON
from trackmask.studio.store import Place
from trackmask.video.folder import list_images


@dataclass(frozen=True)
class Clip:
    """One clip in the list."""

    name: str
    place: Place

    @property
    def id(self) -> str:
        """By which the page names it: the same every day, and no path."""
        return hashlib.sha256(os.fsencode(absolute(self.place.result))).hexdigest()[:12]


def without_folder(error: Exception, folder: Path) -> str:
    """What is wrong with a clip or a result, for the page, which names no folder of this machine."""
    return str(error).replace(f"{folder}{os.sep}", "")


@dataclass(frozen=True)
class Found:
    title: str
    single: bool  # whether one clip was asked for
    clips: tuple[Clip, ...]
    notes: tuple[str, ...] = ()


def find(path: Path) -> Found:
    """Raises VideoError where there is nothing, and what reading a result raises where one is named."""
    if has_file(path / JSON):
        return Found(shown(path.name), True, (_of_result(path),))
    if has_file(path):
        return _alone(absolute(path))
    if not has_folder(path):
        raise VideoError(
            f"{shown(path)} does not exist; give a video, a folder of pictures, a result or a folder of clips"
        )
    return _in_folder(absolute(path))


def _alone(video: Path) -> Found:
    return Found(shown(video.name), True, (Clip(video.name, Place(video, absolute(default_folder(video)))),))


def _in_folder(folder: Path) -> Found:
    """A result lies beside its clip here; those that lie elsewhere, as a batch's do, are found as well."""
    clips: list[Clip] = []
    notes: list[str] = []
    try:
        found = find_clips(str(folder), folder)
        clips, notes = [Clip(clip.key, Place(clip.path, folder / clip.output)) for clip in found.clips], found.notes
    except CallError:
        pass  # there may be results
    if [clip.place.video for clip in clips] == [folder]:  # itself a folder of pictures
        return _alone(folder)
    known = {clip.place.result for clip in clips}
    for result in _results(folder):
        if result not in known:
            try:
                clips.append(Clip(result.relative_to(folder).as_posix(), _of_result(result).place))
            except TrackmaskError as error:
                notes.append(without_folder(error, folder))
    if not clips and _holds_pictures(folder):  # one alone, or links: a batch passes them by, but this folder was named
        return _alone(folder)
    if not clips:
        raise VideoError(f"{shown(folder)} holds no clips and no results; give a video, or a folder of videos")
    return Found(folder.name, False, tuple(sorted(clips, key=lambda clip: os.fsencode(clip.name))), tuple(notes))


def _holds_pictures(folder: Path) -> bool:
    try:
        return bool(list_images(folder))
    except (OSError, VideoError):
        return False


def _results(folder: Path) -> list[Path]:
    found = []
    for inner, names, _ in os.walk(folder):
        names[:] = sorted(name for name in names if not name.startswith("."))
        results = [name for name in names if is_result(Path(inner, name))]
        found += [Path(inner, name) for name in results]
        names[:] = [name for name in names if not name.endswith(RESULT) and name not in results]
    return sorted(found)


def _of_result(folder: Path) -> Clip:
    folder = absolute(folder)
    return Clip(folder.name.removesuffix(RESULT), Place(source_video(open_result(folder).source), folder))
