"""trackmask report"""

from pathlib import Path

import click

from trackmask.files import shown

from .mistakes import OneInput
from .options import NewFile, quiet_option, video_option


@click.command(cls=OneInput)
@click.argument("result", type=click.Path(path_type=Path))
@click.option("-o", "--out", type=NewFile(), metavar="FILE", help="The page to write. [RESULT/report.html]")
@video_option
@quiet_option
def report(result: Path, out: Path | None, video: Path | None, quiet: bool) -> None:
    """Write a page on a result: each object's confidence over time, and which frames to look at, worst first.

    RESULT is a folder that `trackmask run` has written. Open the page in any browser, from disk: it holds its own
    pictures, and plays the overlay that lies beside it.
    """
    from trackmask.cli.run import Bar
    from trackmask.report import write_report

    with Bar(quiet) as bar:
        written = write_report(result, out, video, bar.start)
    if not quiet:
        click.echo(f"{shown(written.path)}: open it in a browser")
        for note in written.notes:
            click.echo(shown(note), err=True)
