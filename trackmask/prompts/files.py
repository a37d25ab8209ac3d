"""Prompts from a file: our own prompts.json, LabelMe's or COCO's json as they come out of a tool, or a mask's PNG.

prompts.json (`trackmask run --prompts`, and `clip.prompts.json` beside a clip):

    {"objects": [
      {"name": "cat", "id": 1,                                  both optional; an id is 1 to 255
       "prompts": [
         {"frame": 0, "box": [40, 30, 120, 160]},               x, y, w, h in pixels, top left corner first
         {"frame": "00:03.2", "positive": [[90, 80]], "negative": [[20, 20]]},   clicks; a frame may be a time
         {"frame": 90, "mask": "cat.90.png"}                    white on black; the path leads from this file
       ]}
    ]}

For many clips: {"clips": {"day1/a.mp4": {"objects": [...]}, ...}}, by the clip's path as the batch names it.
"""

from dataclasses import replace
from pathlib import Path

from trackmask.errors import DataError, PromptError
from trackmask.formats.node import Node, read_json
from trackmask.prompts import coco, labelme, native
from trackmask.prompts.gather import PromptSet, Target, gather
from trackmask.prompts.prompt import Prompt, read_mask

__all__ = ["PromptSet", "Target", "files_behind", "read_prompt_file"]


def read_prompt_file(path: Path, target: Target = Target()) -> PromptSet:
    """The prompts that a file holds for one video, one for each frame and object.

    A frame is None where the file names none. The prompts are not yet held against the video's size: `prompts.check`
    does that. Raises PromptError, whose sentence names the file, the place in it and what was expected there.
    """
    if path.suffix.lower() != ".json":
        pieces = [Prompt(id_, None, mask=mask, source=path.name) for id_, mask in read_mask(path).items()]
        return PromptSet(tuple(pieces), {})
    try:
        root = read_json(path)
        kind = _kind(root)
        pieces, names = {"native": native.read, "labelme": labelme.read, "coco": coco.read}[kind](root, path, target)
    except DataError as error:
        raise PromptError(str(error)) from error
    if not pieces:
        raise PromptError(f"{path.name} holds no prompt for {target.name or 'the video'}; add one, or leave it out")
    return gather(path.name, [piece if piece.source else replace(piece, source=path.name) for piece in pieces], names)


def files_behind(path: Path) -> list[Path]:
    """The file and all masks that it names, whether they exist or not: what must stay the same for the same prompts."""
    if path.suffix.lower() != ".json":
        return [path]
    try:
        root = read_json(path)
        return [path, *(native.masks(root, path) if _kind(root) == "native" else [])]
    except (DataError, PromptError):  # told when the prompts are read
        return [path]


def _kind(root: Node) -> str:
    if root.has("objects") or root.has("clips"):
        return "native"
    if root.has("shapes"):
        return "labelme"
    if root.has("annotations") and root.has("images"):
        return "coco"
    raise PromptError(
        f"{root.file} holds no prompts: there is neither 'objects' or 'clips' (prompts.json), nor 'shapes' (LabelMe), "
        "nor 'images' with 'annotations' (COCO); give such a file"
    )
