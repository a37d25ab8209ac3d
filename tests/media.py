"""Clips made for the tests: the number of each frame can be read from its pixels, after any codec and any turn."""

import resource
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from unittest.mock import patch

import av
import numpy as np

from trackmask.video.decoding import Decoding

SIZE = (96, 128)  # (height, width)


def numbered(number: int, size: tuple[int, int] = SIZE, bits: int = 8) -> np.ndarray:
    """(H, W, 3) uint8: `number` as a row of dark and bright bars across the middle half of the picture.

    The corners say which side is up: red top left, green top right, blue bottom left, grey bottom right.
    """
    height, width = size
    image = np.full((height, width, 3), 128, np.uint8)
    image[: height // 4, : width // 4] = (220, 30, 30)
    image[: height // 4, -(width // 4) :] = (30, 200, 30)
    image[-(height // 4) :, : width // 4] = (30, 30, 220)
    for bit in range(bits):
        bright = number >> bit & 1
        image[height // 4 : -(height // 4), width * bit // bits : width * (bit + 1) // bits] = 40 + 170 * bright
    return image


def read_number(image: np.ndarray, bits: int = 8) -> int:
    """What `numbered` wrote."""
    row = image[image.shape[0] // 2, :, 1]
    centres = [row[len(row) * (2 * bit + 1) // (2 * bits)] for bit in range(bits)]
    return sum(1 << bit for bit, level in enumerate(centres) if level > 125)


def numbered_images(count: int, size: tuple[int, int] = SIZE) -> list[np.ndarray]:
    return [numbered(i, size) for i in range(count)]


def write_clip(
    path: Path,
    images: Iterable[np.ndarray],
    *,
    rate: int | Fraction = 25,
    times: Sequence[float] | None = None,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    rotation: int = 0,
    audio: str | None = None,
    **options: object,
) -> Path:
    """A video of RGB images. `times` in seconds (else at `rate`); `rotation` in degrees clockwise, in the metadata
    alone; `audio` is the codec of a tone beside it; `options` go to the encoder (g=12, bf=2, crf=10)."""
    images = list(images)
    with av.open(str(path), "w", options={"movflags": "+faststart"} if path.suffix == ".mp4" else {}) as film:
        stream = film.add_stream(codec, rate=rate, options={key: str(value) for key, value in options.items()})
        stream.height, stream.width = images[0].shape[:2]
        stream.pix_fmt = pix_fmt
        stream.codec_context.thread_count = 1
        if rotation:
            stream.set_display_rotation(-rotation)
        if times is not None:
            stream.codec_context.time_base = Fraction(1, 90000)
        sound = film.add_stream(audio, rate=48000) if audio else None
        for number, image in enumerate(images):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            if times is not None:
                frame.pts, frame.time_base = round(times[number] * 90000), Fraction(1, 90000)
            film.mux(stream.encode(frame))
        film.mux(stream.encode())
        if sound is not None:
            seconds = times[-1] if times is not None else float(len(images) / Fraction(rate))
            write_tone(film, sound, seconds)
    return path


def write_tone(film: av.container.OutputContainer, stream: av.AudioStream, seconds: float) -> None:
    """A 440 Hz tone, then the end of its stream."""
    block = stream.codec_context.frame_size or 1024
    for start in range(0, round(seconds * 48000), block):
        wave = 0.3 * np.sin(2 * np.pi * 440 / 48000 * np.arange(start, start + block))
        samples = (wave * 32767).astype(np.int16)[None]
        frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 48000, start, Fraction(1, 48000)
        film.mux(stream.encode(frame))
    film.mux(stream.encode())


def write_sound(path: Path, seconds: float = 1.0, codec: str = "aac") -> Path:
    """A file with a tone and no picture."""
    with av.open(str(path), "w") as film:
        write_tone(film, film.add_stream(codec, rate=48000), seconds)
    return path


def cut(path: Path, share: float) -> Path:
    """A copy that ends after `share` of the bytes."""
    data = path.read_bytes()
    short = path.with_name("cut" + path.suffix)
    short.write_bytes(data[: int(len(data) * share)])
    return short


def packets(path: Path, kind: str) -> list[tuple[float, float]]:
    """(start, duration) in seconds of every packet of the first stream of a kind: video or audio."""
    with av.open(str(path)) as film:
        found = [p for p in film.demux(film.streams.get(**{kind: 0})) if p.pts is not None]
        return [(float(p.pts * p.time_base), float((p.duration or 0) * p.time_base)) for p in found]


@contextmanager
def full_disk(room: int) -> Iterator[None]:
    """No file may grow beyond `room` bytes: to the writer the same as a disk that is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def decoded() -> Iterator[list[int]]:
    """How many frames each pass of FFmpeg over a file has given so far."""
    counts: list[int] = []
    original = Decoding.__iter__

    def counting(self: Decoding) -> Iterator[av.VideoFrame]:
        counts.append(0)
        place = len(counts) - 1
        for frame in original(self):
            counts[place] += 1
            yield frame

    with patch.object(Decoding, "__iter__", counting):
        yield counts


def numbers(frames) -> list[int]:
    return [read_number(frame.image) for frame in frames]


def same(a, b) -> bool:
    return a.index == b.index and a.time == b.time and np.array_equal(a.image, b.image)


def collect(video, frames: list) -> None:
    """Append frame by frame, so that those before an error stay."""
    for frame in video:
        frames.append(frame)
