"""Ways to break a file. All take what they break and a random.Random, and change nothing in place."""

import json
import re
import struct
import zlib
from collections.abc import Callable
from random import Random
from typing import Any

EXTREME = (0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFFFF00, 100_000, 65_536, 1_000_000_007)
# Where containers say sizes, rates, times and counts: a word behind such a mark is worth more than one anywhere.
_MARKS = (
    *(b"mvhd", b"tkhd", b"mdhd", b"elst", b"stsd", b"avc1", b"stts", b"ctts", b"stss", b"stsc", b"stsz", b"stco"),
    *(b"avih", b"strh", b"strf", b"idx1", b"movi"),
    *(b"\x2a\xd7\xb1", b"\x44\x89", b"\x23\xe3\x83", b"\xb0\x82", b"\xe0", b"\xa3", b"\xe7"),  # EBML: scale to time
    *(b"onMetaData", b"framerate", b"duration"),
    *(b"GIF89a", b"\x21\xf9\x04"),
    *(b"\x00\x00\x01\xb3", b"\x00\x00\x01\xba", b"\x00\x00\x01\xe0", b"\x00\x00\x01\x67"),  # MPEG: size, clock, H.264
    *(b"IHDR", b"PLTE", b"IDAT", b"\xff\xc0", b"VP8 ", b"II*\x00", b"Exif"),
)
_VALUES: tuple[Any, ...] = (
    *(None, True, -1, 0, 0.5, 256, 1e308, -1e308, 10**30, float("nan"), float("inf"), "", "\0", "9" * 400, "\ud800"),
    *([], {}, [[]], [[1]], [1, 2, 3, 4], "45s", "../../../etc/passwd", "/dev/zero", "a\nb"),
)


def flip(data: bytes, rng: Random) -> bytes:
    """A few single bits."""
    broken = bytearray(data)
    for _ in range(rng.choice((1, 1, 3, 20))):
        if broken:
            broken[rng.randrange(len(broken))] ^= 1 << rng.randrange(8)
    return bytes(broken)


def cut(data: bytes, rng: Random) -> bytes:
    return data[: rng.randrange(len(data) + 1)]


def drop(data: bytes, rng: Random) -> bytes:
    """Without a piece in the middle."""
    start = rng.randrange(len(data) + 1)
    return data[:start] + data[start + rng.randrange(1, 2000) :]


def double(data: bytes, rng: Random) -> bytes:
    """With a piece of itself in another place."""
    start, at = rng.randrange(len(data) + 1), rng.randrange(len(data) + 1)
    return data[:at] + data[start : start + rng.randrange(1, 4000)] + data[at:]


def noise(data: bytes, rng: Random) -> bytes:
    start = rng.randrange(len(data) + 1)
    filth = rng.randbytes(rng.randrange(1, 500))
    return data[:start] + filth + data[start + len(filth) :]


def word(data: bytes, rng: Random) -> bytes:
    """An extreme number somewhere."""
    return _put(data, rng.randrange(len(data) + 1), rng)


def field(data: bytes, rng: Random) -> bytes:
    """An extreme number behind a mark: sizes of 100,000, rates of 0, times before the start, counts without end."""
    marks = [mark for mark in _MARKS if mark in data]
    if not marks:
        return word(data, rng)
    mark = rng.choice(marks)
    return _put(data, data.index(mark) + len(mark) + rng.randrange(48), rng)


def splice(data: bytes, other: bytes, rng: Random) -> bytes:
    """The start of one file and the end of another, or two in a row: sizes, codecs and clocks change within."""
    if rng.random() < 0.4:
        return data + other
    return data[: rng.randrange(len(data) + 1)] + other[rng.randrange(len(other) + 1) :]


MUTATIONS: tuple[Callable[[bytes, Random], bytes], ...] = (flip, cut, drop, double, noise, word, field, field, field)


def sums_mended(data: bytes) -> bytes:
    """A PNG whose chunks have true check sums again: else nothing behind the first broken byte is ever read."""
    mended, at = bytearray(data), 8
    while at + 12 <= len(data):
        end = at + 8 + int.from_bytes(data[at : at + 4], "big")
        if end + 4 > len(data):
            break
        mended[end : end + 4] = struct.pack(">I", zlib.crc32(data[at + 4 : end]))
        at = end + 4
    return bytes(mended)


def sized(data: bytes, width: int, height: int) -> bytes:
    """A PNG that says it is so large."""
    return sums_mended(data[:16] + struct.pack(">II", width, height) + data[24:])


def repacked(data: bytes, rng: Random) -> bytes:
    """A PNG whose pixels are broken inside of an envelope that is whole."""
    start = data.find(b"IDAT")
    length = int.from_bytes(data[start - 4 : start], "big") if start >= 4 else 0
    try:
        rows = zlib.decompress(data[start + 4 : start + 4 + length])
    except zlib.error:
        return data
    packed = zlib.compress(rng.choice((flip, cut, noise, word))(rows, rng))
    return sums_mended(
        data[: start - 4] + struct.pack(">I", len(packed)) + b"IDAT" + packed + data[start + 4 + length :]
    )


def restructured(text: bytes, rng: Random) -> bytes:
    """JSON with one place in it changed, left out or doubled; sometimes nested deep."""
    if rng.random() < 0.03:
        return rng.choice((b"[", b'{"objects":')) * 200_000
    return json.dumps(_changed(json.loads(text), rng)).encode()


def renumbered(text: bytes, rng: Random) -> bytes:
    """A text with a few of its numbers, or of the values between quotes, put in place of others."""
    strange = (
        b"",
        b"-1",
        b"0",
        b"1e999",
        b"nan",
        b"inf",
        b"0.5",
        b"999999999",
        b"9" * 30,
        b"9" * 5000,
        b"x",
        b"1,",
        b";",
    )
    for _ in range(rng.choice((1, 1, 2, 5))):
        found = list(re.finditer(rb"[0-9.]+|(?<=\")[^\"]*(?=\")", text))
        if found:
            place = rng.choice(found)
            text = text[: place.start()] + rng.choice(strange) + text[place.end() :]
    return text


def _changed(value: Any, rng: Random) -> Any:
    if isinstance(value, dict) and value and rng.random() < 0.9:
        key = rng.choice(sorted(value))
        if rng.random() < 0.1:
            return {name: item for name, item in value.items() if name != key}
        return value | {key: _changed(value[key], rng)}
    if isinstance(value, list) and value and rng.random() < 0.9:
        place = rng.randrange(len(value))
        copies = rng.choice((0, 1, 1, 1, 1, 1, 1, 2))
        return [*value[:place], *[_changed(value[place], rng)] * copies, *value[place + 1 :]]
    if type(value) in (int, float) and rng.random() < 0.6:
        return rng.choice((0, 1, 2, value + 0.5, value * 10, -value, 255, 999_999))
    return rng.choice(_VALUES)


def _put(data: bytes, at: int, rng: Random) -> bytes:
    number = struct.pack(rng.choice("<>") + "I", rng.choice(EXTREME))[: rng.choice((1, 2, 4, 4, 4))]
    return data[:at] + number + data[at + len(number) :]
