"""ZIP files as CVAT and Label Studio export them, unpacked for as long as they are read."""

import errno
import shutil
import stat
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from trackmask.errors import DataError, OutputError
from trackmask.files import shown
from trackmask.formats.limits import MAX_BYTES

_FILES = 200_000  # of the kinds that matter, in one archive
_TOTAL = 2 << 30  # bytes that they may unpack to
_BROKEN = (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError, zipfile.zlib.error)  # type: ignore[attr-defined]


@contextmanager
def unpacked(path: Path, suffixes: tuple[str, ...]) -> Iterator[Path]:
    """`path` itself, or, of a ZIP, a temporary folder with its files of the kinds `suffixes`.

    Raises DataError where the ZIP is damaged or would unpack to more than annotations are, OutputError without room.
    """
    if not (path.is_file() and zipfile.is_zipfile(path)):
        yield path
        return
    with TemporaryDirectory(prefix="trackmask-") as room:
        folder = Path(room)
        try:
            with zipfile.ZipFile(path) as archive:
                _unpack(archive, [item for item in archive.infolist() if _wanted(item, suffixes)], folder)
        except _BROKEN as error:
            raise DataError(f"{shown(path)} is a damaged zip ({shown(str(error))[:100]}); export it again") from error
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EIO):  # names that cannot be
                raise DataError(f"{shown(path)} is a damaged zip ({error.strerror}); export it again") from error
            raise OutputError(f"{shown(path)} cannot be unpacked ({error.strerror}); make room for it") from error
        yield _inner(folder)


def _wanted(item: zipfile.ZipInfo, suffixes: tuple[str, ...]) -> bool:
    """Names that lead out of the folder, links, hidden files and pictures are left where they are."""
    parts = PurePosixPath(item.filename.replace("\\", "/"))
    plain = stat.S_IFMT(item.external_attr >> 16) in (0, stat.S_IFREG)
    inside = not parts.is_absolute() and ".." not in parts.parts and ":" not in item.filename
    hidden = any(part.startswith((".", "__MACOSX")) for part in parts.parts)
    return plain and inside and not hidden and not item.is_dir() and parts.suffix.lower() in suffixes


def _unpack(archive: zipfile.ZipFile, items: list[zipfile.ZipInfo], folder: Path) -> None:
    if not items:
        raise ValueError("it holds no file of this format")
    if len(items) > _FILES or sum(item.file_size for item in items) > _TOTAL:
        raise ValueError(f"it holds more than {_FILES} files or {_TOTAL >> 30} GB")
    for item in items:
        target = folder / PurePosixPath(item.filename.replace("\\", "/"))
        target.parent.mkdir(parents=True, exist_ok=True)
        with archive.open(item) as source, target.open("xb") as file:  # zipfile reads no more than the size it told
            if item.file_size > MAX_BYTES:
                raise ValueError(f"{shown(item.filename)[:100]} is larger than {MAX_BYTES >> 20} MB")
            shutil.copyfileobj(source, file)


def _inner(folder: Path) -> Path:
    """Past folders that hold one folder and nothing else: a zipped folder is meant as the folder."""
    while True:
        entries = list(folder.iterdir())
        if len(entries) != 1 or not entries[0].is_dir():
            return folder
        folder = entries[0]
