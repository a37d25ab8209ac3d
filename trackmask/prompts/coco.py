"""COCO's json: boxes, polygons or run lengths on pictures of the video.

The frame is the image's `frame_id` (or `frame_index`), or the number in its file_name. An annotation's `track_id` (or
`instance_id`) says which object it is; without one, in a single picture each annotation is an object, and over several
pictures each category, which then must not be twice in one of them. A file for many clips has file names with folders:
clip/00012.jpg belongs to clip.mp4 or to the folder clip.
"""

from collections import Counter
from pathlib import Path, PurePosixPath

import numpy as np

from trackmask.formats.node import Node
from trackmask.prompts.gather import Target, free_id
from trackmask.prompts.prompt import Prompt
from trackmask.prompts.shapes import polygon, run_lengths, size_of

_TRACKS = ("track_id", "instance_id")


def read(root: Node, path: Path, target: Target) -> tuple[list[Prompt], dict[int, str]]:
    images = {image.get("id").whole(0): image for image in root.get("images").items()}
    images = {id_: image for id_, image in images.items() if _of_target(image, target)}
    frames = {id_: _frame(image, target, alone=len(images) == 1) for id_, image in images.items()}
    marks = [mark for mark in root.get("annotations").items() if mark.get("image_id").whole(0) in images]
    categories = {item.get("id").whole(0): item.get("name").name() for item in _list(root, "categories")}
    ids: dict[str, int] = {}
    names: dict[int, str] = {}
    pieces = []
    for mark, key in _keyed(marks):
        if key not in ids:
            ids[key] = free_id(root.file, ids.values())
            names[ids[key]] = _name(mark, categories, names)
        image = mark.get("image_id").whole(0)
        pieces.append(_prompt(mark, ids[key], frames[image], images[image], target))
    return pieces, names


def _keyed(marks: list[Node]) -> list[tuple[Node, str]]:
    """Each annotation with what tells its object from others."""
    several = len({mark.get("image_id").value for mark in marks}) > 1
    lone = Counter((mark.get("image_id").value, _category(mark)) for mark in marks if _track(mark) is None)
    keyed = []
    for number, mark in enumerate(marks):
        track = _track(mark)
        if track is not None:
            keyed.append((mark, f"track {track}"))
        elif not several:
            keyed.append((mark, f"mark {number}"))
        elif lone[mark.get("image_id").value, _category(mark)] > 1:
            mark.fail("an annotation with a track_id, since its category is twice in one picture")
        else:
            keyed.append((mark, f"category {_category(mark)}"))
    return keyed


def _prompt(mark: Node, id_: int, frame: int | None, image: Node, target: Target) -> Prompt:
    given = mark.optional("segmentation")
    if given is None or given.value == []:
        return Prompt(id_, frame, box=mark.get("bbox").box())
    if isinstance(given.value, dict):
        return Prompt(id_, frame, mask=run_lengths(given, target.size))
    size = size_of(image.get("height"), image.get("width"), target.size)
    mask = np.zeros(size, bool)
    for part in given.items():
        flat = [item.number() for item in part.items()]
        if len(flat) % 2:
            part.fail("a polygon x, y, x, y, ...")
        mask |= polygon(part, list(zip(flat[::2], flat[1::2], strict=True)), size)
    return Prompt(id_, frame, mask=mask)


def _frame(image: Node, target: Target, *, alone: bool) -> int | None:
    for key in ("frame_id", "frame_index"):
        if image.has(key):
            return image.get(key).whole(0, 10**9)
    frame = target.frame(image.get("file_name").text())
    if frame is None and not alone:
        image.get("file_name").fail("a name with the frame's number, such as clip_00012.jpg")
    return frame


def _of_target(image: Node, target: Target) -> bool:
    """Whether a picture is of this video: its folder says so, if it has one at all and the video's name is known."""
    folder = PurePosixPath(image.get("file_name").text().replace("\\", "/")).parent.parts
    if not target.name or not folder:
        return True
    key = PurePosixPath(target.key or target.name)
    return any(_same_tail(folder, (*key.parts[:-1], name)) for name in (key.name, key.stem))


def _same_tail(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Whether a and day1/a, but not day2/a and day1/a."""
    length = min(len(one), len(other))
    return one[-length:] == other[-length:]


def _name(mark: Node, categories: dict[int, str], names: dict[int, str]) -> str:
    label = categories.get(_category(mark), "object")
    name, number = label, 2
    while name in names.values():
        name, number = f"{label} {number}", number + 1
    return name


def _track(mark: Node) -> int | None:
    given = next((mark.get(key) for key in _TRACKS if mark.has(key)), None)
    return None if given is None else given.whole(0)


def _category(mark: Node) -> int:
    return mark.get("category_id").whole(0) if mark.has("category_id") else 0


def _list(root: Node, key: str) -> list[Node]:
    return root.get(key).items() if root.has(key) else []
