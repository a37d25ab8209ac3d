"""Files as cameras, phones, recorders and editors make them, each read and filmed again, and what came out.

    python tests/zoo.py            all of them; a table, and exit code 1 where anything is wrong
    python tests/zoo.py avi gap    those whose names hold one of the words

Every film shows the number of each frame in its pixels and beeps at frames 10 and 30, so that lost frames, shifted
sound and wrong colours show by themselves.
"""

import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import media
import numpy as np
import sync

from trackmask.video import open_video
from trackmask.video.reader import VideoReader
from trackmask.video.writer import FilmWriter

BEEPS = (10, 30)  # frames
FRAMES = 50
CORNERS = {"red": (220, 30, 30), "green": (30, 200, 30), "blue": (30, 30, 220)}
SYNC = 0.02  # seconds that sound may be away from its frame


@dataclass(frozen=True)
class Case:
    """A file, and what is right for it."""

    name: str  # with the suffix of its container
    make: Callable[[Path], object]
    times: Sequence[float] = tuple(number / 25 for number in range(FRAMES))
    numbers: Sequence[int] = tuple(range(FRAMES))
    sound: bool = True
    seconds: float | None = 2.0  # of the film; None: not looked at
    info: dict[str, object] = field(default_factory=dict)
    colour: float = 12  # levels that a corner's may be off; codecs of few colours are allowed more
    says: str = ""  # of sound that is left out
    beeps: Sequence[float] | None = None  # seconds; None: at frames 10 and 30


def film(
    path: Path,
    *,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    audio: str | None = "aac",
    times: Sequence[float] | None = None,
    rate: Fraction | int = 25,
    size: tuple[int, int] = media.SIZE,
    offset: float = 0.0,
    sound_from: float = 0.0,
    picture_from: float = 0.0,
    sound_until: float | None = None,
    silent: tuple[float, float] | None = None,
    first: int = 0,
    tags: dict[str, object] | None = None,
    turn: Callable[[np.ndarray], np.ndarray] = lambda image: image,
    change: Callable[[av.Packet], None] = lambda packet: None,
    matrix: Sequence[int] = (),
    container: dict[str, str] | None = None,
    last: float = 0.0,
    mute: bool = False,
    **options: object,
) -> None:
    """The usual film: numbers, and beeps. `last`: seconds that the last frame stays; `change` may spoil packets."""
    times = times or [float(number / Fraction(rate)) for number in range(FRAMES)]
    with av.open(str(path), "w", options=container or {}) as made:
        words = {key.replace("__", "-"): str(value) for key, value in options.items()}
        stream = made.add_stream(codec, rate=rate, options=words)
        stream.pix_fmt = pix_fmt
        stream.codec_context.thread_count = 1
        stream.height, stream.width = turn(media.numbered(0, size)).shape[:2]
        if rate not in (24, 25) or len({round(b - a, 4) for a, b in pairwise(times)}) > 1:
            stream.codec_context.time_base = Fraction(1, 90000)
        for key, value in (tags or {}).items():
            setattr(stream.codec_context, key, value)
        if matrix:
            a, b, c, d = (value << 16 for value in matrix)
            stream.set_display_matrix([a, b, 0, c, d, 0, 0, 0, 1 << 30])
        tracks = [made.add_stream(audio, rate=sync.RATE)] if audio else []
        for sound in tracks:
            if audio == "wmav2":
                sound.bit_rate = 128000
        packets: list[av.Packet] = []
        for number, time in enumerate(times):
            if time < picture_from - 1e-6:
                continue
            frame = av.VideoFrame.from_ndarray(turn(media.numbered(number + first, size)), format="rgb24")
            frame.pts, frame.time_base = round((time + offset) * 90000), Fraction(1, 90000)
            packets += stream.encode(frame)
        packets += stream.encode()
        if last:
            latest = max(packets, key=lambda packet: packet.pts * packet.time_base)
            latest.duration = round(last / latest.time_base)
        at = [] if mute else [times[number] for number in BEEPS if number < len(times)]
        end = sound_until or times[-1] + float(1 / Fraction(rate))
        for sound in tracks:
            packets += sync.beeps_of(sound, at, sound_from, end, offset, silent)
        for packet in sorted(packets, key=lambda packet: packet.dts * packet.time_base):
            change(packet)
            made.mux(packet)


def look(case: Case, folder: Path) -> list[str]:
    """What is wrong with how a file is read and filmed; empty where nothing is."""
    path = folder / case.name
    case.make(path)
    video = open_video(path)
    frames = list(video)
    wrong = [f"{key} is {getattr(video.info, key)}" for key, v in case.info.items() if getattr(video.info, key) != v]
    if [media.read_number(frame.image) for frame in frames] != list(case.numbers):
        return [*wrong, f"frames {[media.read_number(frame.image) for frame in frames]}"]
    wrong += _off("times", [frame.time for frame in frames], case.times, 0.0011)
    backward = list(video.reversed(len(frames) - 1))[::-1]
    if not all(np.array_equal(a.image, b.image) for a, b in zip(frames, backward, strict=True)):
        wrong.append("backward is not forward")
    wrong += _colours(frames[0].image, case)
    return wrong + _film_again(case, path, video)


def _film_again(case: Case, path: Path, video: VideoReader) -> list[str]:
    info, made = video.info, path.with_name("film.mp4")
    sound = path if info.audio else None
    with FilmWriter(made, info.size, info.fps, sound, aspect=info.aspect, crf=10) as writer:
        for frame in video:
            writer.write(frame.image, frame.time, frame.until, last=frame.last)
    again = open_video(made)
    frames = list(again)
    wrong = _off("the film's times", [frame.time for frame in frames], case.times, 0.0011)
    if [media.read_number(frame.image) for frame in frames] != list(case.numbers):
        wrong.append("the film has other frames")
    if again.info.aspect != info.aspect:
        wrong.append(f"the film's pixels are {again.info.aspect}")
    if writer.left_out != case.says:
        wrong.append(f"says {writer.left_out!r}")
    with av.open(str(made)) as container:
        seconds = container.duration / av.time_base
    if case.seconds is not None and abs(seconds - case.seconds) > 0.03:
        wrong.append(f"the film lasts {seconds:.3f} s")
    wrong += _colours(frames[0].image, case)
    if not case.sound:
        return wrong if not again.info.audio else [*wrong, "the film has sound"]
    if not again.info.audio:
        return [*wrong, "the film is silent"]
    beeps = case.beeps
    if beeps is None:
        beeps = [frame.time for frame in frames if media.read_number(frame.image) in BEEPS]
    return wrong + _off("beeps", sync.beeps(made), beeps, SYNC)


def _off(what: str, seen: Sequence[float], right: Sequence[float], slack: float) -> list[str]:
    if len(seen) != len(right):
        return [f"{what}: {len(seen)} for {len(right)}"]
    most = max((abs(a - b) for a, b in zip(seen, right, strict=True)), default=0)
    return [f"{what} off by {most * 1000:.0f} ms"] if most > slack else []


def _colours(image: np.ndarray, case: Case) -> list[str]:
    height, width = image.shape[:2]
    places = {"red": (0, 0), "green": (0, 1), "blue": (1, 0)}
    wrong = []
    for name, (down, right) in places.items():
        rows, columns = slice(2, height // 4 - 3), slice(3, width // 4 - 4)
        corner = image[:: -1 if down else 1, :: -1 if right else 1][rows, columns].reshape(-1, 3)
        off = np.abs(np.median(corner, 0) - CORNERS[name]).max()
        if off > case.colour:
            wrong.append(f"{name} off by {off:.0f}")
    return wrong


def main(words: Sequence[str]) -> int:
    from zoo_cases import CASES  # they are made of what stands here

    os.environ.setdefault("SVT_LOG", "-1")  # the AV1 encoder would tell of its settings
    failed = 0
    chosen = [case for case in CASES if not words or any(word in case.name for word in words)]
    for case in chosen:
        with tempfile.TemporaryDirectory() as folder:
            try:
                wrong = look(case, Path(folder))
            except Exception as error:  # noqa: BLE001  # the table tells it
                wrong = [f"{type(error).__name__}: {error}"]
        failed += bool(wrong)
        print(f"{'wrong' if wrong else 'right'}  {case.name:34}  {'; '.join(wrong)[:200]}")  # noqa: T201
    print(f"{len(chosen)} files, {failed} wrong")  # noqa: T201
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
