"""Any frame by its number, whatever was asked before; bounded, and soon."""

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import cv2
import media
import numpy as np
import pytest
from studio_samples import picture
from waiting import PATIENCE, until

from trackmask.data import Image
from trackmask.errors import CallError, VideoError
from trackmask.studio import frames as frames_room
from trackmask.studio import previews
from trackmask.studio.frames import Frames, Kept
from trackmask.studio.turns import Turns
from trackmask.video import open_video

COUNT = 120
ORDER = (0, 5, 4, 119, 60, 61, 62, 40, 39, 38, 20, 119, 0, 77)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Few key frames, and frames that are shown in another order than decoded."""
    path = tmp_path_factory.mktemp("frames") / "long.mp4"
    return media.write_clip(path, media.numbered_images(COUNT), g=50, bf=2, crf=10, sc_threshold=0)


@pytest.fixture
def frames(clip: Path) -> Iterator[Frames]:
    found = Frames(open_video(clip), Turns())
    yield found
    found.close()


def test_each_frame_is_the_one_of_its_number(frames: Frames) -> None:
    for index in ORDER:
        assert frames.at(index).index == index
        assert media.read_number(frames.at(index).image) == index
        assert media.read_number(picture(frames.picture(index), cv2.IMREAD_COLOR)[..., ::-1]) == index
    with pytest.raises(CallError):
        frames.at(COUNT)
    assert media.read_number(frames.at(3).image) == 3  # after that, too


def test_a_film_that_is_away_for_a_while_is_there_again(clip: Path, tmp_path: Path) -> None:
    here = Path(shutil.copy(clip, tmp_path / "here.mp4"))
    away = here.with_name("away.mp4")
    frames = Frames(open_video(here), Turns())
    here.rename(away)
    for index in (70, 71):  # each time it is said
        with pytest.raises(VideoError, match=r"here\.mp4 does not exist"):
            frames.at(index)
    away.rename(here)
    assert media.read_number(frames.at(71).image) == 71
    frames.close()


def test_a_frame_is_read_on_to_where_that_is_the_shorter_way(frames: Frames) -> None:
    with media.decoded() as counts:
        for index, passes in ((30, 2), (45, 2), (20, 3), (70, 4), (85, 4), (110, 5)):  # one of them looks at the start
            assert media.read_number(frames.at(index).image) == index
            assert len(counts) == passes
        frames.at(103)  # backward: those before it are kept, too, as far as they come with it
        assert counts[-1] < 10
        assert frames._decoded.get(101)


def test_pictures_are_no_wider_than_asked_for(frames: Frames) -> None:
    assert picture(frames.picture(7, 64), cv2.IMREAD_COLOR).shape == (48, 64, 3)
    assert picture(frames.picture(7, 4000), cv2.IMREAD_COLOR).shape == (96, 128, 3)


def test_playing_finds_frames_that_were_read_ahead(frames: Frames) -> None:
    frames.picture(30, 64)
    frames.read_ahead(30, 64)
    until(lambda: frames._pictures.get((40, 64)), "the tenth frame behind it")


def test_what_is_kept_is_bounded() -> None:
    kept: Kept[bytes] = Kept(100)
    for key in range(50):
        kept.put(key, b"", 30)
    assert [key for key in range(50) if kept.get(key) is not None] == [47, 48, 49]
    kept.put(49, b"x", 90)
    assert kept.get(47) is None
    kept.put("large", b"", 1000)
    assert kept.get("large") == b""


def test_memory_holds_no_more_frames_than_it_may(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames_room, "DECODED", 10 * 96 * 128 * 3)
    frames = Frames(open_video(clip), Turns())
    for index in range(COUNT):
        frames.at(index)
    assert sum(frames._decoded.get(index) is not None for index in range(COUNT)) == 10
    frames.close()


def test_where_a_frame_was_slow_all_are_made_in_quiet_moments(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(previews, "BEFORE", 10)
    made = previews.Previews(open_video(clip), lambda frame, width: bytes([frame.index]) * 3, lambda: None)
    made.was_slow(50, 64)
    until(lambda: all(made.get(index, 64) for index in range(COUNT)), "all pictures")
    assert all(made.get(index, 64) == bytes([index]) * 3 for index in range(COUNT))
    assert made.get(5, 128) is None
    made.close()
    assert made.get(5, 64) is None


def test_where_key_frames_are_far_apart_pictures_are_made_from_the_beginning(
    frames: Frames, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frames_room, "SLOW", float("inf"))  # seconds: none comes slowly, however busy the machine is
    frames.picture(7, 64)
    frames.are_apart(previews.FAR)
    frames.picture(8, 64)
    assert not frames._previews._begun
    frames.are_apart(previews.FAR + 1)
    frames.picture(9, 64)
    assert frames._previews._begun


def test_a_picture_is_waited_for_where_those_of_all_come_to_it_sooner(
    frames: Frames, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, goes_on, encode = threading.Event(), threading.Event(), frames_room.jpeg

    def stops_at_30(image: Image, width: int | None) -> bytes:
        if threading.current_thread().name == "trackmask-previews" and media.read_number(image) == 30:
            here.set()
            goes_on.wait(PATIENCE)
        return encode(image, width)

    monkeypatch.setattr(frames_room, "jpeg", stops_at_30)
    monkeypatch.setattr(frames_room, "SLOW", float("inf"))
    frames.picture(0, 64)
    with media.decoded() as counts:
        frames.are_apart(previews.FAR + 1)
        assert here.wait(PATIENCE)
        assert not frames._previews.comes(40, 128, 0)
        assert not frames._previews.comes(119, 64, 0)  # decoding can begin at 100
        frames.at(40)
        assert media.read_number(picture(frames.picture(41, 64), cv2.IMREAD_COLOR)[..., ::-1]) == 41
        assert not frames._previews.get(41, 64)  # it was at hand
        frames.at(3)
        passes = len(counts)
        found: list[bytes] = []
        waits = threading.Thread(target=lambda: found.append(frames.picture(49, 64)))
        waits.start()
        until(lambda: frames._awaited == 49, "somebody who waits")
        goes_on.set()
        waits.join(PATIENCE)
        assert media.read_number(picture(found[0], cv2.IMREAD_COLOR)[..., ::-1]) == 49
        assert media.read_number(frames.at(49).image) == 49
        assert len(counts) == passes


def test_once_the_way_is_known_pictures_are_made_whatever_was_asked_before(
    frames: Frames, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frames_room, "SLOW", float("inf"))
    frames.picture(7, 64)
    frames.are_apart(previews.FAR + 1)
    until(lambda: all(frames._previews.get(index, 64) for index in range(COUNT)), "all pictures")


def test_who_rests_at_a_frame_and_sees_it_larger_takes_no_picture_away(
    frames: Frames, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frames_room, "SLOW", 0)  # seconds: all of them come slowly
    frames.picture(30, 64)
    until(lambda: all(frames._previews.get(index, 64) for index in range(COUNT)), "all pictures")
    frames.picture(70, still=True)
    assert all(frames._previews.get(index, 64) for index in range(COUNT))


def test_who_drags_along_sees_at_once_a_frame_that_is_there(frames: Frames) -> None:
    def seen(index: int) -> tuple[int, int]:
        """The frame that stands for that one, as it is said and as it is shown."""
        told, found = frames.near(index, 128)
        return told, media.read_number(picture(found, cv2.IMREAD_COLOR)[..., ::-1])

    with frames._turns.working:  # no pictures are made meanwhile
        assert seen(40) == (0, 0)  # decoding begins with it
        assert seen(55) == (55, 55)  # five frames behind such a one
        assert seen(56) == (56, 56)
        assert seen(99) == (56, 56)
        assert seen(3) == (3, 3)
        with frames._lock:  # somebody waits for a frame far away
            assert seen(49) == (55, 55)
            assert seen(119) == (100, 100)
    until(lambda: seen(40) == (40, 40) and seen(119) == (119, 119), "the frames themselves")


def test_where_the_room_for_pictures_is_full_those_around_who_waits_take_it(
    clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(previews, "ROOM", 30)
    monkeypatch.setattr(previews, "BEFORE", 5)
    made = previews.Previews(open_video(clip), lambda frame, width: b"x", lambda: None)
    for wanted in (20, 80):
        made.was_slow(wanted, 64)
        until(lambda: made._full, "as many pictures as there is room for")
        assert [index for index in range(COUNT) if made.get(index, 64)] == list(range(wanted - 5, wanted + 25))
    made.close()


@pytest.mark.parametrize(("name", "way"), [("a.mp4", 50), ("a.mkv", 50), ("a.avi", 50), ("a.ts", 120)])
def test_how_far_frames_are_from_their_key_frame(tmp_path: Path, name: str, way: int) -> None:
    codec = "mpeg4" if name == "a.avi" else "libx264"
    with open_video(media.write_clip(tmp_path / name, media.numbered_images(COUNT), codec=codec, g=50)) as reader:
        assert len(reader.times()) == COUNT
        assert reader.longest_way() >= way


@pytest.mark.parametrize(("name", "begins"), [("a.mp4", (0, 0, 50, 100)), ("a.ts", (0, 0, 0, 0))])
def test_with_which_frame_decoding_begins(tmp_path: Path, name: str, begins: tuple[int, ...]) -> None:
    with open_video(
        media.write_clip(tmp_path / name, media.numbered_images(COUNT), g=50, bf=2, sc_threshold=0)
    ) as reader:
        assert tuple(map(reader.way_begins, (3, 49, 50, 119))) == begins


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.avi", "a.ts", "a.webm"])
def test_times_are_those_of_the_frames(tmp_path: Path, name: str) -> None:
    codec = {"a.webm": "libvpx", "a.avi": "mpeg4"}.get(name, "libx264")
    uneven = [0.0, 0.04, 0.11, 0.15, 0.2, 0.31, 0.4, 0.41]
    times = uneven if name in ("a.mp4", "a.mkv") else None
    clip = media.write_clip(tmp_path / name, media.numbered_images(8), codec=codec, times=times)
    with open_video(clip) as reader:
        told = list(reader.times())
        assert (reader.told_times() is None) == (name in ("a.avi", "a.ts", "a.webm"))
        assert told == [frame.time for frame in open_video(clip)]
    assert len(told) == 8
    if times:
        assert np.allclose(told, uneven, atol=0.001)
