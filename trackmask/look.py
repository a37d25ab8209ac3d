"""The network without a reference: what is the object that a box or clicks mean, or the main one of the picture?"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from trackmask import crop as crops
from trackmask.crop import Crop
from trackmask.data import Image
from trackmask.prompt_maps import box_map, click_maps
from trackmask.prompts import Box, Prompt
from trackmask.runtime import Features, Runtime, sigmoid
from trackmask.weights import given_shapes

SPECK = 0.02  # parts smaller than this share of the mask do not move the crop
ROOM = 0.08  # of a rough box's sides, on each side, when looking closer


@dataclass(frozen=True, eq=False)
class Sight:
    """One object, seen in one frame."""

    crop: Crop
    features: Features  # of the crop; N = 1
    prob: np.ndarray  # (s, s) float32 over the crop, s = S/2
    iou: float  # predicted
    visible: float  # probability


def look(runtime: Runtime, image: Image, crop: Crop, prompts: np.ndarray | None = None) -> Sight:
    """What the prompt maps (2, S/4, S/4) mean in a crop; without them, the main object."""
    size = runtime.size
    features = runtime.encode(crops.cut(image, crop, size)[None])
    previous, nothing, *memory = (np.zeros((1, *shape), np.float32) for shape in given_shapes(size, 0))
    logits, quality = runtime.decode(features, previous, nothing if prompts is None else prompts[None], *memory)
    return Sight(crop, features, sigmoid(logits[0]), float(quality[0, 0]), float(quality[0, 1]))


def look_closer(runtime: Runtime, image: Image, box: Box) -> Sight:
    """What a rough box (x, y, w, h; pixels of the frame) means, in a crop around it."""
    x, y, w, h = box
    wide = (x - ROOM * w, y - ROOM * h, (1 + 2 * ROOM) * w, (1 + 2 * ROOM) * h)
    crop = crops.around(wide, image.shape[:2])
    return look(runtime, image, crop, box_map(into(wide, crop, runtime.size), runtime.size))


def look_at(runtime: Runtime, image: Image, prompt: Prompt, last: Crop | None = None) -> Sight:
    """What a prompt's box and clicks mean. Clicks alone are looked at twice, the second time closer: first in `last`,
    where the object was seen before, or in the whole frame.
    """
    size = image.shape[:2]
    if prompt.box is not None:
        crop = crops.around(prompt.box, size)
        return look(runtime, image, crop, maps(prompt, crop, runtime.size))
    crop = last or crops.whole_frame(size)
    rough = look(runtime, image, crop, maps(prompt, crop, runtime.size))
    box = main_box(rough.prob)
    if box is None:
        return rough
    closer = crops.around(out_of(box, rough.crop, rough.prob.shape[0]), size)
    return look(runtime, image, closer, maps(prompt, closer, runtime.size))


def maps(prompt: Prompt, crop: Crop, size: int) -> np.ndarray:
    """A prompt's box and clicks as the network sees them in a crop."""
    positive, negative = (
        [into((x, y, 0, 0), crop, size)[:2] for x, y in clicks] for clicks in (prompt.positive, prompt.negative)
    )
    result = click_maps(positive, negative, size)
    if prompt.box is not None:
        result = np.maximum(result, box_map(into(prompt.box, crop, size), size))
    return result


def into(box: Box, crop: Crop, size: int) -> Box:
    """A box in pixels of the frame, in pixels of the crop as it is resized to `size`."""
    across, down = size / crop.width, size / crop.height
    x, y, w, h = box
    return (x - crop.x) * across, (y - crop.y) * down, w * across, h * down


def out_of(box: Box, crop: Crop, size: int) -> Box:
    """A box in pixels of a map of `size` over the crop, in pixels of the frame."""
    across, down = crop.width / size, crop.height / size
    x, y, w, h = box
    return crop.x + x * across, crop.y + y * down, w * across, h * down


def continued(box: Box, prob: np.ndarray, crop: Crop, size: tuple[int, int]) -> Box:
    """The box (x, y, w, h; pixels of a frame of `size`) of a soft mask (s, s) over the crop, as it may go on where the
    crop's edge cuts it: by the length of the cut, no further than the frame.
    """
    known, height, width = prob > 0.5, *size
    down, across = crop.height / len(prob), crop.width / len(prob)
    left, right = (down * np.count_nonzero(known[:, edge]) for edge in (0, -1))
    above, below = (across * np.count_nonzero(known[edge]) for edge in (0, -1))
    x, y, w, h = box
    start, top = max(x - left, min(x, 0)), max(y - above, min(y, 0))
    end, bottom = min(x + w + right, max(x + w, width)), min(y + h + below, max(y + h, height))
    return start, top, end - start, bottom - top


def largest_parts(prob: np.ndarray, count: int | None = None) -> list[tuple[int, int, int, int]]:
    """Boxes (x, y, w, h) of a soft mask's largest connected parts, in its pixels, without specks; `prob` is (s, s).

    `count`: at most so many; None = all.
    """
    _, _, stats, _ = cv2.connectedComponentsWithStats((prob > 0.5).astype(np.uint8))
    parts = stats[1:]
    parts = parts[parts[:, cv2.CC_STAT_AREA] >= SPECK * parts[:, cv2.CC_STAT_AREA].sum()]
    order = np.argsort(-parts[:, cv2.CC_STAT_AREA], kind="stable")[:count]
    return [(int(x), int(y), int(w), int(h)) for x, y, w, h in parts[order, :4]]


def main_box(prob: np.ndarray) -> tuple[int, int, int, int] | None:
    """Box (x, y, w, h) of a soft mask (s, s) without specks, in its pixels; None where nothing passes one half."""
    boxes = np.array(largest_parts(prob)).reshape(-1, 4)
    if not len(boxes):
        return None
    x, y = boxes[:, 0].min(), boxes[:, 1].min()
    return int(x), int(y), int((boxes[:, 0] + boxes[:, 2]).max() - x), int((boxes[:, 1] + boxes[:, 3]).max() - y)
