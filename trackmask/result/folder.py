"""The result folder: the one place that knows its layout.

    result.json           what is known: source, prompts, objects, a record for each frame, ranges to review
    masks/00000.png       a palette PNG for each frame, in DAVIS's colours; the pixel values are the ids
    soft/1/00000.png      with `soft`: the probability of object 1, 8-bit grey
    overlay.mp4           the picture for people; whoever draws it puts it into `ResultWriter.folder`
    history/001/          what the first correction replaced, see revision.py
    report.html           the page that `trackmask report` writes later

Nothing in result.json depends on the run: the same video and prompts give the same bytes.
"""

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Self

import numpy as np

from trackmask.data import SURE, Frame, Labels, Masks, ObjectRecord, Patch, measured
from trackmask.errors import OutputExistsError, ResultError
from trackmask.files import writing
from trackmask.formats.png import read_picture, write_grey, write_labels
from trackmask.result.atomic import LOCK, StagedFolder
from trackmask.result.records import FrameRecord, ObjectInfo, Source, Spool, decode, dumps, prompted
from trackmask.result.review import Range, review

SCHEMA = 1
OVERLAY, REPORT = "overlay.mp4", "report.html"
JSON, MASKS, SOFT, HISTORY, EDITS, _SPOOL = "result.json", "masks", "soft", "history", "edits", "records.spool"
# All that --overwrite may delete.
OURS = {JSON, MASKS, SOFT, OVERLAY, HISTORY, REPORT, f".{REPORT}.partial", LOCK, ".DS_Store"}
MAX_BYTES = 512 << 20  # of result.json: a hundred objects for half an hour
_APART = 10  # frames: neighbours of an unsure frame are unsure as well, and tell nothing more

_DAMAGED = (KeyError, TypeError, ValueError, AttributeError, OverflowError, ZeroDivisionError)


class ResultWriter:
    """Fills a result folder out of sight; `finish` gives it its name, and without that nothing remains.

    Entering raises OutputExistsError where `folder` exists (with `overwrite`: where it holds anything but a result)
    or another run is writing it, OutputError where it cannot be written; all methods raise OutputError as well.
    """

    def __init__(self, folder: Path, *, overwrite: bool = False, soft: bool = False, edited: bool = False) -> None:
        """`soft`: keep the objects' probabilities, too; `edited`: a result with imported edits may be overwritten."""
        allowed = OURS | {EDITS} if edited else OURS
        self._staged = StagedFolder(folder, lambda target: _check_free(target, allowed if overwrite else None))
        self._soft = soft

    @property
    def folder(self) -> Path:
        """The hidden folder, while it is being filled."""
        return self._staged.path

    def __enter__(self) -> Self:
        self._staged.__enter__()
        try:
            with writing(self._staged.target):
                (self.folder / MASKS).mkdir(exist_ok=True)
                self._spool = Spool(self.folder / _SPOOL)
        except BaseException:
            self._staged.__exit__()
            raise
        return self

    def __exit__(self, *raised: object) -> None:
        with suppress(OSError):  # a full disk refuses the rest of the spool: it goes away all the same
            self._spool.close()
        self._staged.__exit__()

    def write(self, frame: Frame, masks: Masks) -> None:
        """Add a frame, in any order of frames; written again, it takes the place of its first version."""
        with writing(self._staged.target):
            if frame.index in self._spool:
                for stale in (self.folder / SOFT).glob(f"*/{png_name(frame.index)}"):
                    stale.unlink()
            self._put(frame, masks, [record.id for record in masks.objects])

    def add(self, frame: Frame, masks: Masks) -> bool:
        """Add objects to a frame that may hold others already: those keep their places. True where it is new."""
        known_frame = frame.index in self._spool
        with writing(self._staged.target):
            if known_frame:
                labels = self.labels(frame.index)
                np.copyto(labels, masks.labels, where=labels == 0)
                new = [measured(record, labels) for record in masks.objects]
                known = [r for r in self._spool.record(frame.index).objects if r.id not in {n.id for n in new}]
                objects = tuple(sorted((*known, *new), key=lambda record: record.id))
                masks, added = Masks(labels, objects, masks.patches), [record.id for record in new]
            else:
                added = [record.id for record in masks.objects]
            self._put(frame, masks, added)
        return not known_frame

    def adopt(self, frames: Iterable[FrameRecord]) -> None:
        """Take over the records of frames whose files are in `folder` already."""
        with writing(self._staged.target):
            for frame in frames:
                self._spool.add(frame.index, frame.time, frame.objects)

    def replace(self, frame: Frame, record: ObjectRecord, patch: Patch | None) -> None:
        """Put a new version of one object into a frame that was written before. Other objects keep their places."""
        with writing(self._staged.target):
            labels = self.labels(frame.index)
            labels[labels == record.id] = 0
            patches = {record.id: patch} if patch else {}
            new = Masks(labels, (), patches).soft(record.id) > SURE
            np.copyto(labels, record.id, where=new & (labels == 0))
            objects = {known.id: known for known in self._spool.record(frame.index).objects}
            objects[record.id] = measured(record, labels)
            masks = Masks(labels, tuple(objects[id_] for id_ in sorted(objects)), patches)
            self._put(frame, masks, [record.id])

    def _put(self, frame: Frame, masks: Masks, new: Iterable[int]) -> None:
        write_labels(self.folder / MASKS / png_name(frame.index), masks.labels)
        for object_id in new if self._soft else ():
            path = self.folder / SOFT / str(object_id) / png_name(frame.index)
            path.parent.mkdir(parents=True, exist_ok=True)
            write_grey(path, masks.soft(object_id))
        self._spool.add(frame.index, frame.time, masks.objects)

    def labels(self, index: int) -> Labels:
        """A frame's masks that were written before, (H, W) uint8."""
        return np.array(read_picture(self.folder / MASKS / png_name(index), ResultError))

    def finish(
        self,
        *,
        source: Source,
        prompts: Sequence[Mapping[str, Any]],
        objects: Sequence[ObjectInfo],
        weights_sha256: str,
        complete: bool = True,
        reason: str | None = None,
    ) -> Path:
        """Write result.json, the last file of all, and move the folder into its place, which is returned.

        `reason` is one sentence on why the result is not complete. `prompts` are the user's, as `Prompt.as_json` has
        them.
        """
        head = {"schema": SCHEMA, "tool": f"trackmask {tool_version()}", "weights": weights_sha256}
        head |= {"complete": complete, "reason": reason}
        about = source.as_json(self._staged.target)
        tail = {"prompts": list(prompts), "objects": [asdict(item) for item in objects]}
        with writing(self._staged.target):
            with (self.folder / JSON).open("w", encoding="ascii", newline="\n") as file:
                file.writelines(_document(head, about, tail, self._spool))
                file.flush()
                os.fsync(file.fileno())
            self._spool.close()
            (self.folder / _SPOOL).unlink()
        self._staged.publish()
        return self._staged.target


@dataclass(frozen=True, eq=False)
class Result:
    """A result folder that was read. Ask `open_result` for one."""

    folder: Path
    tool: str  # "trackmask 0.1.0"
    weights: str  # sha256
    complete: bool
    reason: str | None  # why it is not complete
    source: Source  # its path leads to where the video stood; it may have moved since
    prompts: tuple[Mapping[str, Any], ...]  # as given
    objects: tuple[ObjectInfo, ...]
    frames: tuple[FrameRecord, ...]  # in order; those outside of --start and --end are not there
    review: tuple[Range, ...]  # worst first

    def masks(self, index: int) -> Labels:
        """(H, W) uint8, the ids in frame `index`. Raises ResultError where they are missing or damaged."""
        return self._read(self.folder / MASKS / png_name(index), "P")

    def soft(self, object_id: int, index: int) -> np.ndarray:
        """(H, W) uint8, an object's probability in frame `index`, 255 = certain. Raises ResultError, as `masks`."""
        if not (self.folder / SOFT).is_dir():
            raise ResultError(f"{self.folder} has no soft masks; track the video again with --soft")
        return self._read(self.folder / SOFT / str(object_id) / png_name(index), "L")

    def look_first(self, count: int) -> list[int]:
        """At most `count` frames of the review list to look at, and to correct, first: never two neighbours, and none
        where nothing is listed."""
        chosen: list[int] = []
        for item in self.review:
            if len(chosen) < count and all(abs(item.frame - other) >= _APART for other in chosen):
                chosen.append(item.frame)
        return chosen

    def _read(self, path: Path, mode: str) -> np.ndarray:
        picture = read_picture(path, ResultError)
        values = np.asarray(picture)
        if picture.mode != mode or values.shape != self.source.size:
            raise ResultError(f"{path} is not a mask of this result; track the video again")
        return values


def open_result(path: Path | str) -> Result:
    """Read a result folder. Raises ResultError where there is none, or one of a newer trackmask."""
    path = Path(path)
    raw = _load(path)
    if raw["schema"] > SCHEMA:
        raise ResultError(f"{path} was written by a newer trackmask (schema {raw['schema']}); update trackmask")
    try:
        times = raw["source"]["timestamps"]
        prompted(raw["prompts"])  # what is no prompt is found here, not where it is first needed
        return Result(
            folder=path,
            tool=raw["tool"],
            weights=raw["weights"],
            complete=raw["complete"],
            reason=raw["reason"],
            source=Source.from_json(raw["source"], path),
            prompts=tuple(raw["prompts"]),
            objects=tuple(ObjectInfo(**item) for item in raw["objects"]),
            frames=tuple(decode(entry, time) for entry, time in zip(raw["frames"], times, strict=True)),
            review=tuple(Range.from_json(item) for item in raw["review"]),
        )
    except _DAMAGED as error:
        raise ResultError(f"{path / JSON} is damaged ({error!r}); track the video again") from error


def default_folder(video: Path) -> Path:
    """Where the result of a video goes if nobody says otherwise: into the current folder."""
    return Path(f"{video.resolve().name}.trackmask")


def tool_version() -> str:
    try:
        return metadata.version("trackmask")
    except metadata.PackageNotFoundError:
        return "0.1.0"  # run from a checkout that is not installed


def png_name(index: int) -> str:
    return f"{index:05d}.png"


def _check_free(folder: Path, ours: set[str] | None) -> None:
    """A result of nothing but `ours` may be replaced where the user says so (None: no); nothing else ever is."""
    if not os.path.lexists(folder):
        return
    if ours is None:
        raise OutputExistsError(f"{folder} exists already; choose another folder with -o, or say --overwrite")
    with suppress(ResultError, OSError):
        _load(folder)
        others = [entry.name for entry in folder.iterdir() if entry.name not in ours]
        if not others:
            return
        raise OutputExistsError(
            f"{folder} also holds {sorted(others)[0]}, which --overwrite would delete; move it away"
        )
    raise OutputExistsError(f"{folder} is not a trackmask result, so it is not overwritten; choose another with -o")


def _load(folder: Path) -> dict[str, Any]:
    """result.json of any schema. Raises ResultError."""
    try:
        with (folder / JSON).open("rb") as file:
            text = file.read(MAX_BYTES + 1)
        if len(text) > MAX_BYTES:
            raise ResultError(f"{folder / JSON} is larger than {MAX_BYTES >> 20} MB; track the video in parts")
        raw = json.loads(text)
    except (FileNotFoundError, NotADirectoryError):
        raise ResultError(f"{folder} is not a trackmask result: it has no {JSON}; give the folder of a run") from None
    except OSError as error:
        raise ResultError(f"{folder / JSON} cannot be read: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise ResultError(f"{folder / JSON} is not JSON ({error}); track the video again") from error
    if isinstance(raw, dict) and type(raw.get("schema")) is int and str(raw.get("tool")).startswith("trackmask "):
        return raw
    raise ResultError(f"{folder / JSON} is not from trackmask; give the folder of a run")


def _document(head: dict[str, Any], source: dict[str, Any], tail: dict[str, Any], spool: Spool) -> Iterator[str]:
    """result.json piece by piece, a frame a line: memory stays flat however long the video is."""
    yield "{\n"
    yield from (f"{dumps(key)}:{dumps(value)},\n" for key, value in head.items())
    yield f'"source":{dumps(source)[:-1]},"timestamps":['
    yield from _joined(",", (dumps(round(time, 6)) for time in spool.times()))
    yield "]},\n"
    yield from (f"{dumps(key)}:{dumps(value)},\n" for key, value in tail.items())
    yield '"frames":[\n'
    yield from _joined(",\n", spool.lines())
    yield '\n],\n"review":[\n'
    yield from _joined(",\n", (dumps(item.as_json()) for item in review(spool.records(), prompted(tail["prompts"]))))
    yield "\n]\n}\n"


def _joined(separator: str, parts: Iterable[str]) -> Iterator[str]:
    for position, part in enumerate(parts):
        yield separator + part if position else part
