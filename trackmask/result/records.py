"""What is known of a video, its objects and each of its frames; their form in result.json, and a spool on the way."""

import json
import os
from array import array
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

from trackmask.data import LONGEST_NAME, Doubt, ObjectRecord, State
from trackmask.files import shown


def way_to(path: Path, folder: Path) -> str:
    """How result.json in `folder` names something that lies elsewhere: so that both can move together."""
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:  # on another drive of Windows: nothing leads there
        return path.name


def way_from(folder: Path, way: str) -> Path:
    """The reverse of `way_to`. Raises ValueError or the like where `way` is no path."""
    if "\0" in way:
        raise ValueError(f"{way!r} is no path")
    return Path(os.path.normpath(Path(os.path.realpath(folder), way)))


@dataclass(frozen=True)
class Source:
    """The video that was tracked."""

    path: Path
    name: str
    bytes: int
    sha256: str
    frames: int | None  # of the whole video; None where nobody has counted
    size: tuple[int, int]  # (height, width) in pixels
    fps: Fraction
    names: tuple[str, ...] = ()  # of a folder's pictures, one a frame; none for a film

    def as_json(self, folder: Path) -> dict[str, Any]:
        """For a result in `folder`: the path leads from there to the video, so that both can move together."""
        entry = {
            "path": way_to(self.path, folder),
            "name": self.name,
            "bytes": self.bytes,
            "sha256": self.sha256,
            "frames": self.frames,
        }
        fps = f"{self.fps.numerator}/{self.fps.denominator}"
        entry |= {"height": self.size[0], "width": self.size[1], "fps": fps}
        return entry | {"names": list(self.names)} if self.names else entry

    @classmethod
    def from_json(cls, raw: dict[str, Any], folder: Path) -> Self:
        """The reverse of `as_json`. Raises KeyError, TypeError or the like where `raw` is something else."""
        path, name = way_from(folder, raw["path"]), raw["name"]
        if not isinstance(name, str) or "/" in name or "\0" in name:
            raise ValueError(f"{name!r} is no file's name")
        fps = Fraction(*map(int, raw["fps"].split("/")))
        size = int(raw["height"]), int(raw["width"])
        if min(size) < 1 or fps <= 0:
            raise ValueError(f"a video of {size[1]} x {size[0]} pixels at {fps} frames a second")
        names = tuple(map(str, raw.get("names", ())))
        return cls(path, name, int(raw["bytes"]), str(raw["sha256"]), raw["frames"], size, fps, names)


@dataclass(frozen=True)
class ObjectInfo:
    id: int  # 1..255
    name: str
    first_prompt: int  # frames
    last_prompt: int

    @classmethod
    def from_json(cls, raw: dict[str, Any]) -> Self:
        """A name is taken as it can be shown. Raises KeyError, TypeError or ValueError where `raw` is no object."""
        if not 1 <= int(raw["id"]) <= 255 or not isinstance(raw["name"], str):
            raise ValueError(f"object {raw!r}")
        name = shown(raw["name"])[:LONGEST_NAME]
        return cls(int(raw["id"]), name, int(raw["first_prompt"]), int(raw["last_prompt"]))


@dataclass(frozen=True)
class FrameRecord:
    index: int  # 0-based, in the whole video
    time: float  # seconds
    objects: tuple[ObjectRecord, ...]  # in order of id


@dataclass(frozen=True)
class Shot:
    """Frames between two cuts, `first` and `last` included."""

    first: int
    last: int


def shots(frames: Sequence[int], cuts: Collection[int]) -> Iterator[Shot]:
    """The shots of tracked frames, in order; each of the `cuts` is the first frame of one, if it was tracked."""
    starts = [place for place, index in enumerate(frames) if not place or index in cuts]
    for start, end in pairwise([*starts, len(frames)]):
        yield Shot(frames[start], frames[end - 1])


def prompted(prompts: Iterable[Mapping[str, Any]]) -> dict[int, list[int]]:
    """The frames in which each object was prompted, by its id; from prompts as result.json has them.

    Raises KeyError, TypeError or ValueError where one is not a prompt.
    """
    frames: dict[int, list[int]] = {}
    for entry in prompts:
        frames.setdefault(int(entry["object"]), []).append(int(entry["frame"]))
    return frames


class Spool:
    """A file of frame records, written in any order and read in order of the frames; memory holds 16 bytes a frame."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w+b")
        self._starts = array("q")  # by frame: where its line begins, -1 without one
        self._times = array("d")

    def __contains__(self, index: int) -> bool:
        return index < len(self._starts) and self._starts[index] >= 0

    def add(self, index: int, time: float, objects: Sequence[ObjectRecord]) -> None:
        """Keep a frame's record, in place of an earlier one of the same frame."""
        missing = index + 1 - len(self._starts)
        self._starts.extend([-1] * missing)
        self._times.extend([0.0] * missing)
        start = self._file.seek(0, 2)
        self._file.write(encode(index, objects).encode() + b"\n")
        self._starts[index], self._times[index] = start, time

    def indices(self) -> Sequence[int]:
        """Of the frames that have a record."""
        return array("q", (index for index, start in enumerate(self._starts) if start >= 0))

    def times(self) -> Iterator[float]:
        """Seconds, of each frame that has a record."""
        return (self._times[index] for index, start in enumerate(self._starts) if start >= 0)

    def lines(self) -> Iterator[str]:
        """The records as JSON, without line ends."""
        for start in self._starts:
            if start >= 0:
                self._file.seek(start)
                yield self._file.readline().decode().rstrip("\n")

    def record(self, index: int) -> FrameRecord:
        """Of one frame, which must have one."""
        self._file.seek(self._starts[index])
        return decode(json.loads(self._file.readline()), self._times[index])

    def records(self) -> Iterator[FrameRecord]:
        for line, time in zip(self.lines(), self.times(), strict=True):
            yield decode(json.loads(line), time)

    def close(self) -> None:
        self._file.close()


def encode(index: int, objects: Sequence[ObjectRecord]) -> str:
    """A frame's entry in result.json, on one line."""
    return dumps({"frame": index, "objects": [_encode_object(record) for record in objects]})


def decode(entry: dict[str, Any], time: float) -> FrameRecord:
    """The reverse of `encode`. Raises KeyError, TypeError or ValueError where the entry is not one."""
    index = entry["frame"]
    if type(index) is not int or index < 0 or not float(time) >= 0:
        raise ValueError(f"frame {index!r} at {time!r} seconds")
    return FrameRecord(index, float(time), tuple(_decode_object(raw) for raw in entry["objects"]))


def dumps(value: Any) -> str:
    """JSON without spaces; a NaN is a ValueError, since other tools could not read it."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


def _encode_object(record: ObjectRecord) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "id": int(record.id),
        "state": str(record.state),
        "confidence": round(float(record.confidence), 4),
        "area": int(record.area),
        "box": None if record.box is None else [int(value) for value in record.box],
    }
    if record.agreement is not None:
        entry["agreement"] = round(float(record.agreement), 4)
    if record.doubt is not None:
        entry["doubt"] = str(record.doubt)
    return entry


def _decode_object(raw: dict[str, Any]) -> ObjectRecord:
    box, agreement = raw["box"], raw.get("agreement")
    if box is not None:
        x, y, w, h = box
        box = (int(x), int(y), int(w), int(h))
    state, confidence, area = State(raw["state"]), float(raw["confidence"]), int(raw["area"])
    doubt = Doubt(raw["doubt"]) if "doubt" in raw else None
    agreement = None if agreement is None else float(agreement)
    record = ObjectRecord(int(raw["id"]), state, confidence, area, box, agreement, doubt)
    shares = (record.confidence,) if record.agreement is None else (record.confidence, record.agreement)
    if not (1 <= record.id <= 255 and all(0 <= share <= 1 for share in shares) and record.area >= 0):
        raise ValueError(f"object {raw!r}")
    return record
