"""The result folder is written from a session, whole, in place of the version that it knows."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from trackmask.data import measured
from trackmask.errors import OutputExistsError, ResultError
from trackmask.files import counted, has_file, open_regular, writing
from trackmask.formats.png import write_labels, write_mask
from trackmask.pipeline import draw_masks
from trackmask.prompts import Prompt
from trackmask.report import kept_up_to_date
from trackmask.result import EDITS, FrameFiles, FrameRecord, ObjectInfo, ResultWriter, Source
from trackmask.result.layout import HISTORY, JSON, STUDIO
from trackmask.result.records import dumps, shots
from trackmask.result.revision import link, link_tree
from trackmask.studio.acts import Given, Said
from trackmask.studio.plan import stale
from trackmask.studio.session import Session
from trackmask.video import hash_source


def fingerprint(result: Path) -> str | None:
    """What tells one version of a result from another; None where there is none."""
    with suppress(OSError), open_regular(result / JSON, links=False) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
    return None


def save(session: Session, drawing: Callable[[], None] = lambda: None) -> None:
    """Write the result folder, in place of the version that the session knows. `drawing` is called before its overlay
    is drawn, where it had one: that takes a while.

    Raises OutputExistsError where another command has changed it since, ResultError where nothing is known of any
    frame yet, OutputError.
    """
    folder, path = session.place.result, session.place.video
    with session.lock:
        said, acts, lines_then = session.acts.said, session.acts.count, session.tracked.count
    frames, files = _frames(session, said), FrameFiles.named(session.about.get("names", "number"), session.info.names)
    if not frames:
        raise ResultError("nothing is marked or tracked yet, so there is nothing to save")
    with kept_up_to_date(folder), ResultWriter(folder, overwrite=True, discard=True) as writer:
        _check_unchanged(session)
        with writing(folder):
            (writer.folder / STUDIO).write_text(dumps({"session": session.place.folder.name, "acts": acts}))
            _fill(writer, session, said, frames, files)
        reason = unfinished(session, said)
        style = session.about.get("style") if reason in (None, session.damage) else None
        if style is not None:
            session.check_video()
            drawing()
            draw_masks(
                writer.folder, session.reader, path, session.reader.frames(frames[0], frames[-1]), writer.labels, style
            )
        writer.finish(
            source=_source(session),
            prompts=[_as_json(object_id, frame, given) for (object_id, frame), given in sorted(said.givens.items())],
            objects=list(_objects(said)),
            weights_sha256=session.runtime.weights_sha256,
            weights_folder=session.runtime.weights_folder,
            ran=session.runtime.files,
            style=style,
            complete=reason is None,
            reason=reason,
        )
        session.note({"do": "saved", "result": fingerprint(folder), "acts": acts, "lines": lines_then})


def _check_unchanged(session: Session) -> None:
    """Raises OutputExistsError where the result is none that the session knows."""
    folder = session.place.result
    if fingerprint(folder) not in (None, session.saved):
        raise OutputExistsError(
            f"the result {folder.name} was changed by another command meanwhile, so it is left as it is; close the "
            f"studio and open it again to go on from there. What you did is kept in {session.place.folder.name}"
        )


def _fill(writer: ResultWriter, session: Session, said: Said, frames: range, files: FrameFiles) -> None:
    """What is shown, what was said as a whole, and what earlier corrections and imports have left."""
    for part in (HISTORY, EDITS):
        link_tree(session.place.result / part, writer.folder / part)
    cuts = {cut for cut in session.tracked.cuts if cut in frames}
    records = _records(session, said, frames, writer.folder, files)
    writer.adopt(records, list(shots(frames, cuts)), files)
    for (object_id, frame), given in said.givens.items():
        if len(said.given_in(frame)) > 1:  # one alone loses nothing
            writer.give(object_id, frame, session.mask(object_id, frame, given))


def is_to_write(session: Session) -> bool:
    """Whether anything is known of any frame that the result folder does not have."""
    return not is_written(session) and bool(_frames(session, session.acts.said))


def is_written(session: Session) -> bool:
    """Whether the result folder is there, and has all of it."""
    return not session.dirty and has_file(session.place.result / JSON)


def unfinished(session: Session, said: Said | None = None) -> str | None:
    """In a sentence, what of the clip is not tracked, out of date or cannot be read; None where nothing is."""
    said = said or session.acts.said
    left = stale(said, session.tracked, session.range)
    ranges = [(said.names[id_], begin, end) for id_, found in left.items() for begin, end in found]
    if not ranges:
        return session.damage
    name, begin, end = ranges[0]
    more = f" and {counted(len(ranges) - 1, 'more range')}" if ranges[1:] else ""
    return f"frames {begin} to {end} of {name}{more} are not tracked yet, or out of date"


def _frames(session: Session, said: Said) -> range:
    """From the first frame of which anything is known to the last one."""
    known = {frame for _, frame in said.givens if frame < session.count} | session.tracked.times.keys()
    return range(min(known), max(known) + 1) if known else range(0)


def _records(session: Session, said: Said, frames: range, folder: Path, files: FrameFiles) -> Iterator[FrameRecord]:
    """The records, one frame after the other; each frame's picture is there when its record comes."""
    given = {frame for _, frame in said.givens}
    gone = [series.state for id_, series in session.tracked.series.items() if id_ not in said.names]
    for frame in frames:
        path, target = session.tracked.path(frame), folder / files.mask(frame)
        deleted = any(frame < len(state) and state[frame] for state in gone)
        found = tuple(session.records(frame, said))
        if frame in given or deleted or not path.exists():
            labels = session.labels(frame, said)
            write_labels(target, labels)
            found = tuple(measured(record, labels) for record in found)  # the last word may have taken of the others
        else:
            link(path, target)
        for record in found if session.tracked.soft else ():
            target, path = folder / files.soft(record.id, frame), session.tracked.soft_path(record.id, frame)
            target.parent.mkdir(parents=True, exist_ok=True)
            if (record.id, frame) in said.givens or not path.exists():
                write_mask(target, session.labels(frame, said) == record.id)
            else:
                link(path, target)
        yield FrameRecord(frame, session.time(frame), found)


def _source(session: Session) -> Source:
    info, path = session.info, session.place.video
    if "sha256" not in session.about:
        size, sha256 = hash_source(path)
        session.check_video()
        session.note({"do": "source", "bytes": size, "sha256": sha256, "stamp": session.stamp[1]})
    size, sha256 = session.about["bytes"], session.about["sha256"]
    count = len(session.times) if session.counted else None
    return Source(path, info.name, size, sha256, count, info.size, info.fps, info.names)


def _objects(said: Said) -> Iterator[ObjectInfo]:
    for object_id, name in sorted(said.names.items()):
        if at := list(said.of(object_id)):
            yield ObjectInfo(object_id, name, at[0], at[-1])


def _as_json(object_id: int, frame: int, given: Given) -> dict[str, Any]:
    painted = given.painted or not (given.positive or given.box)
    mask = np.zeros((1, 1), bool) if painted else None  # result.json says that there is one, and names its file
    return Prompt(object_id, frame, mask, given.box, given.positive, given.negative).as_json()
