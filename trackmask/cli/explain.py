"""trackmask explain"""

from pathlib import Path

import click

from .options import threads_option, video_option, weights_option


@click.command()
@click.argument("result", type=click.Path(path_type=Path))
@click.option("--frame", type=click.IntRange(0), required=True, help="The frame to look into.")
@click.option("--place", metavar="X,Y", help="Whose connections to show, in pixels. [the object's middle]")
@click.option("--object", "object_id", type=click.IntRange(1, 255), help="Id of the object. [the only one]")
@click.option("-o", "--out", type=click.Path(path_type=Path), metavar="FILE", help="[VIDEO.frame-N.png]")
@click.option("--overwrite", is_flag=True, help="Replace FILE.")
@video_option
@weights_option
@threads_option
def explain(
    result: Path,
    frame: int,
    place: str | None,
    object_id: int | None,
    out: Path | None,
    overwrite: bool,
    video: Path | None,
    weights: Path | None,
    threads: int,
) -> None:
    """Draw how the network came to the mask in one frame of a RESULT: what its fully connected layers connect.

    The object is tracked again up to that frame. docs/why-fully-connected.md says how to read the picture.
    """
    from trackmask.extras import need

    need("torch", "trackmask explain", "torch")
    from trackmask.files import shown
    from trackmask.lab.explain import explain as draw
    from trackmask.prompts import parse_point
    from trackmask.result import open_result
    from trackmask.runtime import CHECKPOINT, OnnxRuntime, load_network, shipped_folder

    known = open_result(result)
    point = parse_point(place) if place else None
    folder = weights or shipped_folder()
    runtime = OnnxRuntime(folder, threads)
    out = out or Path(f"{known.source.name}.frame-{frame}.png")
    net = load_network(folder / CHECKPOINT)
    draw(known, frame, net, runtime, out, object_id=object_id, place=point, video=video, overwrite=overwrite)
    click.echo(f"{shown(out)}: how frame {frame} was tracked")
    if runtime.weights_sha256 != known.weights:
        click.echo("the result was made with other weights; this is what the ones at hand do", err=True)
