"""Pictures that were restored from under a painted mask, and how a network is kept from learning the restoration.

The VSB100 scenes of the project's data are called vsb-*: inside of the mask a bit of colour is lost, and an outline of
one pixel around it was filled in. So the same is done around other things, and all of it is blurred.
"""

import cv2
import numpy as np

from trackmask.training.scenes import Random

RESTORED = "vsb-"  # how the names of such clips begin


def hide_seams(rng: Random, images: list[np.ndarray], masks: list[np.ndarray]) -> list[np.ndarray]:
    """The clip's pictures, with false outlines beside the true one, and blurred by a pixel."""
    strength = rng.uniform(0.7, 1.1)
    shapes = [false_shape(rng, masks) for _ in range(int(rng.integers(1, 4)))]
    result = []
    for image in images:
        for shape in shapes:
            image = restored(image, shape)
        result.append(cv2.GaussianBlur(image, (0, 0), strength))
    return result


def false_shape(rng: Random, masks: list[np.ndarray]) -> np.ndarray:
    """One of the masks elsewhere in the picture, mirrored: (H, W) uint8, 0 or 255."""
    mask = masks[int(rng.integers(len(masks)))][:, ::-1]
    height, width = mask.shape
    return np.roll(mask, (int(rng.integers(height)), int(rng.integers(width))), (0, 1))


def restored(image: np.ndarray, shape: np.ndarray) -> np.ndarray:
    """What the restoration leaves: one bit of colour lost inside, the outline filled in from around it."""
    outline = (cv2.dilate(shape, np.ones((3, 3), np.uint8)) > 0) & (shape == 0)
    result = np.where((shape > 0)[..., None], image & 0xFE, image)
    result[outline] = cv2.medianBlur(image, 5)[outline]
    return result
