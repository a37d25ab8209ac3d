"""From and to the result folder: what lies there is where a session begins, and what it makes is written there."""

from __future__ import annotations

import hashlib
import logging
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from trackmask.errors import OutputExistsError, ResultError, TrackmaskError, VideoError
from trackmask.files import open_regular, writing
from trackmask.formats.png import write_grey, write_labels
from trackmask.pipeline import draw_masks
from trackmask.prompts import Prompt
from trackmask.report import kept_up_to_date
from trackmask.result import (
    EDITS,
    SOFT,
    FrameFiles,
    FrameRecord,
    ObjectInfo,
    Result,
    ResultWriter,
    Source,
    open_result,
    prompted,
)
from trackmask.result.layout import HISTORY, JSON, STUDIO
from trackmask.result.records import dumps, shots
from trackmask.result.revision import link, link_tree
from trackmask.runtime import Runtime
from trackmask.studio.acts import Given, Said
from trackmask.studio.journal import lines
from trackmask.studio.plan import Gap, gaps, stale
from trackmask.studio.prompting import Turns
from trackmask.studio.session import GIVEN, JOURNAL, LOCK, Place, Session
from trackmask.studio.tracked import Pair
from trackmask.video import hash_source, stamp

log = logging.getLogger(__name__)


def open_session(place: Place, runtime: Runtime, turns: Turns) -> Session:
    """Go on where the session of a clip was left; begin with its result, or with nothing, where there is none.

    Where another command has changed the result since, the new one is where it begins, and what there was is set aside.
    Raises VideoError, ResultError, OutputError, OutputExistsError where the clip is open in another studio.
    """
    now, aside = fingerprint(place.result), None
    if place.folder.is_dir():
        known = _known(place.folder)
        if now is not None and known != now and any(lines(place.folder / JOURNAL)):
            aside = _set_aside(place)
        elif not any(lines(place.folder / JOURNAL)):
            _clear(place)
    session = Session(place, runtime, turns)
    try:
        if aside is not None:
            session.notes.append(
                f"{place.result.name} was changed by another command since it was open here; this is the changed one. "
                f"What the studio had is kept in {aside.name}"
            )
        if session.acts.count == 0 and now is not None:
            begin(session, open_result(place.result))
        _check_source(session)
    except BaseException:
        session.close()
        raise
    return session


def leave(session: Session) -> None:
    """Write the result where it is not yet what the session is, and close; of a clip that was only looked at nothing
    stays.
    """
    unused = not session.dirty and not session.acts.changed
    if session.dirty:
        try:
            save(session)
        except TrackmaskError as error:  # nothing is lost: what the session has is kept beside it
            log.warning("note: the result was not written: %s", error)
    session.close()
    if unused:
        shutil.rmtree(session.place.folder, ignore_errors=True)


def fingerprint(result: Path) -> str | None:
    """What tells one version of a result from another; None where there is none."""
    with suppress(OSError), open_regular(result / JSON, links=False) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
    return None


def begin(session: Session, result: Result) -> None:
    """Take what lies in a result folder into a session of which nothing is known: objects, prompts, masks, records."""
    names, masks = {item.id: item.name for item in result.objects}, []
    indices = result.frames.indices
    if not indices:
        return
    for entry in result.prompts:
        object_id, frame = int(entry["object"]), int(entry["frame"])
        base = f"1-{object_id}-{frame:05d}-base.png"
        session.write_mask(session.place.folder / GIVEN / base, result.masks(frame) == object_id)
        about = {key: entry[key] for key in ("positive", "negative", "box") if key in entry}
        masks.append({"object": object_id, "frame": frame, "name": names[object_id], "base": base, **about})
    with writing(session.place.folder):
        for index in indices:
            link(result.folder / result.files.mask(index), session.tracked.path(index))
        session.tracked.soft = (result.folder / SOFT).is_dir()
        _link_soft(session, result)
    part = result.complete and len(indices) != result.source.frames
    givens = {place: Given(1) for place in ((one["object"], one["frame"]) for one in masks)}
    _adopt(session, result, givens)
    session.begin(
        {
            "do": "begin",
            "masks": masks,
            "range": [indices[0], indices[-1]] if part else None,
            "names": result.files.by,
            "style": result.style,
            "soft": session.tracked.soft,
            "result": fingerprint(result.folder),
            "lines": session.tracked.count,
        }
    )


def _link_soft(session: Session, result: Result) -> None:
    for item in result.objects if session.tracked.soft else ():
        for index in result.frames.indices:
            there, here = result.folder / result.files.soft(item.id, index), session.tracked.soft_path(item.id, index)
            if there.is_file() and not there.is_symlink():
                here.parent.mkdir(parents=True, exist_ok=True)
                link(there, here)


def _adopt(session: Session, result: Result, givens: dict[tuple[int, int], Given]) -> None:
    """The records: they are up to date, since nothing was said after them."""
    ends, cuts = (result.frames.indices[0], result.frames.indices[-1]), set(result.cuts)
    between = {
        object_id: gaps(object_id, {at: given for (id_, at), given in givens.items() if id_ == object_id}, ends)
        for object_id in prompted(result.prompts)
    }
    for frame in result.frames:
        records = [(record, _pair(between.get(record.id, []), frame.index)) for record in frame.objects]
        session.tracked.adopt(frame.index, frame.time, records, frame.index if frame.index in cuts else None)


def _pair(of_object: list[Gap], frame: int) -> Pair:
    return next((gap.pair for gap in of_object if gap.first <= frame <= gap.last), (0, 0))


def save(session: Session, drawing: Callable[[], None] = lambda: None) -> Path:
    """Write the result folder, in place of the version that the session knows. Returns its path. `drawing` is called
    before its overlay is drawn, where it had one: that takes a while.

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
        if fingerprint(folder) not in (None, session.saved):
            raise OutputExistsError(
                f"{folder.name} was changed by another command meanwhile, so it is left as it is; close the studio and "
                f"open it again to go on from there. What you did is kept in {session.place.folder.name}"
            )
        with writing(folder):
            for part in (HISTORY, EDITS):
                link_tree(folder / part, writer.folder / part)
            (writer.folder / STUDIO).write_text(dumps({"session": session.place.folder.name, "acts": acts}))
            cuts = {cut for cut in session.tracked.cuts if cut in frames}
            records = _records(session, said, frames, writer.folder, files)
            writer.adopt(records, list(shots(frames, cuts)), files)
        reason = unfinished(session, said)
        style = session.about.get("style") if reason is None else None
        if style is not None:
            drawing()
            draw_masks(
                writer.folder, session.reader, path, session.reader.frames(frames[0], frames[-1]), writer.labels, style
            )
        written = writer.finish(
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
    return written


def unfinished(session: Session, said: Said | None = None) -> str | None:
    """In a sentence, what of the clip is not tracked or out of date; None where nothing is."""
    said = said or session.acts.said
    for object_id, found in stale(said, session.tracked, session.range).items():
        if found:
            name, (begin, end) = said.names[object_id], found[0]
            more = f" and {len(found) - 1} more ranges" if len(found) > 1 else ""
            return f"frames {begin} to {end}{more} of {name} are not tracked yet, or out of date"
    return None


def _frames(session: Session, said: Said) -> range:
    """From the first frame of which anything is known to the last one."""
    known = {frame for _, frame in said.givens} | session.tracked.times.keys()
    return range(min(known), max(known) + 1) if known else range(0)


def _records(session: Session, said: Said, frames: range, folder: Path, files: FrameFiles) -> Iterator[FrameRecord]:
    """The records, one frame after the other; each frame's picture is there when its record comes."""
    given = {frame for _, frame in said.givens}
    gone = [series.state for id_, series in session.tracked.series.items() if id_ not in said.names]
    for frame in frames:
        path, target = session.tracked.path(frame), folder / files.mask(frame)
        deleted = any(frame < len(state) and state[frame] for state in gone)
        if frame in given or deleted or not path.exists():
            write_labels(target, session.labels(frame, said))
        else:
            link(path, target)
        found = tuple(session.records(frame, said))
        for record in found if session.tracked.soft else ():
            target, path = folder / files.soft(record.id, frame), session.tracked.soft_path(record.id, frame)
            target.parent.mkdir(parents=True, exist_ok=True)
            if (record.id, frame) in said.givens or not path.exists():
                write_grey(target, np.where(session.labels(frame, said) == record.id, np.uint8(255), np.uint8(0)))
            else:
                link(path, target)
        yield FrameRecord(frame, session.time(frame), found)


def _source(session: Session) -> Source:
    info, path = session.info, session.place.video
    if "sha256" not in session.about:
        size, sha256 = hash_source(path)
        session.note({"do": "source", "bytes": size, "sha256": sha256, "stamp": stamp(path)[1]})
    size, sha256 = session.about["bytes"], session.about["sha256"]
    count = len(session.times) if session.counted else None
    return Source(path, info.name, size, sha256, count, info.size, info.fps, info.names)


def _check_source(session: Session) -> None:
    """Raises VideoError where the video is another one than it was."""
    path, about = session.place.video, session.about
    if (
        "sha256" in about
        and about["stamp"] != stamp(path)[1]
        and hash_source(path) != (about["bytes"], about["sha256"])
    ):
        raise VideoError(
            f"{path.name} is another video than the one that was marked here; bring that one back, or move "
            f"{session.place.folder.name} and {session.place.result.name} away to begin anew"
        )


def _objects(said: Said) -> Iterator[ObjectInfo]:
    for object_id, name in sorted(said.names.items()):
        if at := list(said.of(object_id)):
            yield ObjectInfo(object_id, name, at[0], at[-1])


def _as_json(object_id: int, frame: int, given: Given) -> dict[str, Any]:
    painted = given.painted or not (given.positive or given.box)
    mask = np.zeros((1, 1), bool) if painted else None  # result.json says that there is one, and names its file
    return Prompt(object_id, frame, mask, given.box, given.positive, given.negative).as_json()


def _known(folder: Path) -> str | None:
    """The fingerprint of the result that a session has read or written last."""
    found = [line["result"] for line in lines(folder / JOURNAL) if line.get("do") in ("begin", "saved")]
    return found[-1] if found else None


def _set_aside(place: Place) -> Path:
    number = 1
    while (aside := place.folder.with_name(f"{place.folder.name}.{number}")).exists():
        number += 1
    with writing(aside):
        place.folder.rename(aside)
    return aside


def _clear(place: Place) -> None:
    """What a kill left of a session before it had begun."""
    for path in place.folder.iterdir():
        if path.name != LOCK:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
