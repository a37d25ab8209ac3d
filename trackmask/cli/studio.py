"""trackmask studio"""

import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from trackmask.files import shown

from .options import device_option, threads_option, weights_option

if TYPE_CHECKING:
    from trackmask.studio.server import Address

_IN_TERMINAL = {"www-browser", "links", "elinks", "lynx", "w3m"}  # browsers that Python's webbrowser knows


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
    from trackmask.studio.server import is_own, serve

    check_device(device)
    if not is_own(host):
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
            show(address.link)

    serve(
        found,
        lambda: open_runtime(weights, device, threads),
        host=host,
        port=port,
        opened=opened,
        waits=wait,
    )


def wait(what: str) -> None:
    with suppress(OSError):  # the terminal may be closed: what is written then is written all the same
        click.echo(f"{what}; a moment", err=True)


def show(link: str) -> None:
    """In a window, while the studio begins to answer. A browser within the terminal cannot show it, and would use up
    the link, which is good once.
    """
    import webbrowser

    with suppress(webbrowser.Error):
        if Path(webbrowser.get().name).name not in _IN_TERMINAL:
            threading.Thread(target=webbrowser.open, args=(link,), daemon=True, name="browser").start()
