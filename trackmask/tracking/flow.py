"""Dense optical flow between two pictures (DIS; Kroeger et al., ECCV 2016)."""

from typing import Literal

import cv2
import numpy as np

# Pixels of a side, at least: DIS compares patches of 8 on pictures of a quarter of the size at its finest, and OpenCV
# 4.x and 5.0 crash where no patch fits in.
LEAST = 32
PRESETS = {"fast": cv2.DISOPTICAL_FLOW_PRESET_FAST, "medium": cv2.DISOPTICAL_FLOW_PRESET_MEDIUM}


class Flow:
    """Keeps what OpenCV needs from one pair of pictures to the next."""

    def __init__(self, preset: Literal["fast", "medium"]) -> None:
        self._flow = cv2.DISOpticalFlow.create(PRESETS[preset])

    def between(self, before: np.ndarray, after: np.ndarray) -> np.ndarray:
        """How far each pixel of `before` has moved in `after`: (H, W, 2) float32 pixels, x first. Both (H, W) uint8."""
        height, width = before.shape
        low, narrow = max(LEAST - height, 0), max(LEAST - width, 0)
        if low or narrow:
            before, after = (cv2.copyMakeBorder(x, 0, low, 0, narrow, cv2.BORDER_REPLICATE) for x in (before, after))
        moved: np.ndarray = self._flow.calc(before, after, None)  # type: ignore[call-overload]  # None: no first guess
        return moved[:height, :width]
