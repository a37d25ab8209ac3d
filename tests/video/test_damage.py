"""Files that are no video, damaged ones, and those that are too much."""

import os
import re
from pathlib import Path

import av
import media
import numpy as np
import pytest
from media import collect, numbers, same
from PIL import Image as Pillow

from trackmask.errors import VideoError
from trackmask.video import open_video


def test_nothing_to_read(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match="does not exist"):
        open_video(tmp_path / "gone.mp4")
    with pytest.raises(VideoError, match="no images"):
        open_video(tmp_path)
    with pytest.raises(VideoError, match="audio only"):
        open_video(media.write_sound(tmp_path / "song.m4a"))
    os.mkfifo(tmp_path / "pipe.mp4")
    with pytest.raises(VideoError, match="is a pipe"):
        open_video(tmp_path / "pipe.mp4")


@pytest.mark.parametrize("name", ["text.mp4", "text.txt", "list.m3u8", "list.ffconcat", "empty.mp4"])
def test_not_a_video(tmp_path: Path, clip: Path, name: str, capfd) -> None:
    texts = {
        "list.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:1.2,\nclip.mp4\n#EXT-X-ENDLIST\n",
        "list.ffconcat": "ffconcat version 1.0\nfile clip.mp4\n",
        "empty.mp4": "",
    }
    path = tmp_path / name
    path.write_text(texts.get(name, "This is a text, and no video at all.\n" * 50))
    with pytest.raises(VideoError, match=re.escape(name)) as caught:
        open_video(path)
    assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")  # FFmpeg keeps quiet


def test_zero_frames(tmp_path: Path) -> None:
    path = media.write_clip(tmp_path / "a.avi", media.numbered_images(1), codec="mpeg4")
    data = path.read_bytes()
    path.write_bytes(data[: data.index(b"movi") + 4])
    with pytest.raises(VideoError, match="no frame"):
        open_video(path)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".avi", ".flv"])
@pytest.mark.parametrize("audio", [None, "aac"])
def test_truncated(tmp_path: Path, suffix: str, audio: str | None, capfd) -> None:
    if suffix == ".avi" and audio:
        audio = "libmp3lame"
    images = [np.random.default_rng(i).integers(0, 255, (*media.SIZE, 3), np.uint8) for i in range(50)]
    path = media.write_clip(tmp_path / f"a{suffix}", images, audio=audio, g=12)
    whole = list(open_video(path))
    assert len(whole) == 50
    video = open_video(media.cut(path, 0.6))
    frames: list = []
    with pytest.raises(VideoError) as caught:
        collect(video, frames)
    assert 20 <= len(frames) < 45
    assert f"{len(frames)} frames could be decoded" in str(caught.value)
    assert all(map(same, frames[:-2], whole))
    assert all(map(same, video.reversed(15), frames[15::-1]))
    assert capfd.readouterr() == ("", "")


def test_damage_within(tmp_path: Path) -> None:
    images = [np.random.default_rng(i).integers(0, 255, (*media.SIZE, 3), np.uint8) for i in range(50)]
    path = media.write_clip(tmp_path / "a.mp4", images, g=12)
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 9000] = np.random.default_rng(0).bytes(9000)
    path.write_bytes(data)
    frames: list = []
    with pytest.raises(VideoError, match="frames could be decoded"):
        collect(open_video(path), frames)
    assert 40 <= len(frames) <= 50  # it goes on behind the damage
    backward = list(open_video(path).reversed(len(frames) - 1))
    assert all(map(same, backward, frames[::-1]))
    assert len(backward) == len(frames)


def test_size_changes(tmp_path: Path) -> None:
    a = media.write_clip(tmp_path / "a.h264", media.numbered_images(10))
    b = media.write_clip(tmp_path / "b.h264", media.numbered_images(10, (64, 80)))
    a.write_bytes(a.read_bytes() + b.read_bytes())
    frames: list = []
    with pytest.raises(VideoError, match="128 x 96 to 80 x 64 at frame 10"):
        collect(open_video(a), frames)
    assert numbers(frames) == list(range(10))


def test_a_few_frames_less_than_the_header_says_is_no_damage(tmp_path: Path) -> None:
    path = media.write_clip(tmp_path / "a.avi", media.numbered_images(20), codec="mpeg4")
    data = bytearray(path.read_bytes())
    at = data.index(b"strh") + 8 + 32  # dwLength: the number of frames
    assert int.from_bytes(data[at : at + 4], "little") == 20
    data[at : at + 4] = (22).to_bytes(4, "little")
    path.write_bytes(data)
    assert len(list(open_video(path))) == 20


def test_too_large_to_be_a_video(tmp_path: Path, folder: Path) -> None:
    path = media.write_clip(tmp_path / "a.avi", media.numbered_images(2), codec="rawvideo")
    data = bytearray(path.read_bytes())
    at = data.index(b"strf") + 12
    data[at : at + 8] = (20000).to_bytes(4, "little") * 2
    path.write_bytes(data)
    with pytest.raises(VideoError):
        open_video(path)
    Pillow.new("1", (16385, 8)).save(folder / "shot0.png")
    with pytest.raises(VideoError, match="16385 x 8"):
        open_video(folder)


def test_cover_of_a_song_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "song.mp3"
    with av.open(str(path), "w") as film:
        cover = film.add_stream("png", rate=1)
        cover.height, cover.width = media.SIZE
        cover.pix_fmt = "rgb24"
        cover.disposition = av.stream.Disposition.attached_pic
        sound = film.add_stream("libmp3lame", rate=48000)
        film.mux(cover.encode(av.VideoFrame.from_ndarray(media.numbered(0), format="rgb24")))
        media.write_tone(film, sound, 0.5)
    with pytest.raises(VideoError, match="audio only"):
        open_video(path)


# Which video
