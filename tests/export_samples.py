"""A small result with all that makes formats hard, and the film it belongs to; made without any tracking."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import cv2
import media
import numpy as np
from PIL import Image as Pillow

from trackmask.data import Frame, Masks, ObjectRecord, Patch, State, box_of
from trackmask.formats.polygons import overlap
from trackmask.prompts import Prompt
from trackmask.result import ObjectInfo, ResultWriter, Source, open_result
from trackmask.video import hash_source
from trackmask.video.folder import list_images

SIZE = (61, 83)  # odd sides
FRAMES = 8
TIMES = [0.0, 0.04, 0.08, 0.16, 0.2, 0.24, 0.28, 0.4]  # variable rate
LARGE = 400  # pixels: from here on a polygon must keep an IoU of 0.98
NAMES = {1: "bird", 7: 'кот <&"猫">', 200: "dot"}


def labels_at(index: int) -> np.ndarray:
    """Object 1: two parts and a hole, moving; 7 touches the borders and is away in frames 2 and 3; 200: one pixel.

    Frame 5 is empty.
    """
    labels = np.zeros(SIZE, np.uint8)
    if index == 5:
        return labels
    if index not in (2, 3):
        labels[40:, 60 - index % 20 :] = 7
    yy, xx = np.mgrid[: SIZE[0], : SIZE[1]]
    distance = np.hypot(yy - 22, xx - 20 - 2 * (index % 20))
    labels[(distance < 15) & (distance > 5)] = 1
    labels[50:58, 4:9] = 1
    labels[0, 82 - index % 20] = 200
    return labels


def film(path: Path, times: Sequence[float] = TIMES, audio: str | None = "aac") -> Path:
    images = media.numbered_images(len(times), SIZE)
    return media.write_clip(path, images, times=times, pix_fmt="yuv444p", audio=audio, crf=4)


def make(
    folder: Path,
    video: Path,
    *,
    frames: int = FRAMES,
    names: dict[int, str] = NAMES,
    labels: Callable[[int], np.ndarray] = labels_at,
    soft: bool | Callable[[int, np.ndarray], np.ndarray] = False,
    complete: bool = True,
    times: Sequence[float] = TIMES,
) -> Path:
    with ResultWriter(folder, soft=bool(soft)) as writer:
        for index in range(frames):
            ids = labels(index)
            records = tuple(_record(ids, id_) for id_ in names)
            shares = soft if callable(soft) else _share
            patches = {id_: Patch(0, 0, shares(id_, ids).astype(np.uint8)) for id_ in names}
            time = times[index] if index < len(times) else index / 25
            writer.write(Frame(index, time, np.zeros((*SIZE, 3), np.uint8)), Masks(ids, records, patches))
        size, sha256 = hash_source(video)
        shape = labels(0).shape
        return writer.finish(
            source=Source(
                video,
                video.name,
                size,
                sha256,
                frames,
                (shape[0], shape[1]),
                Fraction(25),
                tuple(path.name for path in list_images(video)) if video.is_dir() else (),
            ),
            prompts=[Prompt(id_, 0, box=(1, 2, 3, 4)).as_json() for id_ in names],
            objects=[ObjectInfo(id_, name, 0, 0) for id_, name in names.items()],
            weights_sha256="cd" * 32,
            complete=complete,
            reason=None if complete else "clip.mp4 is cut off",
        )


def _share(object_id: int, labels: np.ndarray) -> np.ndarray:
    return np.where(labels == object_id, 255 - object_id % 100, 0)


def _record(labels: np.ndarray, object_id: int) -> ObjectRecord:
    mask = labels == object_id
    state = State.TRACKED if mask.any() else State.ABSENT
    return ObjectRecord(object_id, state, 0.75, int(mask.sum()), box_of(mask))


def expected(result: Path) -> dict[int, np.ndarray]:
    """Frame to labels, as the result has them."""
    opened = open_result(result)
    return {frame.index: opened.masks(frame.index) for frame in opened.frames}


def read_ids(path: Path) -> np.ndarray:
    """(H, W) uint8: the palette indices of a PNG."""
    with Pillow.open(path) as picture:
        assert picture.mode == "P"
        return np.array(picture)


def same(masks: dict[int, np.ndarray], index: int) -> bool:
    """Whether {id: mask} is what the frame holds, each object to the pixel and none too many."""
    labels = labels_at(index)
    assert set(masks) == set(np.unique(labels).tolist()) - {0}
    return all(np.array_equal(mask, labels == object_id) for object_id, mask in masks.items())


def alike(masks: dict[int, np.ndarray], index: int) -> bool:
    """The same for polygons."""
    labels = labels_at(index)
    assert set(masks) == set(np.unique(labels).tolist()) - {0}
    return all(
        overlap(mask, labels == object_id) >= 0.98 or (labels == object_id).sum() <= LARGE
        for object_id, mask in masks.items()
    )


def drawn(polygons: Sequence) -> np.ndarray:
    """Even-odd, at sixteen times the resolution, the middle of each pixel counts: slow, and not ours."""
    scale, mask = 16, np.zeros(SIZE, bool)
    for polygon in polygons:
        canvas = np.zeros([side * scale for side in SIZE], np.uint8)
        cv2.fillPoly(canvas, [np.rint(np.array(polygon) * scale).astype(np.int32)], 1)
        mask |= canvas[scale // 2 :: scale, scale // 2 :: scale] > 0
    return mask
