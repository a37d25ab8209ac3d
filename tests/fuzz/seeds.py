"""Whole files of every kind that trackmask reads, small so that a broken byte matters."""

import base64
import json
from collections.abc import Iterator
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from shutil import make_archive

import numpy as np
from media import numbered_images, write_clip
from PIL import Image

from trackmask.data import Frame, Masks, ObjectRecord, State
from trackmask.export import Options, export
from trackmask.result import FrameRecord, ObjectInfo, ResultWriter, Source

SIZE, OTHER_SIZE = (64, 96), (96, 64)  # (height, width); x265 destroys the heap below 64
FRAMES = 12
LONG = 2000  # frames
_FILMS = {
    "h264.mp4": {"audio": "aac", "g": 4, "bf": 2},
    "turned.mov": {"rotation": 90, "g": 12},
    "h264.mkv": {"audio": "aac", "g": 4},
    "vp9.webm": {"codec": "libvpx-vp9", "g": 4},
    "mpeg4.avi": {"codec": "mpeg4", "g": 4},
    "h264.flv": {"g": 4},
    "h264.ts": {"audio": "aac", "g": 4, "bf": 2},
    "mpeg2.mpg": {"codec": "mpeg2video", "g": 4},
    "bare.h264": {"g": 4, "bf": 2},
    "bare.hevc": {"codec": "libx265", "g": 4, "x265-params": "log-level=none:pools=none:frame-threads=1"},
    "png.mov": {"codec": "png", "pix_fmt": "rgb24"},
    "mjpeg.mkv": {"codec": "mjpeg", "pix_fmt": "yuvj420p"},
    "small.gif": {"codec": "gif", "pix_fmt": "rgb8"},
    "uneven.mp4": {"times": [0, 0.1, 0.15, 0.5, 0.51, 0.6, 1, 2, 2.1, 2.2, 2.3, 9], "g": 4},
}


def make_seeds(folder: Path) -> None:
    """Fill `folder`: films/ and others/ (the same ones in another size), pictures/, masks/, prompts/, result/,
    imports/."""
    for place, size in (("films", SIZE), ("others", OTHER_SIZE)):
        (folder / place).mkdir(parents=True)
        for name, options in _FILMS.items():
            write_clip(folder / place / name, numbered_images(FRAMES, size), **options)  # type: ignore[arg-type]
    for place, files in (("pictures", _pictures()), ("masks", _masks()), ("prompts", _prompts())):
        (folder / place).mkdir()
        for name, data in files:
            (folder / place / name).write_bytes(data)
    make_result(folder / "result")
    make_result(folder / "long", LONG)
    _imports(folder)


def _imports(folder: Path) -> None:
    """imports/: what our export makes of the result, by format; files as they are, folders as ZIPs as well."""
    for form in ("cvat", "cvat-images", "davis", "label-studio", "labelme", "via", "yolo-seg"):
        export((folder / "result",), form, folder / "imports" / form, Options(images="none"))
    for form in ("cvat-images", "labelme"):
        make_archive(str(folder / "imports" / f"{form}-zip" / "a"), "zip", folder / "imports" / form)
    (folder / "imports" / "coco").mkdir()
    (folder / "imports" / "coco" / "coco.json").write_bytes(dict(_prompts())["coco.json"])


def _pictures() -> Iterator[tuple[str, bytes]]:
    picture = Image.fromarray(numbered_images(1, SIZE)[0])
    for form in ("png", "jpeg", "webp", "tiff", "bmp"):
        yield f"a.{form}".replace("jpeg", "jpg"), _encoded(picture, form)
    yield "small.tiff", _encoded(picture, "tiff", compression="tiff_lzw")
    yield "woven.png", _encoded(picture.quantize(8), "png", transparency=0)
    yield "lying.jpg", _encoded(picture, "jpeg", exif=_lying())
    yield "deep.png", _encoded(Image.fromarray(np.arange(6144, dtype=np.uint16).reshape(SIZE) * 10), "png")


def _masks() -> Iterator[tuple[str, bytes]]:
    yield "white.png", _encoded(Image.fromarray(labels(255)), "png")
    yield "ids.png", _encoded(Image.fromarray(labels(3)), "png")
    yield "bit.png", _encoded(Image.fromarray(labels(255)).convert("1"), "png")
    coloured = Image.fromarray(labels(2))
    coloured.putpalette(bytes(range(256)) * 3)
    yield "palette.png", _encoded(coloured, "png")
    yield "colour.png", _encoded(Image.fromarray(labels(255)).convert("RGBA"), "png")


def _prompts() -> Iterator[tuple[str, bytes]]:
    height, width = SIZE
    own = [{"frame": 0, "box": [9, 9, 20, 20]}, {"frame": "0.1s", "positive": [[20, 20]], "negative": [[1, 1]]}]
    polygon = {"label": "cat", "shape_type": "polygon", "points": [[9, 9], [30, 9], [9, 30]], "group_id": 1}
    cut_out = _encoded(Image.fromarray(labels(255)[9:30, 9:30]), "png")
    mask = {"label": "cat", "shape_type": "mask", "points": [[9, 9], [29, 29]], "mask": base64.b64encode(cut_out)}
    mask["mask"] = base64.b64encode(cut_out).decode()
    lengths = {"size": [height, width], "counts": [500, 20, height * width - 520]}
    shared = {"image_id": 1, "category_id": 1}
    yield "own.json", _json({"objects": [{"id": 2, "name": "cat", "prompts": own}]})
    yield "many.json", _json({"clips": {"clip.mp4": {"objects": [{"prompts": own}]}}})
    yield "labelme.json", _json({"shapes": [polygon, mask], "imageHeight": height, "imageWidth": width})
    yield (
        "coco.json",
        _json(
            {
                "images": [{"id": 1, "file_name": "00001.jpg", "height": height, "width": width}],
                "categories": [{"id": 1, "name": "cat"}],
                "annotations": [
                    shared | {"id": 1, "segmentation": [[9, 9, 30, 9, 9, 30]]},
                    shared | {"id": 2, "segmentation": lengths, "bbox": [1, 1, 9, 9], "iscrowd": 1},
                ],
            }
        ),
    )


def make_result(folder: Path, frames: int = 3) -> None:
    """The result of a clip that is not there; only its first frames have masks."""
    record = ObjectRecord(1, State.TRACKED, 0.9, 400, (9, 9, 20, 20))
    with ResultWriter(folder) as writer:
        for index in range(3):
            image = np.zeros((*SIZE, 3), np.uint8)
            writer.write(Frame(index, index / 25, image), Masks(labels(1), (record,)))
        writer.adopt((FrameRecord(index, index / 25, (record,)) for index in range(3, frames)), ())
        writer.finish(
            source=Source(folder.parent / "films" / "h264.mp4", "h264.mp4", 1, "0" * 64, 3, SIZE, Fraction(25)),
            prompts=[{"object": 1, "frame": 0, "box": [9, 9, 20, 20]}],
            objects=[ObjectInfo(1, "cat", 0, 0)],
            weights_sha256="0" * 64,
            complete=True,
            reason=None,
        )


def labels(value: int) -> np.ndarray:
    """(H, W) uint8: a square of `value` on 0."""
    values = np.zeros(SIZE, np.uint8)
    values[9:29, 9:29] = value
    return values


def _lying() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif.tobytes()


def _encoded(picture: Image.Image, form: str, **options: object) -> bytes:
    buffer = BytesIO()
    picture.save(buffer, form, **options)
    return buffer.getvalue()


def _json(value: object) -> bytes:
    return json.dumps(value).encode()
