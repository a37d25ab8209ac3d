"""Masks of the shipped weights on the samples, kept to be compared with. Write them anew, after weights or tracker have
become better on purpose:

    python tests/tracking/golden.py
"""

from collections.abc import Iterator
from itertools import product
from pathlib import Path

import numpy as np
from PIL import Image

from trackmask.prompts import Prompt, read_mask
from trackmask.runtime import OnnxRuntime
from trackmask.tracking import Course
from trackmask.video import open_video

SAMPLES = Path(__file__).parents[2] / "samples"
FOLDER = Path(__file__).parents[1] / "golden" / "masks"
EVERY = {"bunny": 12, "cat": 6}  # frames between two that are kept


def tracked(clip: str, *, twice: bool = False) -> Iterator[tuple[int, np.ndarray]]:
    """Each frame's number and mask, (H, W) bool, the first mask given."""
    prompt = Prompt(1, 0, mask=read_mask(SAMPLES / f"{clip}.mask.png")[1])
    with (
        open_video(SAMPLES / f"{clip}.mp4") as film,
        Course(film, OnnxRuntime(threads=2), [prompt], twice=twice) as course,
    ):
        for frame, masks in course.steps():
            yield frame.index, masks.labels == 1


def strip(clip: str, *, twice: bool = False) -> Path:
    """The file of a clip's masks, one below the other."""
    return FOLDER / f"{clip}{'-twice' if twice else ''}.png"


def kept(clip: str, *, twice: bool = False) -> dict[int, np.ndarray]:
    """Of some frames, (H, W) bool."""
    masks = np.asarray(Image.open(strip(clip, twice=twice)))
    height = read_mask(SAMPLES / f"{clip}.mask.png")[1].shape[0]
    return {EVERY[clip] * (place + 1): part for place, part in enumerate(np.split(masks, len(masks) // height))}


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for (clip, every), twice in product(EVERY.items(), (False, True)):
        chosen = [mask for index, mask in tracked(clip, twice=twice) if index and index % every == 0]
        Image.fromarray(np.concatenate(chosen)).save(strip(clip, twice=twice), optimize=True)


if __name__ == "__main__":
    main()
