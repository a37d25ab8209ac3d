"""Starts far into a video."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from unittest.mock import patch

import av
import media
import numpy as np
import pytest
from media import collect, same

from trackmask.errors import CallError, VideoError
from trackmask.video import open_video
from trackmask.video.decoding import Decoding

# From far into a file


KINDS = {
    "B frames": {"g": 12, "bf": 3},
    "open GOP": {"g": 8, "bf": 3, "x264-params": "open-gop=1"},
    "every 2nd a key": {"g": 2, "bf": 1},
    "intra refresh": {"g": 10, "x264-params": "intra-refresh=1"},
    "one key": {"g": 500, "bf": 2},
}


def moving(count: int) -> list[np.ndarray]:
    return [np.roll(media.numbered(i), i, 1) for i in range(count)]


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts", ".avi"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_start_far_into_a_file_gives_the_frames_of_decoding_from_its_beginning(
    tmp_path: Path, suffix: str, kind: str
) -> None:
    times = None if suffix in (".ts", ".avi") else list(np.cumsum(np.random.default_rng(0).uniform(0.01, 0.2, 90)))
    path = media.write_clip(tmp_path / f"a{suffix}", moving(90), times=times, **KINDS[kind])
    whole = list(open_video(path))
    assert len(whole) == 90
    for start in (1, 7, 8, 23, 24, 25, 40, 71, 72, 88, 89):
        for place in (start, whole[start].time, max(whole[start].time - 0.001, 0.0)):
            found = list(open_video(path).frames(place, start + 3))
            assert [(f.index, f.time, f.until, f.last) for f in found] == [
                (f.index, f.time, f.until, f.last) for f in whole[start : start + 4]
            ]
            assert all(map(same, found, whole[start:]))
    backward = list(open_video(path).reversed(80, 30))
    assert all(map(same, backward, whole[30:81][::-1]))


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_what_lies_before_a_start_is_not_decoded(tmp_path: Path, suffix: str) -> None:
    path = media.write_clip(tmp_path / f"a{suffix}", moving(300), g=20, bf=2)
    video = open_video(path)
    with media.decoded() as counts:
        assert [frame.index for frame in video.frames(290, 292)] == [290, 291, 292]
    assert sum(counts) < 24 + 20 + 6  # a look at the file's start, and from the key before
    with media.decoded() as counts:
        assert len(list(open_video(path).reversed(292, 290))) == 3
    assert sum(counts) < 24 + 20 + 6


@pytest.mark.parametrize("codec", ["libx264", "mpeg4"])
def test_on_the_way_to_a_start_what_no_frame_needs_is_not_decoded(tmp_path: Path, codec: str) -> None:
    """Half of the frames are such: between each two others lies one. The first group of the film is no exception."""
    kept = {"x264-params": "b-pyramid=none:b-adapt=0:scenecut=0"} if codec == "libx264" else {}
    path = media.write_clip(tmp_path / "a.mp4", moving(120), codec=codec, g=100, bf=1, **kept)
    plain = list(open_video(path))
    video = open_video(path)
    for start in (61, 62, 95, 119):
        with media.decoded() as counts:
            (found,) = video.frames(start, start)
        assert same(found, plain[start])
        assert counts[-1] <= (start - 100 if start > 100 else start) * 0.6 + 8


ENCODERS = {
    "libx264": {"bf": 2, "x264-params": "open-gop=1"},
    "libx265": {"x265-params": "open-gop=1:log-level=none"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": 8},
    "mpeg4": {"bf": 2},
}


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
@pytest.mark.parametrize("codec", ENCODERS)
def test_starts_in_any_order_open_the_file_once(tmp_path: Path, codec: str, suffix: str) -> None:
    """Where a pass ended, within a group or at the end of the film, leaves no trace in the next one."""
    path = media.write_clip(tmp_path / f"a{suffix}", moving(90), codec=codec, g=20, **ENCODERS[codec])
    plain, video = list(open_video(path)), open_video(path)
    assert same(next(video.frames(70)), plain[70])  # the packets were looked at
    with patch.object(av, "open", side_effect=AssertionError("opened anew")):
        for start in (33, 85, 5, 40, 19, 89, 61, 60, 1, 88):
            assert all(map(same, islice(video.frames(start), 4), plain[start : start + 4]))
        assert all(map(same, video.frames(50), plain[50:]))
        assert same(next(video.frames(51)), plain[51])
        two = [video.frames(30), video.frames(55)]
        assert same(next(two[0]), plain[30])
    assert same(next(two[1]), plain[55])  # at the same time as the other one
    assert same(next(two[0]), plain[31])


def test_a_video_that_is_closed_ends_what_is_still_on_its_way(tmp_path: Path) -> None:
    video, original = open_video(media.write_clip(tmp_path / "a.mp4", moving(120), g=200)), Decoding.__iter__

    def closing(self: Decoding) -> Iterator[av.VideoFrame]:
        for number, frame in enumerate(original(self)):
            if number == 30:  # those before are looked at, to know that they may be counted
                video.close()
            yield frame

    with (
        patch.object(Decoding, "__iter__", closing),
        media.decoded() as counts,
        pytest.raises(ValueError, match="closed"),
    ):
        next(video.frames(110))
    assert counts[-1] < 40


def test_a_start_behind_the_end(tmp_path: Path) -> None:
    path = media.write_clip(tmp_path / "a.mp4", moving(90), g=12, bf=2)
    for start in (90, 700, 3.61, 99.0):
        with pytest.raises(CallError, match="90 frames"):
            next(open_video(path).frames(start))


def test_a_damaged_end_is_noticed_from_a_late_start(tmp_path: Path) -> None:
    images = [np.random.default_rng(i).integers(0, 255, (*media.SIZE, 3), np.uint8) for i in range(100)]
    path = media.cut(media.write_clip(tmp_path / "a.mkv", images, g=12), 0.8)
    whole: list = []
    with pytest.raises(VideoError, match="frames could be decoded") as plain:
        collect(open_video(path), whole)
    late: list = []
    with pytest.raises(VideoError) as sought:
        collect(open_video(path).frames(50), late)
    assert str(sought.value) == str(plain.value)
    assert [frame.index for frame in late] == [frame.index for frame in whole[50:]]


def test_a_recording_that_begins_within_a_group_is_decoded_from_its_beginning(tmp_path: Path) -> None:
    """Packets that give no frame would shift the numbers of all frames behind them."""
    path = media.write_clip(tmp_path / "a.mkv", moving(90), g=12, bf=2)
    beheaded = tmp_path / "b.mkv"
    with av.open(str(path)) as source, av.open(str(beheaded), "w") as film:
        stream = film.add_stream_from_template(source.streams.video[0])
        for number, packet in enumerate(source.demux(source.streams.video[0])):
            if packet.size and number not in (0, 1):
                packet.stream = stream
                film.mux(packet)
    try:
        whole = list(open_video(beheaded))
    except VideoError:
        return
    found = list(open_video(beheaded).frames(40, 44))
    assert all(map(same, found, whole[40:45]))
