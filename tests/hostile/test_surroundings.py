"""Odd surroundings: what is no file, what has no end, closed and full streams, an end at the wrong moment."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT
from media import numbered_images, write_clip
from waiting import PATIENCE

# Commands, one after the other, in one process: exit code and stderr of each.
CALLS = """
import json, sys
from click.testing import CliRunner
from trackmask.cli import main
done = [CliRunner().invoke(main, call) for call in json.load(sys.stdin)]
json.dump([(one.exit_code, one.stderr) for one in done], sys.stdout)
"""


def trackmask(folder: Path, *words: str, **streams: object) -> subprocess.CompletedProcess:
    return python(folder, "-m", "trackmask", *words, **streams)


def python(folder: Path, *words: str, **streams: object) -> subprocess.CompletedProcess:
    paths = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = os.environ | {"PYTHONPATH": paths}
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | streams
    return subprocess.run(
        [sys.executable, *words], cwd=folder, env=environment, timeout=PATIENCE, text=True, check=False, **streams
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_clip(tmp_path / "a.mp4", numbered_images(3))
    return tmp_path


@pytest.fixture(params=["pipe", "socket", "/dev/zero"])
def special(request: pytest.FixtureRequest, folder: Path) -> str:
    """The name of something that can be opened, or waited for, without end."""
    if request.param == "pipe":
        os.mkfifo(folder / "pipe.png")
        return "pipe.png"
    if request.param == "socket":
        with socket.socket(socket.AF_UNIX) as one:
            here = Path.cwd()
            os.chdir(folder)  # the names of sockets are short
            one.bind("socket.png")
            os.chdir(here)
        return "socket.png"
    return request.param


def check_refused(folder: Path, *calls: list[str]) -> None:
    """Each of them, with one sentence, and none hangs."""
    done = python(folder, "-c", CALLS, input=json.dumps(calls))
    assert (done.returncode, done.stderr) == (0, "")  # what C libraries say passes the runner by
    outcomes = json.loads(done.stdout)
    assert len(outcomes) == len(calls)
    for code, said in outcomes:
        assert refused(code, said), said


def refused(code: int, said: str) -> bool:
    """With one sentence."""
    return said.startswith("trackmask: ") and said.count("\n") == 1 and code in (1, 2) and "unexpected" not in said


def test_what_is_no_file_is_refused_as_a_video(folder: Path, special: str) -> None:
    check_refused(folder, ["info", special], ["run", special])


def test_what_is_no_file_is_refused_as_a_mask(folder: Path, special: str) -> None:
    check_refused(folder, ["run", "a.mp4", "--mask", special])


def test_what_is_no_file_is_refused_as_prompts(folder: Path, special: str) -> None:
    name = special if special.startswith("/") else special.replace(".png", ".json")
    if name != special:
        (folder / special).rename(folder / name)
    check_refused(folder, ["run", "a.mp4", "--prompts", name])


def test_what_is_no_file_is_refused_in_a_result(folder: Path, special: str) -> None:
    (folder / "r").mkdir()
    (folder / "r" / "result.json").symlink_to(folder / special)
    check_refused(folder, ["report", "r"], ["export", "r", "--to", "csv", "-o", "x.csv"], ["undo", "r"])
    if not special.startswith("/"):
        (folder / "r" / "result.json").unlink()
        (folder / special).rename(folder / "r" / "result.json")
        check_refused(folder, ["report", "r"])


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
def test_output_to_a_full_disk(folder: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = trackmask(folder, "info", "a.mp4", stdout=full)
    assert refused(done.returncode, done.stderr), done.stderr
    assert "No space left" in done.stderr


@pytest.mark.parametrize("closed", ["2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_closed_streams_change_nothing(folder: Path, closed: str) -> None:
    call = f'"{sys.executable}" -m trackmask run a.mp4 --box 10,10,20,20 -o out {closed}'
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    code = subprocess.run(["sh", "-c", call], cwd=folder, env=environment, timeout=PATIENCE, check=False).returncode
    assert code == 0
    assert (folder / "out" / "result.json").is_file()
    assert (folder / "out" / "overlay.mp4").stat().st_size > 100
