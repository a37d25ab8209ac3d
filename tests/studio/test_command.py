"""trackmask studio, on the command line."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import media
import pytest
from click.testing import CliRunner
from PIL import Image
from studio_page import Process
from studio_samples import cat
from waiting import PATIENCE

from trackmask.cli import main
from trackmask.errors import CallError
from trackmask.studio.clips import find
from trackmask.studio.server import Address, listen


def refused(*words: str) -> str:
    done = CliRunner().invoke(main, ["studio", "--no-browser", *words])
    assert done.exit_code == 1, done.output  # as in `run`: an input that cannot be read
    return done.output


def test_what_is_no_clip_is_told_in_one_sentence(tmp_path: Path) -> None:
    assert "does not exist" in refused(str(tmp_path / "none.mp4"))
    assert "holds no clips" in refused(str(tmp_path))


def test_a_folder_of_links_to_pictures_is_a_clip(tmp_path: Path) -> None:
    pictures, links = tmp_path / "pictures", tmp_path / "links"
    links.mkdir()
    pictures.mkdir()
    for index, image in enumerate(media.numbered_images(3)):
        Image.fromarray(image).save(pictures / f"{index}.png")
        (links / f"{index}.png").symlink_to(pictures / f"{index}.png")
    found = find(links)
    assert found.single
    assert [(clip.name, clip.place.video) for clip in found.clips] == [("links", links)]
    assert [clip.name for clip in find(tmp_path).clips] == ["links", "pictures"]  # they do not lead out of that folder


def test_a_port_that_is_taken_is_told_and_else_another_one_is_found() -> None:
    with listen("127.0.0.1", None) as first, listen("127.0.0.1", None) as second:
        one, other = (place.getsockname()[1] for place in (first, second))
        assert one != other
        with pytest.raises(CallError, match="cannot be had"):
            listen("127.0.0.1", one)


def test_a_small_answer_does_not_wait_for_the_acknowledgement_of_its_head() -> None:
    async def is_undelayed() -> int:
        told = asyncio.get_running_loop().create_future()

        def answer(_: object, to: asyncio.StreamWriter) -> None:
            told.set_result(to.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            to.close()

        with listen("127.0.0.1", None) as place:
            async with await asyncio.start_server(answer, sock=place):
                _, asked = await asyncio.open_connection(*place.getsockname())
                asked.close()
                return await told

    assert asyncio.run(is_undelayed())


def test_the_link_leads_to_this_machine() -> None:
    assert Address("127.0.0.1", 80, "x").link == "http://127.0.0.1:80/?token=x"
    assert Address("::1", 80, "x").link == "http://[::1]:80/?token=x"
    assert "0.0.0.0" not in Address("0.0.0.0", 80, "x").link


def test_without_the_extra_a_sentence_says_how_to_install_it(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['starlette'] = None; from click.testing import CliRunner; "
        "from trackmask.cli import main; done = CliRunner().invoke(main, ['studio', '.']); "
        "print(done.exit_code, done.output)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.startswith("1 ")
    assert "pip install 'trackmask[studio]'" in done.stdout


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have their browser elsewhere")
@pytest.mark.parametrize(("name", "is_shown"), [("w3m", False), ("firefox", True)])
def test_a_browser_is_not_waited_for_and_none_takes_the_terminal(name: str, is_shown: bool, tmp_path: Path) -> None:
    """One within the terminal cannot show the page, and would use up the link."""
    browser, seen, done = (tmp_path / name for name in (name, "seen", "done"))
    browser.write_text(
        f'#!/bin/sh\nprintf %s "$1" > {seen}.new && mv {seen}.new {seen}\nuntil [ -e {done} ]; do sleep 0.1; done\n'
    )
    browser.chmod(0o755)
    code = f"""
import threading
from pathlib import Path
from trackmask.cli.studio import show
show("http://127.0.0.1/?token=1")
Path({str(done)!r}).touch()
for thread in threading.enumerate():
    thread is threading.current_thread() or thread.join()
"""
    kept = {key: value for key, value in os.environ.items() if key not in ("DISPLAY", "WAYLAND_DISPLAY")}
    env = kept | {"PATH": f"{tmp_path}:/usr/bin:/bin", "TERM": "xterm", "BROWSER": f"{browser} %s"}
    subprocess.run([sys.executable, "-c", code], check=True, env=env, timeout=PATIENCE)
    assert seen.exists() == is_shown
    assert not is_shown or seen.read_text() == "http://127.0.0.1/?token=1"


def test_a_name_of_another_machine_is_told_as_such() -> None:
    for host in ("1.2.3.4", f"{'a' * 70}.invalid", "no name"):
        with pytest.raises(CallError, match=r"cannot be listened at .*give a name or a number of this machine"):
            listen(host, None)


def test_only_who_lets_other_machines_in_is_warned(tmp_path: Path) -> None:
    for host, warned in (("localhost", False), ("127.0.0.2", False), ("::1", False), ("1.2.3.4", True)):
        done = CliRunner().invoke(main, ["studio", "--no-browser", "--host", host, str(tmp_path)])
        assert ("warning: whoever can reach" in done.output) == warned


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal")
def test_a_terminal_that_is_closed_ends_it_as_ctrl_c_does(tmp_path: Path) -> None:
    here = signal.signal(signal.SIGHUP, signal.SIG_DFL)  # the tests may be run by nohup, which it would inherit
    try:
        one = Process(cat(tmp_path))
    finally:
        signal.signal(signal.SIGHUP, here)
    one.post("stroke", object=None, frame=0, points=[[20, 20]], radius=9, add=True)
    one.client.close()
    assert one.process.stdout is not None
    one.process.stdout.close()  # what it says finds nobody any more
    one.process.send_signal(signal.SIGHUP)
    one.process.wait(PATIENCE)
    assert (tmp_path / "cat.mp4.trackmask" / "result.json").is_file()
