"""From a result folder to its report."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from trackmask.errors import OutputExistsError, ResultError, VideoError
from trackmask.files import open_regular, write_whole
from trackmask.report.page import SIGN, Page
from trackmask.report.pictures import View, portrait, poster, row_of, shoot
from trackmask.report.series import read_series
from trackmask.result import OVERLAY, REPORT, Result, open_result, source_video
from trackmask.video import open_video

Progress = Callable[[int | None], Callable[[], None]]

ROWS = 60  # ranges with pictures, at most: a film has many cuts, and a page is read at once

NO_FILM = f"There is no {OVERLAY} here, so nothing plays: the pictures are all there is."
MASKS_ALONE = "so the pictures show the masks alone; name it with --video FILE"
NO_VIDEO = f"The video is not where it was tracked, {MASKS_ALONE}."
OTHER_VIDEO = f"The file in the video's place is another one, {MASKS_ALONE}."


@dataclass(frozen=True)
class Report:
    path: Path
    notes: tuple[str, ...]  # what the reader should know: a sentence each, all of them in the page as well


def write_report(
    folder: Path | str,
    out: Path | str | None = None,
    video: Path | None = None,
    progress: Progress = lambda total: lambda: None,
) -> Report:
    """Write the report of the result in `folder`: one HTML file, `out` or report.html in that folder.

    It replaces an earlier report, and nothing else. `video` says where the video is, where it has moved; without it
    the pictures show the masks alone. `progress` is called with the number of frames to read, and what it returns
    after each of them. Memory holds one frame of the video at a time.
    Raises ResultError where there is no result, CallError where `video` is another one, VideoError where it cannot be
    read, OutputExistsError where something else is at `out`, OutputError where the machine refuses.
    """
    folder = Path(folder)
    result = open_result(folder)
    path = Path(out) if out is not None else folder / REPORT
    _check_free(path)
    if not result.frames:
        raise ResultError(f"{folder} holds no frame, so there is nothing to report; track the video again")
    source, note = _find_video(result, video)
    notes = [note] if note else []
    if not result.complete:
        notes.insert(0, f"This result is not complete: {result.reason}")
    film = _link(folder / OVERLAY, path)
    if film is None:
        notes.append(NO_FILM)
    first = poster(result)
    rows = [row for item in result.review[:ROWS] if (row := row_of(result, item)) is not None]
    if len(result.review) > ROWS:
        notes.append(
            f"Pictures of the first {ROWS} of {len(result.review)} ranges to review; result.json lists them all."
        )
    portraits = {item.id: view for item in result.objects if (view := portrait(result, item)) is not None}
    views = {first, *portraits.values(), *(view for row in rows for view in row.views)}
    pictures = _pictures(result, source, views, progress, notes)
    page = Page(
        result,
        read_series(result),
        rows,
        first,
        portraits,
        pictures,
        film,
        _beside(folder, source, result),
        tuple(notes),
    )
    write_whole(path, page.html().encode(errors="backslashreplace"))  # a video's name may be other bytes than UTF-8
    return Report(path, tuple(notes))


@contextmanager
def kept_up_to_date(folder: Path, video: Path | None = None) -> Iterator[None]:
    """Around a change of a result: where it had a report, it has one of the new version afterwards.

    Raises what `write_report` raises; the change stays all the same.
    """
    had = _is_report(folder / REPORT)
    yield
    if had:
        write_report(folder, video=video)


def _find_video(result: Result, given: Path | None) -> tuple[Path | None, str | None]:
    """The video of the result; or None and a sentence on why, where nobody said where it is."""
    try:
        return source_video(result.source, given), None
    except VideoError:
        if given is not None:
            raise
        return None, OTHER_VIDEO if result.source.path.exists() else NO_VIDEO


def _pictures(
    result: Result, source: Path | None, views: set[View], progress: Progress, notes: list[str]
) -> dict[View, str]:
    """All views as data URIs; those that a damaged video does not reach show the masks alone."""
    found: dict[View, str] = {}
    places = [view.place for view in views]
    if source is not None:
        done = progress(max(places) - min(places) + 1)
        try:
            with open_video(source) as reader:
                for view, uri in shoot(result, reader, views, done):
                    found[view] = uri
        except VideoError as error:
            notes.append(f"Some pictures show the masks alone: {error}")
    if missing := views - found.keys():
        found |= shoot(result, None, missing, lambda: None)
    return found


def _link(film: Path, page: Path) -> str | None:
    """The way from the page to the film, as a relative URL; None where there is none."""
    if not film.is_file():
        return None
    with suppress(ValueError):  # on another drive of Windows: nothing leads there
        return quote(Path(os.path.relpath(film.resolve(), page.parent.resolve())).as_posix())
    return None


def _beside(folder: Path, source: Path | None, result: Result) -> str:
    """The way to the video from where the result lies, for commands that are given there."""
    with suppress(ValueError):  # on another drive of Windows: nothing leads there
        return os.path.relpath(source or result.source.name, folder.resolve().parent if source else ".")
    return result.source.name


def _check_free(path: Path) -> None:
    """A report may be replaced; nothing else ever is."""
    if os.path.lexists(path) and not _is_report(path):
        raise OutputExistsError(f"{path} exists already and is not a report; choose another file with -o")


def _is_report(path: Path) -> bool:
    with suppress(OSError), open_regular(path) as file:
        return SIGN.encode() in file.read(400)
    return False
