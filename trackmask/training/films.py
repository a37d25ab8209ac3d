"""Clips cut from real videos with a mask for every frame, or for some."""

from pathlib import Path

import cv2
import numpy as np

from trackmask.errors import DataError
from trackmask.training.scenes import Random, Scene, harden, read_object, read_rgb
from trackmask.training.seams import RESTORED, hide_seams

PICTURES = {".jpg", ".jpeg", ".png", ".webp"}
FILMS = {".mp4", ".mov", ".mkv", ".avi", ".webm"}


class Film:
    """One video in memory: images (H, W, 3) RGB and masks (H, W) 0 or 255, uint8."""

    def __init__(self, name: str, images: list[np.ndarray], masks: list[np.ndarray]) -> None:
        self.name, self.images, self.masks = name, images, masks
        # Frames with enough of the object to be a reference.
        self.references = [i for i, mask in enumerate(masks) if cv2.countNonZero(mask) > 100]
        if len(images) < 2 or not self.references:
            raise DataError(f"the clip {name} has fewer than two frames with masks, or no object in any; leave it out")

    def scene(self, rng: Random, frames: int, gap: int) -> Scene:
        """A reference, then a run of frames that begins up to `gap` frames away from it, in either direction of time.

        The run's own steps are 1 to 4 frames: its masks follow each other, the reference may be long ago.
        """
        reference = int(rng.choice(self.references))
        direction = 1 if rng.random() < 0.5 else -1
        stride = int(rng.choice((1, 1, 2, 3, 4)))
        away = int(rng.integers(0, gap + 1)) if rng.random() < 0.7 else 0
        last = len(self.images) - 1
        run = [reference + direction * (away + stride * (i + 1)) for i in range(frames - 1)]
        indices = [reference] + [min(abs(i), 2 * last - abs(i)) % (last + 1) for i in run]  # reflected at both ends
        images, masks = [self.images[i] for i in indices], [self.masks[i] for i in indices]
        if self.name.startswith(RESTORED):
            images = hide_seams(rng, images, masks)
        if rng.random() < 0.5:
            images, masks = [i[:, ::-1] for i in images], [m[:, ::-1] for m in masks]
        if rng.random() < 0.5:
            images, masks = stretch(rng, images, masks)
        return Scene(images, masks, alone=True)


def stretch(rng: Random, images: list[np.ndarray], masks: list[np.ndarray]) -> tuple[list, list]:
    """The same turn, shear and stretch for all frames: 20 clips would otherwise be known by heart."""
    height, width = masks[0].shape
    turn = np.eye(2) + rng.normal(0, 0.12, (2, 2))
    middle = np.array([width / 2, height / 2])
    matrix = np.column_stack((turn, middle - turn @ middle)).astype(np.float32)
    mirror = cv2.BORDER_REFLECT_101
    return (
        [cv2.warpAffine(i, matrix, (width, height), borderMode=mirror) for i in images],
        [harden(cv2.warpAffine(m, matrix, (width, height), borderMode=mirror)) for m in masks],
    )


def read_films(folder: Path, leave_out: frozenset[str]) -> list[Film]:
    """All clips of a data set: `JPEGImages/<clip>/` or `videos/<clip>.mp4`, with `Annotations/<clip>/`.

    Raises DataError where there are none, or one cannot be used.
    """
    pictures, films = folder / "JPEGImages", folder / "videos"
    sources = [p for p in sorted(pictures.iterdir()) if p.is_dir()] if pictures.is_dir() else []
    sources += [p for p in sorted(films.iterdir()) if p.suffix in FILMS] if films.is_dir() else []
    sources = [p for p in sources if (p.name if p.is_dir() else p.stem) not in leave_out]
    if not sources:
        raise DataError(f"{folder} has no clips to train on; put them into JPEGImages/<clip>/ or videos/<clip>.mp4")
    return [read_film(source, folder / "Annotations") for source in sources]


def read_film(source: Path, annotations: Path) -> Film:
    """One clip, a folder or a video file; frames without a mask are left out."""
    name = source.name if source.is_dir() else source.stem
    if source.is_dir():
        frames = {p.stem: read_rgb(p) for p in sorted(source.iterdir()) if p.suffix in PICTURES}
    else:
        # Imported here: the machines that train from pictures need not have a video library.
        from trackmask.video import open_video

        with open_video(source) as video:
            frames = {f"{frame.index:05d}": frame.image for frame in video}
    images, masks = [], []
    for stem, image in frames.items():
        path = annotations / name / f"{stem}.png"
        if not path.exists():
            continue
        mask = read_object(path)
        if mask.shape != image.shape[:2]:
            raise DataError(f"the mask {name}/{stem}.png has another size than its frame; give it the frame's size")
        images.append(image)
        masks.append(mask)
    return Film(name, images, masks)
