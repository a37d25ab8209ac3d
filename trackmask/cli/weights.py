"""trackmask weights: the network's files."""

from pathlib import Path

import click

from .group import Commands
from .options import names_in


@click.group(cls=Commands)
def weights() -> None:
    """Look at the weights, or make the files that run from a training's checkpoint."""


@weights.command()
def show() -> None:
    """Say where the shipped weights lie and which they are, and hold them against their checksums."""
    from trackmask.runtime import CHECKPOINT, running_files, shipped_folder

    folder, sums = shipped_folder(), running_files()
    click.echo(f"{folder}\nsha256 {sums[CHECKPOINT]}")


@weights.command()
@click.argument("checkpoint", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    metavar="FOLDER",
    help="Where the files go.",
)
@click.option("--size", type=click.IntRange(64), metavar="PIXELS", help="Side of the crop. [as trained]")
@click.option(
    "--calibrate",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="FOLDER",
    help="Clips with masks, by which the encoder's graph is made to compute in 8 bits.",
)
@click.option(
    "--leave-out", default="", metavar="NAME,...", help="Clips that the calibration must not see, with commas."
)
def export(checkpoint: Path, out: Path, size: int | None, calibrate: Path | None, leave_out: str) -> None:
    """Make the files that run from a checkpoint: trackmask.safetensors and the two ONNX graphs.

    CHECKPOINT is a training's checkpoint.pt, whose averaged weights are taken, or a trackmask.safetensors.
    """
    from trackmask.extras import need

    need("train", "trackmask weights export", "torch", "onnx")
    from trackmask.training.bank import bank

    for path in bank(checkpoint, out, size=size, calibrate=calibrate, leave_out=names_in(leave_out)):
        click.echo(f"{path} {path.stat().st_size / 1e6:.1f} MB")
