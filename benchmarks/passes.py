"""What the second pass is worth: J&F of one pass and of two, clip by clip; prints the table of docs/passes.md.

    python benchmarks/passes.py DATA [--weights FOLDER] [--threads N]

DATA holds data sets in DAVIS's layout: `dev`, and `train`, of which only the clips are taken that no training sees. The
first mask is given.
"""

from collections.abc import Sequence
from pathlib import Path

import click
from identity import UNTRAINED
from walls import Walled

from trackmask.evaluation.dataset import Clip, read_dataset
from trackmask.evaluation.measure import ClipScore, evaluate, mean
from trackmask.evaluation.methods import TrackmaskMethod
from trackmask.runtime import OnnxRuntime, Runtime

SPARSE, WALLED = 4, 2  # every so many-th frame
HEAD = "| clip | all frames | every 4th | a wall passes, every 2nd |\n|---|---|---|---|"


def both(runtime: Runtime, clips: Sequence[Clip]) -> dict[str, str]:
    """One pass / two, by clip, and their means."""
    passes = [list(evaluate(TrackmaskMethod(runtime, fast=fast), clips, "mask")) for fast in (True, False)]
    means = [mean(scores) for scores in passes]
    return {one.clip: cell(one, two) for one, two in zip(*passes, strict=True)} | {"**mean**": cell(*means)}


def cell(one: ClipScore, two: ClipScore) -> str:
    return f"{100 * one.jf:.1f} / {100 * two.jf:.1f}"


@click.command(help=__doc__)
@click.argument("data", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--weights", type=click.Path(path_type=Path), help="Folder of other weights than the shipped ones.")
@click.option("--threads", type=click.IntRange(0), default=0, help="Of the network. [as many as there are cores]")
def main(data: Path, weights: Path | None, threads: int) -> None:
    runtime, dev = OnnxRuntime(weights, threads), read_dataset(data / "dev")
    tune = [clip for clip in read_dataset(data / "train") if clip.name in UNTRAINED]
    click.echo(HEAD)
    columns = [
        both(runtime, clips)
        for clips in (dev, [clip.thinned(SPARSE) for clip in dev], [Walled.of(clip.thinned(WALLED)) for clip in dev])
    ]
    for name in columns[0]:
        click.echo(f"| {name} | {' | '.join(column[name] for column in columns)} |")
    for name, figures in both(runtime, tune).items():
        click.echo(f"| {name} | {figures} | | |")


if __name__ == "__main__":
    main()
