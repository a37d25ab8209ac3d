"""The prompts on the command line: what belongs to which object is said by their order."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import click

from trackmask.cli.mistakes import OneInput, too_many
from trackmask.cli.options import together
from trackmask.errors import PromptError

if TYPE_CHECKING:
    from trackmask.prompts import Box, Moment, Point, Prompt

OPTIONS = ("object", "mask", "box", "point", "negative")
_MOMENT = re.compile(r"\d+(\.\d+)?s?|(\d+:)?\d{1,2}:\d{1,2}(\.\d+)?")

Owner = str | int  # an object: its name, or the number of the option that is an object of its own
CLICKS = -1  # the owner of all clicks without --object


class OrderedCommand(OneInput):
    """Remembers in which order the prompts' options came: click itself groups them by name."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        values, _, order = self.make_parser(ctx).parse_args(list(args))
        queues = {name: iter(values.get(name) or ()) for name in OPTIONS}
        ctx.meta["prompts"] = [(p.name, next(queues[p.name])) for p in order if p.name in queues]
        return super().parse_args(ctx, args)

    def left_over(self, ctx: click.Context, words: list[str]) -> str:
        given = [(name, value) for name, value in ctx.meta["prompts"] if name in ("box", "point", "negative")]
        return too_many(words, given)


#: For a command of class OrderedCommand.
prompt_options = together(
    click.option(
        "--mask",
        multiple=True,
        metavar="FILE[@WHEN]",
        help="A mask as PNG: white on black, or the ids 1 to 254 of several objects.",
    ),
    click.option(
        "--box",
        multiple=True,
        metavar="X,Y,W,H[@WHEN]",
        help="A box around the object: its top left corner and its size, in pixels.",
    ),
    click.option("--point", multiple=True, metavar="X,Y[@WHEN]", help="A click on the object. Repeat for more."),
    click.option("--negative", multiple=True, metavar="X,Y[@WHEN]", help="A click beside the object. Repeat for more."),
    click.option(
        "--object", multiple=True, metavar="NAME", help="The name of the object that the prompts after it belong to."
    ),
)


@dataclass
class Said:
    """What was said of one object at one moment."""

    boxes: list[Box] = field(default_factory=list)
    masks: list[str] = field(default_factory=list)  # files
    positive: list[Point] = field(default_factory=list)
    negative: list[Point] = field(default_factory=list)

    def check(self, owner: Owner) -> None:
        who = f"the object {owner!r}" if isinstance(owner, str) else "an object"
        if self.masks and (self.boxes or self.positive or self.negative or len(self.masks) > 1):
            raise PromptError(f"{who} has a mask, which says all of a frame; leave out what stands beside it")
        if len(self.boxes) > 1:
            raise PromptError(f"{who} has two boxes in one frame; give one")
        if not (self.masks or self.boxes or self.positive):
            raise PromptError("clicks beside an object need one on it, or a box; add --point X,Y")


def read(order: list[tuple[str, str]]) -> tuple[list[Prompt], dict[int, str]]:
    """The options in their order → prompts, and the objects' names by id, of those that have one. Raises PromptError.

    Without --object each --box and each --mask is an object of its own, and all clicks are one. The ids in a mask are
    kept; the other objects get the lowest ids that are left, in order.
    """
    from trackmask.prompts import Prompt, read_mask

    said = gather(order)
    masks = {file: read_mask(Path(file)) for entry in said.values() for file in entry.masks}
    ids = Ids(
        {id_ for (owner, _), entry in said.items() if isinstance(owner, int) for f in entry.masks for id_ in masks[f]}
    )
    prompts: list[Prompt] = []
    for (owner, when), entry in said.items():
        entry.check(owner)
        if not entry.masks:
            box = entry.boxes[0] if entry.boxes else None
            prompts.append(Prompt(ids.of(owner), when, None, box, tuple(entry.positive), tuple(entry.negative)))
            continue
        (file,) = entry.masks
        if isinstance(owner, str) and len(masks[file]) > 1:
            raise PromptError(f"{file} holds {len(masks[file])} objects; give {owner!r} a mask of one")
        for mask_id, mask in masks[file].items():
            object_id = ids.of(owner) if isinstance(owner, str) else ids.keep(mask_id)
            prompts.append(Prompt(object_id, when, mask=mask, source=file))
    return prompts, {id_: owner for owner, id_ in ids.given.items() if isinstance(owner, str)}


def gather(order: list[tuple[str, str]]) -> dict[tuple[Owner, Moment], Said]:
    """What was said of each object at each moment, in the order in which the objects came."""
    from trackmask.data import is_name

    said: dict[tuple[Owner, Moment], Said] = {}
    named: dict[str, bool] = {}  # and whether a prompt followed
    owner: str | None = None
    for number, (kind, text) in enumerate(order):
        if kind == "object":
            if not is_name(text):
                raise PromptError(f"--object {text!r} is no name; give 1 to 200 printable characters")
            if text in named:
                raise PromptError(f"the object {text!r} is opened twice; put its prompts behind one --object")
            named[text], owner = False, text
            continue
        value, when = split(text, is_file=kind == "mask")
        alone = number if kind in ("box", "mask") else CLICKS
        add(said.setdefault((alone if owner is None else owner, when), Said()), kind, value)
        if owner is not None:
            named[owner] = True
    empty = [name for name, followed in named.items() if not followed]
    if empty:
        raise PromptError(f"the object {empty[0]!r} has no prompt; say --box, --point or --mask after it")
    return said


def split(text: str, *, is_file: bool) -> tuple[str, Moment]:
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


class Ids:
    """Gives each object its id, 1 to 255. `kept` are those that masks bring along."""

    def __init__(self, kept: set[int]) -> None:
        self.given: dict[Owner, int] = {}
        self._unclaimed = set(kept)
        self._free: Iterator[int] = iter(id_ for id_ in range(1, 256) if id_ not in kept)

    def of(self, owner: Owner) -> int:
        if owner not in self.given:
            self.given[owner] = self._next()
        return self.given[owner]

    def keep(self, mask_id: int) -> int:
        """The mask's own id; a new one where another mask has brought the same."""
        if mask_id in self._unclaimed:
            self._unclaimed.remove(mask_id)
            return mask_id
        return self._next()

    def _next(self) -> int:
        for id_ in self._free:
            return id_
        raise PromptError("there are more than 255 objects; track them in several runs")
