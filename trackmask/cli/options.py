"""Options that commands share."""

from collections.abc import Callable
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from trackmask.errors import CallError

if TYPE_CHECKING:
    from trackmask.pipeline import Options

STYLES = ("fill", "outline", "cutout")
MASK_NAMES = ("number", "source")


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


class NewFile(click.Path):
    """A file to write at the end of the work: that its folder is there is known at the beginning."""

    def __init__(self) -> None:
        super().__init__(path_type=Path, dir_okay=False)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        folder = Path(value).parent
        if not folder.is_dir():
            raise CallError(f"{value} cannot be written: there is no folder {folder}; make it, or choose another place")
        return super().convert(value, param, ctx)


class Names(click.Choice):
    """A choice of what another room offers, which is imported when somebody asks; CVAT is cvat, label_studio is
    label-studio.
    """

    def __init__(self, home: str, table: str) -> None:
        """`table`: of the module `home`; its keys are the names."""
        self._home, self._table = home, table
        self.case_sensitive = True

    @property
    def choices(self) -> tuple[str, ...]:  # type: ignore[override]  # click's is an attribute
        return tuple(getattr(import_module(self._home), self._table))

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        plain = str(value).lower().replace("_", "-")
        if plain not in self.choices and (near := get_close_matches(plain, self.choices, 1)):
            self.fail(f"{value!r} is none of them; did you mean {near[0]}?", param, ctx)
        return super().convert(plain, param, ctx)


def frame_option(text: str, **more: Any) -> Callable[[Any], Any]:
    return click.option("--frame", type=When(), metavar="WHEN", help=f"{text}: a number from 0 on, or a time.", **more)


object_option = click.option("--object", "said", metavar="ID|NAME", help="The object. [the only one]")
device_option = click.option(
    "--device",
    default="cpu",
    show_default=True,
    metavar="DEVICE",
    help="Where the network runs: cpu, cuda (an NVIDIA GPU) or mps (a Mac's).",
)
weights_option = click.option(
    "--weights", type=click.Path(path_type=Path), metavar="FOLDER", help="Weights to use in place of the shipped ones."
)
threads_option = click.option(
    "--threads", type=click.IntRange(0), default=0, metavar="N", help="Threads to compute with. [one for each core]"
)
video_option = click.option(
    "--video", type=click.Path(path_type=Path), metavar="FILE", help="Where the video is now, if it has moved."
)
style_option = click.option(
    "--style", type=click.Choice(STYLES), default="fill", show_default=True, help="How the overlay shows the objects."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs, in place of the text.")
seed_option = click.option("--seed", type=int, default=0, show_default=True, help="Where the random numbers begin.")
quiet_option = click.option("-q", "--quiet", is_flag=True, help="Print nothing but errors.")
discard_option = click.option(
    "--discard-corrections",
    "discard",
    is_flag=True,
    help="With --overwrite: also results that a person corrected or edited; that work is lost.",
)
fast_option = click.option(
    "--fast",
    is_flag=True,
    help="Track once, in half of the time. [a second pass, backward, checks and mends the first]",
)
#: What of a video is tracked, and what is written.
track_options = together(
    click.option("--start", metavar="WHEN", help="Track from this frame (45) or time (3.2s, 1:02:03.5) on."),
    click.option("--end", metavar="WHEN", help="Track up to this frame or time, itself included."),
    style_option,
    click.option("--no-overlay", is_flag=True, help="Write no overlay.mp4."),
    click.option("--soft", is_flag=True, help="Keep each object's probabilities as well, for soft edges."),
    click.option(
        "--names",
        "mask_names",
        type=click.Choice(MASK_NAMES),
        default="number",
        show_default=True,
        help="Call masks by the frame's number, or as the source's pictures are called, where it is a folder of them.",
    ),
    fast_option,
    weights_option,
    device_option,
)


def names_in(text: str) -> frozenset[str]:
    """Names with commas between them."""
    return frozenset(name for name in text.split(",") if name)


def pipeline_options(
    *, start: str | None, end: str | None, style: str, no_overlay: bool, soft: bool, mask_names: str, **more: Any
) -> "Options":
    """What `track_options` gave, and `more` of the same, as the pipeline has it. Raises PromptError."""
    from trackmask.pipeline import Options
    from trackmask.prompts import parse_moment

    return Options(
        start=parse_moment(start) if start else None,
        end=parse_moment(end) if end else None,
        style=None if no_overlay else style,  # type: ignore[arg-type]  # click has checked it
        soft=soft,
        mask_names=mask_names,  # type: ignore[arg-type]  # click has checked it
        **more,
    )
