"""Clips made from still pictures: an object cut out of one picture moves over another one, or a camera over one."""

import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np

from trackmask.errors import DataError
from trackmask.training.scenes import Random, Scene, blend, harden, read_object, read_rgb, soften

CANVAS = 448  # height and width of a made frame, pixels: an object fills about as many as of a crop
THIN = 0.35  # of the clips show thin things
PARTED = 0.15  # of the clips show one of several things alike
LARGE, FEWEST = (
    0.2,
    400,
)  # a part of a mask is a thing of its own: from this share of the largest, and from these pixels
Maps = tuple[np.ndarray, np.ndarray]  # cv2.remap's, (H, W) float32 each: x and y of where each pixel comes from


class Stills:
    """A folder of pictures with masks of the same name (NAME.png beside NAME.webp or .jpg), less those left out."""

    def __init__(self, folder: Path, leave_out: frozenset[str] = frozenset()) -> None:
        pictures = (p for p in sorted(folder.iterdir()) if p.suffix in {".webp", ".jpg", ".jpeg"})
        self.paths = [p for p in pictures if p.with_suffix(".png").exists() and p.stem not in leave_out]
        if not self.paths:
            raise DataError(
                f"{folder} holds no pictures with masks; give it NAME.webp or NAME.jpg with NAME.png beside it"
            )

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """image (H, W, 3) uint8 RGB, mask (H, W) uint8 0 or 255"""
        path = self.paths[index]
        image, mask = read_rgb(path), self.mask(index)
        if image.shape[:2] != mask.shape:
            raise DataError(f"{path} and its mask differ in size; give them the same")
        return image, mask

    def mask(self, index: int) -> np.ndarray:
        """(H, W) uint8, 0 or 255"""
        return read_object(self.paths[index].with_suffix(".png"))

    @cached_property
    def parted(self) -> list[int]:
        """The pictures that show several things: their masks have several large parts. All masks are read for it."""
        return [index for index in range(len(self.paths)) if len(large_parts(self.mask(index))) > 1]

    def draw(self, rng: Random) -> tuple[np.ndarray, np.ndarray]:
        """Any of the pictures, with its mask."""
        return self[int(rng.integers(len(self.paths)))]

    def scene(self, rng: Random, frames: int) -> Scene:
        """A clip made of one picture, or of the object of one over another; now and then with thin things."""
        if rng.random() < PARTED and self.parted:
            return one_of_several(rng, *self[int(rng.choice(self.parted))], frames)
        image, mask = self.draw(rng)
        if rng.random() < 0.5:
            image, mask = image[:, ::-1], mask[:, ::-1]
        thin = strings(rng, mask) if rng.random() < THIN else np.zeros_like(mask)
        image = paint(rng, image, thin)
        theirs = rng.random() < 0.6  # a part of the object; or in front of it, or a stripe on it
        if rng.random() < 0.35:
            return camera_moves(rng, image, cv2.max(mask, thin) if theirs else cv2.min(mask, 255 - thin), frames)
        ground = self.draw(rng)[0]
        return object_moves(rng, image, mask, drift(rng, ground, frames), thin if theirs else None)


def large_parts(mask: np.ndarray) -> list[np.ndarray]:
    """The connected parts of a mask that are things of their own, each (H, W) uint8, 0 or 255; the largest first."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask)
    areas = stats[1:, cv2.CC_STAT_AREA]
    order = [int(i) for i in np.argsort(-areas, kind="stable") if areas[i] >= max(FEWEST, LARGE * areas.max())]
    return [np.where(labels == i + 1, 255, 0).astype(np.uint8) for i in order]


def one_of_several(rng: Random, image: np.ndarray, mask: np.ndarray, frames: int) -> Scene:
    """One of the things in a picture is the object, the others are its natural twins."""
    parts = large_parts(mask)
    object_ = parts.pop(int(rng.integers(len(parts))))
    return camera_moves(rng, image, object_, frames, np.maximum.reduce(parts))


def strings(rng: Random, mask: np.ndarray) -> np.ndarray:
    """Thin curves that start on the object, as an alpha (H, W) uint8: ropes and poles, of which real masks hold few."""
    alpha = np.zeros_like(mask)
    points = np.argwhere(mask)[:, ::-1]  # x, y
    heading, reach = rng.uniform(0, 2 * math.pi), max(cv2.boundingRect(mask)[2:])
    for _ in range(int(rng.integers(1, 5))):
        angle = heading + rng.normal(0, 0.25)
        along, across = np.array([math.cos(angle), math.sin(angle)]), np.array([-math.sin(angle), math.cos(angle)])
        t = np.linspace(0, 1, 12)[:, None]
        way = t * rng.uniform(0.4, 1.6) * along + t * (1 - t) * rng.normal(0, 0.3) * across
        curve = points[rng.integers(len(points))] + reach * way
        cv2.polylines(alpha, [curve.round().astype(np.int32)], False, 255, int(rng.integers(1, 5)), cv2.LINE_AA)
    return alpha


def paint(rng: Random, image: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """The picture with the alpha in one colour: one of its own, or any."""
    own = image[int(rng.integers(image.shape[0])), int(rng.integers(image.shape[1]))]
    colour = own if rng.random() < 0.5 else rng.integers(0, 256, 3)
    return blend(image, np.broadcast_to(colour.astype(np.uint8), image.shape), alpha) if alpha.any() else image


def camera_moves(
    rng: Random, image: np.ndarray, mask: np.ndarray, frames: int, others: np.ndarray | None = None
) -> Scene:
    """The whole picture moves and bends: no seam between object and background to give the object away.

    `others`: the mask (H, W) of what else could be taken for it.
    """
    path = Path2D.random(rng, frames, speed=0.12, start=(CANVAS / 2, CANVAS / 2))
    fit = CANVAS / max(mask.shape) * rng.uniform(1.0, 1.5)
    bend = Bend(rng, 0.05 * CANVAS)
    images, masks, rivals = [], [], []
    for t in range(frames):
        maps = path.maps(t, fit, (mask.shape[1] / 2, mask.shape[0] / 2), bend.at(t))
        images.append(cv2.remap(image, *maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101))
        masks.append(harden(cv2.remap(mask, *maps, cv2.INTER_LINEAR)))
        if others is not None:
            rivals.append(harden(cv2.remap(others, *maps, cv2.INTER_LINEAR)))
    return Scene(images, masks, alone=others is None, others=rivals)


def drift(rng: Random, picture: np.ndarray, frames: int, size: tuple[int, int] = (CANVAS, CANVAS)) -> list[np.ndarray]:
    """A picture that moves by itself: the ground of something else, frames of `size` (height, width)."""
    path = Path2D.random(rng, frames, 0.06, (size[1] / 2, size[0] / 2), min(size), size)
    fit = max(size[0] / picture.shape[0], size[1] / picture.shape[1]) * rng.uniform(1.0, 1.6)
    middle = picture.shape[1] / 2, picture.shape[0] / 2
    return [
        cv2.remap(picture, *path.maps(t, fit, middle, None), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
        for t in range(frames)
    ]


def object_moves(
    rng: Random, image: np.ndarray, mask: np.ndarray, grounds: list[np.ndarray], thin: np.ndarray | None = None
) -> Scene:
    """The object of one picture moves over other pictures, one a frame: a still that moves, or a real video.

    `thin`: the alpha (H, W) uint8 of its thin parts.
    """
    cutout = Cutout.of(rng, image, mask, len(grounds), grounds[0].shape[:2])
    if thin is not None:
        cutout.alpha = cv2.max(cutout.alpha, thin)
    images, masks = [], []
    for t, ground in enumerate(grounds):
        look, alpha = cutout.at(t)
        images.append(blend(ground, look, alpha))
        masks.append(harden(alpha))
    return Scene(images, masks, alone=False)


def move_elsewhere(scene: Scene, grounds: list[np.ndarray]) -> Scene:
    """The object of a clip, as it moves there, in front of other pictures of the same size, one a frame."""
    alphas = [soften(mask) for mask in scene.masks]
    images = [blend(*layers) for layers in zip(grounds, scene.images, alphas, strict=True)]
    return Scene(images, [harden(alpha) for alpha in alphas], alone=False)


class Bend:
    """A smooth displacement field that changes with time, in pixels of the canvas."""

    def __init__(self, rng: Random, amount: float, size: tuple[int, int] = (CANVAS, CANVAS)) -> None:
        self.size = size
        self.growth = rng.normal(0, 0.4 * amount, (5, 5, 2)).astype(np.float32)

    def at(self, t: int) -> np.ndarray:
        """(H, W, 2) float32"""
        return cv2.resize(self.growth * np.float32(0.5 * t**0.7), self.size[::-1], interpolation=cv2.INTER_CUBIC)


@dataclass(frozen=True, eq=False)
class Path2D:
    """A smooth way of a picture over the canvas: where its centre is, how it is turned and scaled."""

    centre: np.ndarray  # (T, 2) pixels
    angle: np.ndarray  # (T,) radians
    scale: np.ndarray  # (T,)
    size: tuple[int, int]

    @classmethod
    def random(
        cls,
        rng: Random,
        frames: int,
        speed: float,
        start: tuple[float, float],
        extent: float = CANVAS,
        size: tuple[int, int] = (CANVAS, CANVAS),
    ) -> "Path2D":
        """`speed` is in object sizes (`extent` pixels) a frame; it bends, and it changes, as real ways do."""
        pace = extent * speed * rng.beta(1, 2)
        heading = rng.uniform(0, 2 * math.pi) + np.cumsum(rng.normal(0, 0.4, frames))
        step = pace * rng.uniform(0.5, 1.5, frames)[:, None] * np.stack((np.cos(heading), np.sin(heading)), 1)
        step[0] = 0
        turn = rng.normal(0, 0.08) + rng.normal(0, 0.03, frames)
        grow = rng.normal(0, 0.04) + rng.normal(0, 0.015, frames)
        return cls(
            np.array(start) + np.cumsum(step, 0),
            rng.normal(0, 0.2) + np.cumsum(turn),
            np.exp(np.clip(np.cumsum(grow), -0.7, 0.7)),
            size,
        )

    def maps(self, t: int, fit: float, middle: tuple[float, float], bend: np.ndarray | None) -> Maps:
        """cv2.remap's maps from the canvas into the picture, whose point `middle` lies on the path."""
        zoom = fit * self.scale[t]
        cos, sin = math.cos(self.angle[t]) / zoom, math.sin(self.angle[t]) / zoom
        y, x = np.mgrid[: self.size[0], : self.size[1]].astype(np.float32)
        if bend is not None:
            x, y = x + bend[..., 0], y + bend[..., 1]
        x, y = x - np.float32(self.centre[t][0]), y - np.float32(self.centre[t][1])
        return (
            (x * np.float32(cos) + y * np.float32(sin) + np.float32(middle[0])).astype(np.float32),
            (y * np.float32(cos) - x * np.float32(sin) + np.float32(middle[1])).astype(np.float32),
        )


class Cutout:
    """An object cut out of its picture, on its way over a canvas of some size (height, width)."""

    def __init__(
        self, image: np.ndarray, mask: np.ndarray, path: Path2D, fit: float, middle: tuple[float, float], bend: Bend
    ) -> None:
        self.image, self.path, self.fit, self.middle, self.bend = image, path, fit, middle, bend
        self.alpha = soften(mask)

    @classmethod
    def of(
        cls, rng: Random, image: np.ndarray, mask: np.ndarray, frames: int, size: tuple[int, int] = (CANVAS, CANVAS)
    ) -> "Cutout":
        x, y, w, h = cv2.boundingRect(mask)
        extent = rng.uniform(0.2, 0.6) * min(size)
        start = (rng.uniform(0.2, 0.8) * size[1], rng.uniform(0.2, 0.8) * size[0])
        path = Path2D.random(rng, frames, 0.35, start, extent, size)
        bend = Bend(rng, extent * 0.06 * rng.random(), size)
        return cls(image, mask, path, extent / max(w, h), (x + w / 2, y + h / 2), bend)

    def at(self, t: int) -> tuple[np.ndarray, np.ndarray]:
        """Its look (H, W, 3) and its alpha (H, W) uint8 on the canvas"""
        maps = self.path.maps(t, self.fit, self.middle, self.bend.at(t))
        look = cv2.remap(self.image, *maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
        return look, cv2.remap(self.alpha, *maps, cv2.INTER_LINEAR)
