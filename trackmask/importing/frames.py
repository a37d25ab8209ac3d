"""Which frame of a result a picture is, and which pictures of a file are of its clip."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from trackmask.errors import DataError
from trackmask.files import shown
from trackmask.formats.shape import Annotations, Picture, Shape, Size

_NUMBER = re.compile(r"([0-9]{1,9})$")


@dataclass(frozen=True)
class About:
    """The result that an import is for."""

    clip: str  # the name under which it was exported
    size: Size
    given: bool  # whether the user said that name


def by_frame(found: Annotations, about: About) -> Mapping[int, list[Shape]]:
    """The shapes on each picture of the clip, of which some may have none. Raises DataError."""
    ours = _ours(found.pictures, about)
    for picture in ours:
        if picture.size not in (None, about.size):
            height, width = picture.size or about.size
            raise DataError(
                f"{shown(picture.name) or 'the video'} is {width}x{height} and the result's video is "
                f"{about.size[1]}x{about.size[0]}; give masks of its size"
            )
    frames = {picture: _frame(picture) for picture in ours}
    shapes: dict[int, list[Shape]] = {frame: [] for frame in frames.values()}
    for shape in found.shapes:
        if shape.picture in frames:
            shapes[frames[shape.picture]].append(shape)
    return shapes


def _ours(pictures: tuple[Picture, ...], about: About) -> list[Picture]:
    """Those of the clip: its name is the folder of the image. Where there is only one folder, its name does not matter
    unless the user said one; without any, the file is of one clip.
    """
    ours = [picture for picture in pictures if _folder(picture) == about.clip]
    clips = {_folder(picture) for picture in pictures}
    if not ours and len(clips) == 1 and ("" in clips or not about.given):
        ours = list(pictures)
    if not ours and pictures:
        names = ", ".join(shown(clip) or "one without a name" for clip in sorted(clips)[:5])
        raise DataError(f"there is no clip {about.clip!r} in it, but {names}; say which with --clip")
    return ours


def _folder(picture: Picture) -> str:
    return PurePosixPath(picture.name.replace("\\", "/")).parent.name


def _frame(picture: Picture) -> int:
    """The frame that an image's name ends in: 57 for "clip_00057.jpg". Raises DataError."""
    found = _NUMBER.search(PurePosixPath(picture.name.replace("\\", "/")).stem)
    if not found and picture.frame is not None:
        return picture.frame
    if not found:
        raise DataError(
            f"{shown(picture.name) or 'an image without a name'} does not end in the number of its frame; "
            "keep the names that export gave the images"
        )
    return int(found[1])
