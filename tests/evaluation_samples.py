"""A data set of one clip, in the layouts that are read."""

from collections.abc import Iterator
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from PIL import Image as Picture

from trackmask.data import Labels
from trackmask.evaluation.dataset import Clip

SIZE = (60, 80)
FRAMES = 6


def scene(index: int) -> tuple[np.ndarray, Labels]:
    """A textured square on a textured ground, 3 pixels further to the right in every frame."""
    noise = np.random.default_rng(0).integers(0, 256, (2, *SIZE, 3), np.uint8)
    smooth = (cv2.GaussianBlur(one, (0, 0), 3).astype(float) for one in noise)
    ground, thing = (np.clip((one - one.mean()) * 60 / one.std() + 128, 0, 255).astype(np.uint8) for one in smooth)
    x = 10 + 3 * index
    labels = np.zeros(SIZE, np.uint8)
    labels[20:44, x : x + 24] = 1
    image = ground.copy()
    image[20:44, x : x + 24] = thing[:24, :24]
    return image, labels


def write_mask(path: Path, labels: np.ndarray, mode: str = "P") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = Picture.fromarray(labels if mode != "1" else labels.astype(bool))
    if mode == "P":
        picture.putpalette(list(range(256)) * 3)
    picture.save(path)


def write_clip(root: Path, name: str = "square", mode: str = "P") -> Path:
    folder = root / "JPEGImages" / name
    folder.mkdir(parents=True)
    for index in range(FRAMES):
        image, labels = scene(index)
        Picture.fromarray(image).save(folder / f"{index:05d}.png")
        write_mask(root / "Annotations" / name / f"{index:05d}.png", labels, mode)
    return root


def write_film(path: Path) -> None:
    path.parent.mkdir(parents=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=24, options={"crf": "10"})
        stream.height, stream.width, stream.pix_fmt = *SIZE, "yuv420p"
        for index in range(FRAMES):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(scene(index)[0], format="rgb24")))
        container.mux(stream.encode())


def truths(clip: Clip) -> Iterator[Labels]:
    return (clip.truth(index) for index in range(len(clip)))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_clip(tmp_path / "data")
