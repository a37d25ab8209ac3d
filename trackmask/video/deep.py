"""Pictures of more than 8 bits a colour: 16-bit and floating-point TIFF and PNG, on the scale of their sequence."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image as Pillow

from trackmask.formats.pictures import opened

_LOOKS = 16  # pictures, spread over the sequence, that its range is taken from


def is_deep(picture: Pillow.Image) -> bool:
    """Whether the file behind a picture that is not decoded yet holds more than 8 bits a colour."""
    if picture.mode[0] in "IF":
        return True
    # Of 16-bit colour, Pillow would keep the upper 8 bits and say nothing.
    tile = getattr(picture, "tile", None)
    told = tile[0][3] if tile else ""
    return ";16" in str(told[0] if isinstance(told, tuple) and told else told)


def deep_pixels(picture: Pillow.Image, path: Path) -> np.ndarray:
    """(H, W), (H, W, 3) RGB or (H, W, 4) RGBA of a deep picture, as they are stored. Raises ValueError."""
    if picture.mode[0] in "IF":
        return np.asarray(picture)
    with_alpha = picture.mode == "RGBA"
    flags = cv2.IMREAD_UNCHANGED if with_alpha else cv2.IMREAD_ANYDEPTH | cv2.IMREAD_COLOR
    pixels = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), flags)
    if pixels is None:
        raise ValueError("OpenCV cannot decode it")
    return cv2.cvtColor(pixels, cv2.COLOR_BGRA2RGBA if with_alpha else cv2.COLOR_BGR2RGB)


def white_of(paths: Sequence[Path]) -> float:
    """The value that stands for white in a sequence: what the brightest needs, rounded up to whole bits.

    12 bits in a file of 16 bits have 4095, floating point up to 1 has 1. Raises what `opened` does.
    """
    steps = np.linspace(0, len(paths) - 1, min(_LOOKS, len(paths))).round().astype(int)
    most = 0.0
    for path in (paths[step] for step in steps):
        with opened(path) as picture:
            if is_deep(picture):
                most = max(most, float(np.nanmax(deep_pixels(picture, path)[..., :3], initial=0)))
    if not np.isfinite(most):
        raise ValueError("it holds infinite values")
    return 1.0 if most <= 1 else float(2 ** int(np.ceil(most)).bit_length() - 1)


def scaled(pixels: np.ndarray, white: float) -> np.ndarray:
    """uint8 of the same shape, in which `white` is 255; what is not a number is black."""
    share = np.nan_to_num(pixels.astype(np.float32), nan=0.0) * np.float32(255 / white)
    return (share + np.float32(0.5)).clip(0, 255).astype(np.uint8)
