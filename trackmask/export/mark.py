"""What exports are known by afterwards: those that lie beside clips are no clips."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

FILE = ".trackmask-export"  # in a folder; hidden, so that no tool takes it for data
COMMENT = "made by trackmask from a video and its masks"  # in a film: FFmpeg keeps it as it is in each container
FILMS = (".mp4", ".mov", ".webm")  # how films that we write are called
_HEAD = 1 << 12  # bytes at the head of a WebM, in which what it says of itself stands
_ABOUT = 1 << 16  # bytes that an MP4 or a MOV says of itself, at most
_BOXES = 32  # in an MP4 or in its index that are looked at: ours have a few


def is_export(path: Path) -> bool:
    """Whether a folder or a film was made by an export, or is the overlay of a run. A film is not opened as one, since
    it may be anybody's: a few bytes are read, where its container keeps such a comment. Raises OSError.
    """
    if path.is_dir():
        return (path / FILE).is_file()
    if path.suffix.lower() not in FILMS:
        return False
    with path.open("rb", buffering=0) as file:
        head = file.read(_HEAD)
        if head[4:8] != b"ftyp":
            return COMMENT.encode() in head
        return any(COMMENT.encode() in about for about in _about(file))


def _about(file: BinaryIO) -> Iterator[bytes]:
    """What an MP4 or a MOV says of itself: the box `udta` in its index, `moov`, wherever that stands."""
    for kind, begin, end in _boxes(file, 0, os.fstat(file.fileno()).st_size):
        for inner, start, stop in _boxes(file, begin, end) if kind == b"moov" else ():
            if inner == b"udta":
                file.seek(start)
                yield file.read(min(stop - start, _ABOUT))


def _boxes(file: BinaryIO, begin: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """The boxes that lie between two places of a file: kind, and where what is in it begins and ends."""
    for _ in range(_BOXES):
        file.seek(begin)
        head = file.read(16)
        if begin + 8 > end or len(head) < 8:
            return
        size, kind, inside = int.from_bytes(head[:4]), head[4:8], 8
        if size == 1:  # it stands behind
            size, inside = int.from_bytes(head[8:]), 16
        stop = begin + size if size else end
        if stop < begin + inside:
            return
        yield kind, begin + inside, min(stop, end)
        begin = stop
