"""Which frame of a result a picture is, and which pictures of a file are of its clip."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from trackmask.errors import DataError
from trackmask.files import shown
from trackmask.formats.names import Places, number_of
from trackmask.formats.shape import Annotations, Picture, Shape, Size


@dataclass(frozen=True)
class About:
    """The result that an import is for."""

    clip: str  # the name under which it was exported
    size: Size
    given: bool  # whether the user said that name
    names: tuple[str, ...] = ()  # of a folder's pictures


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
    places = Places(about.names) if about.names else None
    frames = {picture: _frame(picture, places) for picture in ours}
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


def _frame(picture: Picture, places: Places | None) -> int:
    """Of a folder, the picture of that name; of a film, the number that the name ends in. Raises DataError."""
    frame = places.of(picture.name) if places else number_of(picture.name)
    if frame is None:
        frame = picture.frame
    if frame is None and places:
        raise DataError(f"{shown(picture.name)} is called like no picture that was tracked; keep the pictures' names")
    if frame is None:
        raise DataError(
            f"{shown(picture.name) or 'an image without a name'} does not end in the number of its frame; "
            "keep the names that export gave the images"
        )
    return frame
