"""trackmask correct, trackmask undo"""

from pathlib import Path

import click

from trackmask.errors import PromptError

from .prompts import OrderedCommand, read


@click.command(cls=OrderedCommand)
@click.argument("result", type=click.Path(path_type=Path))
@click.option("--frame", type=click.IntRange(0), required=True, help="The frame that is corrected.")
@click.option("--id", "object_id", type=click.IntRange(1, 255), help="Id of the object. [the only one]")
@click.option("--mask", multiple=True, metavar="FILE", help="PNG with the right mask.")
@click.option("--box", multiple=True, metavar="X,Y,W,H", help="A box around the object.")
@click.option("--point", multiple=True, metavar="X,Y", help="A click on the object. Repeat.")
@click.option("--negative", multiple=True, metavar="X,Y", help="A click beside the object. Repeat.")
@click.option("--absent", is_flag=True, help="The object is not to be seen in this frame.")
@click.option("--video", type=click.Path(path_type=Path), help="Where the video is, if it has moved.")
@click.option("--style", type=click.Choice(["fill", "outline", "cutout"]), default="fill", help="Of the overlay.")
@click.option("--device", default="cpu", show_default=True, help="cpu, cuda or mps.")
@click.option("--threads", type=click.IntRange(0), default=0, help="Of the network; 0 = all cores.")
def correct(
    result: Path,
    frame: int,
    object_id: int | None,
    absent: bool,
    video: Path | None,
    style: str,
    device: str,
    threads: int,
    **_: object,
) -> None:
    """Put one frame of a RESULT right: the object is tracked again from there, up to the neighbouring prompts.

    `trackmask undo` takes it back. Correct the frames first that `review` in result.json, or the report, names first.
    """
    import numpy as np

    from trackmask.correct import correct as correct_result
    from trackmask.prompts import Prompt
    from trackmask.result import open_result
    from trackmask.runtime import open_runtime

    known = open_result(result)
    if object_id is None:
        if len(known.objects) != 1:
            ids = ", ".join(f"{item.id} ({item.name})" for item in known.objects)
            raise PromptError(f"this result has several objects; say --id of one of them: {ids}")
        object_id = known.objects[0].id
    order = click.get_current_context().meta["prompts"]
    if absent == bool(order):
        raise PromptError("say what is right in this frame: --mask, --box or --point, or else --absent")
    if absent:
        prompt = Prompt(object_id, frame, mask=np.zeros(known.source.size, bool))
    else:
        # One object, so its box and clicks belong together.
        prompts, _names = read([("object", "it"), *order])
        if len(prompts) != 1:
            raise PromptError("a correction is one mask, or one box with clicks, of one object in one frame")
        said = prompts[0]
        prompt = Prompt(object_id, frame, said.mask, said.box, said.positive, said.negative, said.source)
    corrected = correct_result(result, prompt, open_runtime(None, device, threads), video=video, style=style)  # type: ignore[arg-type]
    click.echo(f"{corrected.folder}: corrected; least sure of frames {', '.join(map(str, corrected.least_sure(3)))}")


@click.command()
@click.argument("result", type=click.Path(path_type=Path))
def undo(result: Path) -> None:
    """Take back the last correction of a RESULT."""
    from trackmask.revision import undo as undo_last
    from trackmask.revision import versions

    undo_last(result)
    click.echo(f"{result}: undone; {len(versions(result))} corrections left")
