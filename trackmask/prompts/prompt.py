"""What the user says of an object: its mask, a box or clicks, in one frame."""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from trackmask.errors import DataError, PromptError
from trackmask.files import shown
from trackmask.formats.ids import VOID, read_ids
from trackmask.formats.shape import Box, Point

Moment = int | float | None  # a place in a video: an int is a frame, a float seconds, None the first frame tracked


_SECONDS = re.compile(r"([0-9]+(?:\.[0-9]+)?)s")
_CLOCK = re.compile(r"(?:([0-9]+):)?([0-9]{1,2}):([0-9]{1,2}(?:\.[0-9]+)?)")


@dataclass(frozen=True, eq=False)
class Prompt:
    """One object in one frame."""

    object_id: int  # 1..255
    frame: Moment = None  # frames are 0-based
    mask: np.ndarray | None = None  # (H, W) bool
    box: Box | None = None
    positive: tuple[Point, ...] = ()  # clicks on the object
    negative: tuple[Point, ...] = ()  # clicks beside it
    source: str = ""  # the file of the mask

    @property
    def at(self) -> int:
        """The frame, where it is one: a time is resolved against the video before anything is tracked."""
        if not isinstance(self.frame, int):
            raise ValueError(f"the prompt of object {self.object_id} has no frame yet")
        return self.frame

    def as_json(self) -> dict[str, Any]:
        """The prompt for result.json: a mask by the name of its file (null where it has none), never by a path."""
        entry: dict[str, Any] = {"object": self.object_id, "frame": self.at}
        if self.mask is not None:
            entry["mask"] = Path(self.source).name or None
        if self.box is not None:
            entry["box"] = [_plain(value) for value in self.box]
        for name, points in (("positive", self.positive), ("negative", self.negative)):
            if points:
                entry[name] = [[_plain(x), _plain(y)] for x, y in points]
        return entry


def parse_moment(text: str) -> int | float:
    """A place in a video: "45" → frame 45 (int); "3.2s", "00:03.2", "1:02:03.5" → seconds (float). Or PromptError."""
    text = text.strip()
    if text.isascii() and text.isdigit():
        return int(text)
    if seconds := _SECONDS.fullmatch(text):
        return float(seconds[1])
    clock = _CLOCK.fullmatch(text)
    if clock and float(clock[3]) < 60 and (clock[1] is None or int(clock[2]) < 60):
        return int(clock[1] or 0) * 3600 + int(clock[2]) * 60 + float(clock[3])
    raise PromptError(f"{text!r} is neither a frame nor a time; write 45 for a frame, 3.2s or 1:02:03.5 for a time")


def parse_box(text: str) -> Box:
    """ "X,Y,W,H" in pixels, top left corner first → (x, y, w, h). Raises PromptError."""
    return as_box(_numbers(text), text)


def parse_point(text: str) -> Point:
    """ "X,Y" in pixels → (x, y). Raises PromptError."""
    return as_point(_numbers(text), text)


def as_box(values: object, said: object) -> Box:
    """Four numbers of any kind → (x, y, w, h). Raises PromptError, which tells what was `said`."""
    try:
        x, y, w, h = (float(part) for part in values)  # type: ignore[attr-defined]  # told below
    except (TypeError, ValueError):
        raise PromptError(f"{said!r} is not a box; write X,Y,W,H in pixels, for example 40,30,120,160") from None
    if not all(map(math.isfinite, (x, y, w, h))) or min(w, h) <= 0:
        raise PromptError(f"the box {said} has no area; its width and height, the last two numbers, must be above 0")
    return x, y, w, h


def as_point(values: object, said: object) -> Point:
    """Two numbers of any kind → (x, y). Raises PromptError, which tells what was `said`."""
    try:
        x, y = (float(part) for part in values)  # type: ignore[attr-defined]  # told below
    except (TypeError, ValueError):
        raise PromptError(f"{said!r} is not a point; write X,Y in pixels, for example 40,50") from None
    if not (math.isfinite(x) and math.isfinite(y)):
        raise PromptError(f"{said!r} is not a point in a picture; write X,Y in pixels")
    return x, y


def read_mask(path: str | Path) -> dict[int, np.ndarray]:
    """The masks in an image file, by id in rising order: (H, W) bool each, none of them empty.

    What the picture's values mean `formats.ids.read_ids` tells. Raises PromptError where the file is missing, not an
    image, empty, a picture instead of a mask, or may be read in two ways.
    """
    path = Path(path)
    try:
        values = read_ids(path)
    except DataError as error:
        raise PromptError(str(error)) from error
    ids = [int(id_) for id_ in np.unique(values) if id_ not in (0, VOID)]
    if not ids:
        raise PromptError(f"{shown(path.name)} is empty: no pixel belongs to an object; paint the object in white")
    return {id_: values == id_ for id_ in ids}


def by_frame(prompts: Iterable[Prompt]) -> dict[int, list[Prompt]]:
    """The prompts of each frame that has any. Raises PromptError where an object has two in one frame."""
    frames: dict[int, list[Prompt]] = {}
    for prompt in prompts:
        others = frames.setdefault(prompt.at, [])
        if any(other.object_id == prompt.object_id for other in others):
            raise PromptError(
                f"object {prompt.object_id} is prompted twice in frame {prompt.at}; name the frame the same way for "
                "all that belongs together, and give one box or one mask"
            )
        on = {pixel(point) for point in prompt.positive}
        for other in others:
            for x, y in (point for point in other.positive if pixel(point) in on):
                raise PromptError(
                    f"the click {x:g},{y:g} is said to be on object {other.object_id} and on object "
                    f"{prompt.object_id} in frame {prompt.at}; choose one"
                )
        others.append(prompt)
    return frames


def pixel(point: Point) -> tuple[int, int]:
    """The pixel that a click lies on."""
    return math.floor(point[0]), math.floor(point[1])


def _numbers(text: str) -> list[str]:
    """What stands between commas or spaces, without the brackets and quotes that people copy along."""
    return re.split(r"\s*,\s*|\s+", text.strip(" ()[]{}\"'\u201c\u201d\u2018\u2019"))


def _plain(value: float) -> int | float:
    """12.0 as 12, the way it was typed."""
    return int(value) if float(value).is_integer() else float(value)
