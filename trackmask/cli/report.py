"""trackmask report"""

from pathlib import Path

import click

from trackmask.files import shown


@click.command()
@click.argument("result", type=click.Path(path_type=Path))
@click.option("-o", "--out", type=click.Path(path_type=Path), metavar="FILE", help="The page. [RESULT/report.html]")
@click.option("--video", type=click.Path(path_type=Path), metavar="FILE", help="The video, where it has moved.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing but errors.")
def report(result: Path, out: Path | None, video: Path | None, quiet: bool) -> None:
    """Write a page to look at a RESULT folder: confidence over time, and what to review, worst first.

    Open it in any browser, from disk: it holds its own pictures, and plays the overlay that lies beside it.
    """
    from trackmask.cli.run import Bar
    from trackmask.report import write_report

    with Bar(quiet) as bar:
        written = write_report(result, out, video, bar.start)
    if not quiet:
        click.echo(f"{shown(written.path)}: open it in a browser")
        for note in written.notes:
            click.echo(shown(note), err=True)
