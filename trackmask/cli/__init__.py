"""The command line: parse, call one function, print. Only here is anything printed, and an exit code chosen.

The commands import what they need when they run, so that `--help` and a typo cost nothing.
"""

import warnings

import click

from trackmask import __version__

from .batch import batch, batch_status
from .correct import correct, undo
from .evaluate import evaluate, score
from .explain import explain
from .export import export, import_
from .frame import frame
from .group import Commands
from .info import info
from .lab import lab
from .report import report
from .run import run
from .studio import studio
from .train import train
from .weights import weights


@click.group(
    cls=Commands,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
)
@click.version_option(__version__)
@click.pass_context
def main(ctx: click.Context) -> None:
    """The mask of an object in every frame of a video, on a plain CPU in real time.

    \b
    trackmask run clip.mp4                          find the main object and track it
    trackmask run clip.mp4 --mask first.png         track the objects of a mask: the most exact
    trackmask run clip.mp4 --box 40,30,120,160      track what fills the box in the first frame
    """
    warnings.filterwarnings("ignore", module="PIL")  # of odd images: where they cannot be read, an error says so
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


main.add_section("Track", run, studio, info)
main.add_section("Look and correct", report, frame, correct, undo)
main.add_section("Many clips and other tools", batch, batch_status, export, import_)
main.add_section("Measure, train, study", evaluate, score, train, weights, explain, lab)
