"""The network without a reference: what is the object that a box or clicks mean, or the main one of the picture?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trackmask.data import Image
from trackmask.prompts import Box, Prompt
from trackmask.runtime import Features, Runtime, given_shapes, sigmoid
from trackmask.tracking import crop as crops
from trackmask.tracking.crop import Crop, into, out_of
from trackmask.tracking.parts import main_box
from trackmask.tracking.prompt_maps import box_map, click_maps

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
