"""Files as every room writes, reads and names them: whole or not at all, never through a link that a stranger laid,
locked, and with names as strangers give them."""

import errno
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO, cast

from trackmask.errors import OutputError

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

_LONGEST = 1000  # characters of a message: two paths of 400, and what is wrong
_BINARY, _NO_WAIT, _NO_LINK = (getattr(os, name, 0) for name in ("O_BINARY", "O_NONBLOCK", "O_NOFOLLOW"))
_FAR = 1 << 30  # the byte that Windows locks: nobody can read one that is, so it lies behind all that is ever written


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Turns what the machine says (disk full, no permission) into an OutputError about `folder`."""
    try:
        yield
    except OSError as error:
        raise OutputError(f"cannot write {folder}: {error.strerror or error}; {_remedy(error)}") from error


def _remedy(error: OSError) -> str:
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return "make it writable, or choose another place"
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return "make room for it, or choose another place"
    if error.errno == errno.ENAMETOOLONG:
        return "choose a shorter name"
    return "choose another place"


def has_file(path: Path) -> bool:
    """Whether a file is there. There is none where the machine refuses to look, as for a name that is too long."""
    with suppress(OSError):
        return path.is_file()
    return False


def has_folder(path: Path) -> bool:
    """The same of a folder."""
    with suppress(OSError):
        return path.is_dir()
    return False


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that it holds its old content or the new one, whatever happens. Raises OutputError."""
    partial = path.with_name(f".{path.name}.partial")
    with writing(path):
        try:
            with open_new(partial) as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(path)
        except BaseException:
            with suppress(OSError):
                partial.unlink()
            raise


@contextmanager
def in_place_of(path: Path) -> Iterator[Path]:
    """A name beside a file to write under; what lies there then takes the file's place, so that nobody reads half of
    it. It outlives a kill, and a loss of power where the block has synced it. Raises OutputError.
    """
    partial = path.with_name(f".{path.name}")
    with writing(path):
        yield partial
        partial.replace(path)


def open_new(path: Path) -> BinaryIO:
    """Open a file of ours for writing, made anew: what stands there is taken away, and a link is never followed.

    Raises OSError, also where a folder stands there.
    """
    with suppress(FileNotFoundError):
        path.unlink()
    return path.open("xb")


def open_regular(path: Path, *, links: bool = True) -> BufferedReader:
    """Open a file for reading. Raises OSError where it is a folder, a pipe, a device or a socket, which could be waited
    for without end, and where it is a link unless `links`.
    """
    if not links:
        _refuse_link(path)
    handle = os.open(path, os.O_RDONLY | _NO_WAIT | _BINARY | (0 if links else _NO_LINK))
    return cast(BufferedReader, _regular(handle, "rb"))


def _refuse_link(path: Path) -> None:
    if path.is_symlink():  # asked before opening as well, since Windows has no O_NOFOLLOW
        raise OSError(errno.ELOOP, "it is a link")


def _regular(handle: int, mode: str) -> BinaryIO:
    """The open file. Raises OSError where it is none."""
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(errno.EINVAL, "it is not a regular file")
    return cast(BinaryIO, os.fdopen(handle, mode))


def open_lock(path: Path) -> BinaryIO:
    """Open a file to be locked, made if missing, for reading and appending. Raises OSError where something else than a
    file stands there: a link would make one elsewhere, a pipe would be waited for.
    """
    _refuse_link(path)
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | _NO_LINK | _NO_WAIT | _BINARY
    return _regular(os.open(path, flags, 0o666), "a+b")


def locked(file: BinaryIO) -> bool:
    """Whether the file is ours alone now, until it is closed. Where files cannot be locked (some networks) nothing
    guards it.
    """
    try:
        if sys.platform == "win32":
            place = os.lseek(file.fileno(), 0, os.SEEK_CUR)
            os.lseek(file.fileno(), _FAR, os.SEEK_SET)
            try:
                msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
            finally:
                os.lseek(file.fileno(), place, os.SEEK_SET)
        else:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:  # another one has it, in POSIX's words and in Windows'
        return error.errno not in (errno.EAGAIN, errno.EACCES, errno.EDEADLK)
    return True


def shown(name: str | bytes | os.PathLike) -> str:
    """A path on one line that any terminal and any file can take; what cannot be shown stands as \\x0a, \\udcff."""
    text = os.fsdecode(name)
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text)


def counted(number: int, noun: str) -> str:
    """1 frame, 2 frames, 10,800 frames."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def brief(text: str) -> str:
    """A message on one line, shortened where what it quotes is long: a stranger's file may say anything."""
    line = shown(text)
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 3]}..."


def cell(name: str | bytes | os.PathLike) -> str:
    """The same for a table: spreadsheets run what begins like a formula, and leave alone what an apostrophe leads."""
    text = shown(name)
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text


def plain_name(name: str, *, spaces: bool = False) -> str:
    """Without what paths of other systems, or the lines of a list, cannot hold; `spaces`: paths alone."""
    banned = '<>:"/\\|?*{}' if spaces else '<>:"/\\|?*{} '
    kept = "".join("_" if char in banned or not char.isprintable() else char for char in name)
    return kept.strip(".") or "clip"


def absolute(path: Path) -> Path:
    """Without . and .., and without following links."""
    return Path(os.path.normpath(Path.cwd() / path))
