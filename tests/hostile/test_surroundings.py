"""Odd surroundings: what is no file, what has no end, closed and full streams, an end at the wrong moment."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT
from media import numbered_images, write_clip

PATIENCE = 60  # seconds, of a call that must not hang


def trackmask(folder: Path, *words: str, **streams: object) -> subprocess.CompletedProcess:
    paths = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = os.environ | {"PYTHONPATH": paths}
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | streams
    command = [sys.executable, "-m", "trackmask", *words]
    return subprocess.run(command, cwd=folder, env=environment, timeout=PATIENCE, text=True, check=False, **streams)


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


def refused(done: subprocess.CompletedProcess) -> bool:
    """With one sentence."""
    one_line = done.stderr.startswith("trackmask: ") and done.stderr.count("\n") == 1
    return one_line and done.returncode in (1, 2) and "unexpected" not in done.stderr


def test_what_is_no_file_is_refused_as_a_video(folder: Path, special: str) -> None:
    for words in (["info"], ["run"]):
        done = trackmask(folder, *words, special)
        assert refused(done), done.stderr


def test_what_is_no_file_is_refused_as_a_mask(folder: Path, special: str) -> None:
    done = trackmask(folder, "run", "a.mp4", "--mask", special)
    assert refused(done), done.stderr


def test_what_is_no_file_is_refused_as_prompts(folder: Path, special: str) -> None:
    name = special if special.startswith("/") else special.replace(".png", ".json")
    if name != special:
        (folder / special).rename(folder / name)
    done = trackmask(folder, "run", "a.mp4", "--prompts", name)
    assert refused(done), done.stderr


def test_what_is_no_file_is_refused_in_a_result(folder: Path, special: str) -> None:
    (folder / "r").mkdir()
    (folder / "r" / "result.json").symlink_to(folder / special)
    for words in (["report", "r"], ["export", "r", "--to", "csv", "-o", "x.csv"], ["undo", "r"]):
        done = trackmask(folder, *words)
        assert refused(done), done.stderr
    if not special.startswith("/"):
        (folder / "r" / "result.json").unlink()
        (folder / special).rename(folder / "r" / "result.json")
        done = trackmask(folder, "report", "r")
        assert refused(done), done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
def test_output_to_a_full_disk(folder: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = trackmask(folder, "info", "a.mp4", stdout=full)
    assert refused(done), done.stderr
    assert "No space left" in done.stderr


@pytest.mark.parametrize("closed", ["2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_closed_streams_change_nothing(folder: Path, closed: str) -> None:
    call = f'"{sys.executable}" -m trackmask run a.mp4 --box 10,10,20,20 -o out {closed}'
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    code = subprocess.run(["sh", "-c", call], cwd=folder, env=environment, timeout=PATIENCE, check=False).returncode
    assert code == 0
    assert (folder / "out" / "result.json").is_file()
    assert (folder / "out" / "overlay.mp4").stat().st_size > 100
