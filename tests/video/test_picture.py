"""What cameras, phones and editors make of a picture is shown, and tracked, as players show it."""

import struct
from fractions import Fraction
from pathlib import Path

import av
import cv2
import media
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image as Pillow

from trackmask.cli import main
from trackmask.errors import VideoError
from trackmask.export.films import _PRORES, _VP9
from trackmask.video import open_video
from trackmask.video.writer import FilmWriter

BARS = {"red": (235, 20, 20), "green": (20, 200, 30), "blue": (30, 40, 210), "grey": (120, 120, 120)}


def planes(path: Path, yuv: list[tuple[int, int, int]], size=(64, 96), pix_fmt="yuv444p", frames=2, **tags) -> Path:
    """A lossless film of upright bars of these values of Y, Cb and Cr; `tags` are FFmpeg's names and numbers."""
    bits = 10 if "10" in pix_fmt else 8
    with av.open(str(path), "w") as film:
        stream = film.add_stream("libx264", rate=25, options={"qp": "0"})
        stream.height, stream.width = size
        stream.pix_fmt = pix_fmt
        for name, value in tags.items():
            setattr(stream.codec_context, name, value)
        frame = av.VideoFrame(size[1], size[0], pix_fmt)
        for plane, values in zip(frame.planes, zip(*yuv, strict=True), strict=True):
            row = np.repeat(np.array(values, np.uint8 if bits == 8 else np.uint16), -(-size[1] // len(yuv)))[: size[1]]
            whole = np.zeros((size[0], plane.line_size // row.itemsize), row.dtype)
            whole[:, : size[1]] = row
            plane.update(whole.tobytes())
        for number in range(frames):
            frame.pts = number
            film.mux(stream.encode(frame))
        film.mux(stream.encode())
    return path


def bars_of(image: np.ndarray, count: int) -> list[np.ndarray]:
    """The colour in the middle of each bar."""
    width = image.shape[1]
    return [image[image.shape[0] // 2, width * (2 * bar + 1) // (2 * count)].astype(int) for bar in range(count)]


def yuv_of(rgb: tuple[int, int, int], red: float, blue: float) -> tuple[int, int, int]:
    """8 bits, limited range, by the standards' weights of red and blue in the luma."""
    r, g, b = (value / 255 for value in rgb)
    luma = red * r + (1 - red - blue) * g + blue * b
    return (
        round(16 + 219 * luma),
        round(128 + 224 * (b - luma) / (2 - 2 * blue)),
        round(128 + 224 * (r - luma) / (2 - 2 * red)),
    )


@pytest.mark.parametrize(
    ("size", "weights", "tags"),
    [
        ((720, 1280), (0.2126, 0.0722), {}),  # untagged and large: BT.709
        ((608, 720), (0.2126, 0.0722), {}),
        ((576, 720), (0.299, 0.114), {}),  # untagged and small: BT.601
        ((720, 1280), (0.299, 0.114), {"colorspace": 6}),  # what is said counts
        ((64, 96), (0.2126, 0.0722), {"colorspace": 1}),
    ],
)
def test_colours_go_by_the_tag_and_else_by_the_size(tmp_path: Path, size, weights, tags: dict) -> None:
    path = planes(tmp_path / "a.mp4", [yuv_of(rgb, *weights) for rgb in BARS.values()], size, **tags)
    for frame in open_video(path):
        assert np.abs(np.array(bars_of(frame.image, 4)) - list(BARS.values())).max() <= 3


# High dynamic range: the codes of known light, from the tables of BT.2408


PQ, HLG = 16, 18
_FULL = 876  # from black to white in 10 bits, limited range


def grey(signal: float) -> tuple[int, int, int]:
    return round(64 + _FULL * signal), 512, 512


def hdr_clip(path: Path, transfer: int, signals: list[float]) -> Path:
    tags = {"colorspace": 9, "color_primaries": 9, "color_trc": transfer}
    return planes(path, [grey(signal) for signal in signals], pix_fmt="yuv444p10le", **tags)


def test_pq_is_mapped(tmp_path: Path) -> None:
    # Black, 10, 100, 203 and 1000 nits.
    video = open_video(hdr_clip(tmp_path / "a.mp4", PQ, [0, 0.301, 0.508, 0.581, 0.752]))
    assert video.info.hdr == "PQ"
    black, dim, middle, white, peak = (int(colour[0]) for colour in bars_of(next(iter(video)).image, 5))
    # Below the knee a screen with a white of 203 nits, and a gamma of 2.4, shows the same light.
    assert black <= 1
    assert dim == pytest.approx(255 * (10 / 203) ** (1 / 2.4), abs=3)
    assert middle == pytest.approx(255 * (100 / 203) ** (1 / 2.4), abs=3)
    assert 220 < white < 240
    assert peak >= 253


def test_hlg_is_mapped(tmp_path: Path) -> None:
    # BT.2408: 75 % is the white of a page, 203 nits; 38 % is grey card, 26 nits.
    video = open_video(hdr_clip(tmp_path / "a.mp4", HLG, [0, 0.38, 0.75, 1]))
    assert video.info.hdr == "HLG"
    black, card, white, peak = (int(colour[0]) for colour in bars_of(next(iter(video)).image, 4))
    assert black <= 1
    assert card == pytest.approx(255 * (26 / 203) ** (1 / 2.4), abs=4)
    assert 220 < white < 240
    assert peak >= 253


def test_wide_colours_keep_their_hue(tmp_path: Path) -> None:
    # BT.709's red of 100 nits in BT.2020 is 62.7, 6.9 and 1.6 nits, by BT.2087; their signals by ST 2084.
    red, green, blue = 0.4578, 0.2676, 0.1542
    luma = 0.2627 * red + 0.6780 * green + 0.0593 * blue
    code = (
        round(64 + _FULL * luma),
        round(512 + 896 * (blue - luma) / 1.8814),
        round(512 + 896 * (red - luma) / 1.4746),
    )
    tags = {"colorspace": 9, "color_primaries": 9, "color_trc": PQ}
    path = planes(tmp_path / "a.mp4", [code], pix_fmt="yuv444p10le", **tags)
    (colour,) = bars_of(next(iter(open_video(path))).image, 1)
    assert colour == pytest.approx([190, 0, 0], abs=16)


def test_dolby_vision_alone_is_told(tmp_path: Path) -> None:
    """By the mark of the stream, where nothing else says what the colours are."""
    words = {"codec": "libx265", "pix_fmt": "yuv420p10le", "x265-params": "log-level=none"}
    clip = media.write_clip(tmp_path / "a.mp4", media.numbered_images(3), **words).read_bytes()
    assert clip.count(b"hev1") == 1
    (tmp_path / "b.mp4").write_bytes(clip.replace(b"hev1", b"dvh1"))
    assert (open_video(tmp_path / "a.mp4").info.hdr, open_video(tmp_path / "b.mp4").info.hdr) == (None, "Dolby Vision")
    said = CliRunner().invoke(main, ["info", str(tmp_path / "b.mp4")])
    assert "its colours are shown and tracked wrongly; convert it first" in said.output


def test_films_of_hdr_are_in_bt709(tmp_path: Path) -> None:
    video = open_video(hdr_clip(tmp_path / "a.mp4", PQ, [0.1, 0.5]))
    with FilmWriter(tmp_path / "film.mp4", video.info.size, video.info.fps) as film:
        for frame in video:
            film.write(frame.image, frame.time, frame.until, last=frame.last)
    made = open_video(tmp_path / "film.mp4")
    assert made.info.hdr is None
    assert np.abs(next(iter(made)).image.astype(int) - next(iter(video)).image).mean() < 4
    with av.open(str(tmp_path / "film.mp4")) as container:
        context = container.streams.video[0].codec_context
        assert (context.colorspace, context.color_primaries, context.color_trc) == (1, 1, 1)


# How the picture stands


UPRIGHT = [(a, 0, 0, d) for a in (-1, 1) for d in (-1, 1)]
LYING = [(0, b, c, 0) for b in (-1, 1) for c in (-1, 1)]


@pytest.mark.parametrize("matrix", UPRIGHT + LYING)
def test_every_display_matrix(tmp_path: Path, matrix: tuple[int, int, int, int]) -> None:
    a, b, c, d = matrix
    stored = media.numbered(5)
    path = media.write_clip(tmp_path / "a.mp4", [stored] * 2, crf=5)
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 44  # version 0: the matrix begins 40 bytes behind version and flags
    data[at : at + 36] = struct.pack(">9i", *(v << 16 for v in (a, b, 0, c, d, 0, 0, 0)), 1 << 30)
    path.write_bytes(data)
    # A pixel at (x, y) is shown at (ax + cy, bx + dy), as ISO 14496-12 has it, moved so that all are positive.
    y, x = np.mgrid[: stored.shape[0], : stored.shape[1]]
    right, down = a * x + c * y, b * x + d * y
    shown = np.zeros((np.ptp(down) + 1, np.ptp(right) + 1, 3), np.uint8)
    shown[down - down.min(), right - right.min()] = stored
    video = open_video(path)
    assert video.info.size == shown.shape[:2]
    assert video.info.mirrored == (a * d - b * c < 0)
    for frame in [*video, *video.reversed(1)]:
        assert frame.image.flags.c_contiguous
        assert np.abs(frame.image.astype(int) - shown).mean() < 6


def narrow(path: Path, rotation: int = 0) -> Path:
    """A film whose pixels are shown 4 wide and 3 high, turned by `rotation` degrees clockwise."""
    with av.open(str(path), "w") as film:
        stream = film.add_stream("libx264", rate=25)
        stream.height, stream.width, stream.pix_fmt = *media.SIZE, "yuv420p"
        stream.codec_context.sample_aspect_ratio = Fraction(4, 3)
        if rotation:
            stream.set_display_rotation(-rotation)
        for image in media.numbered_images(3):
            film.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        film.mux(stream.encode())
    return path


def test_films_keep_the_shape_of_the_pixels(tmp_path: Path) -> None:
    source = open_video(narrow(tmp_path / "a.mp4"))
    assert (source.info.size, source.info.aspect) == (media.SIZE, Fraction(4, 3))
    assert open_video(narrow(tmp_path / "lying.mp4", 90)).info.aspect == Fraction(3, 4)
    for codec, name, size in ((None, "b.mp4", (96, 128)), (_PRORES, "b.mov", (96, 128)), (_VP9, "b.webm", (96, 170))):
        image = media.numbered(5)
        if codec:
            image = np.dstack([image, np.full(media.SIZE, 255, np.uint8)])
        with FilmWriter(tmp_path / name, media.SIZE, Fraction(25), aspect=source.info.aspect, codec=codec) as film:
            film.write(image, 0.0)
        made = open_video(tmp_path / name)
        assert made.info.size == size
        assert made.info.size[1] * made.info.aspect / made.info.size[0] == pytest.approx(16 / 9, rel=0.005)
        assert media.read_number(next(iter(made)).image) == 5


# Transparent, interlaced


TRANSPARENT = [
    ("a.mov", "png", "rgba"),
    ("a.webm", "libvpx-vp9", "yuva420p"),
    ("b.webm", "libvpx", "yuva420p"),
    ("b.mov", "prores_ks", "yuva444p10le"),
]


def test_what_is_transparent_shows_grey(tmp_path: Path) -> None:
    hidden = np.dstack([media.numbered(5), np.full(media.SIZE, 255, np.uint8)])
    hidden[:, :40, 3] = 0
    hidden[:, 40:48, 3] = 128
    (tmp_path / "shots").mkdir()
    Pillow.fromarray(hidden).save(tmp_path / "shots" / "0.png")
    paths = [tmp_path / "shots"]
    for name, codec, pix_fmt in TRANSPARENT:
        with av.open(str(tmp_path / name), "w") as film:
            options = {"prores_ks": {"profile": "4444"}, "libvpx": {"auto-alt-ref": "0"}}.get(codec, {})
            stream = film.add_stream(codec, rate=25, options=options)
            stream.height, stream.width, stream.pix_fmt = *media.SIZE, pix_fmt
            stream.metadata["alpha_mode"] = "1"
            film.mux(stream.encode(av.VideoFrame.from_ndarray(hidden, format="rgba")))
            film.mux(stream.encode())
        paths.append(tmp_path / name)
    right = hidden[..., :3].astype(float)
    right[:, :40] = 128
    right[:, 40:48] = right[:, 40:48] / 2 + 64
    for path in paths:
        video = open_video(path)
        assert video.info.alpha
        image = next(iter(video)).image.astype(int)
        assert np.abs(image - right).mean() < 4
        assert np.abs(image[:, :36] - 128).max() <= 4


def test_opaque_pictures_are_not_called_transparent(tmp_path: Path) -> None:
    path = media.write_clip(tmp_path / "a.mov", media.numbered_images(2), codec="png", pix_fmt="rgba")
    assert not open_video(path).info.alpha


def combed(path: Path, **options: object) -> Path:
    """Interlaced: a bright bar moves by 4 pixels from field to field, so that every other row is one step behind."""

    def field(step: int) -> np.ndarray:
        image = np.full((*media.SIZE, 3), 60, np.uint8)
        image[20:76, step * 4 % 100 : step * 4 % 100 + 20] = 220
        return image

    frames = [field(2 * number) for number in range(30)]
    for number, frame in enumerate(frames):
        frame[1::2] = field(2 * number + 1)[1::2]
    return media.write_clip(path, frames, **options)


def teeth(image: np.ndarray) -> float:
    """How much rows differ from both of their neighbours."""
    rows = image[..., 1].astype(int)
    return float(np.abs(2 * rows[1:-1] - rows[:-2] - rows[2:]).mean())


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts"])
def test_interlaced_pictures_are_made_whole(tmp_path: Path, name: str) -> None:
    video = open_video(combed(tmp_path / name, g=8, bf=2, **{"x264-params": "tff=1"}))
    assert video.info.interlaced
    forward = list(video)
    assert [frame.index for frame in forward] == list(range(30))
    assert [frame.time for frame in forward] == pytest.approx([i / 25 for i in range(30)], abs=0.001)
    assert forward[-1].until == pytest.approx(1.2, abs=0.001)
    assert max(teeth(frame.image) for frame in forward) < 3
    for last, first in ((29, 0), (20, 9), (8, 8), (16, 15)):
        for again, frame in zip(video.reversed(last, first), forward[first : last + 1][::-1], strict=True):
            assert again.index == frame.index
            assert np.array_equal(again.image, frame.image)
    for start in (8, 17, 24):  # a pass that may begin at a key frame
        for again, frame in zip(open_video(tmp_path / name).frames(start), forward[start:], strict=True):
            assert again.index == frame.index
            assert np.array_equal(again.image, frame.image)


def test_progressive_pictures_are_left_alone(tmp_path: Path) -> None:
    video = open_video(combed(tmp_path / "a.mp4"))
    assert not video.info.interlaced
    assert teeth(next(iter(video)).image) > 8


# Images of more than 8 bits


def save(path: Path, values: np.ndarray) -> None:
    """(H, W) or (H, W, 3) RGB of 16-bit or floating-point values."""
    assert cv2.imwrite(str(path), values if values.ndim == 2 else np.ascontiguousarray(values[..., ::-1]))


@pytest.mark.parametrize("suffix", [".tif", ".png"])
@pytest.mark.parametrize("colour", [False, True])
@pytest.mark.parametrize("bits", [10, 12, 16])
def test_deep_images_are_scaled_by_their_sequence(tmp_path: Path, suffix: str, colour: bool, bits: int) -> None:
    for number in range(2):
        image = media.numbered(number).astype(np.uint32) * (2**bits - 1) // 255
        dark = image // (2 - number)  # the first one alone would be taken for a bit less
        save(tmp_path / f"{number}{suffix}", (dark if colour else dark[..., 1]).astype(np.uint16))
    video = open_video(tmp_path)
    assert video.info.white == 2**bits - 1
    for number, frame in enumerate(video):
        right = media.numbered(number)[..., slice(None) if colour else slice(1, 2)] / (2 - number)
        assert np.abs(frame.image - right).max() <= 1


def test_floating_point_images(tmp_path: Path) -> None:
    values = media.numbered(3)[..., 1].astype(np.float32) / 255
    values[0, 0] = np.nan
    save(tmp_path / "0.tif", values)
    video = open_video(tmp_path)
    assert video.info.white == 1
    (frame,) = video
    assert np.abs(frame.image[1:, :, 0].astype(int) - media.numbered(3)[1:, :, 1]).max() <= 1
    assert frame.image[0, 0, 0] == 0


def test_floating_point_colour_is_refused(tmp_path: Path) -> None:
    save(tmp_path / "0.tif", media.numbered(3).astype(np.float32) / 255)
    with pytest.raises(VideoError, match=r"^0\.tif is not an image that can be read; convert it to PNG, or remove it$"):
        open_video(tmp_path)


def test_images_of_8_bits_are_taken_as_they_are(tmp_path: Path) -> None:
    Pillow.fromarray(media.numbered(3) // 4).save(tmp_path / "0.png")
    video = open_video(tmp_path)
    assert video.info.white is None
    assert np.array_equal(next(iter(video)).image, media.numbered(3) // 4)
