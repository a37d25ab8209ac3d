"""Where do the points get lost? J and F of the tracker, beside what it could reach at the best.

    python benchmarks/limits.py DATA [--weights FOLDER]

DATA has DAVIS's layout, a true mask for every frame. *map*: the true mask itself, through the small map over the crop
that the network's answer comes in. *told*: the network's mask, given the true one of the frame before as the only
reference, so nothing can be lost on the way. *tracked*: as ever, from the first mask.
"""

from collections.abc import Iterator
from pathlib import Path

import click
import numpy as np

from trackmask.data import SURE, Labels, box_of
from trackmask.evaluation.baselines import Method
from trackmask.evaluation.dataset import Clip, read_dataset
from trackmask.evaluation.measure import evaluate, mean
from trackmask.evaluation.methods import TrackmaskMethod
from trackmask.prompts import Prompt
from trackmask.runtime import OnnxRuntime, Runtime
from trackmask.tracking import Tracker
from trackmask.tracking import crop as crops


def object_of(clip: Clip, index: int) -> np.ndarray:
    """(H, W) bool: all of a frame's objects as one."""
    return clip.truth(index) > 0


def through_the_map(clip: Clip, side: int) -> Iterator[Labels]:
    """The truth as a map (side, side) over its crop, and back."""
    for index in range(len(clip)):
        mask = object_of(clip, index)
        box = box_of(mask)
        crop = crops.whole_frame(mask.shape) if box is None else crops.around(box, mask.shape)
        patch = crops.paste(crops.cut_mask(mask, crop, side), crop, mask.shape)
        assert patch is not None  # the crop lies around the mask
        yield (patch.over(mask.shape) > SURE).astype(np.uint8)


def told(runtime: Runtime, clip: Clip) -> Iterator[Labels]:
    """Each frame by a tracker that knows the frame before and its truth, and nothing else."""
    tracker = Tracker(runtime, object_of(clip, 0).shape)
    for frame in clip.frames():
        mask = object_of(clip, frame.index)
        yield tracker.step(frame.image).labels if frame.index else mask.astype(np.uint8)
        tracker = Tracker(runtime, mask.shape)
        tracker.step(frame.image, [Prompt(1, frame.index, mask=mask)])


@click.command()
@click.argument("data", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--weights", type=click.Path(path_type=Path), help="Folder of other weights than the shipped ones.")
def main(data: Path, weights: Path | None) -> None:
    """J and F of the truth through the small map, of one step, and of the tracker."""
    clips = read_dataset(data)
    runtime = OnnxRuntime(weights)
    methods: dict[str, Method] = {
        "map": lambda clip, prompt: through_the_map(clip, runtime.size // 2),
        "told": lambda clip, prompt: told(runtime, clip),
        "tracked": TrackmaskMethod(runtime, fast=True),
    }
    scores = [list(evaluate(method, clips, "mask")) for method in methods.values()]
    width = max(len(clip.name) for clip in clips)
    click.echo(f"{'J, F':{width}}" + "".join(f"{name:>13}" for name in methods))
    for row in zip(*([*found, mean(found)] for found in scores), strict=True):
        click.echo(f"{row[0].clip:{width}}" + "".join(f"{100 * one.j:7.1f}{100 * one.f:6.1f}" for one in row))


if __name__ == "__main__":
    main()
