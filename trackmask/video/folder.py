"""A folder of images as a video."""

import re
from collections.abc import Generator, Iterator
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image as Pillow
from PIL import ImageOps

from trackmask.data import Frame, Image, VideoInfo
from trackmask.errors import CallError, VideoError
from trackmask.files import absolute, counted
from trackmask.formats.pictures import BROKEN, TooLarge, opened
from trackmask.video.deep import deep_pixels, is_deep, scaled, white_of
from trackmask.video.reader import Picture, Place, VideoReader, check_range
from trackmask.video.rgb import over_grey

FPS = Fraction(25)  # images carry no rate: FFmpeg takes 25 as well

_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")
_ORIENTATION = 0x0112  # EXIF; 5 to 8 lie on their side


def list_images(folder: Path) -> list[Path]:
    """The images in a folder in natural order, without hidden files and `*.mask.png`. VideoError where it has none."""
    images = [path for path in folder.iterdir() if path.suffix.lower() in _SUFFIXES and _is_frame(path)]
    if not images:
        raise VideoError(
            f"{folder} holds no images; give a video file or a folder of png, jpg, webp, bmp or tif files "
            "(a folder of clips is for trackmask batch)"
        )
    return sorted(images, key=_natural)


def _is_frame(path: Path) -> bool:
    return path.is_file() and not path.name.startswith(".") and not path.name.lower().endswith(".mask.png")


def _natural(path: Path) -> tuple[list[str | int], str]:
    """frame2 before frame10; the plain name decides between 1 and 01."""
    parts = re.split(r"([0-9]+)", path.name.lower())
    return [int(part) if i % 2 else part for i, part in enumerate(parts)], path.name


class ImageFolder(VideoReader):
    """Images of one size, at 25 frames a second."""

    def __init__(self, folder: Path) -> None:
        try:
            self._images = list_images(folder)
        except OSError as error:
            raise VideoError(f"{folder} cannot be read ({error.strerror}); check its permissions") from error
        name = absolute(folder).name
        size = self._one_size()
        self._white = self._range()
        names = tuple(image.name for image in self._images)
        info = VideoInfo(name, size, FPS, len(self._images), "images", white=self._white, names=names)
        super().__init__(replace(info, alpha=self._transparent()))

    def reversed(self, last: int, first: int = 0) -> Iterator[Frame]:
        check_range(first, last)
        if last >= len(self._images):
            raise CallError(
                f"{self.info.name} has no frame {last}; it has {counted(len(self._images), 'frame')}, counted from 0"
            )
        for index in range(last, first - 1, -1):
            yield self._frame(self._picture(index))

    def _pictures(self, start: Place = None) -> Generator[Picture, None, None]:
        first = int(start * FPS) - 1 if isinstance(start, float) else start or 0
        yield from map(self._picture, range(min(max(first, 0), len(self._images) - 1), len(self._images)))

    def _picture(self, index: int) -> Picture:
        return Picture(index, float(index / FPS), partial(self._read, index), float((index + 1) / FPS))

    def _one_size(self) -> tuple[int, int]:
        """(height, width) of all images, from their headers. VideoError where they differ."""
        first, *others = self._images
        size, self._deep = _header(first)
        for image in others:
            other, deep = _header(image)
            self._deep = self._deep or deep
            if other != size:
                raise VideoError(
                    f"the images differ in size: {first.name} has {size[1]} x {size[0]} pixels, "
                    f"{image.name} has {other[1]} x {other[0]}; a video needs one size"
                )
        return size

    def _range(self) -> float | None:
        """The value that is white in deep images; None where there are none."""
        try:
            return white_of(self._images) if self._deep else None
        except BROKEN as error:
            raise VideoError(f"the images' range cannot be told ({error}); convert them to 8 bits") from error

    def _transparent(self) -> bool:
        with suppress(*BROKEN), opened(self._images[0]) as image:  # reading the frame tells of damage
            return image.has_transparency_data and np.asarray(image.convert("RGBA"))[..., 3].min() < 255
        return False

    def _read(self, index: int) -> Image:
        path = self._images[index]
        try:
            with opened(path) as image:
                if self._white is not None and is_deep(image):
                    image = Pillow.fromarray(scaled(deep_pixels(image, path), self._white))
                pixels = _rgb(ImageOps.exif_transpose(image))
            if pixels.shape[:2] != self.info.size:
                raise ValueError("not the size its header tells")
        except BROKEN as error:
            raise VideoError(
                f"{path.name} is damaged: {counted(index, 'frame')} could be decoded; replace the image"
            ) from error
        return pixels


def _header(path: Path) -> tuple[tuple[int, int], bool]:
    """(height, width) as the image will stand, and whether it is deep, without decoding its pixels."""
    try:
        with opened(path) as image:
            # Pillow decodes a PNG to look for its EXIF behind the pixels, and turns a TIFF by itself.
            told = image.format not in ("PNG", "TIFF") or "exif" in image.info
            lying = told and image.getexif().get(_ORIENTATION, 1) >= 5
            return ((image.width, image.height) if lying else (image.height, image.width)), is_deep(image)
    except TooLarge as error:
        raise VideoError(f"{path.name} is too large ({error}); scale it down first") from error
    except BROKEN as error:
        raise VideoError(f"{path.name} is not an image that can be read; convert it to PNG, or remove it") from error


def _rgb(image: Pillow.Image) -> Image:
    """(H, W, 3) uint8, contiguous; what is transparent shows a plain grey."""
    if image.has_transparency_data:
        return over_grey(np.asarray(image.convert("RGBA")))
    return np.array(image.convert("RGB"))
