"""The one place that opens a picture's file: only kinds that it names, and only sizes that a frame can have.

Pillow would take any kind by its content, whatever the file is called, and hand an EPS over to Ghostscript, which runs
what is written in it.
"""

import base64
import binascii
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from PIL import Image as Pillow
from PIL import UnidentifiedImageError

from trackmask.errors import DataError, TrackmaskError
from trackmask.files import open_regular, shown
from trackmask.formats.limits import MAX_PIXELS, MAX_SIDE

KINDS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF")  # Pillow's names of what frames, masks and backgrounds may be
BROKEN = (OSError, ValueError, SyntaxError, EOFError, struct.error, Pillow.DecompressionBombError)  # what it raises


class TooLarge(ValueError):
    """The picture has more pixels than a frame can have; the text says how many."""


@contextmanager
def opened(path: Path, *, links: bool = True) -> Iterator[Pillow.Image]:
    """A picture whose pixels are not decoded yet. Raises one of BROKEN, and TooLarge, which is one; OSError for a link
    unless `links`.
    """
    with open_regular(path, links=links) as file, _opened(file) as picture:
        yield picture


@contextmanager
def _opened(file: BinaryIO) -> Iterator[Pillow.Image]:
    with Pillow.open(file, formats=KINDS) as picture:
        if max(picture.size) > MAX_SIDE or picture.width * picture.height > MAX_PIXELS:
            raise TooLarge(f"{picture.width} x {picture.height} pixels are more than a frame can have")
        yield picture


def read_picture(path: Path, error: type[TrackmaskError], *, links: bool = True) -> Pillow.Image:
    """The picture in a file, decoded; raises `error` where there is none that can be read, or a link unless `links`."""
    try:
        with opened(path, links=links) as picture:
            picture.load()
            return picture
    except FileNotFoundError:
        raise error(f"there is no file {shown(path)}; check its name") from None
    except UnidentifiedImageError:
        raise error(f"{shown(path)} is not an image of a kind that is read; give a PNG") from None
    except BROKEN as reason:
        if path.is_dir():
            raise error(f"{shown(path)} is a folder; give one image, a PNG") from None
        raise error(f"{shown(path)} cannot be read as an image ({_one_line(reason)}); check the file") from reason


def picture_in(text: str) -> Pillow.Image:
    """The picture in a base64 text, decoded. Raises DataError."""
    try:
        with _opened(BytesIO(base64.b64decode(text, validate=True))) as picture:
            picture.load()
            return picture
    except UnidentifiedImageError:
        raise DataError("the text is no PNG in base64; export it again") from None
    except (binascii.Error, *BROKEN) as reason:
        raise DataError(f"the text is no PNG in base64 ({_one_line(reason)}); export it again") from reason


def _one_line(reason: BaseException) -> str:
    said = reason.strerror if isinstance(reason, OSError) else None  # without its number and the path
    return shown(said or str(reason))[:200]
