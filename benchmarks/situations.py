"""Situations in which a tracker may take something else for its object, made of clips with a true mask for each frame.

Everything is drawn from whole clips in a fixed order: the same clips make the same situations, byte for byte.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import product

import cv2
import numpy as np

from trackmask.data import Frame, Image, VideoInfo, box_of
from trackmask.evaluation.dataset import VOID, Clip
from trackmask.video import VideoReader
from trackmask.video.made import MadeVideo

TALL = 0.5  # of the stage's height: a figure that walks over it
WIDEST = 0.4  # of the frame: a wider object leaves no room for its twin
PAUSE = 10  # frames in which nobody is on the stage
CROSSING, BACK = 30, 16  # frames: somebody crosses half of the stage or all of it; the object comes back
TWIN_FRAMES = 48  # of a clip with a twin, at most
APART, TOUCHING = 1.5, 0.85  # widths between the middles of an object and its twin
FPS = Fraction(25)

Box = tuple[int, int, int, int]


@dataclass(frozen=True, eq=False)
class Moment:
    """One frame of a situation."""

    image: Image
    truth: np.ndarray  # (H, W) bool: what is seen of the object
    other: np.ndarray  # (H, W) bool: what is seen of what it may be taken for
    away: bool  # nothing of the object is there


def film(images: Sequence[Image]) -> VideoReader:
    """Pictures, one a frame, to be tracked as any other video."""
    height, width = images[0].shape[:2]

    def frames() -> Iterator[Frame]:
        for index, image in enumerate(images):
            yield Frame(index, float(index / FPS), image)

    return MadeVideo(VideoInfo("situation", (height, width), FPS, len(images), "images"), frames)


@dataclass(frozen=True, eq=False)
class Shown:
    """A clip, decoded."""

    name: str
    images: list[Image]
    masks: list[np.ndarray]  # (H, W) bool: all of its objects

    @classmethod
    def of(cls, clip: Clip) -> "Shown":
        images = [frame.image for frame in clip.frames()]
        truths = [clip.truth(index) for index in range(len(images))]
        return cls(clip.name, images, [(truth > 0) & (truth != VOID) for truth in truths])

    def __len__(self) -> int:
        return len(self.images)

    @property
    def size(self) -> tuple[int, int]:
        return self.masks[0].shape[0], self.masks[0].shape[1]

    @cached_property
    def boxes(self) -> list[Box | None]:
        return [box_of(mask) for mask in self.masks]

    def showing(self, index: int) -> int:
        """That frame, or the next one that shows the object; behind the last one comes the first."""
        return next(i % len(self) for i in range(index, index + len(self)) if self.boxes[i % len(self)])

    def moments(self, size: tuple[int, int] | None = None) -> list[Moment]:
        """Its frames; with a size (height, width), as those of another scene, in which the object is not."""
        if size is None:
            nothing = np.zeros(self.size, bool)
            return [
                Moment(image, mask, nothing, not mask.any())
                for image, mask in zip(self.images, self.masks, strict=True)
            ]
        nothing, everything = np.zeros(size, bool), np.ones(size, bool)
        return [
            Moment(cv2.resize(image, size[::-1], interpolation=cv2.INTER_AREA), nothing, everything, True)
            for image in self.images
        ]


@dataclass(frozen=True, eq=False)
class Figure:
    """An object that was cut out of one frame of its clip."""

    image: Image
    soft: np.ndarray  # (h, w) float32 in [0, 1]

    @classmethod
    def of(cls, shown: Shown, index: int, *, height: int | None = None, mirrored: bool = False) -> "Figure":
        """The object in frame `index`, which must show it; `height` pixels high."""
        x, y, w, h = shown.boxes[index] or (0, 0, 1, 1)
        image, mask = shown.images[index][y : y + h, x : x + w], shown.masks[index][y : y + h, x : x + w]
        soft = cv2.GaussianBlur(np.pad(mask.astype(np.float32), 2), (3, 3), 0)[2:-2, 2:-2]
        if height is not None:
            size = max(round(w * height / h), 2), height
            image, soft = (cv2.resize(one, size, interpolation=cv2.INTER_AREA) for one in (image, soft))
        return cls(image[:, ::-1], soft[:, ::-1]) if mirrored else cls(image, soft)

    def onto(self, image: Image, middle: float, bottom: float) -> np.ndarray:
        """Draw it into the image, its middle and lower edge there (pixels); returns where it is, (H, W) bool."""
        height, width = self.soft.shape
        left, top = round(middle - width / 2), round(bottom - height)
        x, y = max(left, 0), max(top, 0)
        right, below = min(left + width, image.shape[1]), min(top + height, image.shape[0])
        where = np.zeros(image.shape[:2], bool)
        if x >= right or y >= below:
            return where
        here, part = np.s_[y:below, x:right], np.s_[y - top : below - top, x - left : right - left]
        soft = self.soft[part][..., None]
        image[here] = (image[here] * (1 - soft) + self.image[part] * soft).round().astype(np.uint8)
        where[here] = self.soft[part] > 0.5
        return where


# --- one leaves, another enters ------------------------------------------------------------------------------------


def stage(shown: Shown) -> Image | None:
    """A place without its object: the part of the first frame beside it, if that is wide enough."""
    box = shown.boxes[0]
    if box is None:
        return None
    height, width = shown.size
    left, right = slice(0, box[0]), slice(box[0] + box[2], width)
    free = max(left, right, key=lambda part: part.stop - part.start)
    if free.stop - free.start < width / 2:
        return None
    return np.asarray(cv2.resize(shown.images[0][:, free], (width, height), interpolation=cv2.INTER_CUBIC))


def visit(place: Image, one: Shown, other: Shown) -> Iterator[Moment]:
    """The object stands in the middle and leaves to the right; the other enters there and crosses the whole stage; the
    object comes back from the left. Nobody is there for a while between.
    """
    height, width = place.shape[:2]
    tall, ground = round(TALL * height), round(0.9 * height)
    side = width / 2 + tall  # from the middle: out of the picture
    nobody = [None] * PAUSE
    ways = [
        (one, 0, [*np.linspace(0, side, CROSSING), *nobody]),
        (other, 0, [*np.linspace(side, -side, 2 * CROSSING), *nobody]),
        (one, CROSSING, [*np.linspace(-side, 0, BACK)]),
    ]
    for who, start, way in ways:
        for index, step in enumerate(way, start):
            image, nothing = place.copy(), np.zeros((height, width), bool)
            if step is None:
                yield Moment(image, nothing, nothing, True)
                continue
            seen = Figure.of(who, who.showing(index), height=tall).onto(image, width / 2 + step, ground)
            ours = seen if who is one else nothing
            yield Moment(image, ours, nothing if who is one else seen, not ours.any())


# --- twins ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Meeting:
    """How an object and its twin meet."""

    kind: str  # "before" or "behind" the object, or "touching" it
    mirrored: bool
    side: int  # from which the twin comes: -1 left, 1 right

    def apart(self, share: float) -> float:
        """Widths between the two at that share of the time."""
        if self.kind == "touching":
            return self.side * (TOUCHING + (APART - TOUCHING) * abs(2 * share - 1))
        return self.side * APART * (1 - 2 * share)


MEETINGS = [Meeting(*how) for how in product(("before", "behind", "touching"), (False, True), (-1, 1))]


def with_twin(shown: Shown, how: Meeting) -> Iterator[Moment]:
    """The clip with its object's own cut-out from another time beside it."""
    count = min(len(shown), TWIN_FRAMES)
    wide = float(np.median([box[2] for box in shown.boxes[:count] if box]))
    for index in range(count):
        image, mask, box = shown.images[index].copy(), shown.masks[index], shown.boxes[index]
        nothing = np.zeros_like(mask)
        if box is None:
            yield Moment(image, mask, nothing, True)
            continue
        x, y, w, h = box
        middle = x + w / 2 + wide * how.apart(index / (count - 1))
        then = shown.showing(index + len(shown) // 2)
        _, _, across, down = shown.boxes[then] or box
        tall = round(down * math.sqrt(w * h / (across * down)))  # as large as the object is here
        twin = Figure.of(shown, then, height=tall, mirrored=how.mirrored).onto(image, middle, y + h)
        if how.kind == "behind":
            image[mask] = shown.images[index][mask]
            twin &= ~mask
        yield Moment(image, mask & ~twin, twin, False)


def roomy(shown: Shown) -> bool:
    """Whether a twin has room beside the object."""
    widths = [box[2] for box in shown.boxes if box]
    return len(widths) > 0 and float(np.median(widths)) <= WIDEST * shown.size[1]


def way(number: int) -> int:
    """Which of the MEETINGS comes as the `number`-th: neighbours in the list are unlike each other."""
    return (5 * number + number // len(MEETINGS)) % len(MEETINGS)


def twins(clips: Sequence[Shown], count: int) -> Iterator[tuple[str, Iterator[Moment]]]:
    """Name and frames of so many situations: each clip in turn, each time meeting its twin in another way."""
    fit = [shown for shown in clips if roomy(shown)]
    for number in range(count):
        shown, how = fit[number % len(fit)], MEETINGS[way(number)]
        words = (
            f"{how.kind}, {'mirrored' if how.mirrored else 'as it is'}, from the {'left' if how.side < 0 else 'right'}"
        )
        yield f"{shown.name}: {words}", with_twin(shown, how)
