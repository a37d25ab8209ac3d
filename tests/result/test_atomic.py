"""A result folder appears whole or not at all, whatever happens; readers see one version; strangers' folders."""

import json
import os
import re
import signal
import subprocess
import sys
import textwrap
from contextlib import suppress

import pytest
from conftest import ROOT
from test_result import finish, frame, make, masks, names
from waiting import PATIENCE

from trackmask.errors import OutputError, OutputExistsError, ResultError
from trackmask.result import ResultWriter, atomic, open_result


def run(folder, body):
    """A process that writes frames 0 to 4 to folder/out, and then runs `body`."""
    start = """
        import sys
        from pathlib import Path
        sys.path[:0] = ["tests", "tests/result"]
        from test_atomic import *
        folder = Path(sys.argv[1])
        with ResultWriter(folder / "out", overwrite=True, soft=True) as writer:
            for index in range(5):
                writer.write(frame(index), masks(index))
            print("ready", flush=True)
    """
    code = textwrap.dedent(start) + textwrap.indent(textwrap.dedent(body), "    ")
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-c", code, str(folder)],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def kill(process):
    assert process.stdout.readline() == "ready\n", process.stderr.read()
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=PATIENCE)


def test_kill_9_and_run_again(tmp_path):
    kill(run(tmp_path, "signal.pause()"))
    assert names(tmp_path) == [".out.partial"]
    path = make(tmp_path, order=[0, 1])
    assert names(tmp_path) == ["out"]
    assert names(path) == ["masks", "result.json"]
    assert names(path / "masks") == ["00000.png", "00001.png"]


def killed(folder, body):
    process = run(folder, body)
    process.communicate(timeout=PATIENCE)
    assert process.returncode == -signal.SIGKILL


def test_kill_9_once_the_new_result_has_taken_the_place_of_the_old(tmp_path):
    path = make(tmp_path)
    stop = """
        from trackmask.result import atomic
        swap = atomic.swap
        def swapped(one, other):
            assert swap(one, other)
            os.kill(os.getpid(), signal.SIGKILL)
        atomic.swap = swapped
        finish(writer, folder)
    """
    killed(tmp_path, stop)
    assert names(tmp_path) == [".out.partial", "out"]
    assert len(open_result(path).frames) == 5
    make(tmp_path, order=[0], overwrite=True)
    assert names(tmp_path) == ["out"]


@pytest.mark.parametrize("reader", [open_result, lambda path: ResultWriter(path).__enter__()])
def test_kill_9_between_the_old_result_and_the_new(tmp_path, reader):
    """Where two folders cannot be exchanged: the old one is moved aside, and the new one not yet in its place."""
    path = make(tmp_path)
    before = (path / "result.json").read_bytes()
    stop = """
        from trackmask.result import atomic
        atomic.swap = lambda one, other: False
        def rename(path, to):
            os.rename(path, to)
            os.kill(os.getpid(), signal.SIGKILL)
        Path.rename = rename
        finish(writer, folder)
    """
    killed(tmp_path, stop)
    assert names(tmp_path) == [".out.partial", ".out.replaced"]
    with suppress(OutputExistsError):
        reader(path)
    assert (path / "result.json").read_bytes() == before
    assert names(tmp_path) == ["out"]


@pytest.mark.parametrize("can_swap", [True, False])
def test_a_persons_folder_at_the_name_of_the_replaced_one_is_left_alone(tmp_path, monkeypatch, can_swap):
    if not can_swap:
        monkeypatch.setattr(atomic, "swap", lambda one, other: False)
    path = make(tmp_path)
    (tmp_path / ".out.replaced").mkdir()
    (tmp_path / ".out.replaced" / "notes.txt").write_text("mine")
    if can_swap:
        make(tmp_path, order=[0], overwrite=True)
    else:
        with pytest.raises(OutputExistsError, match="in the way"):
            make(tmp_path, order=[0], overwrite=True)
    assert len(open_result(path).frames) == (1 if can_swap else 12)
    assert (tmp_path / ".out.replaced" / "notes.txt").read_text() == "mine"


def test_a_reader_sees_one_version_or_says_that_there_is_another(tmp_path):
    result = open_result(make(tmp_path))
    frames = iter(result.frames)
    assert next(frames).index == 0
    make(tmp_path, order=[0, 1], overwrite=True)
    assert [frame.index for frame in frames] == list(range(1, 12))  # a file that is open stays what it was
    for late in (lambda: result.masks(0), lambda: result.masks(11), lambda: result.frames[0]):
        with pytest.raises(ResultError, match="changed while it was read"):
            late()


def test_links_in_a_strangers_result_are_refused(tmp_path):
    (tmp_path / "secret.png").write_bytes((make(tmp_path) / "masks" / "00000.png").read_bytes())
    for name in ("result.json", "masks", "soft", "history", "edits"):
        path = make(tmp_path, name, soft=True)
        if (path / name).exists():
            (path / name).rename(tmp_path / f"{name}.elsewhere")
        (path / name).symlink_to(tmp_path / f"{name}.elsewhere")
        with pytest.raises(ResultError, match="link"):
            open_result(path)
    path = make(tmp_path, "last")
    (path / "masks" / "00003.png").unlink()
    (path / "masks" / "00003.png").symlink_to(tmp_path / "secret.png")
    with pytest.raises(ResultError, match="link"):
        open_result(path).masks(3)


def test_a_pipe_is_not_waited_for(tmp_path):
    path = make(tmp_path)
    (path / "masks" / "00000.png").unlink()
    os.mkfifo(path / "masks" / "00000.png")
    with pytest.raises(ResultError, match="not a regular file"):
        open_result(path).masks(0)
    (path / "result.json").unlink()
    os.mkfifo(path / "result.json")
    with pytest.raises(ResultError, match="not a regular file"):
        open_result(path)


def test_a_video_of_impossible_size_is_refused_when_the_result_is_opened(tmp_path):
    path = make(tmp_path)
    text = (path / "result.json").read_text()
    (path / "result.json").write_text(text.replace('"height":36,"width":50', '"height":40000,"width":40000'))
    with pytest.raises(ResultError, match=r"damaged.*40000 x 40000"):
        open_result(path)


def test_a_result_that_somebody_laid_out_anew(tmp_path):
    path = make(tmp_path)
    before = open_result(path)
    frames = tuple(before.frames)
    raw = json.loads((path / "result.json").read_text())
    (path / "result.json").write_text(json.dumps(raw, indent=2))
    after = open_result(path)
    assert (tuple(after.frames), after.review, list(after.frames.indices)) == (
        frames,
        before.review,
        list(range(12)),
    )


def test_someone_elses_folder_at_our_temporary_name_is_left_alone(tmp_path):
    (tmp_path / ".out.partial").mkdir()
    (tmp_path / ".out.partial" / "notes.txt").write_text("mine")
    with pytest.raises(OutputExistsError, match="in the way"), ResultWriter(tmp_path / "out"):
        pass
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / ".two.partial").symlink_to("elsewhere")
    with pytest.raises(OutputExistsError, match="in the way"), ResultWriter(tmp_path / "two"):
        pass
    assert (tmp_path / ".out.partial" / "notes.txt").read_text() == "mine"


def test_disk_full(tmp_path):
    """A limit on file sizes stands in for the disk: the machine refuses in the middle of a file all the same."""
    body = """
        import resource
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
        try:
            writer.write(frame(5), masks(5))
        except OutputError as error:
            print(error)
            raise SystemExit(3)
    """
    process = run(tmp_path, body)
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 3, err
    assert re.fullmatch(r"ready\ncannot write .*out: File too large; make room.*\n", out)
    assert names(tmp_path) == []


def test_disk_full_while_the_records_are_written(tmp_path, monkeypatch):
    def refuse(handle):
        raise OSError(28, "No space left on device")

    path = make(tmp_path)
    before = (path / "result.json").read_bytes()
    with ResultWriter(path, overwrite=True) as writer:
        writer.write(frame(0), masks(0))
        monkeypatch.setattr(os, "fsync", refuse)
        with pytest.raises(OutputError, match="No space left on device; make room"):
            finish(writer, tmp_path)
    assert (path / "result.json").read_bytes() == before
    assert names(tmp_path) == ["out"]
