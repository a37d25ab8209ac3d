"""trackmask train"""

from pathlib import Path
from typing import Any

import click

from .group import interruptible
from .options import device_option, names_in, seed_option, threads_option


class Counts(click.ParamType):
    """Whole numbers from 1 on, with commas between them."""

    name = "counts"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        parts = str(value).split(",")
        if not all(part.strip().isdecimal() and int(part) > 0 for part in parts):
            self.fail(f"{value!r} are no numbers from 1 on; write 3,4,6", param, ctx)
        return tuple(int(part) for part in parts)


@click.command()
@click.option(
    "--data",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    multiple=True,
    required=True,
    metavar="FOLDER",
    help="Pictures with masks of the same name, or clips (JPEGImages or videos, Annotations). Repeat for more.",
)
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    metavar="FOLDER",
    help="Where checkpoint, log and curve go.",
)
@click.option("--steps", type=click.IntRange(1), required=True, help="Steps of the whole schedule.")
@click.option("--resume", is_flag=True, help="Go on from the checkpoint that is there.")
@click.option(
    "--stop-after", type=click.IntRange(1), metavar="STEP", help="End this call at that step, to resume later."
)
@click.option(
    "--init",
    type=click.Path(path_type=Path, exists=True),
    metavar="FILE",
    help="Start from these weights (.safetensors). [ImageNet's, for the encoder]",
)
@click.option(
    "--leave-out", default="", metavar="NAME,...", help="Clips and pictures that are kept for measuring, with commas."
)
@click.option(
    "--frames",
    type=Counts(),
    default="3,4,6",
    show_default=True,
    metavar="N,...",
    help="Frames of a clip, one number for each of the schedule's equal stages.",
)
@click.option("--batch", type=click.IntRange(1), default=8, show_default=True, metavar="N", help="Clips in a step.")
@click.option(
    "--rate",
    type=click.FloatRange(0, min_open=True),
    default=1.2e-3,
    show_default=True,
    help="The learning rate where it is highest.",
)
@click.option(
    "--warmup", type=click.IntRange(1), default=200, show_default=True, metavar="N", help="Steps until it is highest."
)
@click.option(
    "--save-every",
    type=click.IntRange(1),
    default=250,
    show_default=True,
    metavar="N",
    help="Steps between two checkpoints.",
)
@click.option(
    "--drop-cells",
    type=click.FloatRange(0, 0.9),
    metavar="SHARE",
    help="Share of a frame's cells that are hidden from the fusion. [0; with --adversarial-mask 0.1]",
)
@click.option(
    "--adversarial-mask",
    is_flag=True,
    help="Hide the cells that hurt most, which a second network learns (VITAL), in place of some by chance.",
)
@click.option(
    "--finetune",
    type=click.IntRange(0, 11),
    default=0,
    show_default=True,
    metavar="N",
    help="Number of the backbone's last blocks that are trained as well.",
)
@click.option(
    "--fusion",
    default="learned,computed,solved",
    show_default=True,
    metavar="PART,...",
    help="Parts of the fusion, with commas; none: a 1x1 convolution alone.",
)
@click.option(
    "--size", type=click.IntRange(64), default=256, show_default=True, metavar="PIXELS", help="Side of the crop."
)
@click.option(
    "--real",
    type=click.FloatRange(0, 1),
    default=0.5,
    show_default=True,
    metavar="SHARE",
    help="Share of real clips, beside those that are made of pictures.",
)
@click.option(
    "--gap",
    type=click.IntRange(0),
    default=40,
    show_default=True,
    metavar="FRAMES",
    help="How far a clip's frames may be from its reference.",
)
@seed_option
@device_option
@click.option("--half", is_flag=True, help="Compute in bfloat16: fast on GPUs, and on processors with AVX512-BF16.")
@click.option(
    "--workers",
    type=click.IntRange(0),
    default=1,
    show_default=True,
    metavar="N",
    help="Processes that make the samples.",
)
@threads_option
def train(
    data: tuple[Path, ...],
    out: Path,
    steps: int,
    resume: bool,
    stop_after: int | None,
    init: Path | None,
    leave_out: str,
    frames: tuple[int, ...],
    batch: int,
    rate: float,
    warmup: int,
    save_every: int,
    drop_cells: float | None,
    adversarial_mask: bool,
    finetune: int,
    fusion: str,
    size: int,
    real: float,
    gap: int,
    seed: int,
    device: str,
    half: bool,
    workers: int,
    threads: int,
) -> None:
    """Train the network on folders of pictures and of clips.

    `trackmask weights export` makes the files that run from the checkpoint.
    """
    from trackmask.errors import CallError
    from trackmask.extras import need

    need("train", "trackmask train", "torch", "matplotlib")
    import torch

    from trackmask.runtime import check_device
    from trackmask.training.adversary import SHARE
    from trackmask.training.curve import draw_curve
    from trackmask.training.samples import Recipe
    from trackmask.training.train import Schedule
    from trackmask.training.train import train as run_training

    check_device(device)
    if threads:
        torch.set_num_threads(threads)
    if drop_cells is None:
        drop_cells = SHARE if adversarial_mask else 0.0
    if adversarial_mask and not drop_cells:
        raise CallError("--adversarial-mask has nothing to choose with --drop-cells 0; leave one of them out")
    clips = tuple(d for d in data if (d / "Annotations").is_dir())
    recipe = Recipe(
        stills=tuple(d for d in data if d not in clips),
        films=clips,
        leave_out=names_in(leave_out),
        size=size,
        real=real,
        gap=gap,
        seed=seed,
    )
    with interruptible(f"what was trained up to the last checkpoint lies in {out}; --resume goes on with it"):
        checkpoint = run_training(
            out,
            recipe,
            Schedule(
                steps=steps,
                batch=batch,
                rate=rate,
                warmup=warmup,
                frames=frames,
                finetune=finetune,
                drop=drop_cells,
                adversarial=adversarial_mask,
            ),
            fusion=() if fusion == "none" else tuple(fusion.split(",")),
            weights=start_from(init, size) if init else None,
            resume=resume,
            stop_after=stop_after,
            save_every=save_every,
            device=device,
            half=half,
            workers=workers,
            report=click.echo,
        )
    draw_curve(out / "log.csv", out / "curve.png")
    click.echo(f"{checkpoint}: make it run by: trackmask weights export {checkpoint} -o FOLDER")


def start_from(checkpoint: Path, size: int) -> dict:
    from trackmask.runtime import read_checkpoint
    from trackmask.training.resize import resize

    state, config = read_checkpoint(checkpoint)
    return resize(state, config["size"], size)
