"""A few animals of the zoo; `python tests/zoo.py` shows them all."""

from pathlib import Path

import pytest
from zoo import look
from zoo_cases import CASES

FEW = [
    "h264.mp4", "h264.flv", "hevc-10bit.mkv", "vp9.webm", "mpeg2.vob", "mjpeg.avi", "prores.mov", "small.gif",
    "sound-pcm24.mov", "sound-longer.mp4", "sound-gap.mkv", "picture-late.ts", "edit-list.mp4", "repeated.mkv",
    "tracks.mkv", "29.97.mkv", "uneven.mp4", "still.mkv", "b-frames.avi", "joined.ts", "cut.ts", "turned-90.mp4",
    "mirrored-transposed.mp4", "pixels.mkv", "hd.mp4", "interlaced.mp4", "pq.mp4", "alpha.webm", "images-tif-12bit",
]  # fmt: skip


@pytest.mark.parametrize("name", FEW)
def test_what_comes_out(tmp_path: Path, name: str) -> None:
    (case,) = (case for case in CASES if case.name == name)
    assert look(case, tmp_path) == []


def test_the_zoo_is_large() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 60
