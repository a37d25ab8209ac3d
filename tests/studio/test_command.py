"""trackmask studio, on the command line."""

import asyncio
import socket
import subprocess
import sys
from pathlib import Path

import media
import pytest
from click.testing import CliRunner
from PIL import Image

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
