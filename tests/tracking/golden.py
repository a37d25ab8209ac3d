"""Masks of the shipped weights on the samples, kept to be compared with. Write them anew, after weights or tracker have
become better on purpose:

    python tests/tracking/golden.py
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from trackmask.prompts import Prompt, read_mask
from trackmask.runtime import OnnxRuntime
from trackmask.tracking import Tracker
from trackmask.video import open_video

SAMPLES = Path(__file__).parents[2] / "samples"
FOLDER = Path(__file__).parents[1] / "golden" / "masks"
EVERY = {"bunny": 12, "cat": 6}  # frames between two that are kept


def tracked(clip: str) -> Iterator[tuple[int, np.ndarray]]:
    """Each frame's number and mask, (H, W) bool, the first mask given."""
    mask = read_mask(SAMPLES / f"{clip}.mask.png")[1]
    tracker = Tracker(OnnxRuntime(threads=2), mask.shape)
    with open_video(SAMPLES / f"{clip}.mp4") as film:
        for frame in film:
            yield frame.index, tracker.step(frame.image, [Prompt(1, mask=mask)][frame.index :]).labels == 1


def kept(clip: str) -> dict[int, np.ndarray]:
    """Of some frames, (H, W) bool."""
    strip = np.asarray(Image.open(FOLDER / f"{clip}.png"))
    height = read_mask(SAMPLES / f"{clip}.mask.png")[1].shape[0]
    return {EVERY[clip] * (place + 1): part for place, part in enumerate(np.split(strip, len(strip) // height))}


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for clip, every in EVERY.items():
        chosen = [mask for index, mask in tracked(clip) if index and index % every == 0]
        Image.fromarray(np.concatenate(chosen)).save(FOLDER / f"{clip}.png", optimize=True)


if __name__ == "__main__":
    main()
