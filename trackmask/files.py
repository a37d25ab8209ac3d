"""Files as every room writes and names them: whole or not at all, locked, and with names as strangers give them."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from trackmask.errors import OutputError

if sys.platform != "win32":
    import fcntl


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Turns what the machine says (disk full, no permission) into an OutputError about `folder`."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(f"cannot write {folder}: {reason}; make room for it, or choose another place") from error


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that it holds its old content or the new one, whatever happens. Raises OutputError."""
    partial = path.with_suffix(".partial")
    with writing(path.parent):
        with partial.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)


def locked(file: BinaryIO) -> bool:
    """Whether the file is ours alone now. Where files cannot be locked (Windows, some networks) nothing guards it."""
    if sys.platform != "win32":
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            pass
    return True


def shown(name: str | bytes | os.PathLike) -> str:
    """A path on one line that any terminal and any file can take; what cannot be shown stands as \\x0a, \\udcff."""
    text = os.fsdecode(name)
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text)


def absolute(path: Path) -> Path:
    """Without . and .., and without following links."""
    return Path(os.path.normpath(Path.cwd() / path))
