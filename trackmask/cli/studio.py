"""trackmask studio"""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from trackmask.files import shown

from .options import device_option, threads_option, weights_option

if TYPE_CHECKING:
    from trackmask.studio.server import Address


@click.command()
@click.argument("path", type=click.Path(path_type=Path), default=".")
@click.option("--port", type=click.IntRange(1, 65535), metavar="N", help="Where it listens. [8731, or a free one]")
@click.option("--host", default="127.0.0.1", show_default=True, help="Let other machines in, by this one's address.")
@click.option("--no-browser", is_flag=True, help="Print the link, and open no browser.")
@weights_option
@device_option
@threads_option
def studio(
    path: Path, port: int | None, host: str, no_browser: bool, weights: Path | None, device: str, threads: int
) -> None:
    """Click, see the mask, track, correct and export: in the browser, on this machine alone.

    PATH is a video, a folder of images, a result, or a folder of clips; the current folder if none is given. What is
    made is the result folder that all other commands read. End it with Ctrl-C: nothing is lost.
    """
    from trackmask.extras import need

    need("studio", "the studio", "starlette", "uvicorn")
    from trackmask.runtime import check_device, open_runtime
    from trackmask.studio.clips import find
    from trackmask.studio.server import LOOPBACK, serve

    check_device(device)
    if host != LOOPBACK:
        click.echo(
            f"warning: whoever can reach {host} and has the link sees and changes what is in {shown(path)}; what is "
            "sent is not encrypted",
            err=True,
        )
    found = find(path)
    for note in found.notes:
        click.echo(f"note: {shown(note)}", err=True)

    def opened(address: "Address") -> None:
        click.echo(f"the studio is open at {address.link}\nend it with Ctrl-C; what you do is kept")
        if not no_browser:
            import webbrowser

            webbrowser.open(address.link)

    serve(
        found,
        lambda: open_runtime(weights, device, threads),
        host=host,
        port=port,
        opened=opened,
        waits=lambda what: click.echo(f"{what}; a moment", err=True),
    )
