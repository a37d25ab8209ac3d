"""What tempts a tracker: another object that passes, the object's own twin that touches it, another scene behind a cut.

All of it is known, so a rival's mask comes along with the sample (`Scene.others`): the right answer is without it.
"""

import math
from dataclasses import dataclass, replace

import cv2
import numpy as np

from trackmask.training.scenes import Random, Scene, blend, harden, soften

ENOUGH = 200  # pixels of a mask that can be cut out, or be a reference
TWIN = 0.6  # of the others are the object itself
MIRRORED = 0.5  # of the twins
TOUCHES = 0.7  # of the others are as large as the object and touch or cross it; the rest pass anywhere at any size
FOLLOWS = 0.7  # of those go the object's way
EMERGES = 0.25  # of those come out from behind it
LATE = 0.3  # of those are not beside it in the reference
ASKED = 0.25  # of the newcomers are the object from then on, and the one that was there is the rival
CUTS_BACK = 0.35  # of the cuts
DISSOLVES = 0.3  # of the cuts: one frame on each side is mixed with the other scene
MIXED = 0.35  # share of the other scene there
Look = tuple[np.ndarray, np.ndarray]  # a picture (H, W, 3) uint8 and a mask (H, W) uint8, 0 or 255


@dataclass(frozen=True)
class Way:
    """Where another object is, one place a frame: its middle (T, 2) in pixels, and how many times larger (T,)."""

    middle: np.ndarray
    zoom: np.ndarray
    turn: float  # radians
    in_front: bool

    def behind(self) -> "Way":
        return replace(self, in_front=False)


def add_another(rng: Random, scene: Scene, still: Look) -> Scene:
    """Another object in the scene, a still's or the object itself; where they touch, one is in front of the other.

    Now and then the newcomer is the one that is asked for.
    """
    looks = twins(rng, scene) if rng.random() < TWIN else None
    looks = looks or [still] * len(scene.images)
    way = beside(rng, scene, looks) if rng.random() < TOUCHES else anywhere(rng, scene, looks)
    both = layer(scene, looks, way)
    if cv2.countNonZero(both.masks[0]) < 0.3 * cv2.countNonZero(scene.masks[0]):  # a reference must show the object
        both = layer(scene, looks, way.behind())
    if rng.random() < ASKED and not scene.others and cv2.countNonZero(both.others[0]) > ENOUGH:
        return Scene(both.images, both.others, alone=False, others=both.masks)
    return both


def twins(rng: Random, scene: Scene) -> list[Look] | None:
    """The object itself at other times of the clip, one look a frame; None where it is hardly seen."""
    times = [t for t, mask in enumerate(scene.masks) if cv2.countNonZero(mask) > ENOUGH]
    if not times:
        return None
    start, way = int(rng.integers(len(times))), int(rng.choice((-1, 0, 1)))
    order = [times[(start + way * t) % len(times)] for t in range(len(scene.masks))]
    flip = -1 if rng.random() < MIRRORED else 1
    gain = np.exp(rng.normal(0, 0.06, 3)) if rng.random() < 0.5 else np.ones(3)
    return [
        (np.clip(scene.images[t] * gain, 0, 255).astype(np.uint8)[:, ::flip], scene.masks[t][:, ::flip]) for t in order
    ]


def beside(rng: Random, scene: Scene, looks: list[Look]) -> Way:
    """The way of something as large as the object that touches or crosses it."""
    frames = len(scene.masks)
    middle, extent, area = placed(scene.masks)
    _, theirs, size = placed([mask for _, mask in looks])
    if rng.random() >= FOLLOWS:  # it stays where it meets the object
        meeting = int(rng.integers(frames))
        middle, extent, area = (np.repeat(x[meeting : meeting + 1], frames, 0) for x in (middle, extent, area))
    zoom = np.sqrt(area / size) * np.exp(rng.normal(0, 0.15))
    angle = rng.normal(0, 0.4) + (math.pi if rng.random() < 0.5 else 0.0)
    heading = np.array([math.cos(angle), math.sin(angle)])
    reach = ((extent + theirs * zoom[:, None]) / 2 * np.abs(heading)).sum(1)  # where the boxes' middles touch
    emerges = rng.random() < EMERGES
    met, far = (0, rng.uniform(0, 0.2)) if emerges else (int(rng.integers(1, frames)), rng.uniform(0.3, 1.0))
    speed = rng.uniform(0.12, 0.4) if emerges else rng.uniform(-0.3, 0.3) * (rng.random() < 0.7)
    apart = far + (np.arange(frames) - met) * speed
    if not emerges and rng.random() < LATE:
        apart[0] += rng.uniform(1.5, 4)
    aside = rng.normal(0, 0.05, (frames, 2)).cumsum(0) * extent
    aside = aside - aside[met]
    return Way(
        middle + aside + (apart * reach)[:, None] * heading,
        zoom,
        rng.normal(0, 0.1),
        not emerges and rng.random() < 0.5,
    )


def anywhere(rng: Random, scene: Scene, looks: list[Look]) -> Way:
    """A straight way through the picture, at any size."""
    frames, (height, width) = len(scene.masks), scene.masks[0].shape
    _, extent, _ = placed([mask for _, mask in looks])
    size = rng.uniform(0.2, 0.6) * min(height, width)
    start = rng.uniform(0.2, 0.8, 2) * (width, height)
    step = rng.normal(0, 0.12 * size, 2)
    zoom = size / extent.max(1).mean() * np.exp(rng.normal(0, 0.04) * np.arange(frames))
    return Way(start + np.arange(frames)[:, None] * step, zoom, rng.normal(0, 0.2), rng.random() < 0.6)


def placed(masks: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Middle (T, 2), width and height (T, 2) and area (T,) in pixels; where a mask is empty, as in the frame before,
    or in the first that shows anything."""
    found = [(cv2.boundingRect(mask), cv2.countNonZero(mask)) for mask in masks]
    last = next((f for f in found if f[1]), ((0, 0, masks[0].shape[1], masks[0].shape[0]), masks[0].size))
    rows = []
    for one in found:
        last = one if one[1] else last
        (x, y, w, h), area = last
        rows.append((x + w / 2, y + h / 2, w, h, area))
    table = np.array(rows, float)
    return table[:, :2], table[:, 2:4], table[:, 4]


def layer(scene: Scene, looks: list[Look], way: Way) -> Scene:
    """The scene with another object on its way; the masks of both are what is seen of them."""
    size = scene.masks[0].shape
    sources, _, _ = placed([mask for _, mask in looks])
    images, masks, others = [], [], []
    for t, (picture, truth, known) in enumerate(zip(scene.images, scene.masks, scene.rivals, strict=True)):
        matrix = turn_about(sources[t], way.middle[t], way.zoom[t], way.turn)
        look = warp(looks[t][0], matrix, size)
        alpha = warp(soften(looks[t][1]), matrix, size, cv2.BORDER_CONSTANT)
        if not way.in_front:
            alpha = np.minimum(alpha, 255 - cv2.GaussianBlur(truth, (3, 3), 0))
        seen = harden(alpha)
        images.append(blend(picture, look, alpha))
        masks.append(cv2.bitwise_and(truth, 255 - seen))
        others.append(cv2.bitwise_or(known, seen))
    return Scene(images, masks, alone=False, others=others)


def cut_to(rng: Random, scene: Scene, other: Scene) -> Scene:
    """The rest of the clip is another scene, whose object is near the place where this one's was: it shows nothing of
    the object. Some cut back."""
    frames = len(scene.images)
    start = int(rng.integers(1, frames))
    back = rng.random() < CUTS_BACK and start + 1 < frames
    end = int(rng.integers(start + 1, frames)) if back else frames
    middle, _, area = placed(scene.masks)
    theirs, extent, size = placed(other.masks)
    shape = scene.masks[0].shape
    least = max(shape[0] / other.masks[0].shape[0], shape[1] / other.masks[0].shape[1])
    zoom = float(np.clip(math.sqrt(area[start - 1] / size[start]) * np.exp(rng.normal(0, 0.3)), 0.7 * least, 3 * least))
    target = middle[start - 1] + rng.normal(0, 0.2, 2) * extent[start] * zoom
    matrix = turn_about(theirs[start], target, zoom, 0.0)
    images, masks, others = list(scene.images), list(scene.masks), list(scene.rivals)
    before = images[start]
    for t in range(start, end):
        images[t] = warp(other.images[t], matrix, shape)
        masks[t] = np.zeros(shape, np.uint8)
        others[t] = harden(warp(other.masks[t], matrix, shape, cv2.BORDER_CONSTANT))
    if rng.random() < DISSOLVES:
        share = np.full(shape, round(255 * MIXED), np.uint8)
        if start > 1:  # the first frame is the reference
            images[start - 1] = blend(images[start - 1], images[start], share)
        images[start] = blend(images[start], before, share)
    return Scene(images, masks, scene.alone, others)


def turn_about(source: np.ndarray, target: np.ndarray, zoom: float, turn: float) -> np.ndarray:
    """The affine matrix (2, 3) that puts the point `source` at `target`, zoomed and turned (radians)."""
    cos, sin = zoom * math.cos(turn), zoom * math.sin(turn)
    linear = np.array([[cos, -sin], [sin, cos]])
    return np.column_stack((linear, target - linear @ source))


def warp(
    picture: np.ndarray, matrix: np.ndarray, size: tuple[int, int], border: int = cv2.BORDER_REFLECT_101
) -> np.ndarray:
    """A picture or a mask on a canvas of size (height, width)."""
    return cv2.warpAffine(picture, matrix, size[::-1], flags=cv2.INTER_LINEAR, borderMode=border)
