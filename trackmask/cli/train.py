"""trackmask train"""

from pathlib import Path

import click

from .options import names_in


@click.command()
@click.option(
    "--data",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    multiple=True,
    required=True,
    help="A folder of pictures with masks of the same name, or of clips (JPEGImages or videos, Annotations). Repeat.",
)
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Checkpoint, log, curve.")
@click.option("--steps", type=click.IntRange(1), required=True, help="Length of the whole schedule.")
@click.option("--resume", is_flag=True, help="Go on where OUT's checkpoint stands.")
@click.option("--stop-after", type=click.IntRange(1), help="End this call at that step, to --resume later.")
@click.option("--init", type=click.Path(path_type=Path, exists=True), help="Start from these weights (.safetensors).")
@click.option("--leave-out", default="", help="Names of clips and pictures to keep for measuring, with commas.")
@click.option("--frames", default="3,4,6", show_default=True, help="Frames a clip, in equal stages of the schedule.")
@click.option("--batch", type=click.IntRange(1), default=8, show_default=True, help="Clips a step.")
@click.option("--rate", type=float, default=1.2e-3, show_default=True, help="Learning rate at its top.")
@click.option("--warmup", type=click.IntRange(1), default=200, show_default=True, help="Steps until the rate's top.")
@click.option("--save-every", type=click.IntRange(1), default=250, show_default=True, help="Steps between checkpoints.")
@click.option(
    "--drop-cells",
    type=click.FloatRange(0, 0.9),
    metavar="SHARE",
    help="Hide that share of a frame's cells from the fusion, by chance. [0; with --adversarial-mask 0.1]",
)
@click.option(
    "--adversarial-mask", is_flag=True, help="Hide the cells that hurt most, as a second network learns them (VITAL)."
)
@click.option("--finetune", type=click.IntRange(0, 11), default=0, help="Train so many of the backbone's last blocks.")
@click.option("--fusion", default="learned,computed,solved", show_default=True, help='Its parts; "none" = 1x1 alone.')
@click.option("--size", type=click.IntRange(64), default=256, show_default=True, help="Side of the crop, pixels.")
@click.option("--real", type=click.FloatRange(0, 1), default=0.5, show_default=True, help="Share of real clips.")
@click.option(
    "--gap", type=click.IntRange(0), default=40, show_default=True, help="Frames from the reference, at most."
)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--device", default="cpu", show_default=True)
@click.option("--half", is_flag=True, help="bfloat16: fast on GPUs and on processors with AVX512-BF16.")
@click.option("--workers", type=click.IntRange(0), default=1, show_default=True, help="Processes that make samples.")
@click.option("--threads", type=click.IntRange(0), default=0, help="Of the network; 0 = all cores.")
def train(
    data: tuple[Path, ...],
    out: Path,
    steps: int,
    resume: bool,
    stop_after: int | None,
    init: Path | None,
    leave_out: str,
    frames: str,
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
    """Train the network on folders of pictures and of clips."""
    from trackmask.errors import CallError
    from trackmask.extras import need

    need("train", "trackmask train", "torch", "matplotlib")
    import torch

    from trackmask.training.adversary import SHARE
    from trackmask.training.curve import draw_curve
    from trackmask.training.samples import Recipe
    from trackmask.training.train import Schedule
    from trackmask.training.train import train as run_training

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
    stages = tuple(int(n) for n in frames.split(","))
    checkpoint = run_training(
        out,
        recipe,
        Schedule(
            steps=steps,
            batch=batch,
            rate=rate,
            warmup=warmup,
            frames=stages,
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
