"""Options that commands share."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from trackmask.pipeline import Options

STYLES = ("fill", "outline", "cutout")


def together(*options: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Several options as one decorator; --help lists them in this order."""

    def decorate(command: Any) -> Any:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


class When(click.ParamType):
    """A place in a video: a frame or a time."""

    name = "when"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        from trackmask.prompts import parse_moment

        return parse_moment(value) if isinstance(value, str) else value


class Names(click.Choice):
    """A choice of what another room offers, which is imported when somebody asks."""

    def __init__(self, home: str, table: str) -> None:
        """`table`: of the module `home`; its keys are the names."""
        self._home, self._table = home, table
        self.case_sensitive = True

    @property
    def choices(self) -> tuple[str, ...]:  # type: ignore[override]  # click's is an attribute
        return tuple(getattr(import_module(self._home), self._table))


def frame_option(text: str, **more: Any) -> Callable[[Any], Any]:
    return click.option("--frame", type=When(), metavar="WHEN", help=f"{text}: a number from 0 on, or a time.", **more)


object_option = click.option("--object", "said", metavar="ID|NAME", help="The object. [the only one]")
device_option = click.option("--device", default="cpu", show_default=True, help="cpu, cuda or mps.")
weights_option = click.option(
    "--weights", type=click.Path(path_type=Path), help="Folder of other weights than the shipped ones."
)
threads_option = click.option(
    "--threads", type=click.IntRange(0), default=0, help="Of the network and of the decoder; 0 = all cores."
)
video_option = click.option("--video", type=click.Path(path_type=Path), help="Where the video is, if it has moved.")
style_option = click.option(
    "--style", type=click.Choice(STYLES), default="fill", show_default=True, help="Of the overlay."
)
discard_option = click.option(
    "--discard-corrections",
    "discard",
    is_flag=True,
    help="Replace also results that a person corrected or imported edits into; the corrections are lost.",
)
#: What of a video is tracked, and what is written.
track_options = together(
    click.option("--start", metavar="WHEN", help="First frame: 45, or a time: 3.2s, 1:02:03.5."),
    click.option("--end", metavar="WHEN", help="Last frame, or a time."),
    style_option,
    click.option("--no-overlay", is_flag=True, help="Write no overlay.mp4."),
    click.option("--soft", is_flag=True, help="Keep the objects' probabilities as well: soft edges for mattes."),
    weights_option,
    device_option,
)


def names_in(text: str) -> frozenset[str]:
    """Names with commas between them."""
    return frozenset(name for name in text.split(",") if name)


def pipeline_options(
    *, start: str | None, end: str | None, style: str, no_overlay: bool, soft: bool, **more: Any
) -> "Options":
    """What `track_options` gave, and `more` of the same, as the pipeline has it. Raises PromptError."""
    from trackmask.pipeline import Options
    from trackmask.prompts import parse_moment

    return Options(
        start=parse_moment(start) if start else None,
        end=parse_moment(end) if end else None,
        style=None if no_overlay else style,  # type: ignore[arg-type]  # click has checked it
        soft=soft,
        **more,
    )
