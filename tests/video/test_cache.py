"""A video that is read in any order and decoded once."""

from pathlib import Path

import media
import numpy as np
import pytest

from trackmask.errors import CallError, VideoError
from trackmask.video import open_video
from trackmask.video.cache import CachedVideo

FRAMES = 30
BYTES = media.SIZE[0] * media.SIZE[1] * 3  # of a frame


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return media.write_clip(tmp_path / "clip.mp4", media.numbered_images(FRAMES), g=100, bf=2)


def same(a, b) -> bool:
    return a.index == b.index and a.time == b.time and np.array_equal(a.image, b.image)


def last_as_long(a, b) -> bool:
    """Reading forward also tells until when a frame is shown."""
    return same(a, b) and (a.until, a.last) == (b.until, b.last)


@pytest.mark.parametrize("room", [0, 1, 7, FRAMES])
def test_the_frames_are_the_video_s(clip: Path, room: int) -> None:
    """With room for so many frames; in any order, forward and backward."""
    plain = list(open_video(clip))
    with CachedVideo(open_video(clip), room * BYTES) as video:
        for first, last in ((3, 9), (0, 29), (20, 25), (5, 5), (28, 29)):
            assert all(map(last_as_long, video.frames(first, last), plain[first : last + 1]))
            backward = list(video.reversed(last, first))
            assert len(backward) == last - first + 1
            assert all(map(same, backward, plain[first : last + 1][::-1]))
        assert same(video.at(17), plain[17])
        assert video.at(FRAMES) is None
        assert [frame.index for frame in video.frames(0.4, 0.52)] == [10, 11, 12, 13]
        assert [frame.index for frame in video.frames(27)] == [27, 28, 29]
        assert video.count == FRAMES


def test_a_frame_is_decoded_once_where_there_is_room(clip: Path) -> None:
    with CachedVideo(open_video(clip)) as video, media.decoded() as counts:
        for index in (0, 9, 20):
            assert video.at(index) is not None
        list(video.reversed(18, 5))
        list(video.frames(10, 19))
        list(video.frames())
        list(video.reversed(29, 0))
    assert counts == [FRAMES]


def test_whatever_the_order_never_more_than_twice(clip: Path) -> None:
    with CachedVideo(open_video(clip), first=15) as video, media.decoded() as counts:
        assert video.at(20) is not None
        list(video.frames())
    assert sum(counts) <= 2 * FRAMES


def test_a_full_disk_is_no_failure(clip: Path) -> None:
    plain = list(open_video(clip))
    with CachedVideo(open_video(clip)) as video, media.full_disk(8 * BYTES):
        assert all(map(same, video.frames(0, 15), plain))
        assert all(map(same, video.frames(), plain))
        assert all(map(same, video.reversed(29), plain[::-1]))


def test_nothing_lies_behind_the_end(clip: Path) -> None:
    with CachedVideo(open_video(clip)) as video:
        with pytest.raises(CallError, match="30"):
            next(video.frames(FRAMES))
        with pytest.raises(CallError, match="30 frames"):
            next(video.reversed(FRAMES, 2))


def test_damage_ends_the_frames_and_is_remembered(tmp_path: Path) -> None:
    images = [np.random.default_rng(i).integers(0, 255, (*media.SIZE, 3), np.uint8) for i in range(50)]
    short = media.cut(media.write_clip(tmp_path / "a.mkv", images, g=12), 0.6)
    with CachedVideo(open_video(short)) as video:
        count = len(list(video.frames()))
        assert 20 <= count < 45
        assert video.count == count
        assert isinstance(video.error, VideoError)
        assert video.at(count) is None
        assert len(list(video.reversed(count - 1))) == count
