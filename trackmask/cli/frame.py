"""trackmask frame"""

from pathlib import Path

import click

from trackmask.errors import CallError, OutputExistsError
from trackmask.files import shown, write_whole

from .mistakes import OneInput, Video
from .options import NewFile, When


@click.command(cls=OneInput)
@click.argument("video", type=Video())
@click.option(
    "--at", "moment", type=When(), default=0, metavar="WHEN", help="The number of the frame, or its time. [0]"
)
@click.option("-o", "--out", type=NewFile(), metavar="FILE", help="The PNG to write. [VIDEO.frame-N.png]")
@click.option("--overwrite", is_flag=True, help="Replace an earlier file.")
def frame(video: Path, moment: int | float, out: Path | None, overwrite: bool) -> None:
    """Write one frame of a video as a picture, to paint a mask on.

    Paint the object white and all else black, save that as a PNG of the same size, and give it to `trackmask run
    --mask` or `trackmask correct --mask`.
    """
    from trackmask.formats.png import picture_png
    from trackmask.video import open_video

    with open_video(video) as reader:
        found = next(reader.frames(moment))
        out = out or Path(f"{reader.info.name}.frame-{found.index}.png")
    if out.suffix.lower() != ".png":
        raise CallError(f"a frame is written as a PNG, without loss; {out} is no name of one, choose another with -o")
    if out.exists() and not overwrite:
        raise OutputExistsError(f"{out} exists already; choose another file with -o, or say --overwrite")
    write_whole(out, picture_png(found.image))
    click.echo(f"{shown(out)}: frame {found.index}, {found.time:.2f} s")
