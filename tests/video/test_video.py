"""Videos and folders of images, frame by frame, forwards and backwards."""

import hashlib
from fractions import Fraction
from pathlib import Path

import media
import numpy as np
import pytest
from media import collect, numbers, same
from PIL import Image as Pillow

from trackmask.errors import CallError, OutputError, VideoError
from trackmask.video import hash_source, open_video
from trackmask.video.spool import Spool

# What a video says of itself


def test_info(tmp_path: Path) -> None:
    rate = Fraction(30000, 1001)
    path = media.write_clip(tmp_path / "a.mp4", media.numbered_images(15), rate=rate, audio="aac")
    info = open_video(path).info
    assert (info.name, info.size, info.fps) == ("a.mp4", media.SIZE, rate)
    assert (info.frames, info.codec, info.rotation, info.audio) == (15, "h264", 0, True)


def test_forward_gives_every_frame_as_often_as_asked(clip: Path) -> None:
    with open_video(clip) as video:
        for _ in range(2):
            frames = list(video)
            assert numbers(frames) == [frame.index for frame in frames] == list(range(30))
            assert [frame.time for frame in frames] == pytest.approx([i / 25 for i in range(30)])
    image = frames[0].image
    assert (image.dtype, image.shape, image.flags.c_contiguous) == (np.uint8, (*media.SIZE, 3), True)


def test_two_passes_side_by_side(clip: Path) -> None:
    video = open_video(clip)
    assert all(same(a, b) for a, b in zip(video, video, strict=True))


def test_close_ends_iterations(clip: Path, folder: Path) -> None:
    for path in (clip, folder):
        with open_video(path) as video:
            frames = iter(video)
            next(frames)
        with pytest.raises(ValueError, match="closed"):
            next(frames)


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_rotation_is_applied(tmp_path: Path, rotation: int) -> None:
    upright = media.numbered(5)
    stored = np.ascontiguousarray(np.rot90(upright, rotation // 90))  # counter-clockwise: the player turns it back
    video = open_video(media.write_clip(tmp_path / "a.mp4", [stored] * 3, rotation=rotation, crf=5))
    assert (video.info.size, video.info.rotation) == (media.SIZE, rotation)
    for frame in [*video, *video.reversed(2)]:
        assert frame.image.flags.c_contiguous
        assert np.abs(frame.image.astype(int) - upright).mean() < 6


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_variable_rate(tmp_path: Path, suffix: str) -> None:
    times = [0.0, 0.04, 0.1, 0.5, 0.52, 1.0, 1.7]
    path = media.write_clip(tmp_path / f"a{suffix}", media.numbered_images(7), times=times)
    frames = list(open_video(path))
    assert [frame.time for frame in frames] == pytest.approx(times, abs=0.0006)
    assert numbers(frames) == list(range(7))


def test_times_begin_at_zero(tmp_path: Path) -> None:
    times = [5 + i / 25 for i in range(10)]
    path = media.write_clip(tmp_path / "a.mkv", media.numbered_images(10), times=times)
    assert [frame.time for frame in open_video(path)] == pytest.approx([i / 25 for i in range(10)], abs=0.0011)


def test_missing_times_are_made_up(tmp_path: Path) -> None:
    path = media.write_clip(tmp_path / "a.h264", media.numbered_images(20), bf=2, g=6)
    frames = list(open_video(path))
    assert numbers(frames) == list(range(20))
    assert [frame.time for frame in frames] == pytest.approx([i / 25 for i in range(20)])
    assert all(map(same, open_video(path).reversed(19), frames[::-1]))


@pytest.mark.parametrize(
    ("name", "codec", "pix_fmt", "size"),
    [
        ("ten.mkv", "libx264", "yuv420p10le", media.SIZE),
        ("ten.mp4", "libx265", "yuv420p10le", media.SIZE),
        ("odd.mkv", "libx264", "yuv444p", (97, 129)),
        ("odd.avi", "mpeg4", "yuv420p", (97, 129)),
        ("alpha.mov", "png", "rgba", (97, 129)),
        ("alpha.webm", "libvpx-vp9", "yuva420p", media.SIZE),
        ("grey.mkv", "ffv1", "gray", media.SIZE),
        ("grey16.mkv", "ffv1", "gray16le", media.SIZE),
        ("raw.avi", "rawvideo", "yuv420p", media.SIZE),
    ],
)
def test_every_kind_of_pixel_becomes_rgb(tmp_path: Path, name: str, codec: str, pix_fmt: str, size) -> None:
    options = {"x265-params": "log-level=none"} if codec == "libx265" else {}
    path = media.write_clip(tmp_path / name, media.numbered_images(4, size), codec=codec, pix_fmt=pix_fmt, **options)
    video = open_video(path)
    frames = list(video)
    assert video.info.size == size
    assert numbers(frames) == [0, 1, 2, 3]
    for frame in frames:
        assert (frame.image.shape, frame.image.dtype) == ((*size, 3), np.uint8)
        assert frame.image[5, 5, 0] == pytest.approx(94 if "gray" in pix_fmt else 220, abs=12)


# From one frame to another


def test_start_and_end_by_frame(clip: Path, folder: Path) -> None:
    assert numbers(open_video(clip).frames(10, 13)) == [10, 11, 12, 13]
    assert [frame.index for frame in open_video(clip).frames(start=27)] == [27, 28, 29]
    assert numbers(open_video(folder).frames(10, 99)) == [10, 11]


def test_start_and_end_by_time(clip: Path, folder: Path) -> None:
    frames = list(open_video(clip).frames(0.4, 0.52))
    assert numbers(frames) == [10, 11, 12, 13]
    assert frames[0].time == pytest.approx(0.4)
    assert numbers(open_video(folder).frames(end=0.09)) == [0, 1, 2]


def test_a_range_without_frames(clip: Path, folder: Path) -> None:
    with pytest.raises(CallError, match="30 frames"):
        list(open_video(clip).frames(30))
    with pytest.raises(CallError, match="12 frames"):
        list(open_video(folder).frames(7.5))
    with pytest.raises(CallError, match="swap"):
        list(open_video(clip).frames(5, 4))
    for bad in (-1, -0.5, float("nan"), float("inf")):
        with pytest.raises(CallError, match="from 0 on"):
            list(open_video(clip).frames(bad))


# Backward


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".avi", ".ts"])
@pytest.mark.parametrize(
    "options", [{"g": 12, "bf": 3}, {"g": 2, "bf": 1}, {"g": 300}, {"g": 8, "bf": 3, "x264-params": "open-gop=1"}]
)
def test_backward_is_forward_turned_round(tmp_path: Path, suffix: str, options: dict) -> None:
    images = [np.roll(media.numbered(i), i, 1) for i in range(40)]
    path = media.write_clip(tmp_path / f"a{suffix}", images, **options)
    forward = list(open_video(path))
    assert len(forward) == 40
    for last, first in ((39, 0), (25, 7), (12, 12)):
        backward = list(open_video(path).reversed(last, first))
        assert [frame.index for frame in backward] == list(range(last, first - 1, -1))
        assert all(map(same, backward, forward[first : last + 1][::-1]))


def test_backward_with_intra_refresh_and_variable_rate(tmp_path: Path) -> None:
    times = list(np.cumsum(np.random.default_rng(0).uniform(0.01, 0.2, 40)))
    images = [np.roll(media.numbered(i), i, 1) for i in range(40)]
    path = media.write_clip(tmp_path / "a.mkv", images, times=times, g=10, **{"x264-params": "intra-refresh=1"})
    video = open_video(path)
    assert all(map(same, video.reversed(39), list(video)[::-1]))


def test_backward_through_a_folder(folder: Path) -> None:
    video = open_video(folder)
    assert all(map(same, video.reversed(10, 2), list(video)[2:11][::-1]))


def test_backward_past_the_end(clip: Path, folder: Path) -> None:
    with pytest.raises(CallError, match="30 frames"):
        list(open_video(clip).reversed(30))
    with pytest.raises(CallError, match="12 frames"):
        list(open_video(folder).reversed(12))


def test_spool_goes_to_disk_and_tells_when_it_is_full(clip: Path) -> None:
    frames = list(open_video(clip))
    size = frames[0].image.nbytes
    with Spool(media.SIZE, in_memory=3 * size) as spool:
        spool.fill(frames)
        assert spool.holds(0, 29)
        assert all(map(same, spool.backwards(), frames[::-1]))
    spool = Spool(media.SIZE, in_memory=3 * size)
    with spool, media.full_disk(8 * size), pytest.raises(OutputError, match="TMPDIR"):
        spool.fill(frames)


# A folder of images


def test_folder_in_natural_order(folder: Path) -> None:
    Pillow.new("L", media.SIZE[::-1]).save(folder / "shot0.mask.png")
    Pillow.new("L", (5, 5)).save(folder / ".hidden.png")
    (folder / "notes.txt").write_text("no image")
    video = open_video(folder)
    assert (video.info.name, video.info.size, video.info.frames) == ("shots", media.SIZE, 12)
    assert (video.info.codec, video.info.fps, video.info.audio) == ("images", 25, False)
    assert numbers(video) == list(range(12))
    assert [frame.time for frame in video.frames(end=2)] == [0.0, 0.04, 0.08]


def test_images_of_every_kind(tmp_path: Path) -> None:
    image = media.numbered(77)
    grey = image[:, :, 1]
    Pillow.fromarray(image).save(tmp_path / "1.jpg", quality=95)
    Pillow.fromarray(image).save(tmp_path / "2.WEBP", lossless=True)
    Pillow.fromarray(image).convert("P", palette=Pillow.Palette.ADAPTIVE).save(tmp_path / "3.bmp")
    Pillow.fromarray(image).convert("RGBA").save(tmp_path / "4.png")
    Pillow.fromarray(grey.astype(np.uint16) * 256).save(tmp_path / "5.png")
    Pillow.fromarray(grey).save(tmp_path / "6.tif")
    turned = Pillow.fromarray(np.ascontiguousarray(np.rot90(image)))
    exif = Pillow.Exif()
    exif[0x0112] = 6  # turn by 90 degrees clockwise
    turned.save(tmp_path / "7.jpg", exif=exif, quality=95)
    turned.save(tmp_path / "8.png", exif=exif)
    turned.save(tmp_path / "9.tif", exif=exif)
    turned.save(tmp_path / "10.webp", exif=exif, lossless=True)
    frames = list(open_video(tmp_path))
    assert numbers(frames) == [77] * 10
    for frame in frames:
        assert (frame.image.shape, frame.image.flags.c_contiguous) == (image.shape, True)
        assert np.abs(frame.image[:, :, 1].astype(int) - grey).mean() < 4


def test_folder_of_two_sizes(folder: Path) -> None:
    Pillow.new("RGB", (64, 32)).save(folder / "shot99.jpg")
    with pytest.raises(VideoError, match=r"128 x 96.*64 x 32"):
        open_video(folder)


def test_folder_with_a_broken_image(folder: Path) -> None:
    broken = folder / "shot9.png"
    broken.write_bytes(broken.read_bytes()[:200])
    frames = []
    with pytest.raises(VideoError, match="9 frames could be decoded"):
        collect(open_video(folder), frames)
    assert numbers(frames) == list(range(9))
    broken.write_text("text")
    with pytest.raises(VideoError, match=r"shot9\.png"):
        open_video(folder)


# Bad input


def test_hash_of_a_file(clip: Path) -> None:
    data = clip.read_bytes()
    assert hash_source(clip) == (len(data), hashlib.sha256(data).hexdigest())
    with pytest.raises(VideoError, match="cannot be read"):
        hash_source(clip.with_name("gone.mp4"))


def test_hash_of_a_folder_goes_by_order_names_and_contents(folder: Path) -> None:
    first = hash_source(folder)
    images = sorted(folder.glob("*.png"), key=lambda path: int(path.stem[4:]))
    lines = "".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in images)
    assert first == (sum(path.stat().st_size for path in images), hashlib.sha256(lines.encode()).hexdigest())
    (folder / "notes.txt").write_text("not a frame")
    assert hash_source(folder) == first
    images[0].rename(folder / "shot00.png")
    assert hash_source(folder) != first
