"""The values that flow through trackmask. Sizes are (height, width); images are RGB; frames count from 0."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from fractions import Fraction

import numpy as np

Image = np.ndarray  # (H, W, 3) uint8, RGB
LONGEST_NAME = 200  # characters of an object's name
SURE = 127  # an 8-bit probability above it is more likely the object than not
Labels = np.ndarray  # (H, W) uint8, 0 = background, 1..255 = object ids


@dataclass(frozen=True)
class VideoInfo:
    """What a video says of itself, after it has been turned upright."""

    name: str
    size: tuple[int, int]  # (height, width) in pixels
    fps: Fraction  # exact: 30000/1001, not 29.97
    frames: int | None  # a hint: never loop on it
    codec: str  # "h264", or "images" for a folder
    rotation: int = 0  # degrees clockwise that were applied: 0, 90, 180, 270
    mirrored: bool = False  # left and right changed places after that
    aspect: Fraction = Fraction(1)  # of a pixel: its width by its height, as it is shown
    hdr: str | None = None  # "PQ" or "HLG", which were mapped to BT.709; "Dolby Vision" alone, which nobody maps
    interlaced: bool = False  # fields were made whole frames
    alpha: bool = False  # the first frame is transparent in places, which show a plain grey
    white: float | None = None  # the stored value that is shown as white, of images of more than 8 bits a colour
    audio: bool = False
    names: tuple[str, ...] = ()  # of a folder's images, one a frame
    estimated: bool = False  # the header does not count the frames: their number is the length times the rate


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture of a video."""

    index: int  # 0-based, in the whole video, whatever the start
    time: float  # seconds, as the container gives it
    image: Image
    until: float | None = None  # seconds: when the next frame comes, or the last one's own length ends; None: unknown
    last: bool = False  # nothing follows in the video


class State(StrEnum):
    """What the tracker believes of an object in a frame."""

    TRACKED = "tracked"
    UNCERTAIN = "uncertain"  # a mask is given, with low confidence
    LOST = "lost"  # believed visible, not found: the mask is empty rather than wrong
    ABSENT = "absent"  # believed out of the picture or hidden


class Doubt(StrEnum):
    """What lowers the confidence of a mask most."""

    OUTLINE = "unclear outline"
    PIECES = "in pieces"
    GREW = "grew suddenly"  # something else may have been taken in
    SHRANK = "shrank suddenly"  # a part of it may be lost
    LEAPT = "changed at once"  # little in common with the mask of the frame before
    APART = "two directions disagree"
    OTHER = "may be something else"  # it looks little like the object
    AWAY = "may be there"  # of an empty mask


@dataclass(frozen=True)
class Evidence:
    """What is known of one object's mask in one frame, for its confidence to be made of: see `tracking.evidence`."""

    quality: float = 1.0  # [0, 1]: predicted IoU times `same`; of an empty mask the probability of 'not visible'
    iou: float = 1.0  # [0, 1]: predicted
    same: float = 1.0  # [0, 1]: how far what is seen looks like the object
    sharp: float = 1.0  # [0, 1]: IoU of the mask with its own probabilities
    scattered: float = 0.0  # [0, 1]: how much of it lay outside of its largest part, at most, of late
    grown: float = 0.0  # logarithm of how many times larger it is than it was, but for what comes nearer slowly
    shrunk: float = 0.0  # the same of how many times smaller it is; one of the two is 0
    leapt: float = 0.0  # [0, 1]: how much less it has in common with the mask of the frame before than it usually has
    overlap: float = 0.0  # [0, 1]: the IoU that it usually has with that; 0 where unknown
    agreed: float | None = None  # [0, 1]: how well the two directions agree on whose mask it is; None: one alone says
    area: float = 0.0  # pixels, and one more, of the last mask; 0 where unknown
    edge: bool = False  # the frame's edge cuts the mask, or cut the last one
    away: bool = False  # not seen since a new shot began, or since a person said that it is not there


@dataclass(frozen=True)
class ObjectRecord:
    """One object in one frame."""

    id: int  # 1..255
    state: State
    confidence: float  # [0, 1]: expected IoU, or probability of 'not visible' where the mask is empty
    area: int  # pixels
    box: tuple[int, int, int, int] | None  # x, y, w, h of the mask in whole pixels, top left; None where it is empty
    agreement: float | None = None  # [0, 1]: IoU of the masks from both directions; None where tracked from one alone
    doubt: Doubt | None = None  # where the confidence is not high: why
    evidence: Evidence | None = field(default=None, compare=False, repr=False)  # not where a person said what is there

    @property
    def quality(self) -> float:
        """[0, 1]: how sure the network is, which is what the tracker acts on."""
        return self.confidence if self.evidence is None else self.evidence.quality


@dataclass(frozen=True, eq=False)
class Patch:
    """An object's probability in a rectangle of the frame; outside of it the probability is 0."""

    x: int
    y: int
    prob: np.ndarray  # (h, w) uint8, 255 = certain

    def over(self, size: tuple[int, int]) -> np.ndarray:
        """The whole frame, size (height, width): uint8, 255 = certain."""
        full = np.zeros(size, np.uint8)
        height, width = self.prob.shape
        full[self.y : self.y + height, self.x : self.x + width] = self.prob
        return full


@dataclass(frozen=True, eq=False)
class Masks:
    """All objects of one frame. An object's id is its pixel value in `labels`."""

    labels: Labels
    objects: tuple[ObjectRecord, ...]  # in order of id
    patches: Mapping[int, Patch] = field(default_factory=dict)  # the soft masks behind the labels, by id
    cut: bool = False  # whether this frame and the one that was tracked before are of two shots

    def soft(self, object_id: int) -> np.ndarray:
        """The object's probability, (H, W) uint8, 255 = certain."""
        patch = self.patches.get(object_id)
        return np.zeros_like(self.labels) if patch is None else patch.over(self.labels.shape)


def box_of(mask: np.ndarray) -> tuple[int, int, int, int] | None:
    """(x, y, w, h) of the nonzero pixels of a (H, W) mask, in whole pixels; None where there are none."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not rows.size:
        return None
    x, y = int(columns[0]), int(rows[0])
    return x, y, int(columns[-1]) - x + 1, int(rows[-1]) - y + 1


def measured(record: ObjectRecord, labels: Labels) -> ObjectRecord:
    """The record with area and box as the labels have them: other objects may have taken the mask's place."""
    mask = labels == record.id
    area = int(np.count_nonzero(mask))
    if not area and record.state in (State.TRACKED, State.UNCERTAIN):
        # visible, as far as was known
        return replace(record, state=State.LOST, confidence=0.0, area=0, box=None, doubt=None, evidence=None)
    return replace(record, area=area, box=box_of(mask))


def label_map(patches: Collection[tuple[int, Patch]], size: tuple[int, int]) -> Labels:
    """Soft masks by id as one label map of size (height, width): each place belongs to the likeliest object, if it
    passes half; to the first of several that are equally likely.
    """
    labels, best = np.zeros(size, np.uint8), np.full(size, SURE, np.uint8)
    for number, (id_, patch) in enumerate(patches, 1):
        area = np.s_[patch.y : patch.y + patch.prob.shape[0], patch.x : patch.x + patch.prob.shape[1]]
        wins = patch.prob > best[area]
        labels[area][wins] = id_
        if number < len(patches):  # one object alone, as in most videos, competes with nothing
            best[area][wins] = patch.prob[wins]
    return labels


def beside(masks: Masks, others: Masks) -> Masks:
    """The objects of both in one frame: each place belongs to the likeliest of all, to those of `masks` in doubt."""
    new = {record.id for record in others.objects} - {record.id for record in masks.objects}
    patches = {**masks.patches, **{id_: patch for id_, patch in others.patches.items() if id_ in new}}
    labels = label_map(patches.items(), masks.labels.shape)
    records = sorted((*masks.objects, *(r for r in others.objects if r.id in new)), key=lambda record: record.id)
    return replace(masks, labels=labels, objects=tuple(measured(r, labels) for r in records), patches=patches)


def is_name(value: object) -> bool:
    """Whether an object can be called so: 1 to 200 characters that can be shown on one line."""
    return isinstance(value, str) and value.isprintable() and 0 < len(value) <= LONGEST_NAME
