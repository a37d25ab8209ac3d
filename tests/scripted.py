"""A runtime without a network, that finds things by their hue: what the tracker makes of its answers can be foretold.

A picture is black but for things of one hue each. What is remembered tells the hue that is looked for; of several such
things the one at the last mask is meant. How sure the answers are is set by the test.
"""

from __future__ import annotations

import cv2
import numpy as np

from trackmask.network.constants import CELLS
from trackmask.runtime import Calibration, Features

SIZE = 128  # pixels, of a crop
ALIKE = 0.97  # cosine of two colours of one hue
BRIGHT = 0.2  # of a pixel that is no background


class HueRuntime:
    """Answers as the test says: `iou` and `visible` of what is found, `missed` where nothing is."""

    size = SIZE
    weights_sha256 = "0" * 64
    calibration = Calibration()

    def __init__(self) -> None:
        self.iou, self.visible, self.missed = 0.9, 0.95, 0.05
        self.certain: float | tuple[float, ...] = 1.0  # probability within what is found, of each object
        self.encoded = 0  # crops
        self.decoded: list[tuple[np.ndarray, ...]] = []  # what was given, a batch each

    def encode(self, crops: np.ndarray) -> Features:
        self.encoded += len(crops)
        picture = crops.astype(np.float32).transpose(0, 3, 1, 2) / 255
        at2, at4, at8, at16 = (shrunk(picture, stride) for stride in (2, 4, 8, 16))
        return Features(at2, at4, at8, at16, at16, at16, at8, at4, at16, at16[:, :1])

    def decode(self, features: Features, *given: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        self.decoded.append(given)
        previous, prompts, keys, values, _ = given
        found = []
        for i, look in enumerate(features.skip2):
            hue = remembered(values[i]) if keys.shape[1] else pointed_at(look, prompts[i])
            found.append(near(alike(look, hue), previous[i, 0]))
        masks = np.stack(found)
        certain = np.clip(np.reshape(self.certain, (-1, 1, 1)), 0.0001, 0.9999)
        quality = [(self.iou, self.visible if mask.any() else self.missed) for mask in found]
        return np.where(masks, np.log(certain / (1 - certain)), -9).astype(np.float32), np.array(quality, np.float32)


def shrunk(picture: np.ndarray, stride: int) -> np.ndarray:
    count, channels, side, _ = picture.shape
    return picture.reshape(count, channels, side // stride, stride, side // stride, stride).mean((3, 5))


def remembered(values: np.ndarray) -> np.ndarray:
    """The colour of the object in all frames of a memory, (M, G, VALUE): see `tracking.memory.remember`."""
    channels = (values.shape[-1] - CELLS) // 2
    colour: np.ndarray = values[..., CELLS : CELLS + channels].sum((0, 1))
    return colour


def pointed_at(look: np.ndarray, prompts: np.ndarray) -> np.ndarray:
    """The colour in a box or under clicks: look (3, s, s), prompts (2, s/2, s/2)."""
    on, outside = (cv2.resize(one, look.shape[1:]) for one in prompts)
    where = on > 0.5 if on.any() else outside < 0.5
    colour: np.ndarray = (look * where).sum((1, 2))
    return colour


def alike(look: np.ndarray, hue: np.ndarray) -> np.ndarray:
    bright = np.linalg.norm(look, axis=0)
    cosine = np.tensordot(hue, look, 1) / (np.linalg.norm(hue) * bright + 1e-6)
    return (bright > BRIGHT) & (cosine > ALIKE)


def near(found: np.ndarray, previous: np.ndarray) -> np.ndarray:
    """The connected parts that the last mask touches; all, where it is empty."""
    if not (previous > 0.5).any():
        return found
    _, parts = cv2.connectedComponents(found.astype(np.uint8))
    touched = np.unique(parts[(previous > 0.5) & found])
    return found & np.isin(parts, touched)
