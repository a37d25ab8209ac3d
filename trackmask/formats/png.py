"""PNG files of masks, through Pillow: OpenCV loses the ids of palette PNGs, and does not say when a write fails."""

from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image as Pillow

from trackmask.data import Image, Labels
from trackmask.draw import palette


def write_labels(path: Path, labels: Labels) -> None:
    """Write ids (H, W) uint8 as a palette PNG in DAVIS's colours: the pixel values are the ids. Raises OSError."""
    picture = Pillow.fromarray(labels)
    picture.putpalette(palette().tobytes())
    _write(path, picture)


def write_grey(path: Path, values: np.ndarray) -> None:
    """Write (H, W) uint8 as an 8-bit grey PNG. Raises OSError."""
    _write(path, Pillow.fromarray(values))


def write_mask(path: Path, mask: np.ndarray) -> None:
    """Write (H, W) bool as an 8-bit grey PNG: 255 where it is True, else 0. Raises OSError."""
    write_grey(path, mask.astype(np.uint8) * 255)


def picture_png(image: Image) -> bytes:
    """A picture (H, W, 3) uint8 RGB as the bytes of a PNG."""
    buffer = BytesIO()
    Pillow.fromarray(image).save(buffer, "PNG", compress_level=3)
    return buffer.getvalue()


def _write(path: Path, picture: Pillow.Image) -> None:
    """In one piece: while encoding into a file, Pillow turns a full disk into a nameless 'encoder error'."""
    buffer = BytesIO()
    # Masks are small at any level, and 1 is the fastest; runs (3: zlib's Z_RLE) are all that there is to find in them.
    picture.save(buffer, "PNG", compress_level=1, compress_type=3)
    path.write_bytes(buffer.getvalue())
