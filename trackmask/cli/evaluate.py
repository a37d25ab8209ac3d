"""trackmask eval, trackmask score: how good masks are."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from trackmask.files import shown

from .options import NewFile, device_option, fast_option, json_option, threads_option, weights_option

if TYPE_CHECKING:
    from trackmask.evaluation.baselines import Method

METHODS = ("trackmask", "copy", "flow", "features", "hog-svm")


sheet_option = click.option(
    "--sheet", type=NewFile(), metavar="FILE", help="Draw masks and truth on a contact sheet: clips down, time across."
)


@click.command("eval")
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FOLDER",
    help="The data set, with JPEGImages (or videos) and Annotations in it.",
)
@click.option(
    "--clips", "chosen", type=click.Path(path_type=Path), metavar="FILE", help="A text file of the clips to take. [all]"
)
@click.option(
    "--prompt",
    type=click.Choice(["mask", "box", "none"]),
    default="mask",
    show_default=True,
    help="What is said of the objects in the first frame.",
)
@click.option(
    "--every",
    type=click.IntRange(1),
    default=1,
    metavar="N",
    help="Take each N-th frame only, so that all moves faster.",
)
@click.option(
    "--method", "names", type=click.Choice(METHODS), multiple=True, help="What tracks. [trackmask] Repeat to compare."
)
@fast_option
@weights_option
@device_option
@threads_option
@json_option
@sheet_option
def evaluate(
    data: Path,
    chosen: Path | None,
    prompt: str,
    every: int,
    names: tuple[str, ...],
    fast: bool,
    weights: Path | None,
    device: str,
    threads: int,
    as_json: bool,
    sheet: Path | None,
) -> None:
    """Track the clips of a data set in DAVIS's layout, and score the masks.

    The scores are J, F and J&F as DAVIS defines them, with recall and decay, and the frames per second.
    """
    from trackmask.evaluation.dataset import read_dataset
    from trackmask.evaluation.measure import as_json as figures
    from trackmask.evaluation.measure import evaluate as measure
    from trackmask.evaluation.measure import remarks, table
    from trackmask.evaluation.sheet import Sampler, contact_sheet

    clips = [clip.thinned(every) for clip in read_dataset(data, chosen)]
    results = {}
    for name in names or ("trackmask",):
        method = open_method(name, weights, device, threads, fast=fast)
        sampler = Sampler(method) if sheet else None
        scores = list(measure(sampler or method, clips, prompt))
        results[name] = figures(scores)
        if not as_json:
            click.echo(f"{name}, prompt: {prompt}" + (f", every {every} frames" if every > 1 else ""))
            click.echo(table(scores))
        note(remarks(scores))
        if sheet and sampler:
            several = len(names) > 1
            contact_sheet(sampler.rows(clips, scores), sheet.with_stem(f"{sheet.stem}-{name}") if several else sheet)
    if as_json:
        click.echo(json.dumps(results, indent=1))


@click.command()
@click.argument("predictions", type=click.Path(path_type=Path))
@click.argument("truth", type=click.Path(path_type=Path))
@json_option
@sheet_option
def score(predictions: Path, truth: Path, as_json: bool, sheet: Path | None) -> None:
    """Score masks that any tool has made, against true ones.

    PREDICTIONS and TRUTH are folders of palette PNGs, CLIP/00000.png and so on. Objects are told apart by their ids;
    where the truth knows one, and no mask has its id, all that is in a mask is that object. A contact sheet needs the
    pictures beside TRUTH.
    """
    from trackmask.evaluation.measure import as_json as figures
    from trackmask.evaluation.measure import pair_folders, remarks, score_clip, table
    from trackmask.evaluation.sheet import Sampler, contact_sheet

    method, clips = pair_folders(predictions, truth)
    sampler = Sampler(method) if sheet else None
    scores = [score_clip((sampler or method)(clip, "mask"), clip) for clip in clips]
    click.echo(json.dumps(figures(scores), indent=1) if as_json else table(scores))
    note(remarks(scores))
    if sheet and sampler:
        contact_sheet(sampler.rows(clips, scores), sheet)


def note(remarks: Iterable[str]) -> None:
    """On stderr, beside the figures."""
    for remark in remarks:
        click.echo(f"note: {shown(remark)}", err=True)


def open_method(name: str, weights: Path | None, device: str, threads: int, *, fast: bool) -> "Method":
    """The baseline of the lab, or one of those that the evaluation knows itself."""
    from trackmask.evaluation import methods

    if name == "hog-svm":
        from trackmask.lab.hog_svm import HogSvm

        return HogSvm()
    return methods.open_method(name, weights, device, threads, fast=fast)
