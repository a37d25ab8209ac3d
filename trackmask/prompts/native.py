"""Our own prompts.json. The package's docstring shows it."""

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from trackmask.formats.limits import MAX_FRAME
from trackmask.formats.node import Node
from trackmask.prompts.gather import Target, free_id
from trackmask.prompts.prompt import Prompt, parse_moment, read_mask


def read(root: Node, path: Path, target: Target) -> tuple[list[Prompt], dict[int, str]]:
    objects = _objects(root, target)
    if objects is None:
        return [], {}
    pieces: list[Prompt] = []
    names: dict[int, str] = {}
    taken = {node.get("id").whole(1, 255) for node in objects if node.has("id")}
    seen: set[int] = set()
    for node in objects:
        node.known("id", "name", "prompts")
        id_ = node.get("id").whole(1, 255) if node.has("id") else free_id(root.file, taken)
        if id_ in seen:
            node.get("id").fail("an id that no other object has")
        taken.add(id_)
        seen.add(id_)
        name = node.optional("name")
        if name is not None:
            if name.name() in names.values():
                name.fail("a name that no other object has")
            names[id_] = name.name()
        prompts = node.get("prompts").items()
        if not prompts:
            node.get("prompts").fail("a list of at least one prompt")
        pieces += [_prompt(prompt, id_, path.parent) for prompt in prompts]
    return pieces, names


def masks(root: Node, path: Path) -> list[Path]:
    """The files of all masks, in every clip. Raises DataError where the file is not what it should be."""
    holders = [node for _, node in root.get("clips").fields()] if root.has("clips") else [root]
    found = []
    for holder in holders:
        for item in holder.get("objects").items():
            found += [prompt.get("mask") for prompt in item.get("prompts").items() if prompt.has("mask")]
    return [_mask_file(node, path.parent) for node in found]


def _objects(root: Node, target: Target) -> list[Node] | None:
    """None where a file for many clips has nothing for this one."""
    if not root.has("clips"):
        root.known("objects")
        return root.get("objects").items()
    root.known("clips")
    clips = dict(root.get("clips").fields())
    for key in (target.key, target.name):
        if key in clips:
            clips[key].known("objects")
            return clips[key].get("objects").items()
    return None


def _prompt(node: Node, id_: int, folder: Path) -> Prompt:
    node.known("frame", "mask", "box", "positive", "negative")
    if not any(map(node.has, ("mask", "box", "positive"))):
        node.fail("a prompt with a mask, a box or positive clicks")
    frame = _frame(node.get("frame")) if node.has("frame") else None
    mask, source = None, ""
    if (given := node.optional("mask")) is not None:
        file = _mask_file(given, folder)
        found = given.tried(lambda: read_mask(file))
        if len(found) != 1:
            given.fail("the mask of one object; give each object its own file")
        mask, source = next(iter(found.values())), file.name
    box = node.get("box").box() if node.has("box") else None
    positive, negative = (tuple(_points(node, kind)) for kind in ("positive", "negative"))
    return Prompt(id_, frame, mask, box, positive, negative, source)


def _points(node: Node, kind: str) -> Iterator[tuple[float, float]]:
    clicks = node.optional(kind)
    yield from clicks.points() if clicks is not None else ()


def _frame(node: Node) -> int | float:
    if not isinstance(node.value, str):
        return node.whole(0, MAX_FRAME)
    moment = node.tried(lambda: parse_moment(node.name()))
    if moment > MAX_FRAME:
        node.fail("a frame or a time that a video can have")
    return moment


def _mask_file(node: Node, folder: Path) -> Path:
    """Beside the json or below: what a stranger's file names elsewhere is not opened."""
    parts = PurePosixPath(node.name())
    if parts.is_absolute() or ".." in parts.parts:
        node.fail("the path of a file beside this one or below")
    file = folder / parts
    if not Path(os.path.realpath(file)).is_relative_to(os.path.realpath(folder)):
        node.fail("the path of a file beside this one or below, not of a link that leads elsewhere")
    if file.exists() and not file.is_file():  # opening a pipe would wait for ever
        node.fail("the path of a file")
    return file
