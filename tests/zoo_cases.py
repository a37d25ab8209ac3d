"""The animals of the zoo: see zoo.py."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import av
import cv2
import media
import numpy as np
from PIL import Image as Pillow
from zoo import FRAMES, Case, film

RATE_30 = tuple(number * 1001 / 30000 for number in range(FRAMES))
_STEPS = np.random.default_rng(0).integers(15, 90, FRAMES - 1)  # milliseconds
UNEVEN = tuple(float(time) for time in np.cumsum(np.r_[0, _STEPS]) / 1000)


def case(name: str, *, expect: dict[str, Any] | None = None, **options: Any) -> Case:
    made = Case(name, partial(film, **options), **(expect or {}))
    return made if options.get("audio", "aac") else replace(made, sound=False)


def containers() -> Iterator[Case]:
    for suffix in ("mp4", "mov", "mkv", "ts", "flv", "m4v", "3gp", "f4v", "nut", "m2ts"):
        yield case(f"h264.{suffix}")
    # FFmpeg writes it so that its own reading has the sound 17 ms early.
    yield case("h264-mp3.avi", audio="libmp3lame", expect={"beeps": [0.383, 1.183]})
    yield case("fragmented.mp4", container={"movflags": "frag_keyframe+empty_moov"})
    yield case("hevc.mp4", codec="libx265", x265__params="log-level=none")
    yield case("hevc-10bit.mkv", codec="libx265", pix_fmt="yuv420p10le", x265__params="log-level=none")
    yield case("hevc.ts", codec="libx265", audio="ac3", x265__params="log-level=none")
    yield case("av1.mp4", codec="libsvtav1", preset="8", crf="10")
    yield case("vp8.webm", codec="libvpx", audio="libopus", crf="10", b="1M", cpu__used="8", deadline="realtime")
    yield case("vp9.webm", codec="libvpx-vp9", audio="libopus", cpu__used="8", deadline="realtime")
    yield case("vp9.mkv", codec="libvpx-vp9", audio="flac", cpu__used="8", deadline="realtime")
    yield case("mpeg1.mpg", codec="mpeg1video", audio="mp2", b="4M")
    yield case("mpeg2.vob", codec="mpeg2video", audio="ac3", b="4M")
    yield case("mpeg2.ts", codec="mpeg2video", audio="mp2", b="4M")
    yield case("mpeg2-422.mkv", codec="mpeg2video", pix_fmt="yuv422p", audio="pcm_s16le", b="4M")
    yield case("mpeg4.avi", codec="mpeg4", audio="pcm_s16le", b="4M")
    yield case("msmpeg4.avi", codec="msmpeg4", audio="adpcm_ms", b="4M")
    yield case("wmv2.wmv", codec="wmv2", audio="wmav2", b="4M")
    yield case("flv1.flv", codec="flv", audio="libmp3lame", b="4M")
    yield case("h263.3gp", codec="h263", audio="aac", b="4M")
    yield case("mjpeg.avi", codec="mjpeg", pix_fmt="yuvj420p", audio="pcm_s16le", q="2", expect={"colour": 16})
    yield case("mjpeg.mov", codec="mjpeg", pix_fmt="yuvj422p", audio="pcm_s16le", expect={"colour": 16})
    yield case("prores.mov", codec="prores_ks", pix_fmt="yuv422p10le", audio="pcm_s24le")
    yield case(
        "dnxhr.mov",
        codec="dnxhd",
        pix_fmt="yuv422p",
        audio="pcm_s16le",
        profile="dnxhr_sq",
        size=(128, 256),
        turn=_as_709,
    )
    yield case("ffv1.mkv", codec="ffv1", audio="flac")
    yield case("ffv1-444.mkv", codec="ffv1", pix_fmt="yuv444p", audio="pcm_f32le")
    yield case("huffyuv.avi", codec="huffyuv", pix_fmt="yuv422p", audio="pcm_s16le")
    yield case("utvideo.avi", codec="utvideo", pix_fmt="gbrp", audio="pcm_s16le")
    yield case("raw.avi", codec="rawvideo", audio="pcm_s16le")
    yield case("raw.nut", codec="rawvideo", pix_fmt="rgb24", audio="pcm_s16le")
    yield case("png.mov", codec="png", pix_fmt="rgb24", audio="pcm_s16le")
    yield case("qtrle.mov", codec="qtrle", pix_fmt="rgb24", audio="pcm_s16le")
    yield case("jpeg2000.mov", codec="jpeg2000", pix_fmt="yuv420p", audio="pcm_s16le")
    yield case("cinepak.mov", codec="cinepak", pix_fmt="rgb24", audio="pcm_s16le", expect={"colour": 40})
    yield case("cineform.mov", codec="cfhd", pix_fmt="yuv422p10le", audio="pcm_s16le")
    yield case("magicyuv.avi", codec="magicyuv", pix_fmt="yuv444p", audio="pcm_s16le")
    yield case("flashsv.flv", codec="flashsv", pix_fmt="bgr24", audio="libmp3lame")
    yield case("zmbv.avi", codec="zmbv", pix_fmt="bgr0", audio="pcm_s16le")
    yield case("h264.h264", audio=None)
    yield case("mpeg4.m4v", codec="mpeg4", b="4M")
    yield case("small.gif", codec="gif", pix_fmt="rgb8", audio=None, expect={"colour": 60})


def sounds() -> Iterator[Case]:
    for name, audio in (
        ("mp3.mkv", "libmp3lame"),
        ("mp2.mkv", "mp2"),
        ("eac3.mp4", "eac3"),
        ("alac.mov", "alac"),
        ("alac.mkv", "alac"),
        ("opus.mkv", "libopus"),
        ("wavpack.mkv", "wavpack"),
        ("tta.mkv", "tta"),
        ("pcm16.mov", "pcm_s16le"),
        ("pcm24.mov", "pcm_s24le"),
        ("pcm24.mkv", "pcm_s24le"),
        ("pcm32f.mov", "pcm_f32le"),
        ("mulaw.mov", "pcm_mulaw"),
        ("alaw.mov", "pcm_alaw"),
        ("adpcm.mov", "adpcm_ima_qt"),
    ):
        yield case(f"sound-{name}", audio=audio)
    yield case("silent.mp4", audio=None)
    yield case("sound-late.mp4", sound_from=0.2)
    yield case("sound-gap.mkv", silent=(0.6, 1.0))
    yield case("sound-gap.mov", silent=(0.6, 1.0), audio="alac")
    yield case("sound-longer.mp4", sound_until=4.0, expect={"seconds": 4.0})
    yield case("sound-shorter.mp4", sound_until=1.5)
    late = {"numbers": range(5, FRAMES), "times": [n / 25 for n in range(FRAMES - 5)], "seconds": 1.8}
    for name in ("picture-late.mp4", "picture-late.mkv", "picture-late.ts"):
        yield case(name, picture_from=0.2, expect=late)
    yield case("edit-list.mp4", offset=-0.2, expect=late)  # what lies before zero is cut away
    yield case("hours.mkv", offset=36000.0)
    yield case("hours.mp4", offset=3600.0)
    yield case("day.ts", offset=95440.0)
    yield case("repeated.mkv", change=_repeating(), bf=0)
    yield Case("tracks.mkv", _two_tracks, says="tracks.mkv has 2 sound tracks; the film has the first one")


def times() -> Iterator[Case]:
    yield case("29.97.mp4", rate=Fraction(30000, 1001), times=RATE_30, expect={"times": RATE_30, "seconds": None})
    yield case("29.97.mkv", rate=Fraction(30000, 1001), times=RATE_30, expect={"times": RATE_30, "seconds": None})
    yield case("60.mp4", rate=60, expect={"times": [n / 60 for n in range(FRAMES)], "seconds": FRAMES / 60})
    yield case("uneven.mp4", times=UNEVEN, expect={"times": UNEVEN, "seconds": None})
    yield case("uneven.mkv", times=UNEVEN, expect={"times": UNEVEN, "seconds": None})
    for name in ("still.mp4", "still.mov", "still.mkv"):
        yield case(name, last=3.04, bf=0, audio=None, expect={"seconds": 5.0})
    yield case("b-frames.mp4", bf=3, g=12)
    yield case("b-frames.avi", bf=3, audio="pcm_s16le", expect={"beeps": [0.36, 1.16]})
    yield case("open-gop.mkv", bf=3, g=12, x264__params="open-gop=1")
    yield case("intra-refresh.mkv", g=10, x264__params="intra-refresh=1")
    for name, codec, audio in (("joined.ts", "libx264", "aac"), ("joined.vob", "mpeg2video", "ac3")):
        times = [n / 25 for n in range(100)]
        beeps = [0.4, 1.2, 2.4, 3.2]
        yield Case(name, partial(_joined, codec=codec, audio=audio), times, range(100), beeps=beeps, seconds=4.0)
    cut = {"numbers": range(12, FRAMES), "times": [n / 25 for n in range(FRAMES - 12)], "seconds": None}
    yield Case("cut.ts", _cut, **cut)


def pictures() -> Iterator[Case]:
    for degrees, matrix, info in (
        (90, (0, 1, -1, 0), {"rotation": 90, "size": media.SIZE}),
        (180, (-1, 0, 0, -1), {"rotation": 180}),
        (270, (0, -1, 1, 0), {"rotation": 270, "size": media.SIZE}),
    ):
        turn = partial(_turned, degrees=degrees)
        yield case(f"turned-{degrees}.mp4", matrix=matrix, turn=turn, expect={"info": info})
    for name, matrix, turn in (
        ("left-right", (-1, 0, 0, 1), np.fliplr),
        ("up-down", (1, 0, 0, -1), np.flipud),
        ("transposed", (0, 1, 1, 0), lambda image: image.transpose(1, 0, 2)),
        ("transversed", (0, -1, -1, 0), lambda image: image[::-1, ::-1].transpose(1, 0, 2)),
    ):
        turned = lambda image, turn=turn: np.ascontiguousarray(turn(image))  # noqa: E731
        yield case(f"mirrored-{name}.mp4", matrix=matrix, turn=turned, expect={"info": {"mirrored": True}})
    for name in ("pixels.mp4", "pixels.mkv", "pixels.ts"):
        tags = {"sample_aspect_ratio": Fraction(4, 3)}
        yield case(name, tags=tags, expect={"info": {"aspect": Fraction(4, 3)}})
    yield case("odd.mkv", pix_fmt="yuv444p", size=(97, 129))
    few = {"times": [n / 25 for n in range(12)], "numbers": range(12), "seconds": 0.48, "colour": 5}
    fine: dict[str, Any] = {"qp": 4, "pix_fmt": "yuv444p", "times": few["times"], "expect": few}
    yield case("hd.mp4", size=(720, 1280), turn=_as_709, **fine)
    yield case("hd-tagged.mp4", size=(720, 1280), turn=_as_709, tags={"colorspace": 1}, **fine)
    yield case("sd-tagged.mp4", tags={"colorspace": 5}, **fine)
    yield case("rgb.mkv", codec="libx264rgb", pix_fmt="rgb24")
    yield case("422-10bit.mov", pix_fmt="yuv422p10le")
    fields: dict[str, Any] = {"flags": "+ildct+ilme", "expect": {"info": {"interlaced": True}}}
    yield case("interlaced.mp4", x264__params="tff=1", **fields)
    yield case("interlaced.ts", codec="mpeg2video", audio="mp2", b="4M", **fields)
    for name, transfer in (("pq.mp4", 16), ("hlg.mp4", 18)):
        tags = {"colorspace": 9, "color_primaries": 9, "color_trc": transfer}
        # What is in it is not made for HDR: that it is seen as such, and its colours change, is all.
        expect = {"info": {"hdr": {16: "PQ", 18: "HLG"}[transfer]}, "colour": 256}
        yield case(
            name, codec="libx265", pix_fmt="yuv420p10le", tags=tags, x265__params="log-level=none", expect=expect
        )
    for name, codec, pix_fmt in (("alpha.webm", "libvpx-vp9", "yuva420p"), ("alpha.mov", "prores_ks", "yuva444p10le")):
        yield case(
            name, codec=codec, pix_fmt=pix_fmt, audio="libopus" if "webm" in name else "pcm_s16le", cpu__used="8"
        )


def folders() -> Iterator[Case]:
    for name, save in (
        ("png", lambda path, image: Pillow.fromarray(image).save(path.with_suffix(".png"))),
        ("jpg", lambda path, image: Pillow.fromarray(image).save(path.with_suffix(".jpg"), quality=95)),
        ("webp", lambda path, image: Pillow.fromarray(image).save(path.with_suffix(".webp"), lossless=True)),
        ("bmp", lambda path, image: Pillow.fromarray(image).save(path.with_suffix(".bmp"))),
        ("tif", lambda path, image: Pillow.fromarray(image).save(path.with_suffix(".tif"))),
        ("tif-12bit", lambda path, image: _deep(path.with_suffix(".tif"), image, 4095 / 255)),
        ("tif-16bit", lambda path, image: _deep(path.with_suffix(".tif"), image, 257)),
        ("png-16bit", lambda path, image: _deep(path.with_suffix(".png"), image, 257)),
        ("rgba", lambda path, image: Pillow.fromarray(image).convert("RGBA").save(path.with_suffix(".png"))),
        ("exif", lambda path, image: _exif(path.with_suffix(".jpg"), image)),
    ):
        yield Case(f"images-{name}", partial(_folder, save=save), sound=False)


def _folder(path: Path, save: Callable[[Path, np.ndarray], object]) -> None:
    path.mkdir()
    for number in range(FRAMES):
        save(path / f"shot{number}", media.numbered(number))


def _deep(path: Path, image: np.ndarray, scale: float) -> None:
    assert cv2.imwrite(
        str(path), np.ascontiguousarray((image[..., ::-1].astype(float) * scale).round().astype(np.uint16))
    )


def _exif(path: Path, image: np.ndarray) -> None:
    exif = Pillow.Exif()
    exif[0x0112] = 6  # turn by 90 degrees clockwise
    Pillow.fromarray(np.ascontiguousarray(np.rot90(image))).save(path, exif=exif, quality=95)


def _turned(image: np.ndarray, degrees: int) -> np.ndarray:
    """As it is stored where the player turns it by `degrees` clockwise."""
    return np.ascontiguousarray(np.rot90(image, degrees // 90))


def _as_709(image: np.ndarray) -> np.ndarray:
    """RGB that BT.601, by which the encoder's side converts here, makes the same YUV of as BT.709 makes of `image`."""
    weights = [np.array([[r, 1 - r - b, b]]) for r, b in ((0.2126, 0.0722), (0.299, 0.114))]
    to_yuv, back = (_matrix(*w[0][[0, 2]]) for w in weights)
    return (image @ (np.linalg.inv(back) @ to_yuv).T).round().clip(0, 255).astype(np.uint8)


def _matrix(red: float, blue: float) -> np.ndarray:
    luma = np.array([red, 1 - red - blue, blue])
    return np.stack([luma, (np.eye(3)[2] - luma) / (2 - 2 * blue), (np.eye(3)[0] - luma) / (2 - 2 * red)])


def _repeating() -> Callable[[av.Packet], None]:
    """Every 20th packet of sound bears the time of the one before."""
    seen: list[int] = []

    def change(packet: av.Packet) -> None:
        if packet.stream.type == "audio":
            seen.append(packet.pts)
            if len(seen) % 20 == 0:
                packet.pts = packet.dts = seen[-2]

    return change


def _joined(path: Path, codec: str, audio: str) -> None:
    parts = [path.with_name(f"{number}{path.suffix}") for number in (0, 1)]
    for number, part in enumerate(parts):
        film(part, codec=codec, audio=audio, first=50 * number)
    path.write_bytes(b"".join(part.read_bytes() for part in parts))


def _cut(path: Path) -> None:
    """Begins inside a group of pictures: the next key frame is frame 12."""
    whole = path.with_name("whole.ts")
    film(whole, g=12, bf=0, sc_threshold=0, b="400k", maxrate="400k", bufsize="400k")
    data = whole.read_bytes()
    path.write_bytes(data[: 188 * 3] + data[len(data) // 12 // 188 * 188 :])


def _two_tracks(path: Path) -> None:
    """Only the first has the beeps."""
    one, other = path.with_name("one.mkv"), path.with_name("other.mkv")
    film(one, bf=0)
    film(other, bf=0, mute=True)
    with av.open(str(one)) as first, av.open(str(other)) as second, av.open(str(path), "w") as made:
        tracks = [first.streams.video[0], first.streams.audio[0], second.streams.audio[0]]
        outs = {id(track): made.add_stream_from_template(track) for track in tracks}
        found = [*first.demux(tracks[:2]), *second.demux(tracks[2])]
        for packet in sorted((p for p in found if p.size), key=lambda packet: packet.pts * packet.time_base):
            packet.stream = outs[id(packet.stream)]
            made.mux(packet)


CASES = [*containers(), *sounds(), *times(), *pictures(), *folders()]
