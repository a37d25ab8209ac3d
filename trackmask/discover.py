"""Find the main object where nobody points at one: what the network calls an object, and what moves by itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from . import crop as crops
from .crop import Crop
from .data import Frame, Image
from .prompt_maps import box_map
from .runtime import Runtime
from .tracker import Settings, Tracker, main_box

WINDOW = 96  # frames that are judged together
LOOKS = 8  # of them are looked at
FLOW_HEIGHT = 240  # pixels: motion needs no detail
MOVING = 0.5  # how much motion against the camera counts beside the network's own judgement
ENOUGH = 0.35  # score from which an object is believed
SMALLEST = 0.002  # share of the frame


@dataclass(frozen=True, eq=False)
class Finding:
    frame: int
    mask: np.ndarray  # (H, W) bool
    score: float  # higher is surer


def discover(runtime: Runtime, frames: Iterator[Frame], size: tuple[int, int]) -> Finding | None:
    """The main object and the frame that shows it best; None where no frame shows one.

    Frames are judged window by window, and the first window that holds an object decides: memory and time are
    bounded by the window, and a video may begin with an empty scene.
    """
    best: Finding | None = None
    seeker = Seeker(runtime, size)
    for count, (frame, following) in enumerate(pairs(frames)):
        if count and count % WINDOW == 0 and best is not None and best.score >= ENOUGH:
            return best
        if count % (WINDOW // LOOKS) == 0:
            for finding in seeker.look(frame, following):
                if best is None or finding.score > best.score:
                    best = finding
    return best


def pairs(frames: Iterator[Frame]) -> Iterator[tuple[Frame, Image]]:
    """Each frame with the picture after it; the last one with the picture before it."""
    last: Frame | None = None
    before: Image | None = None
    for frame in frames:
        if last is not None:
            yield last, frame.image
            before = last.image
        last = frame
    if last is not None:
        yield last, last.image if before is None else before


class Seeker:
    def __init__(self, runtime: Runtime, size: tuple[int, int]) -> None:
        self.tracker, self.size = Tracker(runtime, size, Settings()), size
        self.net_size = runtime.size
        scale = min(FLOW_HEIGHT / size[0], 1.0)
        self.small = max(round(size[1] * scale), 16), max(round(size[0] * scale), 16)  # width, height, as OpenCV has it
        self.flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)

    def look(self, frame: Frame, following: Image) -> Iterator[Finding]:
        """What may be the main object of one frame: the most salient one, and what moves most."""
        motion = self.motion(frame.image, following)
        whole = crops.whole_frame(self.size)
        _, prob, _ = self.tracker.look(frame.image, whole, self.no_prompt())
        boxes = [self.in_frame(main_box(prob), whole), moving_box(motion, self.size)]
        for box in boxes:
            if box is not None:
                finding = self.refine(frame, box, motion)
                if finding is not None:
                    yield finding

    def no_prompt(self) -> np.ndarray:
        return np.zeros((2, self.net_size // 4, self.net_size // 4), np.float32)

    def in_frame(self, box: tuple[int, int, int, int] | None, crop: Crop) -> tuple[float, float, float, float] | None:
        """A box of the mask (s, s) over a crop, in pixels of the frame."""
        if box is None:
            return None
        unit = crop.side / (self.net_size // 2)
        x, y, w, h = box
        return crop.x + x * unit, crop.y + y * unit, w * unit, h * unit

    def refine(self, frame: Frame, box: tuple[float, float, float, float], motion: np.ndarray) -> Finding | None:
        """Look again, closer, at a rough box."""
        x, y, w, h = box
        wide = (x - 0.08 * w, y - 0.08 * h, 1.16 * w, 1.16 * h)
        crop = crops.around(wide, self.size)
        unit = self.net_size / crop.side
        inside = ((wide[0] - crop.x) * unit, (wide[1] - crop.y) * unit, wide[2] * unit, wide[3] * unit)
        _, prob, (iou, visible) = self.tracker.look(frame.image, crop, box_map(inside, self.net_size))
        patch = crops.paste(prob, crop, self.size)
        if patch is None:
            return None
        mask = np.zeros(self.size, bool)
        mask[patch.y : patch.y + patch.prob.shape[0], patch.x : patch.x + patch.prob.shape[1]] = patch.prob > 127
        if mask.mean() < SMALLEST:
            return None
        small = cv2.resize(mask.astype(np.float32), self.small, interpolation=cv2.INTER_AREA)
        moves = float((motion * small).sum() / small.sum() - (motion * (1 - small)).sum() / ((1 - small).sum() + 1))
        return Finding(frame.index, mask, float(iou * visible) * (1 - MOVING + MOVING * (1 + np.clip(moves, -1, 1)) / 2))

    def motion(self, image: Image, following: Image) -> np.ndarray:
        """How much each place moves against the camera, [0, 1], at the small size."""
        grey = [cv2.cvtColor(cv2.resize(i, self.small, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
                for i in (image, following)]  # fmt: skip
        flow = self.flow.calc(grey[0], grey[1], None)
        height, width = grey[0].shape
        y, x = np.mgrid[4:height:8, 4:width:8]
        here = np.stack((x, y), -1).reshape(-1, 2).astype(np.float32)
        there = here + flow[y, x].reshape(-1, 2)
        camera, _ = cv2.estimateAffine2D(here, there, ransacReprojThreshold=1.0, maxIters=500)
        if camera is None:
            return np.zeros((height, width), np.float32)
        y, x = np.mgrid[:height, :width].astype(np.float32)
        own = flow - np.stack((camera[0, 0] * x + camera[0, 1] * y + camera[0, 2] - x,
                               camera[1, 0] * x + camera[1, 1] * y + camera[1, 2] - y), -1)  # fmt: skip
        speed = np.hypot(own[..., 0], own[..., 1]).astype(np.float32)
        return np.clip(speed / max(float(np.percentile(speed, 98)), 1.0), 0, 1)


def moving_box(motion: np.ndarray, size: tuple[int, int]) -> tuple[float, float, float, float] | None:
    """Box (x, y, w, h), in pixels of a frame of `size`, of the largest part of the picture that moves by itself."""
    moving = cv2.morphologyEx((motion > 0.4).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((7, 7), np.uint8))
    count, _, stats, _ = cv2.connectedComponentsWithStats(moving)
    if count < 2:
        return None
    x, y, w, h, area = stats[1:][stats[1:, cv2.CC_STAT_AREA].argmax()]
    if not SMALLEST * motion.size < area < 0.5 * motion.size:
        return None
    up, across = size[0] / motion.shape[0], size[1] / motion.shape[1]
    return x * across, y * up, w * across, h * up
