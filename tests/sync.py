"""Clips with a white flash and a beep at the same moments, and where both are in a film."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

SIZE = (64, 96)
RATE = 48000
FPS = 25
_BLOCK = 960  # samples between two looks at the time


def write_flashes(
    path: Path,
    at: Sequence[float] = (0.4, 1.2),
    *,
    seconds: float = 2.0,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    audio: str = "aac",
    picture_from: float = 0.0,
    sound_from: float = 0.0,
    offset: float = 0.0,
    silent: tuple[float, float] | None = None,
    frozen: tuple[float, float] | None = None,
    sound_until: float | None = None,
    tracks: int = 1,
    **options: object,
) -> Path:
    """25 frames a second, white for one frame at each time `at`, and a beep of 40 ms there.

    `offset` is added to every time; the picture begins at `picture_from`, the sound at `sound_from`; there is no sound
    in `silent`, and no frame in `frozen`: nothing at all, not silence. Only the last of the `tracks` has the beeps.
    """
    with av.open(str(path), "w") as film:
        picture = film.add_stream(codec, rate=FPS, options={key: str(value) for key, value in options.items()})
        picture.height, picture.width = SIZE
        picture.pix_fmt = pix_fmt
        picture.codec_context.thread_count = 1
        sounds = [film.add_stream(audio, rate=RATE) for _ in range(tracks)]
        packets = []
        for number in range(round(seconds * FPS)):
            time = number / FPS
            if time < picture_from - 1e-6 or (frozen and frozen[0] <= time < frozen[1]):
                continue
            white = any(abs(time - moment) < 1e-6 for moment in at)
            frame = av.VideoFrame.from_ndarray(np.full((*SIZE, 3), 235 if white else 30, np.uint8), format="rgb24")
            frame.pts, frame.time_base = round((time + offset) * FPS), Fraction(1, FPS)
            packets += picture.encode(frame)
        packets += picture.encode()
        for sound in sounds:
            packets += beeps_of(
                sound, at if sound is sounds[-1] else (), sound_from, sound_until or seconds, offset, silent
            )
        for packet in sorted(packets, key=lambda packet: packet.dts * packet.time_base):
            film.mux(packet)
    return path


def beeps_of(sound, at, begin, end, offset, silent) -> list[av.Packet]:
    block = sound.codec_context.frame_size or _BLOCK
    packets = []
    for first in range(round(begin * RATE), round(end * RATE), block):
        if silent and silent[0] <= first / RATE < silent[1]:
            continue
        seconds = np.arange(first, first + block) / RATE
        loud = np.any([(seconds >= moment) & (seconds < moment + 0.04) for moment in at], 0) if at else 0
        wave = (0.8 * np.sin(2 * np.pi * 1000 * seconds) * loud * 32767).astype(np.int16)
        layout = sound.layout.name
        samples = np.repeat(wave[None], len(sound.layout.channels), 0).T.reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples), format="s16", layout=layout)
        frame.sample_rate, frame.pts, frame.time_base = RATE, first + round(offset * RATE), Fraction(1, RATE)
        packets += sound.encode(frame)
    return packets + sound.encode()


def flashes(path: Path) -> list[float]:
    """Seconds, by the container's clock, at which the picture turns white."""
    with av.open(str(path)) as film:
        seen = [(frame.time, frame.to_ndarray(format="gray").mean() > 128) for frame in film.decode(video=0)]
    return [time for (time, white), (_, before) in zip(seen, [(0, False), *seen], strict=False) if white and not before]


def beeps(path: Path) -> list[float]:
    """Seconds, by the container's clock, at which it gets loud behind silence."""
    loud: list[float] = []
    with av.open(str(path)) as film:
        for frame in film.decode(audio=0):
            samples = frame.to_ndarray()
            channels = 1 if frame.format.is_planar else len(frame.layout.channels)
            wave = np.abs(samples[0, ::channels].astype(np.float64))
            wave /= 1.0 if frame.format.name.startswith("flt") else np.iinfo(samples.dtype).max
            loud += [frame.time + place / frame.sample_rate for place in np.flatnonzero(wave > 0.2)]
    times = np.array(loud)
    return list(times[np.flatnonzero(np.diff(times, prepend=-1e9) > 0.1)])
