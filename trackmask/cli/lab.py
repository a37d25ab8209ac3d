"""trackmask lab"""

import os
from pathlib import Path

import click

from trackmask.lab import EXPERIMENTS


@click.command()
@click.option(
    "--data",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    multiple=True,
    help="A folder to train on, as for `trackmask train`. Repeat. Needed where networks are trained.",
)
@click.option(
    "--dev",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    required=True,
    help="Clips to measure on: JPEGImages (or videos) and Annotations.",
)
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="For figures (JSON) and pictures."
)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option(
    "--minutes", type=click.FloatRange(0, min_open=True), default=5.0, show_default=True, help="Of a training."
)
@click.option("--only", "names", type=click.Choice(EXPERIMENTS), multiple=True, help="Repeat for several. [all]")
@click.option(
    "--page",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A Markdown file: what is in OUT goes into its tables, between <!-- lab:NAME --> and <!-- /lab:NAME -->.",
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
    """Run the experiments of docs/why-fully-connected.md. One whose figures are in OUT already is left as it is."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # torch's waiting threads would burn the cores of the others
    from trackmask.lab.bench import Bench, run
    from trackmask.lab.page import update

    run(Bench(data, dev, out, seed, minutes, click.echo), names or EXPERIMENTS, again)
    if page:
        update(page, out)
