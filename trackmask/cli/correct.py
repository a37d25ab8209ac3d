"""trackmask correct, trackmask undo"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from trackmask.errors import PromptError
from trackmask.files import counted, shown

from .group import Interrupted
from .options import STYLES, device_option, frame_option, object_option, threads_option, video_option
from .prompts import OrderedCommand, read
from .run import NAMED, Bar, look_first

if TYPE_CHECKING:
    from trackmask.prompts import Prompt
    from trackmask.result import Result


@click.command(cls=OrderedCommand)
@click.argument("result", type=click.Path(path_type=Path))
@frame_option("The frame that is corrected")
@object_option
@click.option("--mask", multiple=True, metavar="FILE", help="The right mask as PNG: white on black.")
@click.option(
    "--box", multiple=True, metavar="X,Y,W,H", help="A box around the object: top left corner and size, in pixels."
)
@click.option(
    "--point",
    multiple=True,
    metavar="X,Y",
    help="A click on the object. Repeat for more; the clicks say anew what the object is there.",
)
@click.option("--negative", multiple=True, metavar="X,Y", help="A click beside the object. Repeat for more.")
@click.option("--absent", is_flag=True, help="Say that the object is not to be seen in this frame.")
@click.option(
    "--edits", is_flag=True, help="Take the masks that `trackmask import` brought into the result as corrections."
)
@video_option
@click.option("--style", type=click.Choice(STYLES), help="How the overlay shows the objects. [as the run drew it]")
@click.option(
    "--weights", type=click.Path(path_type=Path), metavar="FOLDER", help="Weights to use. [those that the run used]"
)
@device_option
@threads_option
def correct(
    result: Path,
    frame: int | float | None,
    said: str | None,
    absent: bool,
    edits: bool,
    video: Path | None,
    style: str | None,
    weights: Path | None,
    device: str,
    threads: int,
    **_: object,
) -> None:
    """Put one frame of a result right; the object is tracked again from there, up to the neighbouring prompts.

    RESULT is a folder that `trackmask run` has written. Begin with the frames that the report names first. `trackmask
    undo` takes a correction back.
    """
    from trackmask.correct import changed, runtime_of
    from trackmask.correct import correct as correct_result
    from trackmask.result import open_result
    from trackmask.runtime import open_runtime

    known = open_result(result)
    order = click.get_current_context().meta["prompts"]
    if edits == (frame is not None or absent or bool(order)):
        raise PromptError("say --frame and what is right in it: --mask, --box, --point or --absent; or else --edits")
    prompts, names = read_imported(known) if edits else ([read_one(known, frame, said, absent, order)], {})
    runtime = open_runtime(weights, device, threads) if weights else runtime_of(known, device, threads)
    again = changed(known, prompts)
    with changed_or_not(known), Bar(quiet=False, what="tracking again") as bar:
        corrected = correct_result(
            result,
            prompts,
            runtime,
            names=names,
            video=video,
            style=style,  # type: ignore[arg-type]  # click has checked it
            edits_used=edits,
            progress=bar.start,
        )
    left = look_first(corrected) or "; nothing is left to look at"
    click.echo(f"{shown(corrected.folder)}: corrected, {tracked_again(again, corrected)}{left}")


def tracked_again(changed: "dict[int, list[tuple[int, int]]]", corrected: "Result") -> str:
    """The part of a sentence that says which frames, by object, have been `changed`."""
    names = {item.id: f" of {item.name}" for item in corrected.objects} if corrected.objects[1:] else {}
    spans = [
        (f"frames {first} to {last}" if first < last else f"frame {first}") + names.get(object_id, "")
        for object_id, own in sorted(changed.items())
        for first, last in own
    ]
    more = f" and {counted(len(spans) - NAMED, 'more range')}" if len(spans) > NAMED else ""
    return f"{', '.join(spans[:NAMED])}{more} tracked again"


@contextmanager
def changed_or_not(known: "Result") -> Iterator[None]:
    """Where Ctrl-C comes behind the moment in which the new version took the place of the `known` one, it is said."""
    try:
        yield
    except KeyboardInterrupt:
        from trackmask.result import open_result

        if open_result(known.folder).version == known.version:
            raise
        said = f"interrupted, but {shown(known.folder)} was changed already; its report may be of the version before"
        raise Interrupted(said) from None


def read_one(
    known: "Result", frame: int | float | None, said: str | None, absent: bool, order: list[tuple[str, str]]
) -> "Prompt":
    """The correction that the options mean."""
    import numpy as np

    from trackmask.prompts import Prompt
    from trackmask.result import frame_at, the_object

    if frame is None:
        raise PromptError("say which frame is corrected: --frame N")
    object_id, index = the_object(known, said), frame_at(known, frame)
    if absent == bool(order):
        raise PromptError("say what is right in this frame: --mask, --box or --point, or else --absent")
    if absent:
        return Prompt(object_id, index, mask=np.zeros(known.source.size, bool))
    prompts, _ = read([("object", "it"), *order])  # one object: its box and clicks belong together
    if len(prompts) != 1 or prompts[0].frame is not None:
        raise PromptError("a correction is one mask, or one box with clicks, of one object in the frame of --frame")
    return replace(prompts[0], object_id=object_id, frame=index)


def read_imported(known: "Result") -> "tuple[list[Prompt], dict[int, str]]":
    """The masks that were imported, as prompts, and the objects' names."""
    from trackmask.importing import read_edits
    from trackmask.prompts import Prompt

    edits = read_edits(known.folder)
    if not edits:
        raise PromptError(f"{known.folder} has no edits; bring them in with trackmask import")
    prompts = [Prompt(e.object_id, e.frame, mask=e.mask(), source=f"{e.frame:05d}.png") for e in edits]
    return prompts, {e.object_id: e.name for e in edits}


@click.command()
@click.argument("result", type=click.Path(path_type=Path))
def undo(result: Path) -> None:
    """Take back the last correction of a result.

    RESULT is a folder that `trackmask run` has written.
    """
    from trackmask.correct import undo as undo_last
    from trackmask.result import open_result, versions

    with changed_or_not(open_result(result)):
        undo_last(result)
    click.echo(f"{shown(result)}: undone; corrections left: {len(versions(result))}")
