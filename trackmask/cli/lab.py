"""trackmask lab"""

import os
from pathlib import Path

import click

from trackmask.lab import EXPERIMENTS

from .group import interruptible
from .options import seed_option


@click.command()
@click.option(
    "--data",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    multiple=True,
    metavar="FOLDER",
    help="A folder to train on, as for `trackmask train`, where an experiment trains. Repeat for more.",
)
@click.option(
    "--dev",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    required=True,
    metavar="FOLDER",
    help="Clips to measure on: JPEGImages (or videos) and Annotations.",
)
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    metavar="FOLDER",
    help="Where the figures (JSON) and the pictures go.",
)
@seed_option
@click.option(
    "--minutes",
    type=click.FloatRange(0, min_open=True),
    default=5.0,
    show_default=True,
    help="How long each network is trained.",
)
@click.option(
    "--only", "names", type=click.Choice(EXPERIMENTS), multiple=True, help="Run this experiment. [all] Repeat for more."
)
@click.option(
    "--page",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="A Markdown page whose tables, between <!-- lab:NAME --> and <!-- /lab:NAME -->, are filled anew.",
)
@click.option("--again", is_flag=True, help="Run anew what was done before.")
def lab(
    data: tuple[Path, ...],
    dev: Path,
    out: Path,
    seed: int,
    minutes: float,
    names: tuple[str, ...],
    page: Path | None,
    again: bool,
) -> None:
    """Run the experiments of docs/why-fully-connected.md.

    An experiment whose figures are in the folder of --out already is left as it is.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # torch's waiting threads would burn the cores of the others
    from trackmask.lab.bench import Bench, run
    from trackmask.lab.page import update

    with interruptible(f"what was done lies in {out}; the same command goes on with the rest"):
        run(Bench(data, dev, out, seed, minutes, click.echo), names or EXPERIMENTS, again)
    if page:
        update(page, out)
