"""trackmask weights: the network's files."""

from pathlib import Path

import click


@click.group()
def weights() -> None:
    """Look at the weights, and make the files that run from a training's checkpoint."""


@weights.command()
def show() -> None:
    """Say where the shipped weights lie and which they are."""
    from trackmask.weights import CHECKPOINT, fingerprint, shipped_folder

    folder = shipped_folder()
    click.echo(f"{folder}\nsha256 {fingerprint(folder / CHECKPOINT)}")


@weights.command()
@click.argument("checkpoint", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("-o", "--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder to write.")
def export(checkpoint: Path, out: Path) -> None:
    """Make OUT/trackmask.safetensors and the two ONNX graphs from CHECKPOINT.

    CHECKPOINT is a training's checkpoint.pt (its averaged weights are taken) or a trackmask.safetensors.
    """
    from trackmask.training.bank import bank

    for path in bank(checkpoint, out):
        click.echo(f"{path} {path.stat().st_size / 1e6:.1f} MB")
