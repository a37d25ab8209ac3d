from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import media
import numpy as np
import pytest

from trackmask.errors import OutputError, VideoError
from trackmask.video import open_video
from trackmask.video.writer import FilmWriter


def copy(source: Path, target: Path, start=None, end=None) -> list[float]:
    """Film a video again; gives the times of its frames."""
    times = []
    video = open_video(source)
    with FilmWriter(target, video.info.size, video.info.fps, audio_from=source) as film:
        for frame in video.frames(start, end):
            film.write(frame.image, frame.time)
            times.append(frame.time)
    return times


def film_all(path: Path, images: Iterable[np.ndarray], times: Iterable[float], *, needed: bool = True) -> None:
    with FilmWriter(path, media.SIZE, Fraction(25), crf=1, needed=needed) as film:
        for image, time in zip(images, times, strict=True):
            film.write(image, time)


@pytest.mark.parametrize("rate", [Fraction(24), Fraction(30000, 1001), Fraction(24000, 1001), Fraction(50)])
def test_round_trip(tmp_path: Path, rate: Fraction) -> None:
    source = media.write_clip(tmp_path / "a.mp4", media.numbered_images(30), rate=rate, crf=5)
    times = copy(source, tmp_path / "film.mp4")
    video = open_video(tmp_path / "film.mp4")
    frames = list(video)
    assert [media.read_number(frame.image) for frame in frames] == list(range(30))
    assert [frame.time for frame in frames] == pytest.approx(times, abs=1e-5)
    assert float(video.info.fps) == pytest.approx(float(rate), rel=1e-4)
    assert (video.info.codec, video.info.size, video.info.audio) == ("h264", media.SIZE, False)
    for frame, before in zip(frames, open_video(source), strict=True):
        assert np.abs(frame.image.astype(int) - before.image).mean() < 4


def test_format_and_index_in_front(tmp_path: Path) -> None:
    copy(media.write_clip(tmp_path / "a.mkv", media.numbered_images(5)), tmp_path / "film.mp4")
    data = (tmp_path / "film.mp4").read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    with av.open(str(tmp_path / "film.mp4")) as film:
        frame = next(film.decode(video=0))
    assert (frame.format.name, frame.colorspace, frame.color_range) == ("yuv420p", 1, 1)


def test_variable_rate(tmp_path: Path) -> None:
    times = [0.0, 0.04, 0.1, 0.5, 0.52, 1.0, 1.7]
    source = media.write_clip(tmp_path / "a.mp4", media.numbered_images(7), times=times)
    copy(source, tmp_path / "film.mp4")
    frames = list(open_video(tmp_path / "film.mp4"))
    assert [frame.time for frame in frames] == pytest.approx(times, abs=1e-4)
    assert [media.read_number(frame.image) for frame in frames] == list(range(7))


def test_odd_size_is_filled_up(tmp_path: Path) -> None:
    image = media.numbered(9, (97, 129))
    with FilmWriter(tmp_path / "film.mp4", (97, 129), Fraction(25), crf=5) as film:
        film.write(image, 0.0)
    (frame,) = open_video(tmp_path / "film.mp4")
    assert frame.image.shape == (98, 130, 3)
    assert np.abs(frame.image[:97, :129].astype(int) - image).mean() < 6
    assert np.abs(frame.image[97].astype(int) - frame.image[96]).mean() < 6


@pytest.mark.parametrize(
    ("name", "codec"),
    [("a.mp4", "aac"), ("a.mkv", "libopus"), ("a.avi", "libmp3lame"), ("a.ts", "aac"), ("a.mkv", "flac")],
)
def test_sound_is_copied(tmp_path: Path, name: str, codec: str) -> None:
    source = media.write_clip(tmp_path / name, media.numbered_images(50), audio=codec)
    copy(source, tmp_path / "film.mp4")
    assert open_video(tmp_path / "film.mp4").info.audio
    start, duration = zip(*media.packets(tmp_path / "film.mp4", "audio"), strict=True)
    assert start[0] == pytest.approx(0, abs=0.08)
    assert start[-1] + duration[-1] == pytest.approx(2, abs=0.08)
    with av.open(str(tmp_path / "film.mp4")) as film:
        sound = np.concatenate([frame.to_ndarray().ravel() for frame in film.decode(audio=0)])
    assert np.abs(sound.astype(float)).max() > 0.1


def test_sound_is_cut_to_the_frames(tmp_path: Path) -> None:
    source = media.write_clip(tmp_path / "a.mkv", media.numbered_images(75), audio="aac")
    copy(source, tmp_path / "film.mp4", 1.0, 2.0)
    assert next(iter(open_video(tmp_path / "film.mp4"))).time == 0
    pictures, sounds = (media.packets(tmp_path / "film.mp4", kind) for kind in ("video", "audio"))
    assert len(pictures) == 26
    assert sounds[0][0] == pytest.approx(0, abs=0.03)
    assert sum(sounds[-1]) == pytest.approx(1.04, abs=0.03)


def test_sound_of_a_cut_source_ends_early(tmp_path: Path) -> None:
    source = media.write_clip(tmp_path / "a.mp4", media.numbered_images(50), audio="aac")
    short = media.cut(source, 0.6)
    with pytest.raises(VideoError):
        copy(short, tmp_path / "film.mp4")
    assert not (tmp_path / "film.mp4").exists()
    copy(short, tmp_path / "film.mp4", end=5)
    assert open_video(tmp_path / "film.mp4").info.audio


def test_same_frames_same_bytes(tmp_path: Path) -> None:
    texture = np.random.default_rng(0).integers(0, 255, (45, 60, 3), np.uint8).repeat(8, 0).repeat(8, 1)
    films = set()
    for junk in range(4):
        noise = [np.full(size * 1000, junk, np.uint8) for size in range(1, 2000, 100)]  # other memory each time
        del noise[::2]
        with FilmWriter(tmp_path / "film.mp4", texture.shape[:2], Fraction(25)) as film:
            for number in range(20):
                film.write(np.roll(texture, (number, 3 * number), (0, 1)), number / 25)
        films.add((tmp_path / "film.mp4").read_bytes())
    assert len(films) == 1


def test_wrong_calls(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    with pytest.raises(ValueError, match=r"\(96, 128\).*\(64, 80, 3\)"):
        film_all(path, [media.numbered(0, (64, 80))], [0.0])
    assert not path.exists()
    with pytest.raises(ValueError, match="order of time"):
        film_all(path, media.numbered_images(2), [0.0, 0.0])
    assert not path.exists()
    with pytest.raises(VideoError, match="does not exist"):
        FilmWriter(path, media.SIZE, Fraction(25), audio_from=tmp_path / "gone.mp4")
    assert not path.exists()


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written"):
        FilmWriter(tmp_path / "gone" / "film.mp4", media.SIZE, Fraction(25))


@pytest.mark.parametrize("needed", [True, False])
@pytest.mark.parametrize("room", [0, 10_000, 200_000])
def test_full_disk(tmp_path: Path, room: int, needed: bool, capfd) -> None:
    path = tmp_path / "film.mp4"
    noise = np.random.default_rng(0).integers(0, 255, (60, *media.SIZE, 3), np.uint8)
    with media.full_disk(room), pytest.raises(OutputError, match="free some space") as caught:
        film_all(path, noise, [number / 25 for number in range(60)], needed=needed)
    assert "\n" not in str(caught.value)
    assert not path.exists()
    assert capfd.readouterr() == ("", "")


def test_a_film_that_ffmpeg_refuses_is_given_up_where_it_is_not_needed(tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "film.mp4"

    def refuse(*_: object) -> None:
        raise av.error.InvalidDataError(1094995529, "Invalid data found when processing input", str(path))

    for needed in (True, False):
        film = FilmWriter(path, media.SIZE, Fraction(25), needed=needed)
        with monkeypatch.context() as patch:
            patch.setattr(film, "_mux", refuse)
            if needed:
                with pytest.raises(OutputError, match=r"Invalid data.*report this"):
                    film.write(media.numbered(0), 0.0)
            else:
                film.write(media.numbered(0), 0.0)
        assert not path.exists()
    film.write(media.numbered(1), 0.04)
    film.close()
    assert film.left_out.startswith("there is no film.mp4: FFmpeg refuses")
