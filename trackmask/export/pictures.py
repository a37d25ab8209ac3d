"""The frames as image files, for tools that annotate images."""

import os
import shutil
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image as Pillow
from PIL import ImageOps

from trackmask.data import Image
from trackmask.errors import CallError
from trackmask.export.clip import ExportClip, Sample
from trackmask.formats.pictures import opened
from trackmask.video.folder import list_images

_JPEG_QUALITY = 95
_ORIENTATION = 0x0112  # EXIF


def placed(clip: ExportClip, folder: Path, name: str = "{name}") -> Iterator[tuple[Sample, str]]:
    """The frames of a clip, each with the name of its image file, which has been put into `folder`.

    The files of a folder of images are copied or linked as they are; frames of a film are written as JPEG, and so are
    images that only their EXIF turns upright, since some tools look at it and others do not.
    With `images` "none" there is only a name. `name` may use a frame's own `name`, and its `number` among the
    exported ones, from 1 on.
    Raises CallError for links to the frames of a film, VideoError and ResultError as `ExportClip` does, and OSError.
    """
    mode = clip.options.images
    if mode == "none":
        yield from ((sample, _name(name, sample, ".jpg")) for sample in clip.samples())
        return
    folder.mkdir(parents=True, exist_ok=True)
    if clip.video.is_dir():
        files = list_images(clip.video)
        for sample in clip.samples():
            path = folder / _name(name, sample, files[sample.index].suffix.lower())
            _take(files[sample.index], path, link=mode == "link")
            yield sample, path.name
        return
    if mode == "link":
        raise CallError(f"{clip.source.name} is a film, there are no image files to link to; say --images copy")
    for sample, image in clip.pictures():
        path = folder / _name(name, sample, ".jpg")
        write_jpeg(path, image)
        yield sample, path.name


def write_jpeg(path: Path, image: Image) -> None:
    _save(path, Pillow.fromarray(image), "JPEG", quality=_JPEG_QUALITY, subsampling=0)


def write_png(path: Path, values: np.ndarray) -> None:
    """(H, W, 4) uint8 RGBA, or (H, W) uint16."""
    _save(path, Pillow.fromarray(values), "PNG", compress_level=3)


def _save(path: Path, picture: Pillow.Image, kind: str, **options: int) -> None:
    """In one piece: while encoding into a file, Pillow turns a full disk into a nameless 'encoder error'."""
    buffer = BytesIO()
    picture.save(buffer, kind, **options)
    path.write_bytes(buffer.getvalue())


def _name(pattern: str, sample: Sample, suffix: str) -> str:
    return pattern.format(name=sample.name, number=sample.place + 1) + suffix


def _take(file: Path, path: Path, *, link: bool) -> None:
    with opened(file) as picture:
        if picture.format == "JPEG" and picture.getexif().get(_ORIENTATION, 1) != 1:
            write_jpeg(path, np.asarray(ImageOps.exif_transpose(picture).convert("RGB")))
            return
    if link:
        path.symlink_to(os.path.relpath(file.resolve(), path.parent.resolve()))
    else:
        shutil.copyfile(file, path)
