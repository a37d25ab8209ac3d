"""The masks and records that tracking has made, frame by frame, on the disk from the moment that they are made.

    soft/1/00012.png   the probability of object 1, where the result keeps them
    masks/00012.png    the ids in a frame, as the result has them; written anew, it is another file: the result links it
    tracked.jsonl      a line for each frame that was tracked: records, time, and between which prompts it lay

The line comes after the picture, so that a kill leaves a frame as it was, or as it became. What a person gave stands
above this, in `session`, and never gets in here: taken back, it leaves what was tracked.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from trackmask.data import Doubt, Labels, ObjectRecord, Patch, State
from trackmask.errors import ResultError
from trackmask.files import in_place_of, write_whole, writing
from trackmask.formats.pictures import read_picture
from trackmask.formats.png import write_grey, write_labels
from trackmask.result.records import decode, dumps, encode
from trackmask.studio.journal import DAMAGED, Journal, parsed, raw_lines

STATES, DOUBTS = tuple(State), tuple(Doubt)
LETTERS = "." + "".join(state[0] for state in STATES)  # of the states by number: t, u, l, a; nothing is 0
MASKS, SOFT, LOG = "masks", "soft", "tracked.jsonl"
_STALE, _SPARE = 2, 1000  # so many times as many lines as frames, and some: the log is written anew when it is opened

# The numbers of the prompts before and behind a frame when it was tracked, 0 where there is none.
Pair = tuple[int, int]


class Made(NamedTuple):
    """One object in one frame, as it was tracked."""

    record: ObjectRecord
    mask: np.ndarray  # (H, W) bool
    pair: Pair
    patch: Patch | None = None  # the soft mask behind it


@dataclass
class Series:
    """One object through all frames; arrays of at least that length, state 0 where it was not tracked."""

    state: np.ndarray  # uint8: place in STATES + 1
    confidence: np.ndarray  # float32
    area: np.ndarray  # int32, pixels
    box: np.ndarray  # (n, 4) int32; w = 0 where there is none
    agreement: np.ndarray  # float32, nan where there is none
    pair: np.ndarray  # (n, 2) int32
    doubt: np.ndarray  # uint8: place in DOUBTS + 1

    @classmethod
    def empty(cls, frames: int) -> Series:
        return cls(
            np.zeros(frames, np.uint8),
            np.zeros(frames, np.float32),
            np.zeros(frames, np.int32),
            np.zeros((frames, 4), np.int32),
            np.full(frames, np.nan, np.float32),
            np.zeros((frames, 2), np.int32),
            np.zeros(frames, np.uint8),
        )

    def grown(self, frames: int) -> Series:
        new = Series.empty(max(frames, 2 * len(self.state)))
        for name, values in vars(self).items():
            getattr(new, name)[: len(values)] = values
        return new

    def put(self, frame: int, record: ObjectRecord, pair: Pair) -> None:
        self.confidence[frame], self.area[frame], self.pair[frame] = record.confidence, record.area, pair
        self.box[frame] = record.box or 0
        self.agreement[frame] = np.nan if record.agreement is None else record.agreement
        self.doubt[frame] = 0 if record.doubt is None else DOUBTS.index(record.doubt) + 1
        self.state[frame] = STATES.index(record.state) + 1

    def record(self, object_id: int, frame: int) -> ObjectRecord | None:
        """None where it was not tracked."""
        if frame >= len(self.state) or not self.state[frame]:
            return None
        x, y, w, h = self.box[frame].tolist()
        agreement = float(self.agreement[frame])
        return ObjectRecord(
            object_id,
            STATES[self.state[frame] - 1],
            round(float(self.confidence[frame]), 4),
            int(self.area[frame]),
            (x, y, w, h) if w else None,
            None if np.isnan(agreement) else round(agreement, 4),
            DOUBTS[self.doubt[frame] - 1] if self.doubt[frame] else None,
        )


class Tracked:
    """What was tracked of one clip. Raises OutputError where the disk refuses, ResultError where it is damaged."""

    def __init__(self, folder: Path, size: tuple[int, int], *, soft: bool = False) -> None:
        """`size`: (height, width) of the frames; `soft`: the objects' probabilities are kept, too."""
        self.folder, self.size, self.soft = folder, size, soft
        self.series: dict[int, Series] = {}
        self.times: dict[int, float] = {}  # seconds, of the frames that were tracked
        self.cuts: set[int] = set()  # first frames of new shots
        self.count = 0  # lines of the log: it rises with every frame that is tracked
        self.lost = 0  # frames of which a line or the picture is damaged: they were not tracked
        self._lock = threading.RLock()
        with writing(folder):
            (folder / MASKS).mkdir(parents=True, exist_ok=True)
            self._read()
        self._log = Journal(folder / LOG)

    def close(self) -> None:
        self._log.close()

    def path(self, frame: int) -> Path:
        return self.folder / MASKS / f"{frame:05d}.png"

    def soft_path(self, object_id: int, frame: int) -> Path:
        return self.folder / SOFT / str(object_id) / f"{frame:05d}.png"

    def put(self, frame: int, time: float, made: Sequence[Made], cut: int | None = None) -> None:
        """Objects in one frame, in place of what was known of them there; others keep their places. `cut`: the first
        frame of a new shot that was noticed there.
        """
        with self._lock:
            try:
                labels = self.labels(frame)
            except ResultError:  # it is damaged, and mended now
                labels = np.zeros(self.size, np.uint8)
            for one in made:
                labels[labels == one.record.id] = 0
            for one in made:
                np.copyto(labels, one.record.id, where=one.mask & (labels == 0))
            for one in made if self.soft else ():
                self._write(self.soft_path(one.record.id, frame), _probability(one), write_grey)
            self._write(self.path(frame), labels, write_labels)
            self.adopt(frame, time, [(one.record, one.pair) for one in made], cut)

    def adopt(
        self, frame: int, time: float, records: Sequence[tuple[ObjectRecord, Pair]], cut: int | None = None
    ) -> None:
        """Records of a frame whose picture is there already."""
        with self._lock:
            self._log.line(_line(frame, time, records, cut))
            self._note(frame, time, records, cut)

    def labels(self, frame: int) -> Labels:
        """(H, W) uint8; zeros where nothing was tracked."""
        path = self.path(frame)
        if not path.exists():
            return np.zeros(self.size, np.uint8)
        found = np.array(read_picture(path, ResultError, links=False))
        if found.shape != self.size:
            raise ResultError(f"{path} is not a mask of this clip; remove it, and open the clip again")
        return found

    def record(self, object_id: int, frame: int) -> ObjectRecord | None:
        series = self.series.get(object_id)
        return None if series is None else series.record(object_id, frame)

    def _write(self, path: Path, values: np.ndarray, write: Callable[[Path, np.ndarray], None]) -> None:
        with in_place_of(path) as partial:
            path.parent.mkdir(parents=True, exist_ok=True)
            write(partial, values)

    def _note(self, frame: int, time: float, records: Iterable[tuple[ObjectRecord, Pair]], cut: int | None) -> None:
        self.times[frame] = time
        self.count += 1
        if cut is not None:
            self.cuts.add(cut)
        for record, pair in records:
            series = self.series.get(record.id)
            if series is None or frame >= len(series.state):
                series = (series or Series.empty(256)).grown(frame + 1)
                self.series[record.id] = series
            series.put(frame, record, pair)

    def _read(self) -> None:
        there, lost = _pictures(self.folder / MASKS), set[int | None]()
        for line in raw_lines(self.folder / LOG):
            frame = None
            try:
                entry = parsed(line)
                about = decode(entry["of"], entry["time"])
                frame = about.index
                if self.path(frame).name not in there:
                    raise ValueError("it has no picture")
                pairs = [(int(left), int(right)) for left, right in entry["pairs"]]
                self._note(frame, about.time, list(zip(about.objects, pairs, strict=True)), entry["cut"])
                lost.discard(frame)
            except DAMAGED:
                lost.add(frame)
        self.lost = len(lost)
        if not lost and self.count > _STALE * len(self.times) + _SPARE:
            self.count = len(self.times)
            write_whole(self.folder / LOG, "".join(f"{line}\n" for line in self._lines()).encode())

    def _lines(self) -> Iterator[str]:
        for frame, time in sorted(self.times.items()):
            known = ((id_, series.record(id_, frame)) for id_, series in sorted(self.series.items()))
            records = [(record, _pair(self.series[id_], frame)) for id_, record in known if record is not None]
            yield _line(frame, time, records, frame if frame in self.cuts else None)


def _pictures(folder: Path) -> set[str]:
    """The names of those that are there. Where power was lost, what was written last may be empty: it is none."""
    with os.scandir(folder) as entries:
        sizes = {entry.name: entry.stat(follow_symlinks=False).st_size for entry in entries}
    for name, size in sizes.items():
        if not size:
            (folder / name).unlink()
    return {name for name, size in sizes.items() if size}


def _probability(one: Made) -> np.ndarray:
    """(H, W) uint8"""
    if one.patch is None:
        return np.where(one.mask, np.uint8(255), np.uint8(0))
    return one.patch.over((one.mask.shape[0], one.mask.shape[1]))


def _pair(series: Series, frame: int) -> Pair:
    left, right = series.pair[frame].tolist()
    return left, right


def _line(frame: int, time: float, records: Sequence[tuple[ObjectRecord, Pair]], cut: int | None) -> str:
    pairs, about = [pair for _, pair in records], encode(frame, [record for record, _ in records])
    return f'{{"time":{dumps(round(time, 6))},"cut":{json.dumps(cut)},"pairs":{dumps(pairs)},"of":{about}}}'
