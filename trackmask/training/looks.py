"""How a clip's crops look otherwise: other light, from far away, with a part of the object hidden."""

import math

import cv2
import numpy as np

from trackmask.data import box_of
from trackmask.tracking.crop import FILL
from trackmask.training.scenes import Random

FAR_SIDES = (40, 96)  # pixels of the crop that a far object is seen through: it is 20 to 50 large


def relight(rng: Random, images: np.ndarray) -> np.ndarray:
    """Colours of the clip, light that changes from frame to frame and from place to place, blur. (T, S, S, 3)"""
    frames, size = images.shape[:2]
    shade = rng.random() < 0.4
    field = rng.normal(0, 0.3, (4, 4, 1)) * np.ones(3) + rng.normal(0, 0.08, (4, 4, 3))
    drift = rng.normal(0, 0.12, (4, 4, 1)) * np.ones(3)
    gain, offset = np.exp(rng.normal(0, 0.12, 3)), rng.normal(0, 8, 3)
    blur = rng.uniform(0.4, 1.6) if rng.random() < 0.3 else 0
    grey = rng.random() < 0.05
    result = np.empty_like(images)
    for t in range(frames):
        light = gain * np.exp(rng.normal(0, 0.06)) * np.exp(rng.normal(0, 0.02, 3))
        level = (offset + rng.normal(0, 4)).astype(np.float32)
        if shade:
            small = np.exp(field + drift * t).astype(np.float32) * light.astype(np.float32)
            picture = images[t] * cv2.resize(small, (size, size), interpolation=cv2.INTER_LINEAR) + level
        else:
            picture = images[t] * light.astype(np.float32) + level
        if grey:
            picture = picture.mean(2, keepdims=True).repeat(3, 2)
        if blur and rng.random() < 0.7:
            picture = cv2.GaussianBlur(picture, (0, 0), blur)
        result[t] = np.clip(picture, 0, 255)
        result[t][cv2.inRange(images[t], FILL, FILL) > 0] = FILL  # beyond the frame's edge there is no light
    return result


def come_near(rng: Random, images: np.ndarray) -> None:
    """The first crop shows the object from far away, with few pixels; the next ones show more and more. (T, S, S, 3)"""
    size = images.shape[1]
    side, nearer = rng.uniform(*FAR_SIDES), math.exp(rng.uniform(0.1, 2.5))
    for t in range(len(images)):
        if side < size:
            small = cv2.resize(images[t], (round(side), round(side)), interpolation=cv2.INTER_AREA)
            images[t] = cv2.resize(small, (size, size), interpolation=cv2.INTER_LINEAR)
        side *= nearer


def hide_a_part(rng: Random, image: np.ndarray, mask: np.ndarray) -> None:
    """Part of the object is covered in the reference, so that the network must know the whole by more than looks."""
    box = box_of(mask)
    if box is None:
        return
    x, y, w, h = box
    start, end = np.sort(rng.uniform(-0.1, 1.1, 2))
    part = np.zeros_like(mask)
    if rng.random() < 0.5:
        part[y + max(int(start * h), 0) : y + max(int(end * h), 0), x : x + w] = True
    else:
        part[y : y + h, x + max(int(start * w), 0) : x + max(int(end * w), 0)] = True
    if (mask & ~part).sum() < 0.3 * mask.sum():
        return
    other = np.roll(image, (int(rng.integers(image.shape[0])), int(rng.integers(image.shape[1]))), (0, 1))
    image[part] = other[part]
    mask &= ~part
