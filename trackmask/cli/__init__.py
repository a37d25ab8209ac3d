"""The command line: parse, call one function, print. Only here is anything printed, and an exit code chosen.

The commands import what they need when they run, so that `--help` and a typo cost nothing.
"""

import os
import sys
import warnings
from typing import Any

import click

from trackmask.errors import TrackmaskError
from trackmask.files import shown

from .batch import batch, batch_status
from .correct import correct, undo
from .evaluate import evaluate, score
from .explain import explain
from .export import export, import_
from .info import info
from .lab import lab
from .report import report
from .run import run
from .train import train
from .weights import weights

INTERRUPTED = 130


class Commands(click.Group):
    """Turns every error into one line on stderr and the exit code that belongs to it."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (click.exceptions.Exit, click.ClickException, click.Abort):
            raise
        except KeyboardInterrupt:
            click.echo("trackmask: interrupted; nothing was left behind.", err=True)
            ctx.exit(INTERRUPTED)
        except BrokenPipeError:
            # Whoever read our output has gone: nothing to say, and nobody to say it to.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            ctx.exit(1)
        except MemoryError:
            click.echo("trackmask: there is not enough memory; free some, or scale the video down", err=True)
            ctx.exit(1)
        except Exception as error:
            if ctx.params.get("debug"):
                raise
            known = isinstance(error, TrackmaskError)
            what = str(error) if known else f"unexpected {type(error).__name__}: {error} (--debug shows where)"
            click.echo(f"trackmask: {shown(what)}", err=True)  # names may hold newlines and escape codes
            ctx.exit(error.exit_code if isinstance(error, TrackmaskError) else 1)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="trackmask")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def main(debug: bool) -> None:
    """The mask of an object in every frame of a video, on a plain CPU in real time.

    \b
    trackmask run clip.mp4                          find the main object and track it
    trackmask run clip.mp4 --box 40,30,120,160      track what fills the box in the first frame
    trackmask run clip.mp4 --mask first.png         track the objects of a mask
    """
    warnings.filterwarnings("ignore", module="PIL")  # of odd images: where they cannot be read, an error says so


for command in (
    run,
    info,
    report,
    explain,
    correct,
    undo,
    batch,
    batch_status,
    export,
    import_,
    evaluate,
    score,
    train,
    lab,
    weights,
):
    main.add_command(command)
