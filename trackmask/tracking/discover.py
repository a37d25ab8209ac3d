"""Find the main object where nobody points at one: what the network calls an object, and what moves by itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from trackmask.data import SURE, Frame, Image
from trackmask.prompts import Box
from trackmask.runtime import Runtime
from trackmask.tracking import crop as crops
from trackmask.tracking.flow import Flow
from trackmask.tracking.prompted import look_closer
from trackmask.tracking.segment import Question, look

WINDOW = 96  # frames that are judged together
LOOKS = 8  # of them are looked at
FLOW_HEIGHT = 240  # pixels: motion needs no detail
MOVING = 0.5  # how much motion against the camera counts beside the network's own judgement
ENOUGH = 0.35  # score from which an object is believed
SMALLEST = 0.002  # share of the frame
APART = 0.3  # of an object's area, at most, lies on another one's
INSIDE = 0.8  # of a small thing's area on a larger one: it is a part of that, an ear or a hand
PART = 0.2  # of the larger one's area, at most


@dataclass(frozen=True, eq=False)
class Finding:
    frame: int
    mask: np.ndarray  # (H, W) bool
    score: float  # [0, 1], higher is surer
    moves: float  # [-1, 1]: how much more than its surroundings, against the camera

    @property
    def words(self) -> str:
        """Where it is and what it does: "left, moving"."""
        x = float(np.flatnonzero(self.mask.any(0)).mean()) / self.mask.shape[1]
        where = "left" if x < 0.36 else "right" if x > 0.64 else "middle"
        return f"{where}, {'moving' if self.moves > 0.2 else 'still'}"


def discover(runtime: Runtime, frames: Iterator[Frame], size: tuple[int, int], most: int = 1) -> list[Finding]:
    """The main object in the frame that shows it best, and up to `most` - 1 further ones in that frame; surest first.

    Frames are judged window by window, and the first window that holds an object decides: memory and time are
    bounded by the window, and a video may begin with an empty scene. Empty where no frame shows an object.
    """
    best: Finding | None = None
    picture: tuple[Frame, Image] | None = None
    seeker = Seeker(runtime, size)
    for count, (frame, following) in enumerate(pairs(frames)):
        if count and count % WINDOW == 0 and best is not None and best.score >= ENOUGH:
            break
        if count % (WINDOW // LOOKS) == 0:
            for finding in seeker.findings(frame, following):
                if best is None or finding.score > best.score:
                    best, picture = finding, (frame, following)
    if best is None or picture is None:
        return []
    return [best, *seeker.further(best, *picture, most - 1)]


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
    """Looks at single frames; holds only what all of them share."""

    def __init__(self, runtime: Runtime, size: tuple[int, int]) -> None:
        self.runtime, self.size = runtime, size
        scale = min(FLOW_HEIGHT / size[0], 1.0)
        self.small = max(round(size[1] * scale), 16), max(round(size[0] * scale), 16)  # width, height, as OpenCV has it
        self.flow = Flow("fast")

    def findings(self, frame: Frame, following: Image) -> Iterator[Finding]:
        """What may be the main object of one frame: the most salient one, and what moves most."""
        motion = self.motion(frame.image, following)
        (salient,) = look(self.runtime, frame.image, [Question(crops.whole_frame(self.size))])
        rough = [] if salient.box is None else [salient.box]
        whole: Finding | None = None
        for candidate in (*rough, *moving_box(motion, self.size)):
            finding = self.judge(frame, candidate, motion)
            if finding is not None and not (whole and is_part(finding.mask, whole.mask)):
                whole = whole or finding
                yield finding

    def further(self, first: Finding, frame: Frame, following: Image, most: int) -> list[Finding]:
        """The next main objects of a frame: what is salient once those found before are painted over."""
        found, rest = [first], frame.image.copy()
        while len(found) <= most:
            rest[cv2.dilate(found[-1].mask.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0] = crops.FILL
            others = [
                finding
                for finding in self.findings(Frame(frame.index, frame.time, rest), following)
                if finding.score >= ENOUGH
                and all((finding.mask & f.mask).sum() < APART * finding.mask.sum() for f in found)
            ]
            if not others:
                break
            found.append(max(others, key=lambda finding: finding.score))
        return found[1:]

    def judge(self, frame: Frame, box: Box, motion: np.ndarray) -> Finding | None:
        """Look closer at a rough box."""
        seen = look_closer(self.runtime, frame.image, box)
        patch = crops.paste(seen.prob, seen.crop, self.size)
        if patch is None:
            return None
        mask = patch.over(self.size) > SURE
        if mask.mean() < SMALLEST:
            return None
        inside = cv2.resize(mask.astype(np.float32), self.small, interpolation=cv2.INTER_AREA)
        outside = 1 - inside
        moves = (motion * inside).sum() / inside.sum() - (motion * outside).sum() / (outside.sum() + 1)
        share = 1 - MOVING + MOVING * (1 + float(np.clip(moves, -1, 1))) / 2
        return Finding(frame.index, mask, seen.iou * seen.visible * share, float(moves))

    def motion(self, image: Image, following: Image) -> np.ndarray:
        """How much each place moves against the camera, [0, 1], at the small size."""
        before, after = (
            cv2.cvtColor(cv2.resize(picture, self.small, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
            for picture in (image, following)
        )
        flow = self.flow.between(before, after)
        y, x = np.mgrid[: before.shape[0], : before.shape[1]].astype(np.float32)
        here = np.stack((x, y), -1)
        sample = np.s_[4::8, 4::8]
        there = here + flow
        camera, _ = cv2.estimateAffine2D(
            here[sample].reshape(-1, 2), there[sample].reshape(-1, 2), ransacReprojThreshold=1.0, maxIters=500
        )
        if camera is None:
            return np.zeros(before.shape, np.float32)
        own = there - (here @ camera[:, :2].T.astype(np.float32) + camera[:, 2].astype(np.float32))
        speed = np.hypot(own[..., 0], own[..., 1])
        # A pixel of motion at least: below it, noise would count.
        strength: np.ndarray = np.clip(speed / max(float(np.percentile(speed, 98)), 1.0), 0, 1)
        return strength


def is_part(mask: np.ndarray, whole: np.ndarray) -> bool:
    """Whether a mask is a small part of another one, (H, W) bool each: an ear that moves is not the object."""
    area = np.count_nonzero(mask)
    return bool(area < PART * np.count_nonzero(whole) and np.count_nonzero(mask & whole) > INSIDE * area)


def moving_box(motion: np.ndarray, size: tuple[int, int]) -> list[Box]:
    """Box (x, y, w, h), in pixels of a frame of `size`, of the largest part that moves by itself, if there is one."""
    moving = cv2.morphologyEx((motion > 0.4).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((7, 7), np.uint8))
    count, _, stats, _ = cv2.connectedComponentsWithStats(moving)
    if count < 2:
        return []
    x, y, w, h, area = stats[1:][stats[1:, cv2.CC_STAT_AREA].argmax()].tolist()
    if not SMALLEST * motion.size < area < 0.5 * motion.size:
        return []
    up, across = size[0] / motion.shape[0], size[1] / motion.shape[1]
    return [(x * across, y * up, w * across, h * up)]
