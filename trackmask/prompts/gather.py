"""What all kinds of prompt files share: what they need to know of the video, which frame a picture is, one prompt an
object and frame."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import PurePosixPath

import numpy as np

from trackmask.errors import PromptError
from trackmask.formats.limits import MAX_MASKS
from trackmask.formats.names import Places
from trackmask.formats.shape import Shape, Size
from trackmask.prompts.prompt import Moment, Prompt

_NUMBERED = re.compile(r"[^0-9]*?([0-9]{1,9})")


@dataclass(frozen=True, eq=False)
class PromptSet:
    """The prompts of one video, one for each frame and object, and the names of the objects that have one."""

    prompts: tuple[Prompt, ...]
    names: dict[int, str]


@dataclass(frozen=True, eq=False)
class Target:
    """What reading prompts needs to know of the video that they are for."""

    name: str = ""  # of the file or folder
    key: str = ""  # by which a file for many clips calls it; else its name
    images: tuple[str, ...] = ()  # of a folder of images: their names in order
    size: tuple[int, int] | None = None  # (height, width); None: not known yet

    @cached_property
    def _places(self) -> Places:
        return Places(self.images)

    def frame(self, picture: str) -> int | None:
        """The frame that an annotated picture is, by its file name; None where the name tells no number.

        In a folder of images the one of that name or number; else its number, without the video's own name:
        clip-00012.jpg of clip.mp4 is frame 12, clip.jpg is frame 0.
        """
        name = PurePosixPath(picture.replace("\\", "/")).name
        if self.images:
            return self._places.of(name)
        stem, own = PurePosixPath(name).stem, PurePosixPath(self.name).stem
        rest = stem.removeprefix(own) if own else stem
        if not rest:
            return 0
        number = _NUMBERED.fullmatch(rest)
        return int(number[1]) if number else None


def gather(file: str, pieces: Iterable[Prompt], names: Mapping[int, str]) -> PromptSet:
    """One prompt for each object and frame: parts of a mask are joined, clicks add up. PromptError for two boxes."""
    whole: dict[tuple[Moment, int], Prompt] = {}
    for piece in pieces:
        key = (piece.frame, piece.object_id)
        whole[key] = _join(file, whole[key], piece) if key in whole else piece
    used = {piece.object_id for piece in whole.values()}
    return PromptSet(tuple(whole.values()), {id_: name for id_, name in sorted(names.items()) if id_ in used})


def check_room(file: str, shapes: Iterable[Shape], size: Size | None) -> None:
    """PromptError where the masks of a file of prompts would take more memory than prompts can be worth."""
    sizes = (size or shape.size or (0, 0) for shape in shapes if shape.paint is not None)
    if sum(height * width for height, width in sizes) > MAX_MASKS:
        raise PromptError(
            f"{file} holds masks of more than {MAX_MASKS >> 30} GB for one video; give fewer of them as prompts, or "
            "bring them into a result with trackmask import"
        )


def free_id(file: str, taken: Iterable[int]) -> int:
    """The smallest id that no object has. PromptError where all 255 are taken."""
    free = set(range(1, 256)) - set(taken)
    if not free:
        raise PromptError(f"{file} has more than 255 objects; track the others in a second run")
    return min(free)


def numbered(label: str, taken: Collection[str]) -> str:
    """The label; with a number where others are `taken`: "cat", "cat 2"."""
    name, number = label, 2
    while name in taken:
        name, number = f"{label} {number}", number + 1
    return name


def _join(file: str, one: Prompt, other: Prompt) -> Prompt:
    mask = one.mask if other.mask is None else other.mask
    if one.mask is not None and other.mask is not None:
        if one.mask.shape != other.mask.shape:
            raise PromptError(f"{file}: object {one.object_id} has masks of two sizes in frame {one.frame}; give one")
        mask = np.logical_or(one.mask, other.mask)
    if one.box and other.box and one.box != other.box:
        raise PromptError(f"{file}: object {one.object_id} has two boxes in frame {one.frame}; give one")
    return replace(
        one,
        mask=mask,
        box=one.box or other.box,
        positive=one.positive + other.positive,
        negative=one.negative + other.negative,
    )
