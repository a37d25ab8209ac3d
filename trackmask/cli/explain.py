"""trackmask explain"""

from pathlib import Path

import click

from .options import frame_option, object_option, threads_option, video_option, weights_option


@click.command()
@click.argument("result", type=click.Path(path_type=Path))
@frame_option("The frame to look into", required=True)
@click.option("--place", metavar="X,Y", help="The place whose connections are shown, in pixels. [the object's middle]")
@object_option
@click.option(
    "-o", "--out", type=click.Path(path_type=Path), metavar="FILE", help="The picture to write. [VIDEO.explain-N.png]"
)
@click.option("--overwrite", is_flag=True, help="Replace an earlier picture.")
@video_option
@weights_option
@threads_option
def explain(
    result: Path,
    frame: int | float,
    place: str | None,
    said: str | None,
    out: Path | None,
    overwrite: bool,
    video: Path | None,
    weights: Path | None,
    threads: int,
) -> None:
    """Draw how the network came to the mask in one frame: what its fully connected layers connect.

    RESULT is a folder that `trackmask run` has written. The object is tracked again up to that frame.
    docs/why-fully-connected.md says how to read the picture.
    """
    from trackmask.extras import need

    need("torch", "trackmask explain", "torch")
    from trackmask.files import plain_name, shown
    from trackmask.lab.explain import explain as draw
    from trackmask.prompts import parse_point
    from trackmask.result import frame_at, open_result
    from trackmask.runtime import CHECKPOINT, OnnxRuntime, load_network, shipped_folder

    known = open_result(result)
    point = parse_point(place) if place else None
    folder = weights or shipped_folder()
    runtime = OnnxRuntime(folder, threads)
    index = frame_at(known, frame)
    out = out or Path(f"{plain_name(known.source.name)}.explain-{index}.png")
    net = load_network(folder / CHECKPOINT)
    draw(known, index, net, runtime, out, object_id=said, place=point, video=video, overwrite=overwrite)
    click.echo(f"{shown(out)}: how frame {index} was tracked")
    if runtime.weights_sha256 != known.weights:
        click.echo("the result was made with other weights; this is what the ones at hand do", err=True)
