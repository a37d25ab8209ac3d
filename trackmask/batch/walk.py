"""The clips in a folder tree, which may hold anything: links in circles, pipes, masks, results, folders of images."""

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from trackmask.errors import VideoError
from trackmask.export.mark import is_export
from trackmask.files import counted, shown
from trackmask.result import is_result
from trackmask.video.folder import list_images

# fmt: off
_VIDEOS = {
    ".3g2", ".3gp", ".asf", ".avi", ".dv", ".f4v", ".flv", ".h264", ".h265", ".hevc", ".m2ts", ".m2v", ".m4v", ".mjpeg",
    ".mjpg", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".mxf", ".nut", ".ogv", ".ts", ".vob", ".webm", ".wmv",
    ".y4m",
}
_BESIDE = {  # what lies beside clips: never a clip, even where a pattern says "*"
    ".json", ".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".csv", ".txt", ".md", ".xml", ".srt", ".vtt",
    ".wav", ".mp3", ".log",
}
# fmt: on
_LEAST = 2  # images that make a clip: a single one is a poster


def is_video(name: str) -> bool:
    return Path(name).suffix.lower() in _VIDEOS


def may_be_video(name: str) -> bool:
    """Of a file that was asked for by a pattern, whatever its suffix."""
    return Path(name).suffix.lower() not in _BESIDE


class Tree:
    """`clips` gives paths relative to `root` ("" where that is itself a folder of images); `notes` fills meanwhile.

    Hidden files, results, exports and `out` are passed over. Links to folders are not followed; links to files are, as
    long as they stay in the tree.
    """

    def __init__(self, root: Path, out: Path, wanted: Callable[[str], bool]) -> None:
        self.notes: list[str] = []
        self._root, self._wanted = root, wanted
        self._real = os.path.realpath(root)
        self._out = os.path.realpath(out)

    def clips(self) -> Iterator[str]:
        waiting = [""]
        while waiting:
            inner = waiting.pop()
            try:
                with os.scandir(self._root / inner) as entries:
                    found = sorted(entries, key=lambda entry: os.fsencode(entry.name))
            except OSError as error:
                self.notes.append(f"{shown(inner)} cannot be read ({error.strerror})")
                continue
            found = [entry for entry in found if not entry.name.startswith(".")]
            videos = [entry for entry in found if self._wanted(entry.name) and self._is_file(entry, inner)]
            ours = {entry.name for entry in videos if _is_export(entry)}
            yield from (_below(inner, entry.name) for entry in videos if entry.name not in ours)
            if ours:
                self._note_films(inner, sorted(ours, key=os.fsencode))
            if not videos and self._is_image_folder(inner):
                yield inner
            waiting += [_below(inner, entry.name) for entry in reversed(found) if self._is_room(entry, inner)]

    def _note_films(self, inner: str, names: list[str]) -> None:
        named, more = shown(_below(inner, names[0])), f" and {counted(len(names) - 1, 'more film')} beside it"
        self.notes.append(
            f"{named} is an export of trackmask, and is passed over"
            if len(names) == 1
            else f"{named}{more} are exports of trackmask, and are passed over"
        )

    def _is_room(self, entry: os.DirEntry[str], inner: str) -> bool:
        if not entry.is_dir(follow_symlinks=False):
            return False
        if _is_export(entry):
            self.notes.append(f"{shown(_below(inner, entry.name))} is an export of trackmask, and is passed over whole")
            return False
        if entry.name.endswith(".trackmask") or is_result(Path(entry)):
            return False  # the overlay of a result is no clip, wherever `-o` has put it
        real = os.path.realpath(entry.path)
        return real != self._out or real == self._real

    def _is_file(self, entry: os.DirEntry[str], inner: str) -> bool:
        with suppress(OSError):  # gone in between
            if not entry.is_symlink():
                return entry.is_file()
            if not _within(entry.path, self._real):
                self.notes.append(f"{shown(_below(inner, entry.name))} is a link that leads out of the folder")
                return False
            return entry.is_file()
        return False

    def _is_image_folder(self, inner: str) -> bool:
        """Whether a folder is a clip: several images, and not the masks of another clip."""
        try:
            images = list_images(self._root / inner)
        except (VideoError, OSError):
            return False
        if len(images) < _LEAST or _is_mask(images[0]):
            return False
        if any(image.is_symlink() and not _within(image, self._real) for image in images):
            self.notes.append(f"{shown(inner or self._root.name)} holds images that are links out of the folder")
            return False
        return True


def _is_export(entry: os.DirEntry[str]) -> bool:
    with suppress(OSError):  # whoever tracks it is told
        return is_export(Path(entry))
    return False


def _is_mask(image: Path) -> bool:
    """Whether it is a palette or 1-bit PNG, by its header: such a one holds ids, not a picture."""
    with suppress(OSError), image.open("rb") as file:
        head = file.read(26)
        return len(head) == 26 and head.startswith(b"\x89PNG\r\n\x1a\n") and (head[24] == 1 or head[25] == 3)
    return False


def _within(path: str | Path, real: str) -> bool:
    return Path(os.path.realpath(path)).is_relative_to(real)


def _below(inner: str, name: str) -> str:
    return f"{inner}/{name}" if inner else name
