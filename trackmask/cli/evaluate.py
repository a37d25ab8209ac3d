"""trackmask eval, trackmask score: how good masks are."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .options import device_option, threads_option, weights_option

if TYPE_CHECKING:
    from trackmask.evaluation.baselines import Method
    from trackmask.evaluation.measure import ClipScore

METHODS = ("trackmask", "copy", "flow", "features", "hog-svm")


@click.command("eval")
@click.option("--data", type=click.Path(path_type=Path), required=True, help="Folder with JPEGImages and Annotations.")
@click.option("--split", type=click.Path(path_type=Path), help="Text file with the names of the clips to use.")
@click.option("--prompt", type=click.Choice(["mask", "box", "none"]), default="mask", show_default=True)
@click.option("--every", type=click.IntRange(1), default=1, help="Use every so many-th frame: all moves faster. [1]")
@click.option("--method", "names", type=click.Choice(METHODS), multiple=True, help="Repeat to compare. [trackmask]")
@weights_option
@device_option
@threads_option
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write the figures to this file, too.")
@click.option("--sheet", type=click.Path(path_type=Path), help="Write a contact sheet (PNG): clips down, time across.")
def evaluate(
    data: Path,
    split: Path | None,
    prompt: str,
    every: int,
    names: tuple[str, ...],
    weights: Path | None,
    device: str,
    threads: int,
    json_file: Path | None,
    sheet: Path | None,
) -> None:
    """Track the clips of a data set in DAVIS's layout and score the masks: J, F, J&F, recall, decay, frames/s."""
    from trackmask.evaluation.dataset import read_dataset
    from trackmask.evaluation.measure import evaluate as measure
    from trackmask.evaluation.sheet import Sampler, contact_sheet

    clips = [clip.thinned(every) for clip in read_dataset(data, split)]
    results = {}
    for name in names or ("trackmask",):
        method = open_method(name, weights, device, threads)
        sampler = Sampler(method) if sheet else None
        scores = list(measure(sampler or method, clips, prompt))
        click.echo(f"{name}, prompt: {prompt}" + (f", every {every} frames" if every > 1 else ""))
        results[name] = show(scores)
        if sheet and sampler:
            several = len(names) > 1
            contact_sheet(sampler.rows(clips, scores), sheet.with_stem(f"{sheet.stem}-{name}") if several else sheet)
    if json_file:
        json_file.write_text(json.dumps(results, indent=1))


@click.command()
@click.argument("predictions", type=click.Path(path_type=Path))
@click.argument("truth", type=click.Path(path_type=Path))
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write the figures to this file, too.")
@click.option("--sheet", type=click.Path(path_type=Path), help="Write a contact sheet (PNG); TRUTH needs its pictures.")
def score(predictions: Path, truth: Path, json_file: Path | None, sheet: Path | None) -> None:
    """Score the mask PNGs of any tool: PREDICTIONS/CLIP/00000.png against TRUTH/CLIP/00000.png."""
    from trackmask.evaluation.measure import evaluate as measure
    from trackmask.evaluation.measure import pair_folders
    from trackmask.evaluation.sheet import Sampler, contact_sheet

    method, clips = pair_folders(predictions, truth)
    sampler = Sampler(method) if sheet else None
    scores = list(measure(sampler or method, clips, "mask"))
    figures = show(scores)
    if sheet and sampler:
        contact_sheet(sampler.rows(clips, scores), sheet)
    if json_file:
        json_file.write_text(json.dumps(figures, indent=1))


def open_method(name: str, weights: Path | None, device: str, threads: int) -> "Method":
    """The baseline of the lab, or one of those that the evaluation knows itself."""
    from trackmask.evaluation import methods

    if name == "hog-svm":
        from trackmask.lab.hog_svm import HogSvm

        return HogSvm()
    return methods.open_method(name, weights, device, threads)


def show(scores: "list[ClipScore]") -> dict:
    from trackmask.evaluation.measure import as_json, table

    click.echo(table(scores))
    return as_json(scores)
