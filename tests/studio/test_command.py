"""trackmask studio, on the command line."""

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from trackmask.cli import main
from trackmask.errors import CallError
from trackmask.studio.server import Address, listen


def refused(*words: str) -> str:
    done = CliRunner().invoke(main, ["studio", "--no-browser", *words])
    assert done.exit_code == 2, done.output
    return done.output


def test_what_is_no_clip_is_told_in_one_sentence(tmp_path: Path) -> None:
    assert "does not exist" in refused(str(tmp_path / "none.mp4"))
    assert "holds no clips" in refused(str(tmp_path))


def test_a_port_that_is_taken_is_told_and_else_another_one_is_found() -> None:
    with listen("127.0.0.1", None) as first, listen("127.0.0.1", None) as second:
        one, other = (place.getsockname()[1] for place in (first, second))
        assert one != other
        with pytest.raises(CallError, match="cannot be had"):
            listen("127.0.0.1", one)


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
