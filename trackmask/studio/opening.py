"""A clip is opened where it was left, and left so that nothing is lost."""

from __future__ import annotations

import logging
import shutil
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from trackmask.batch.find import RESULT
from trackmask.errors import OutputExistsError, ResultError, TrackmaskError, VideoError
from trackmask.files import has_folder, writing
from trackmask.result import SOFT, Result, clear_killed, open_result, prompted
from trackmask.result.revision import link
from trackmask.runtime import Runtime
from trackmask.studio.acts import Given
from trackmask.studio.journal import lines
from trackmask.studio.plan import Gap, gaps
from trackmask.studio.saving import fingerprint, is_to_write, save
from trackmask.studio.session import Session
from trackmask.studio.store import GIVEN, JOURNAL, LOCK, UPLOADS, Place, take
from trackmask.studio.tracked import Pair
from trackmask.studio.turns import Turns
from trackmask.video import hash_source, open_video

log = logging.getLogger(__name__)


def open_session(place: Place, runtime: Runtime, turns: Turns) -> Session:
    """Go on where the session of a clip was left; begin with its result, or with nothing, where there is none.

    Where another command has changed the result since, the new one is where it begins, and what there was is set aside.
    Raises VideoError, ResultError, OutputError, OutputExistsError where the clip is open in another studio.
    """
    now, aside, held = fingerprint(place.result), None, None
    with ExitStack() as stack:
        if has_folder(place.folder):
            held = take(place.folder)  # before anything in it is touched: another studio may have the clip open
            stack.callback(held.close)
            aside = _tidy(place, now)
        session = Session(place, runtime, turns, held)
        stack.callback(session.close)
        if aside is not None:
            session.notes.append(
                f"the result {place.result.name} was changed by another command since it was open here; this is the "
                f"changed one. What the studio had is kept in {aside.name}"
            )
        if session.acts.count == 0 and now is not None:
            result = open_result(place.result)
            begin(session, result)
            if result.weights != runtime.weights_sha256:
                session.notes.append(
                    f"the result {place.result.name} was made with other weights; what is tracked now may differ"
                )
        _check_source(session)
        session.dirty = session.dirty or (now is None and session.saved is not None)  # somebody has taken it away
        clear_killed(place.result.parent, f"{place.result.name.removesuffix(RESULT)}.")  # exports
        stack.pop_all()
    return session


def count(session: Session) -> None:
    """Count the frames, and tell their times. Raises VideoError, ValueError where the clip is closed meanwhile."""
    times = session.reader.told_times()
    session.frames.are_apart(session.reader.longest_way())
    if times is None:
        with open_video(session.place.video, threads=1) as reader:
            times = reader.times()
        if reader.damage is not None:
            session.ends_early(times, reader.damage)
    session.times = times


def leave(session: Session) -> None:
    """Write the result where it is not yet what the session is, and close; of a clip that was only looked at nothing
    stays.
    """
    unused = not session.dirty and not session.acts.changed
    if is_to_write(session):
        try:
            save(session)
        except OutputExistsError as error:  # it says itself where all is kept
            log.warning("note: the result was not written: %s", error)
        except TrackmaskError as error:
            kept = session.place.folder.name
            log.warning("note: the result was not written: %s; what you did is kept in %s", error, kept)
    if unused:
        shutil.rmtree(session.place.folder, ignore_errors=True)  # while it is ours: another studio may wait for it
    session.close()
    if unused and sys.platform == "win32":  # which removes no file that is open
        shutil.rmtree(session.place.folder, ignore_errors=True)


def begin(session: Session, result: Result) -> None:
    """Take what lies in a result folder into a session of which nothing is known: objects, prompts, masks, records."""
    indices = result.frames.indices
    if not indices:
        return
    masks = _take_given(session, result)
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
    for shown in result.frames:
        for record in shown.objects:
            if (given := givens.get((record.id, shown.index))) is not None:
                session.saw(given, shown.index, record)  # as sure of what was meant as the result is


def _take_given(session: Session, result: Result) -> list[dict[str, Any]]:
    """What a person said, with its whole mask, as the line that begins a session has it. Of two objects in a frame the
    one that is shown above comes later.
    """
    names, masks = {item.id: item.name for item in result.objects}, []
    said = ((int(entry["object"]), int(entry["frame"]), entry) for entry in result.prompts)
    for object_id, frame, entry in sorted(said, key=lambda one: result.is_whole(*one[:2])):
        base = session.given_path(1, object_id, frame, base=True)
        session.write_mask(base, result.given(object_id, frame))
        about = {key: entry[key] for key in ("positive", "negative", "box") if key in entry}
        masks.append({"object": object_id, "frame": frame, "name": names[object_id], "base": base.name, **about})
    return masks


def _tidy(place: Place, now: str | None) -> Path | None:
    """Leave in the studio's folder what is gone on with; `now`: the fingerprint of the result, as it is. Returns where
    the rest is kept, if anything is. Raises ResultError.
    """
    shutil.rmtree(place.folder / UPLOADS, ignore_errors=True)  # of a studio that was killed
    if not any(lines(place.folder / JOURNAL)):
        _clear(place)
    elif now is not None and _known(place.folder) != now:
        _check_result(place)
        return _set_aside(place)
    return None


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


def _check_result(place: Place) -> None:
    """Raises ResultError where what another command has left there is damaged."""
    try:
        open_result(place.result)
    except ResultError as error:
        raise ResultError(
            f"{error}; or move {place.result.name} away: what you did in the studio is kept, and writes it anew"
        ) from error


def _check_source(session: Session) -> None:
    """Raises VideoError where the video is another one than it was."""
    path, about, (size, now) = session.place.video, session.about, session.stamp
    if "stamp" not in about or about["stamp"] == now:
        return
    if (hash_source(path) != (about["bytes"], about["sha256"])) if "sha256" in about else size != about["bytes"]:
        raise VideoError(
            f"in the place of {path.name} is another video than the one that was marked here; bring that one back, or "
            f"move {session.place.folder.name} and {session.place.result.name} away to begin anew"
        )


def _known(folder: Path) -> str | None:
    """The fingerprint of the result that a session has read or written last."""
    found = [line.get("result") for line in lines(folder / JOURNAL) if line.get("do") in ("begin", "saved")]
    return found[-1] if found else None


def _set_aside(place: Place) -> Path:
    number = 1
    while (aside := place.folder.with_name(f"{place.folder.name}.{number}")).exists():
        number += 1
    with writing(aside):
        aside.mkdir()
        # The journal last: until all is there, it says that there is something.
        for path in sorted(place.folder.iterdir(), key=lambda path: path.name == JOURNAL):
            if path.name != LOCK:
                path.rename(aside / path.name)
        (place.folder / GIVEN).mkdir()
    return aside


def _clear(place: Place) -> None:
    """What a kill left of a session before it had begun."""
    for path in place.folder.iterdir():
        if path.name != LOCK:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    (place.folder / GIVEN).mkdir()
