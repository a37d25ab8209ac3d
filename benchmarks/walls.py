"""What is left of the masks when something passes in front of the object?

    python benchmarks/walls.py DATA [--every 2] [--fast] [--weights FOLDER]

DATA has DAVIS's layout, a true mask for every frame. A wall, wide enough to hide the object, follows it from a quarter
of the clip on, passes it, and is beside it again at two thirds. It shows the mirrored first picture, squeezed: what
belongs to the scene, at times the object itself once more. The truth is what the wall leaves visible; where it leaves
nothing, no mask is right.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import click
import cv2
import numpy as np

from trackmask.data import Frame, Labels, box_of
from trackmask.evaluation.dataset import Clip, read_dataset
from trackmask.evaluation.measure import evaluate, table
from trackmask.evaluation.methods import TrackmaskMethod
from trackmask.runtime import OnnxRuntime

BEGIN, END = 0.25, 0.65  # of the clip: when the wall passes
NARROW, WIDE = 0.12, 0.45  # of the frame's width, at least and at most
MORE = 1.15  # than the object's width, in the middle of the clip's widths
ASIDE = 30  # pixels between wall and object at the beginning and at the end
EDGE = 3  # dark columns at both of the wall's sides


@dataclass(frozen=True)
class Walled(Clip):
    """A clip with a wall in it."""

    @classmethod
    def of(cls, clip: Clip) -> "Walled":
        return cls(clip.name, clip.truths, clip.images, clip.film, clip.every)

    def frames(self) -> Iterator[Frame]:
        wall: np.ndarray | None = None
        for frame in super().frames():
            if wall is None:
                wall = cv2.resize(frame.image[:, ::-1], (self.width, frame.image.shape[0]))
                wall[:, :EDGE] = wall[:, -EDGE:] = 60
            image = frame.image.copy()
            here, there = self.place(frame.index, image.shape[1])
            image[:, here] = wall[:, there]
            yield replace(frame, image=image)

    def truth(self, index: int) -> Labels:
        labels = super().truth(index)
        labels[:, self.place(index, labels.shape[1])[0]] = 0
        return labels

    def place(self, index: int, end: int) -> tuple[slice, slice]:
        """The frame's columns that the wall hides, of `end`, and the wall's columns that are seen there."""
        share = (index / len(self) - BEGIN) / (END - BEGIN)  # 0 to 1 from side to side
        box = self.boxes[index]
        if box is None or not -0.2 < share < 1.2:
            return slice(0), slice(0)
        x, _, w, _ = box
        left = round(x + w / 2 - self.width / 2 + (2 * share - 1) * (self.width / 2 + w / 2 + ASIDE))
        start, stop = min(max(left, 0), end), max(min(left + self.width, end), 0)
        return slice(start, max(start, stop)), slice(start - left, max(start, stop) - left)

    @cached_property
    def boxes(self) -> list[tuple[int, int, int, int] | None]:
        """Of all that is object in each frame."""
        return [box_of(super(Walled, self).truth(index) > 0) for index in range(len(self))]

    @cached_property
    def width(self) -> int:
        """Of the wall, pixels."""
        across = super().truth(0).shape[1]
        middle = np.median([box[2] for box in self.boxes if box])
        return round(float(np.clip(MORE * middle, NARROW * across, WIDE * across)))


@click.command()
@click.argument("data", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--every", type=click.IntRange(1), default=1, help="Use every so many-th frame. [1]")
@click.option("--weights", type=click.Path(path_type=Path), help="Folder of other weights than the shipped ones.")
@click.option("--fast", is_flag=True, help="One pass, not two.")
def main(data: Path, every: int, weights: Path | None, fast: bool) -> None:
    """J and F of the tracker, from the first mask, with a wall that passes."""
    clips = [Walled.of(clip.thinned(every)) for clip in read_dataset(data)]
    click.echo(table(list(evaluate(TrackmaskMethod(OnnxRuntime(weights), fast=fast), clips, "mask"))))


if __name__ == "__main__":
    main()
