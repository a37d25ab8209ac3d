"""COCO's json: boxes, polygons or run lengths on pictures of the video.

The frame is the image's `frame_id` (or `frame_index`), or the number in its file_name. An annotation's `track_id` (or
`instance_id`) says which object it is; without one, in a single picture each annotation is an object, and over several
pictures each category, which then must not be twice in one of them. A file for many clips has file names with folders:
clip/00012.jpg belongs to clip.mp4 or to the folder clip.
"""

from collections import Counter
from pathlib import Path, PurePosixPath

from trackmask.errors import PromptError
from trackmask.formats import coco
from trackmask.formats.node import Node
from trackmask.formats.shape import Picture, Shape
from trackmask.prompts.gather import Target, check_room, free_id, numbered
from trackmask.prompts.prompt import Prompt


def read(root: Node, path: Path, target: Target) -> tuple[list[Prompt], dict[int, str]]:
    found = coco.read(root)
    pictures = [picture for picture in found.pictures if _of_target(picture, target)]
    frames = {picture: _frame(root.file, picture, target, alone=len(pictures) == 1) for picture in pictures}
    shapes = [shape for shape in found.shapes if shape.picture in frames]
    check_room(root.file, shapes, target.size)
    ids: dict[str, int] = {}
    names: dict[int, str] = {}
    pieces = []
    for shape, key in _keyed(shapes):
        if key not in ids:
            ids[key] = free_id(root.file, ids.values())
            names[ids[key]] = numbered(shape.label or "object", names.values())
        mask = None if shape.box else shape.mask(target.size)
        pieces.append(Prompt(ids[key], frames[shape.picture], mask, shape.box))
    return pieces, names


def _keyed(shapes: list[Shape]) -> list[tuple[Shape, str]]:
    """Each annotation with what tells its object from others."""
    several = len({shape.picture for shape in shapes}) > 1
    lone = Counter((shape.picture, shape.label) for shape in shapes if shape.number is None)
    keyed = []
    for place, shape in enumerate(shapes):
        if shape.number is not None:
            keyed.append((shape, f"track {shape.number}"))
        elif not several:
            keyed.append((shape, f"mark {place}"))
        elif lone[shape.picture, shape.label] > 1:
            raise PromptError(f"{shape.where} needs a track_id, since its category is twice in one picture")
        else:
            keyed.append((shape, f"category {shape.label}"))
    return keyed


def _frame(file: str, picture: Picture, target: Target, *, alone: bool) -> int | None:
    frame = picture.frame if picture.frame is not None else target.frame(picture.name)
    if frame is None and not alone:
        raise PromptError(f"{file}: a file_name does not end in its frame's number; name images clip_00012.jpg or so")
    return frame


def _of_target(picture: Picture, target: Target) -> bool:
    """Whether a picture is of this video: its folder says so, if it has one at all and the video's name is known."""
    folder = PurePosixPath(picture.name.replace("\\", "/")).parent.parts
    if not target.name or not folder:
        return True
    key = PurePosixPath(target.key or target.name)
    return any(_same_tail(folder, (*key.parts[:-1], name)) for name in (key.name, key.stem))


def _same_tail(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Whether a and day1/a, but not day2/a and day1/a."""
    length = min(len(one), len(other))
    return one[-length:] == other[-length:]
