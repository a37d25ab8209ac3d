"""What lasts of a clip's session. Beside the result folder lies .RESULT.studio, which holds all of it from the moment
on in which it was said:

    journal.jsonl              the acts, and what else must not be lost: the source, which result was written
    given/7-1-00012.png        the mask of object 1 in frame 12 that act 7 led to; made again where it is missing
    given/7-1-00012-base.png   the mask that act 7 began with
    masks/, tracked.jsonl      what was tracked, see `tracked`
    sound.m4a                  the clip's sound, for browsers
    uploads/                   what is on its way in, to be imported

The result folder is written from it, whole, after each tracking: see `saving`.
"""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from trackmask.data import ObjectRecord
from trackmask.errors import DataError, OutputError, OutputExistsError, ResultError, VideoError
from trackmask.files import counted, has_folder, in_place_of, locked, open_lock, writing
from trackmask.formats.pictures import read_picture
from trackmask.formats.png import write_mask
from trackmask.result.records import decode
from trackmask.studio.acts import Act, Acts, check
from trackmask.studio.journal import DAMAGED, Journal, damaged, lines
from trackmask.studio.tracked import Tracked
from trackmask.video import hash_source, open_video, stamp

JOURNAL, GIVEN, SOUND, UPLOADS, LOCK = "journal.jsonl", "given", "sound.m4a", "uploads", ".lock"


@dataclass(frozen=True)
class Place:
    """Where a clip and its result lie."""

    video: Path
    result: Path

    @property
    def folder(self) -> Path:
        """Where the studio keeps what it knows of the clip."""
        return self.result.with_name(f".{self.result.name}.studio")


class Store:
    """Opened by one process at a time. Raises VideoError, ResultError where it is damaged, OutputError, and
    OutputExistsError where another studio has it.
    """

    dirty = False  # whether something was said or tracked that the result folder does not have

    def __init__(self, place: Place, held: BinaryIO | None = None) -> None:
        """`held`: what `take` gave for the place's folder, where that was done before; closed with the rest."""
        self.place = place
        self.lock = threading.RLock()  # held for each act
        # Rises with every change; from the clock, so that a page that was open before takes what it is told from now on
        # as newer than what it knows.
        self.revision = time.time_ns() // 1_000_000
        self.notes: list[str] = []  # sentences that people should read
        self.stamp = stamp(place.video)  # of what is opened here
        self.reader = open_video(place.video)
        self.info = self.reader.info
        self.size = self.info.size
        self.times: Sequence[float] = ()  # seconds, of all frames, once they are counted
        self.damage: str | None = None  # a sentence on what of the video cannot be read, once they are
        with ExitStack() as stack:  # all is closed again where the rest cannot be opened
            stack.callback(self.reader.close)
            stack.callback((held or take(place.folder)).close)
            self.acts, self.about = Acts(), dict[str, Any]()
            self.seen: dict[tuple[int, int, int], ObjectRecord] = {}  # of prompts: by number, object and frame
            for line in lines(place.folder / JOURNAL):
                self._read_line(line, check)
            self.journal = Journal(place.folder / JOURNAL)
            stack.callback(self.journal.close)
            self.tracked = Tracked(place.folder, self.size, soft=bool(self.about.get("soft")))
            stack.callback(self.tracked.close)
            self._held = stack.pop_all()
        if self.tracked.lost:
            self.notes.append(
                f"what was tracked in {counted(self.tracked.lost, 'frame')} cannot be read any more; track again"
            )
        else:
            self.dirty = self.dirty or self.about.get("lines", 0) != self.tracked.count

    def close(self) -> None:
        self._held.close()

    @property
    def saved(self) -> str | None:
        """The fingerprint of the result folder as this session knows it; None before there is one."""
        return self.about.get("result")

    @property
    def range(self) -> tuple[int, int]:
        """The first and the last frame that is wanted: of the video, or of the result that was opened."""
        first, last = self.about.get("range") or (0, self.count - 1)
        return first, last

    def ends_early(self, times: Sequence[float], damage: str) -> None:
        """The video has turned out to be damaged: these are the times, in seconds, of all frames that can be read."""
        if self.damage is None:
            self.notes.append(damage)
        self.damage = damage
        self.times = times  # last: whoever sees that they are counted knows as well what is damaged

    def check_video(self) -> None:
        """Raises VideoError where another video stands in the place of the one that was opened."""
        path, now = self.place.video, stamp(self.place.video)
        if now[1] in ("", self.stamp[1]):  # one that is away for a while tells so where it is read
            return
        if "sha256" not in self.about or hash_source(path) != (self.about["bytes"], self.about["sha256"]):
            raise VideoError(
                f"the video {path.name} has changed since it was opened here; bring that one back, or end the studio "
                "and open it again"
            )
        self.stamp = now

    def time(self, frame: int) -> float:
        """Seconds."""
        if frame in self.tracked.times:
            return self.tracked.times[frame]
        return self.times[frame] if frame < len(self.times) else float(frame / self.info.fps)

    @property
    def counted(self) -> bool:
        return bool(self.times)

    @property
    def count(self) -> int:
        """Frames of the video; as its header has it until they are counted."""
        return len(self.times) or self.info.frames or max(self.tracked.times, default=0) + 1

    # --- the journal ---------------------------------------------------------------------------------------------

    def say(self, act: dict[str, Any]) -> None:
        """An act, on the disk before it counts."""
        self.journal.add(act)
        self.acts.add(act)
        self.dirty = True
        if "stamp" not in self.about:
            size, text = self.stamp
            self.note({"do": "source", "bytes": size, "stamp": text})

    def begin(self, line: dict[str, Any]) -> None:
        """What lies in the result, which nobody can take back; on the disk once its records are."""
        self._read_line(line)
        self.journal.add(line)

    def note(self, line: dict[str, Any]) -> None:
        """What is no act, and must not be lost: about the source, or which result was written."""
        with self.lock:
            self._read_line(line)
            self.journal.add(line)

    def _read_line(self, line: Act, checks: Callable[[Act], None] = lambda _: None) -> None:
        """`checks` raises where the line is not sound."""
        try:
            checks(line)
            if line["do"] == "seen":
                about = decode(line["of"], 0.0)
                self.seen[line["number"], about.objects[0].id, about.index] = about.objects[0]
            elif line["do"] == "source":
                self.about |= line
            elif line["do"] == "saved":
                self.about |= line
                self.dirty = line["acts"] != self.acts.count
            elif line["do"] == "begin":
                self.about |= {key: line[key] for key in ("result", "range", "names", "style", "soft", "lines")}
                self.acts.begin({**line, "do": "masks"})
            else:
                self.acts.add(line)
                self.dirty = True
        except (*DAMAGED, DataError) as error:
            raise damaged(self.place.folder / JOURNAL, error) from error

    # --- masks that were given -----------------------------------------------------------------------------------

    def given_path(self, number: int, object_id: int, frame: int, *, base: bool = False) -> Path:
        """Of the mask that an act led to, or began with."""
        return self.place.folder / GIVEN / f"{number}-{object_id}-{frame:05d}{'-base' if base else ''}.png"

    def read_mask(self, path: Path) -> np.ndarray:
        """(H, W) bool. Raises ResultError."""
        mask: np.ndarray = np.asarray(read_picture(path, ResultError, links=False)) > 0
        if mask.shape != self.size:
            raise ResultError(f"{path} is not a mask of this clip; remove it")
        return mask

    def write_mask(self, path: Path, mask: np.ndarray, *, lasts: bool = False) -> None:
        """(H, W) bool, whole or not at all. `lasts`: it cannot be made again, and outlives a loss of power."""
        with in_place_of(path) as partial:
            write_mask(partial, mask)
            if lasts:
                with partial.open("r+b") as file:
                    os.fsync(file.fileno())


def take(folder: Path) -> BinaryIO:
    """The folder, for this process alone. Raises OutputExistsError where another studio has it, ResultError where a
    link lies in it: a stranger's would lead what is written elsewhere.
    """
    with _writing(folder):
        for _ in range(100):  # each turn but the last lost a race with a studio that was just ending
            with suppress(FileNotFoundError):
                if link := _link_in(folder):
                    raise ResultError(
                        f"{link} is a link, which the studio never lays; remove it, and open the clip again"
                    )
                (folder / GIVEN).mkdir(parents=True, exist_ok=True)
                held = open_lock(folder / LOCK)
                if not locked(held):
                    held.close()
                    raise OutputExistsError(
                        "this clip is open in another studio already; close that one, then reload this page"
                    )
                if _is_at(held, folder / LOCK):
                    return held
                held.close()
    raise OutputError(f"cannot lock {folder}; open the clip again")


def _link_in(folder: Path) -> Path | None:
    if folder.is_symlink():
        return folder
    waiting = [folder] if has_folder(folder) else []
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.is_symlink():
                    return Path(entry)
                if entry.is_dir():
                    waiting.append(Path(entry))
    return None


def _is_at(file: BinaryIO, path: Path) -> bool:
    """Whether an open file is still the one that a path leads to."""
    with suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    return False


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """As `writing`, where nothing was written yet: it may be a place that nobody may write."""
    try:
        with writing(folder):
            yield
    except OutputError as error:
        if not isinstance(error.__cause__, PermissionError) and getattr(error.__cause__, "errno", 0) != errno.EROFS:
            raise
        raise OutputError(
            f"the result would lie in {folder.parent}, which cannot be written; make it writable, or start the studio "
            "in a folder of your own, with the path of the clip"
        ) from error
