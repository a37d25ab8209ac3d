"""The prompts on the command line: what belongs to which object is said by their order."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from trackmask.errors import PromptError

OPTIONS = ("object", "mask", "box", "point", "negative", "absent")
_MOMENT = re.compile(r"\d+(\.\d+)?s?|(\d+:)?\d{1,2}:\d{1,2}(\.\d+)?")


class OrderedCommand(click.Command):
    """Remembers in which order the prompts' options came: click itself groups them by name."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        values, _, order = self.make_parser(ctx).parse_args(list(args))
        queues = {name: iter(values.get(name) or ()) for name in OPTIONS}
        ctx.meta["prompts"] = [(p.name, next(queues[p.name])) for p in order if p.name in queues]
        return super().parse_args(ctx, args)


def prompt_options(command: Any) -> Any:
    """--object, --mask, --box, --point, --negative for a command of class OrderedCommand."""
    for option in reversed(
        (
            click.option("--mask", multiple=True, metavar="FILE[@WHEN]", help="PNG: 0/255, or ids 1..254."),
            click.option("--box", multiple=True, metavar="X,Y,W,H[@WHEN]", help="Top left corner and size, pixels."),
            click.option("--point", multiple=True, metavar="X,Y[@WHEN]", help="A click on the object."),
            click.option("--negative", multiple=True, metavar="X,Y[@WHEN]", help="A click beside the object."),
            click.option("--object", multiple=True, metavar="NAME", help="The prompts after it are of this object."),
        )
    ):
        command = option(command)
    return command


@dataclass
class Said:
    """What was said of one object at one moment."""

    boxes: list = field(default_factory=list)
    masks: list = field(default_factory=list)
    positive: list = field(default_factory=list)
    negative: list = field(default_factory=list)


def read(order: list[tuple[str, str]]) -> tuple[list, dict[int, str]]:
    """The options in their order → prompts, and the names of the objects that have one. Raises PromptError.

    Without --object each --box and each --mask is an object of its own, and all clicks are one.
    """
    from trackmask.prompts import Prompt, read_mask

    said: dict[tuple[object, Any], Said] = {}
    names: list[str] = []
    owner: object = None
    for number, (kind, text) in enumerate(order):
        if kind == "object":
            if text in names:
                raise PromptError(f"the object {text!r} is opened twice; put its prompts behind one --object")
            names.append(text)
            owner = text
            continue
        value, when = split(text, is_file=kind == "mask")
        alone = number if kind in ("box", "mask") else "clicks"
        entry = said.setdefault((alone if owner is None else owner, when), Said())
        add(entry, kind, value)
    empty = [name for name in names if name not in {key for key, _ in said}]
    if empty:
        raise PromptError(f"the object {empty[0]!r} has no prompt; say --box, --point or --mask after it")

    prompts: list[Prompt] = []
    ids: dict[object, int] = {}
    taken = masks_ids(said, read_mask)
    for (key, when), entry in said.items():
        if entry.masks and (entry.boxes or entry.positive or entry.negative or len(entry.masks) > 1):
            raise PromptError("a mask says all of an object in its frame; leave out the box, clicks or masks beside it")
        if entry.masks:
            objects = read_mask(Path(entry.masks[0]))
            if isinstance(key, str) and key in names and len(objects) > 1:
                raise PromptError(f"{entry.masks[0]} holds {len(objects)} objects; give {key!r} a mask of one")
            for mask_id, mask in objects.items():
                own = mask_id if key not in names and mask_id not in ids.values() else None
                object_id = ids.setdefault((key, mask_id) if key not in names else key, own or free(taken, ids))
                prompts.append(Prompt(object_id, when, mask=mask, source=entry.masks[0]))
            continue
        if len(entry.boxes) > 1:
            raise PromptError(f"the object {key!r} has two boxes in one frame; give one")
        if not entry.boxes and not entry.positive:
            raise PromptError("clicks beside an object need one on it, or a box; add --point X,Y")
        object_id = ids.setdefault(key, free(taken, ids))
        box = entry.boxes[0] if entry.boxes else None
        prompts.append(Prompt(object_id, when, box=box, positive=tuple(entry.positive), negative=tuple(entry.negative)))
    return prompts, {object_id: key for key, object_id in ids.items() if isinstance(key, str) and key in names}


def split(text: str, *, is_file: bool) -> tuple[str, Any]:
    """ "40,50@12" → ("40,50", 12). A file's name may hold an @ of its own: only a number or a time counts."""
    from trackmask.prompts import parse_moment

    value, at, when = text.rpartition("@")
    if not at or (is_file and not _MOMENT.fullmatch(when)):
        return text, None
    return value, parse_moment(when)


def add(entry: Said, kind: str, value: str) -> None:
    from trackmask.prompts import parse_box, parse_point

    if kind == "box":
        entry.boxes.append(parse_box(value))
    elif kind == "mask":
        entry.masks.append(value)
    else:
        (entry.positive if kind == "point" else entry.negative).append(parse_point(value))


def masks_ids(said: dict, read_mask: Any) -> set[int]:
    """Ids that masks bring along: they are kept, so nobody else gets them."""
    return {id_ for entry in said.values() for file in entry.masks for id_ in read_mask(Path(file))}


def free(taken: set[int], ids: dict[object, int]) -> int:
    for object_id in range(1, 256):
        if object_id not in taken and object_id not in ids.values():
            return object_id
    raise PromptError("there are more than 255 objects; track them in several runs")

