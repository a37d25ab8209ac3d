"""Whether a prompt fits a video, and in the form that the tracker takes."""

import math
from dataclasses import replace
from numbers import Integral, Real
from pathlib import Path

import numpy as np

from trackmask.errors import PromptError
from trackmask.formats.shape import Box, Point
from trackmask.prompts.prompt import Moment, Prompt, as_box, as_point, pixel

OVER = 0.02  # of a side of the frame: so far a box may reach over its edge without being taken for corners


def check(prompt: Prompt, size: tuple[int, int], frames: int | None = None, *, absent: bool = False) -> Prompt:
    """The prompt as it applies to a video of `size` (height, width): its box is cut at the frame's edge, its mask is
    (H, W) bool, its numbers are Python's.

    Raises PromptError where id, frame, mask, box or a click do not fit; `frames` is None where nobody has counted.
    `absent`: an empty mask is a prompt as well, which says that the object is not to be seen.
    """
    prompt = plain(prompt)
    if isinstance(prompt.frame, int) and not 0 <= prompt.frame < (math.inf if frames is None else frames):
        count = "" if frames is None else f": the video has {frames}"
        raise PromptError(f"there is no frame {prompt.frame}{count}; frames are counted from 0")
    if prompt.mask is None and prompt.box is None and not prompt.positive:
        raise PromptError(f"object {prompt.object_id} has no mask, box or click on it; give one")
    if prompt.mask is not None:
        _check_mask(prompt, prompt.mask, size, absent)
    for point in (*prompt.positive, *prompt.negative):
        _check_point(point, size)
    beside = {pixel(point) for point in prompt.negative}
    for x, y in (point for point in prompt.positive if pixel(point) in beside):
        raise PromptError(f"the click {x:g},{y:g} is said to be on object {prompt.object_id} and beside it; choose one")
    return prompt if prompt.box is None else replace(prompt, box=_clip(prompt, prompt.box, size))


def plain(prompt: Prompt) -> Prompt:
    """The prompt in Python's own numbers and a bool mask, whatever it was written in. Raises PromptError."""
    if not isinstance(prompt, Prompt):
        raise PromptError(
            f"{type(prompt).__name__} is no prompt; write trackmask.Prompt(object_id=1, box=(x, y, w, h))"
        )
    if not isinstance(prompt.object_id, Integral) or not 1 <= prompt.object_id <= 255:
        raise PromptError(f"object {prompt.object_id} cannot be: ids go from 1 to 255")
    return replace(
        prompt,
        object_id=int(prompt.object_id),
        frame=plain_moment(prompt.frame),
        mask=None if prompt.mask is None else as_mask(prompt.mask),
        box=None if prompt.box is None else as_box(prompt.box, prompt.box),
        positive=_points(prompt.positive),
        negative=_points(prompt.negative),
    )


def as_mask(mask: object) -> np.ndarray:
    """The mask of one object as (H, W) bool: from bools, or from whole numbers of which one other than 0 means it.

    Raises PromptError for the name of a file, other shapes, fractions, and masks of several objects.
    """
    if isinstance(mask, str | bytes | Path):
        raise PromptError(f"the mask {str(mask)!r} is a name; give its pixels: trackmask.prompts.read_mask(path)[id]")
    values = np.asarray(mask)
    if values.ndim != 2:
        raise PromptError(f"a mask of shape {values.shape} is none; give an array (height, width), True on the object")
    if values.dtype == bool:
        return values
    if values.dtype.kind not in "iu":
        raise PromptError(f"a mask of {values.dtype} is none; give bools, for example mask > 0.5")
    if len(ids := np.unique(values[values != 0])) > 1:
        raise PromptError(
            f"the mask holds {len(ids)} objects; give each its own prompt, with mask == {ids[0]} and so on"
        )
    found: np.ndarray = values != 0
    return found


def plain_moment(frame: object) -> Moment:
    """A place in a video as Python's int, float or None, whatever number it was. Raises PromptError."""
    if frame is None:
        return None
    if isinstance(frame, Integral) and not isinstance(frame, bool):
        return int(frame)
    if isinstance(frame, Real) and math.isfinite(frame):
        return float(frame)
    raise PromptError(f"{frame!r} is no place in a video; give an int for a frame, a float for seconds")


def _points(points: object) -> tuple[Point, ...]:
    try:
        given = list(points)  # type: ignore[call-overload]  # told below
    except TypeError:
        raise PromptError(f"{points!r} are no clicks; give pairs of x and y in pixels: ((40, 50),)") from None
    if len(given) == 2 and all(isinstance(value, Real) for value in given):
        raise PromptError(f"{points!r} is one click, and clicks are a list of them; write ({points!r},)")
    return tuple(as_point(point, point) for point in given)


def _check_mask(prompt: Prompt, mask: np.ndarray, size: tuple[int, int], absent: bool) -> None:
    name = Path(prompt.source).name or f"the mask of object {prompt.object_id}"
    if mask.shape != size:
        raise PromptError(
            f"{name} is {_pixels(mask.shape)} and the video is {_pixels(size)}; give a mask of the video's size"
        )
    if not (absent or mask.any()):
        raise PromptError(f"{name} is empty: no pixel belongs to object {prompt.object_id}; paint the object")


def _check_point(point: Point, size: tuple[int, int]) -> None:
    (x, y), (height, width) = point, size
    if 0 < x < 1 and 0 < y < 1:
        raise PromptError(
            f"the click {x:g},{y:g} is in parts of the frame; write pixels: {x * width:.0f},{y * height:.0f}"
        )
    if not (0 <= x < width and 0 <= y < height):
        raise PromptError(f"the click {x:g},{y:g} is outside of the frame ({_pixels(size)}); move it inside")


def _clip(prompt: Prompt, box: Box, size: tuple[int, int]) -> Box:
    _check_units(box, size)
    x, y, w, h = box
    left, top, right, bottom = max(x, 0), max(y, 0), min(x + w, size[1]), min(y + h, size[0])
    if right <= left or bottom <= top:
        raise PromptError(f"the box {_said(box)} is outside of the frame ({_pixels(size)}); move it inside")
    for px, py in prompt.positive:
        if not (x <= px <= x + w and y <= py <= y + h):
            raise PromptError(
                f"the click {px:g},{py:g} is said to be on object {prompt.object_id}, but is outside of its box; "
                "move one of them"
            )
    return left, top, right - left, bottom - top


def _check_units(box: Box, size: tuple[int, int]) -> None:
    """PromptError for a box in parts of the frame, and for one that may be meant as two corners: guessing either way
    would track something else without a word."""
    (x, y, w, h), (height, width) = box, size
    if max(box) <= 1:
        pixels = f"{x * width:.0f},{y * height:.0f},{w * width:.0f},{h * height:.0f}"
        raise PromptError(f"the box {_said(box)} is in parts of the frame; write it in pixels: {pixels}")
    over = x + w > width * (1 + OVER) or y + h > height * (1 + OVER)
    if over and 0 <= x < w <= width and 0 <= y < h <= height:
        corners, cut = (x, y, w - x, h - y), (x, y, min(w, width - x), min(h, height - y))
        raise PromptError(
            f"the box {_said(box)} reaches over the frame ({_pixels(size)}); if it is two corners, write "
            f"{_said(corners)} (X,Y,W,H), and if not, {_said(cut)}, which ends at the frame's edge"
        )


def _said(box: Box) -> str:
    return ",".join(f"{value:g}" for value in box)


def _pixels(size: tuple[int, ...]) -> str:
    return f"{size[1]}x{size[0]}"
