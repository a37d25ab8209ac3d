"""trackmask run"""

import logging
import sys
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

import click

from trackmask.errors import PromptError
from trackmask.files import counted, shown

from .mistakes import ResultFolder, Video
from .options import discard_option, pipeline_options, quiet_option, threads_option, track_options
from .prompts import OrderedCommand, prompt_options, read

if TYPE_CHECKING:
    from tqdm import tqdm

    from trackmask.pipeline import Outcome
    from trackmask.prompts import Prompt
    from trackmask.result import Range, Result

LOG = logging.getLogger("trackmask")
NAMED = 3  # frames to look at that the last line names
CUTS = 10  # cuts that it names


@click.command(cls=OrderedCommand)
@click.argument("video", type=Video())
@click.option(
    "-o", "--out", type=ResultFolder(), metavar="FOLDER", help="Result folder. [VIDEO.trackmask, in this folder]"
)
@prompt_options
@click.option(
    "--prompts",
    "prompt_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The prompts of a file: prompts.json, LabelMe's or COCO's json, or a mask.",
)
@click.option(
    "--auto", type=click.IntRange(1, 20), metavar="N", help="Find up to N main objects, where no prompt is given. [1]"
)
@track_options
@click.option("--overwrite", is_flag=True, help="Replace an earlier result.")
@discard_option
@threads_option
@quiet_option
def run(
    video: Path,
    out: Path | None,
    prompt_file: Path | None,
    auto: int | None,
    start: str | None,
    end: str | None,
    style: str,
    no_overlay: bool,
    soft: bool,
    mask_names: str,
    fast: bool,
    overwrite: bool,
    discard: bool,
    weights: Path | None,
    device: str,
    threads: int,
    quiet: bool,
    **_: object,
) -> None:
    """Track objects through a video: a mask and a confidence for every frame, and an overlay to look at.

    VIDEO is a file or a folder of images. A mask says most exactly which object is meant, a box comes next, then
    clicks; without any of them the main object is found.

    A prompt belongs to the first frame, or to the frame (45) or time (3.2s, 1:02:03.5) behind its @. Each --box and
    each --mask is an object of its own, and all clicks are one; --object NAME gathers the prompts that follow it.

    The result folder holds masks/00000.png and so on, overlay.mp4 and result.json.
    """
    from trackmask.pipeline import run as track_video
    from trackmask.result import default_folder
    from trackmask.runtime import open_runtime

    prompts, names = read(click.get_current_context().meta["prompts"])
    if bool(prompts) + (prompt_file is not None) + (auto is not None) > 1:
        raise PromptError("objects come from options, --prompts or --auto; leave all but one out")
    if prompt_file is not None:
        prompts, names = read_file(prompt_file, video)
    options = pipeline_options(
        start=start,
        end=end,
        style=style,
        no_overlay=no_overlay,
        soft=soft,
        mask_names=mask_names,
        fast=fast,
        overwrite=overwrite,
        discard=discard,
        auto=auto or 1,
        threads=threads,
    )
    folder = out or default_folder(video)
    with Bar(quiet, "one pass" if fast else "two passes") as bar:
        outcome = track_video(video, folder, prompts, open_runtime(weights, device, threads), options, names, bar.start)
    if not quiet:
        report(outcome, outcome.frames / bar.seconds, twice=not fast, is_found=not prompts)
    if outcome.error is not None:
        raise outcome.error


def read_file(path: Path, video: Path) -> "tuple[list[Prompt], dict[int, str]]":
    from trackmask.prompts import Target, read_prompt_file

    said = read_prompt_file(path, Target(video.name))
    return list(said.prompts), dict(said.names)


class Above(logging.Handler):
    """Writes what is worth a note into lines above a progress bar, not into it."""

    def __init__(self, bar: "tqdm") -> None:
        super().__init__(logging.WARNING)
        self._bar = bar

    def emit(self, record: logging.LogRecord) -> None:
        self._bar.write(self.format(record), file=sys.stderr)


class Bar:
    """The progress bar: on stderr, and none where that is not a terminal. Measures the time all the same.

    What is logged meanwhile stands above it.
    """

    def __init__(self, quiet: bool, what: str | None = None) -> None:
        from tqdm import tqdm

        self.bar = tqdm(desc=what, unit="frame", disable=True if quiet else None, leave=False)
        self.began = monotonic()
        self._notes = Above(self.bar)

    def __enter__(self) -> "Bar":
        if not (self.bar.disable or logging.root.handlers):  # as they are with --verbose
            LOG.addHandler(self._notes)
        return self

    def __exit__(self, *_: object) -> None:
        LOG.removeHandler(self._notes)
        self.bar.close()

    def start(self, total: int | None) -> Callable[[], None]:
        self.bar.reset(total)
        self.began = monotonic()

        def done() -> None:
            self.bar.update()

        return done

    @property
    def seconds(self) -> float:
        """Since the tracking began."""
        return max(monotonic() - self.began, 1e-6)


def report(outcome: "Outcome", rate: float, *, twice: bool, is_found: bool) -> None:
    """`is_found`: nobody has said what the objects are, so it is named what was taken for them."""
    from trackmask.result import open_result

    result = open_result(outcome.folder)
    done = f"{shown(outcome.folder)}: {counted(outcome.frames, 'frame')} at {rate:.1f} frames/s"
    done += " in two passes" if twice else ""
    click.echo(f"{done}{where_cut(result)}{look_first(result)}")
    if is_found:
        names = "; ".join(item.name for item in result.objects)
        click.echo(f"found in frame {result.objects[0].first_prompt}: {names}")


def where_cut(result: "Result") -> str:
    """The part of a sentence that says where new shots begin; "" where it is all one shot."""
    cuts = result.cuts
    if not cuts:
        return ""
    more = f" and {len(cuts) - CUTS} more" if len(cuts) > CUTS else ""
    return f"; cut{'s' if cuts[1:] else ''} at frame{'s' if cuts[1:] else ''} {', '.join(map(str, cuts[:CUTS]))}{more}"


def look_first(result: "Result") -> str:
    """The end of a sentence: the frames that the review list, and the report, name first, and what to do about prompts
    that were not understood; "" where they name none.
    """
    first, more = result.review[:NAMED], len(result.review) - NAMED
    if not first:
        return ""
    names = {item.id: item.name for item in result.objects}

    def name(item: "Range") -> str:
        return names.get(item.object_id, f"object {item.object_id}")

    unsure = [f"{name(item)} in frame {item.frame}" for item in result.review if item.unsure_of_the_prompt]
    named = ", ".join(f"{item.frame} ({name(item) + ': ' if len(names) > 1 else ''}{item.why})" for item in first)
    end = f"; look first at frame{'s' if first[1:] else ''} {named}"
    end += f"; {counted(more, 'place')} more in the review list" if more > 0 else ""
    if unsure:
        end += f"\nunsure what the prompt means: {', '.join(unsure[:NAMED])}; add clicks, or give a box or a mask there"
    return end
