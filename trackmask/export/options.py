"""What an export can be asked for, beside its format."""

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Literal, get_args

from trackmask.data import State
from trackmask.errors import CallError
from trackmask.files import brief

Images = Literal["copy", "link", "none"]
IMAGES: tuple[Images, ...] = get_args(Images)

_RATE = re.compile(r"-?[0-9]{1,9}(\.[0-9]{1,20})?(/[0-9]{1,9})?")  # bounded: 1e99999999 would take hours to read
_SPLIT_NAME = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True)
class Options:
    """Raises CallError where values cannot be, or contradict each other."""

    every: int = 1  # each so many frames, from the first one on
    fps: Fraction | None = None  # or so many frames a second
    states: frozenset[State] = frozenset({State.TRACKED, State.UNCERTAIN})  # of the objects that are kept
    min_area: int = 1  # pixels: smaller masks are left out
    objects: tuple[str, ...] = ()  # ids or names; none: all
    categories: Mapping[str, str] = field(default_factory=dict)  # object name to category; others keep their name
    split: Mapping[str, float] = field(default_factory=dict)  # name to share; the shares add up to 1
    images: Images = "copy"
    polygon: bool = False  # where a format takes both masks and polygons
    tolerance: float = 1.0  # pixels that a polygon may be off
    video: Path | None = None  # where the video is now
    background: str = "#000000"  # of a cut-out: a colour or an image file
    blur: Literal["object", "background"] = "object"

    def __post_init__(self) -> None:
        if self.every < 1:
            raise CallError(f"--every {self.every} cannot be; give a number of frames from 1 on")
        if self.fps is not None and (self.fps <= 0 or self.every > 1):
            raise CallError("--fps must be above 0 and cannot stand beside --every; give one of the two")
        if not self.states:
            raise CallError("--states names no state; give some of " + ", ".join(State))
        if not 0 <= self.tolerance < 100:
            raise CallError(f"--tolerance {self.tolerance:g} cannot be; give pixels, from 0 to 100")
        shares = self.split.values()
        if shares and (min(shares) <= 0 or abs(sum(shares) - 1) > 1e-6):
            raise CallError("the shares of --split must be above 0 and add up to 1; write train=0.8,val=0.2")


def parse_split(text: str) -> dict[str, float]:
    """ "train=0.8,val=0.2" → {"train": 0.8, "val": 0.2}. Raises CallError."""
    shares: dict[str, float] = {}
    for part in text.split(","):
        name, _, share = part.strip().partition("=")
        try:
            value = float(share)
        except ValueError:
            value = 0.0
        if not _SPLIT_NAME.fullmatch(name) or name in shares or not 0 < value <= 1:
            raise CallError(f"{text!r} is not a split; write train=0.8,val=0.2, with plain names, each one once")
        shares[name] = value
    return shares


def parse_states(text: str) -> frozenset[State]:
    """ "tracked,uncertain" → states. Raises CallError."""
    try:
        return frozenset(State(name.strip()) for name in text.split(","))
    except ValueError:
        raise CallError(f"{text!r} names an unknown state; give some of {', '.join(State)}") from None


def parse_categories(pairs: tuple[str, ...]) -> dict[str, str]:
    """("object 1=cat", ...) → {"object 1": "cat"}. Raises CallError."""
    found: dict[str, str] = {}
    for pair in pairs:
        name, equals, category = pair.partition("=")
        if not (equals and name and category) or name in found:
            raise CallError(f"{pair!r} maps no object; write NAME=CATEGORY, each name once")
        found[name] = category
    return found


def parse_fps(text: str) -> Fraction:
    """ "2", "0.5" or "30000/1001". Raises CallError."""
    with suppress(ValueError, ZeroDivisionError):
        if _RATE.fullmatch(text):
            return Fraction(text)
    raise CallError(f"{brief(text)!r} is not a frame rate; write 2, 0.5 or 30000/1001")
