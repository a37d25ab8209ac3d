"""result.json: written and read a frame a line, so that memory stays flat however long the video is.

    {
    "schema":3,
    ...                                   what is known of the whole, a key a line
    "frames":[
    {"frame":0,"objects":[...]},          a frame a line
    ],
    "review":[
    ...
    ]
    }

It is plain JSON all the same. One that somebody laid out anew is read, too, as long as it is small.
"""

import json
import os
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, overload

from trackmask.errors import ResultError
from trackmask.files import open_regular
from trackmask.result.records import FrameRecord, Spool, decode, dumps

SCHEMA = 3  # of result.json; a reader refuses those that are newer than itself
MAX_HEAD = 256 << 20  # bytes of all but the frames: timestamps of 300 hours
MAX_LINE = 1 << 20  # bytes of a frame: 255 objects take 40,000
MAX_ANEW = 64 << 20  # bytes of a result.json that is not laid out a frame a line
_FRAMES, _END = b'"frames":[\n', b"],\n"


def document(head: Mapping[str, Any], spool: Spool, review: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """result.json piece by piece. The times of the frames go into `source` of the head, which must hold one."""
    yield "{\n"
    for key, value in head.items():
        if key == "source":
            yield f'"source":{dumps(value)[:-1]},"timestamps":['
            yield from _joined(",", (dumps(round(time, 6)) for time in spool.times()))
            yield "]},\n"
        else:
            yield f"{dumps(key)}:{dumps(value)},\n"
    yield '"frames":[\n'
    yield from _joined(",\n", spool.lines())
    yield '\n],\n"review":[\n'
    yield from _joined(",\n", map(dumps, review))
    yield "\n]\n}\n"


class Frames(Sequence[FrameRecord]):
    """The frames of a result.json, read from the disk each time that they are asked for: memory holds 24 bytes a frame.

    Raises ResultError where the file has become another one since it was opened.
    """

    def __init__(self, file: BinaryIO, times: Iterable[float], again: Callable[[], BinaryIO]) -> None:
        """`file` stands at the first frame, and afterwards behind the last one; `again` opens it once more. `times` are
        the frames' in seconds. Raises what `decode` raises.
        """
        self._again = again
        self._starts, self._indices = array("q"), array("q")
        self.times: Sequence[float] = array("d", times)  # seconds, of each frame
        place = file.tell()
        while (line := file.readline(MAX_LINE)) not in (_END, b"\n"):  # a single empty line: no frames at all
            if not line.endswith(b"\n"):
                raise ValueError("a frame that ends nowhere")
            if len(self._starts) == len(self.times):
                raise ValueError(f"more frames than the {len(self.times)} timestamps")
            self._starts.append(place)
            place += len(line)
            self._indices.append(self._decode(line, len(self._starts) - 1).index)
        if line == b"\n" and (self._starts or file.readline(MAX_LINE) != _END):
            raise ValueError("frames with a gap")
        if len(self._starts) != len(self.times):
            raise ValueError(f"{len(self._starts)} frames with {len(self.times)} timestamps")

    @property
    def indices(self) -> Sequence[int]:
        """Of each frame in the whole video, rising."""
        return self._indices

    def __len__(self) -> int:
        return len(self._starts)

    def __iter__(self) -> Iterator[FrameRecord]:
        return self.span(0, len(self) - 1)

    def span(self, first: int, last: int) -> Iterator[FrameRecord]:
        """The frames at the places `first` to `last`, one after the other."""
        with self._again() as file:
            file.seek(self._starts[first] if first < len(self) else 0)
            for place in range(first, last + 1):
                yield self._decode(file.readline(), place)

    @overload
    def __getitem__(self, place: int) -> FrameRecord: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[FrameRecord]: ...

    def __getitem__(self, place: int | slice) -> FrameRecord | Sequence[FrameRecord]:
        places = range(len(self))[place]
        if isinstance(places, range):
            return tuple(self[one] for one in places)
        return next(self.span(places, places))

    def _decode(self, line: bytes, place: int) -> FrameRecord:
        return decode(json.loads(line.rstrip(b",\n")), self.times[place])


def read_document(path: Path) -> dict[str, Any]:
    """result.json, its "frames" as a sequence of FrameRecord, the timestamps taken out of "source".

    Raises ResultError where it is not there, too large, not of trackmask or of a newer one; KeyError, TypeError,
    ValueError or the like where it is damaged.
    """
    with open_result_file(path) as file:
        raw, laid_out = _read_head(path, file)
        if raw["schema"] > SCHEMA:
            found = f"{path.parent} was written by a newer trackmask (schema {raw['schema']})"
            raise ResultError(f"{found}; update trackmask")
        times = raw["source"].pop("timestamps")
        if not laid_out:
            lines = "".join(f"{dumps(entry)},\n" for entry in raw["frames"]).encode() + _END
            raw["frames"] = Frames(BytesIO(lines), times, lambda: BytesIO(lines))
            return raw
        version = version_of(file)
        raw["frames"] = Frames(file, times, lambda: _reopened(path, version))
        rest = file.read(MAX_HEAD + 1)
        if len(rest) > MAX_HEAD:
            raise _too_large(path)
        raw |= _parse(path, b"{" + rest)
        return raw


def read_head(path: Path) -> dict[str, Any]:
    """What result.json of any schema says of the whole. Raises ResultError where there is none of trackmask."""
    with open_result_file(path) as file:
        return _read_head(path, file)[0]


def _meant(path: Path) -> str:
    """What to give in place of something that is no result."""
    beside = Path(f"{path.name}.trackmask")  # where a run puts the result of this video
    if path.is_file() and beside.is_dir():
        return f"the result of this video is {beside}"
    if path.is_dir() and any(path.glob("*.trackmask/result.json")):
        return f"give results that are in it: {path}/*.trackmask"
    return "give the folder of a run"


def open_result_file(path: Path) -> BinaryIO:
    """A file of a result folder, for reading; never through a link. Raises ResultError."""
    try:
        return open_regular(path, links=False)
    except (FileNotFoundError, NotADirectoryError):
        raise ResultError(
            f"{path.parent} is not a trackmask result: it has no {path.name}; {_meant(path.parent)}"
        ) from None
    except OSError as error:
        raise ResultError(f"{path} cannot be read: {error.strerror or error}") from error


def _reopened(path: Path, version: tuple[int, ...]) -> BinaryIO:
    file = open_result_file(path)
    if version_of(file) != version:
        file.close()
        raise changed(path.parent)
    return file


def version_of(file: BinaryIO) -> tuple[int, ...]:
    """What tells one version of a file from another."""
    about = os.fstat(file.fileno())
    return about.st_dev, about.st_ino, about.st_size, about.st_mtime_ns


def changed(folder: Path) -> ResultError:
    return ResultError(f"{folder} was changed while it was read; do the same again")


def _read_head(path: Path, file: BinaryIO) -> tuple[dict[str, Any], bool]:
    """What stands before the frames, and True: the file is at the first of them. Or all of it, and False, where
    somebody laid it out anew.
    """
    head = _lines_up_to(file, _FRAMES)
    if head is not None:
        return _trackmasks(path, _parse(path, head + b'"frames":[]}')), True
    file.seek(0)
    text = file.read(MAX_ANEW + 1)
    if len(text) > MAX_ANEW:
        raise _too_large(path)
    return _trackmasks(path, _parse(path, text)), False


def _lines_up_to(file: BinaryIO, end: bytes) -> bytes | None:
    """All lines before the line `end`, which is passed over; None where it does not come."""
    lines: list[bytes] = []
    room = MAX_HEAD
    while room > 0 and (line := file.readline(room)):
        if line == end:
            return b"".join(lines)
        lines.append(line)
        room -= len(line)
    return None


def _parse(path: Path, text: bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ResultError(f"{path} is not JSON ({error}); track the video again") from error


def _trackmasks(path: Path, raw: Any) -> dict[str, Any]:
    if isinstance(raw, dict) and type(raw.get("schema")) is int and str(raw.get("tool")).startswith("trackmask "):
        return raw
    raise ResultError(f"{path} is not from trackmask; give the folder of a run")


def _too_large(path: Path) -> ResultError:
    return ResultError(f"{path} is larger than trackmask reads; track the video in parts")


def _joined(separator: str, parts: Iterable[str]) -> Iterator[str]:
    for position, part in enumerate(parts):
        yield separator + part if position else part
