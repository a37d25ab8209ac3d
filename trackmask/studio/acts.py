"""What a person said, act by act, and what it adds up to. An act is a JSON object with what it does under "do"; its
number is its place among all acts that were ever made, from 1 on, and never changes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from trackmask.files import counted
from trackmask.formats.node import Node
from trackmask.prompts import Box, Point

MAX_OBJECTS = 255  # of a clip, and the highest id: a label is a byte, and 0 is nothing
_BASE = re.compile(r"[0-9]+-[0-9]+-[0-9]+-base\.png")

_KINDS: Mapping[str, Callable[[Node], object]] = {
    "object": lambda node: node.whole(1, MAX_OBJECTS),
    "frame": lambda node: node.whole(0),
    "name": Node.name,
    "x": Node.number,
    "y": Node.number,
    "radius": Node.number,
    "box": Node.box,
    "points": Node.points,
}

Act = Mapping[str, Any]
Place = tuple[int, int]  # object, frame


@dataclass(frozen=True)
class Given:
    """All that was said of an object in a frame."""

    number: int  # of the last act that said something of it: another number, another mask
    positive: tuple[Point, ...] = ()
    negative: tuple[Point, ...] = ()
    box: Box | None = None
    base: str | None = None  # the file of the mask that was there before; None: clicks, box or nothing
    painted: tuple[Act, ...] = ()  # what changed it since, in order: strokes, polygons, clicks on what is wrong in it

    @property
    def asks(self) -> bool:
        """Whether the network is asked what it means."""
        return self.base is None and bool(self.positive or self.box)

    @property
    def kind(self) -> str:
        if self.painted or self.base:
            return "mask"
        return "box" if self.box else "clicks" if self.positive else "absent"


@dataclass(frozen=True)
class Said:
    """What all acts add up to. Never changed: an act makes another one."""

    names: Mapping[int, str] = field(default_factory=dict)  # of the objects, by id
    givens: Mapping[Place, Given] = field(default_factory=dict)
    used: int = 0  # the highest id that an object ever had

    def given_in(self, frame: int) -> list[tuple[int, Given]]:
        """What was said in a frame, by object, the latest at the end: it wins its places."""
        found = [(id_, given) for (id_, at), given in self.givens.items() if at == frame]
        return sorted(found, key=lambda one: one[1].number)

    def of(self, object_id: int) -> dict[int, Given]:
        """What was said of an object, by frame in order."""
        return {frame: given for (id_, frame), given in sorted(self.givens.items()) if id_ == object_id}


def after(said: Said, number: int, act: Act) -> Said:
    """What is said once the act of that number is added. Raises KeyError, TypeError or ValueError for no act."""
    do = act["do"]
    if do == "object":
        return _named(said, act["object"], act["name"])
    if do == "name":
        return replace(said, names={**said.names, act["object"]: act["name"]})
    if do == "delete":
        kept = {place: given for place, given in said.givens.items() if place[0] != act["object"]}
        return replace(said, names={i: n for i, n in said.names.items() if i != act["object"]}, givens=kept)
    if do == "masks":
        for one in act["masks"]:
            said = _named(said, one["object"], one["name"])
            said = _given(said, (one["object"], one["frame"]), _from_mask(number, one))
        return said
    if "name" in act:  # it begins a new object
        said = _named(said, act["object"], act["name"])
    place = (act["object"], act["frame"])
    old = said.givens.get(place)
    if do == "clear":
        return replace(said, givens={p: g for p, g in said.givens.items() if p != place})
    return _given(said, place, _more(old, number, act))


def check(act: Act) -> None:
    """Whether the values of an act that was read are what they are called. Raises DataError."""
    said = Node("the act", "", act)
    for one in [said, *(said.get("masks").items() if said.has("masks") else ())]:
        for key, kind in _KINDS.items():
            if one.has(key):
                kind(one.get(key))


def _more(old: Given | None, number: int, act: Act) -> Given:
    """What was said of an object in a frame, and one act more."""
    do, given = act["do"], replace(old, number=number) if old else Given(number)
    if do == "absent":
        return Given(number)
    if do == "box":
        return Given(number, box=tuple(act["box"]))
    if do == "click":
        point, base = (float(act["x"]), float(act["y"])), _file(act.get("base", given.base))
        changes = () if base is None else (act,)
        given = replace(given, base=base, painted=(*given.painted, *changes))
        if act["on"]:
            return replace(given, positive=(*given.positive, point))
        return replace(given, negative=(*given.negative, point))
    if do in ("stroke", "polygon"):
        return replace(given, painted=(*given.painted, act), base=_file(act.get("base", given.base)))
    raise ValueError(f"there is no act {do!r}")


def _file(name: object) -> str | None:
    """The file of a mask: a stranger's journal must not lead elsewhere. Raises ValueError."""
    if name is None or (isinstance(name, str) and _BASE.fullmatch(name)):
        return name
    raise ValueError(f"{name!r} is no mask's file")


def _from_mask(number: int, one: Mapping[str, Any]) -> Given:
    """A mask from elsewhere, in the file `base`; what was clicked for it is kept for people."""
    positive, negative = (tuple((float(x), float(y)) for x, y in one.get(key, ())) for key in ("positive", "negative"))
    return Given(number, positive, negative, tuple(one["box"]) if one.get("box") else None, base=_file(one["base"]))


def _named(said: Said, object_id: int, name: str) -> Said:
    names = {**said.names, object_id: said.names.get(object_id, name)}
    return replace(said, names=names, used=max(said.used, object_id))


def _given(said: Said, place: Place, given: Given) -> Said:
    return replace(said, givens={**said.givens, place: given})


class Acts:
    """The acts in order, those that were taken back, and what is said now."""

    def __init__(self) -> None:
        self.count = 0  # of all acts, undone ones and undoing included
        self.said = Said()
        self._begun = Said()  # what cannot be taken back
        self._done: list[tuple[int, Act]] = []
        self._undone: list[tuple[int, Act]] = []
        self._before = self.said, self._undone  # the last act, which may fail

    def add(self, act: Act) -> None:
        """An act, or that the one before, which was no undoing or redoing, has failed and does not count.

        Raises KeyError, TypeError or ValueError, with nothing added, where it is none."""
        number = self.count + 1
        if act["do"] == "failed":
            self._done.pop()
            self.said, self._undone = self._before
        elif act["do"] in ("undo", "redo"):
            source, target = (self._done, self._undone) if act["do"] == "undo" else (self._undone, self._done)
            target.append(source.pop())
            self.said = _added(self._begun, self._done)
        else:
            said = after(self.said, number, act)
            self._before = self.said, self._undone
            self.said, self._undone = said, []
            self._done.append((number, act))
        self.count = number

    def begin(self, act: Act) -> None:
        """An act that cannot be taken back: what lay in the result before."""
        self.count += 1
        self.said = self._begun = after(self.said, self.count, act)

    @property
    def changed(self) -> bool:
        """Whether a person said anything."""
        return self.count > (1 if self._begun.used else 0)

    @property
    def last(self) -> Act | None:
        """What `undo` would take back."""
        return self._done[-1][1] if self._done else None

    @property
    def next(self) -> Act | None:
        """What `redo` would do again."""
        return self._undone[-1][1] if self._undone else None


def _added(said: Said, acts: Iterable[tuple[int, Act]]) -> Said:
    for number, act in acts:
        said = after(said, number, act)
    return said


def told(act: Act | None, names: Mapping[int, str]) -> str | None:
    """An act for people: "click on cat in frame 12"."""
    if act is None:
        return None
    words = {
        "object": "new object", "name": "new name of", "delete": "delete", "click": "click on", "box": "box around",
        "stroke": "stroke on", "polygon": "outline of", "absent": "not here:", "clear": "clear",
    }  # fmt: skip
    if act["do"] == "masks":
        return f"{act.get('what', 'masks')} ({counted(len(act['masks']), 'mask')})"
    word = words[act["do"]] if act.get("on", True) else "click beside"
    name = act.get("name") if act["do"] == "object" else names.get(act["object"]) or act.get("name")
    where = f" in frame {act['frame']}" if "frame" in act else ""
    return f"{word} {name or 'object ' + str(act['object'])}{where}"
