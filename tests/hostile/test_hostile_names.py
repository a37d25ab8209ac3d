"""Names that are no words, and files that go away or must stay as they are."""

import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from media import numbered, numbered_images, write_clip
from PIL import Image

from trackmask.cli import main
from trackmask.errors import TrackmaskError, VideoError
from trackmask.video import hash_source, open_video


def call(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


# --- names -----------------------------------------------------------------------------------------------------------


def test_any_name_is_told_on_one_line(tmp_path: Path) -> None:
    for name in (b"two\nlines.mp4", b"\x1b[31mred.mp4", b"\xff.mp4", "e\u0301\u202e.mp4".encode(), b"n" * 255):
        path = tmp_path / os.fsdecode(name)
        path.write_text("no video")
        result = call("run", str(path), "-o", str(tmp_path / "out"))
        assert result.exit_code == 1
        assert result.stderr.startswith("trackmask: ")
        assert result.stderr.removesuffix("\n").isprintable()
    assert not (tmp_path / "out").exists()


def test_clips_with_odd_names_are_tracked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = write_clip(tmp_path / "whole.mp4", numbered_images(2)).read_bytes()
    monkeypatch.chdir(tmp_path)
    long = "n" * 225 + ".mp4"
    for name in ("-x.mp4", "--help.mp4", "two\nlines.mp4", "e\u0301.mp4", "é.mp4", "..mp4", long, "a", " "):
        Path(name).write_bytes(data)
        result = call("run", "--box", "20,20,40,40", "--no-overlay", "--threads", "1", "-q", "--", name)
        assert (result.exit_code, result.stderr) == (0, "")
        assert Path(f"{name}.trackmask/result.json").exists()


def test_a_name_too_long_for_its_result_is_told_before_anything_is_written(tmp_path: Path) -> None:
    path = tmp_path / ("n" * 251 + ".mp4")
    write_clip(tmp_path / "whole.mp4", numbered_images(2)).rename(path)
    result = call("run", str(path), "--box", "20,20,40,40", "-o", str(tmp_path / path.name) + ".trackmask")
    assert (result.exit_code, "name too long" in result.stderr) == (1, True)
    assert list(tmp_path.iterdir()) == [path]


# --- files that go away ----------------------------------------------------------------------------------------------


def test_a_video_that_goes_away_between_two_passes(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", numbered_images(5))
    video = open_video(path)
    path.unlink()
    for read in (lambda: next(video.frames()), lambda: next(video.reversed(2)), lambda: hash_source(path)):
        with pytest.raises(TrackmaskError, match=r"a\.mp4"):
            read()


def test_images_that_go_away(tmp_path: Path) -> None:
    for number in range(3):
        Image.fromarray(numbered(number)).save(tmp_path / f"{number}.png")
    video = open_video(tmp_path)
    (tmp_path / "1.png").unlink()
    frames = video.frames()
    assert next(frames).index == 0
    with pytest.raises(VideoError, match=r"1\.png"):
        next(frames)
    (tmp_path / "0.png").unlink()
    (tmp_path / "2.png").unlink()
    with pytest.raises(VideoError, match="no images"):
        hash_source(tmp_path)


def test_a_read_only_video_in_a_read_only_folder_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    path = write_clip(tmp_path / "in" / "a.mp4", numbered_images(2))
    data = path.read_bytes()
    path.chmod(0o444)
    path.parent.chmod(0o555)
    try:
        result = call("run", str(path), "--box", "20,20,40,40", "-q", "-o", str(tmp_path / "out" / "r"))
    finally:
        path.parent.chmod(0o755)
    assert (result.exit_code, result.stderr) == (0, "")
    assert path.read_bytes() == data
    assert list(path.parent.iterdir()) == [path]
