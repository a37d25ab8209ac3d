"""Shapes of annotation tools as masks: polygons, COCO's run lengths, pictures inside of JSON."""

import base64
import binascii
import struct
from collections.abc import Sequence
from io import BytesIO

import numpy as np
from PIL import Image as Pillow

from trackmask.formats.node import Node

MAX_PIXELS = 1 << 27  # as many as a video may have
MAX_CORNERS = 20_000  # of one polygon: drawn by hand it has a hundred
_BROKEN = (OSError, ValueError, SyntaxError, EOFError, struct.error, Pillow.DecompressionBombError)


def size_of(height: Node, width: Node, wanted: tuple[int, int] | None = None) -> tuple[int, int]:
    """(height, width) that a video can have, and where it is `wanted`, that one. Raises PromptError."""
    size = height.whole(1, 1 << 14), width.whole(1, 1 << 14)
    if size[0] * size[1] > MAX_PIXELS:
        height.fail(f"a height that makes at most {MAX_PIXELS} pixels with the width {size[1]}")
    if wanted is not None and wanted != size:
        height.fail(f"{wanted[0]}, with a width of {wanted[1]}: the video's own size")
    return size


def polygon(node: Node, points: Sequence[tuple[float, float]], size: tuple[int, int]) -> np.ndarray:
    """The pixels of a frame of `size` (height, width) whose centres lie in a polygon, (H, W) bool; even-odd rule.

    `points` are (x, y) in pixels, where (0, 0) is the frame's top left corner and (0.5, 0.5) its first pixel's centre.
    """
    if not 3 <= len(points) <= MAX_CORNERS:
        node.fail(f"a polygon of 3 to {MAX_CORNERS} points")
    start = np.array(points, np.float64)
    end = np.roll(start, -1, axis=0)
    mask = np.zeros(size, bool)
    rows = np.arange(
        max(int(np.floor(start[:, 1].min())), 0), min(int(np.ceil(start[:, 1].max())), size[0]), dtype=np.intp
    )
    for row in rows:
        y = row + 0.5
        cut = (start[:, 1] <= y) != (end[:, 1] <= y)
        (x0, y0), (x1, y1) = start[cut].T, end[cut].T
        crossings = np.sort(x0 + (y - y0) * (x1 - x0) / (y1 - y0))
        columns = np.clip(np.ceil(crossings - 0.5), 0, size[1]).astype(np.intp)
        for left, right in zip(columns[::2], columns[1::2], strict=True):
            mask[row, left:right] = True
    return mask


def run_lengths(node: Node, wanted: tuple[int, int] | None = None) -> np.ndarray:
    """COCO's RLE, {"size": [H, W], "counts": list or text} → (H, W) bool. Raises PromptError."""
    sides = node.get("size").items()
    if len(sides) != 2:
        node.get("size").fail("[height, width]")
    height, width = size_of(sides[0], sides[1], wanted)
    counts = node.get("counts")
    lengths = _packed(counts) if isinstance(counts.value, str) else [item.whole(0) for item in counts.items()]
    if min(lengths, default=-1) < 0 or sum(lengths) != height * width:
        counts.fail(f"run lengths that add up to {width} x {height} pixels")
    flat = np.repeat(np.arange(len(lengths)) % 2 == 1, lengths)
    return flat.reshape(width, height).T  # COCO counts down the columns


def picture(node: Node) -> np.ndarray:
    """A base64 PNG, as LabelMe keeps masks → (H, W) bool, what is not 0. Raises PromptError."""
    try:
        blob = base64.b64decode(node.text(), validate=True)
        width, height = struct.unpack(">II", blob[16:24])  # of its header: looked at before Pillow trusts it
        if width * height > MAX_PIXELS // 2:
            node.fail("a PNG of the size that a frame can have")
        with Pillow.open(BytesIO(blob), formats=["PNG"]) as image:
            return np.asarray(image.convert("L")) > 0
    except (binascii.Error, *_BROKEN):
        node.fail("a PNG in base64")


def _packed(counts: Node) -> list[int]:
    """COCO's compressed counts: 5 bits a character from '0' on, the sixth says that more follow; from the fourth count
    on the difference to the one before the last.
    """
    lengths: list[int] = []
    value = shift = 0
    for letter in counts.text():
        code = ord(letter) - 48
        if not 0 <= code < 64 or shift > 30:
            counts.fail("COCO's compressed run lengths")
        value |= (code & 31) << shift
        shift += 5
        if code & 32:
            continue
        if code & 16:
            value -= 1 << shift
        lengths.append(value + lengths[-2] if len(lengths) > 2 else value)
        value = shift = 0
    if shift:
        counts.fail("COCO's compressed run lengths, whole to the end")
    return lengths
