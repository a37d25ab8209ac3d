"""A folder that appears under its name whole, or not at all.

    .NAME.partial     the new one while it is being filled
    .NAME.replaced    the old one for a moment, where the system cannot exchange two folders in one step

Both are ours where they hold the file LOCK, and only then are they ever emptied, renamed or taken away.
"""

import ctypes
import os
import shutil
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Self

from trackmask.errors import OutputError, OutputExistsError, TrackmaskError
from trackmask.files import has_file, locked, open_lock, open_new, writing

LOCK = ".lock"  # held by the process that fills the folder, and the sign that the folder is ours
_FILLED = ".partial"  # how the name of a folder ends that is being filled
_HERE = -100  # AT_FDCWD of <fcntl.h>: paths count from the current folder
_RENAME_EXCHANGE = 1 << 1  # of <linux/fs.h>
_RENAME_SWAP = 1 << 1  # of <sys/stdio.h> on macOS


class StagedFolder:
    """Fill `path`, a hidden sibling of `target`, and call `publish`; left without it, nothing remains.

    `check(target)` raises where a thing at `target` must not be replaced; it may be called several times.
    Entering raises OutputError where the machine refuses, OutputExistsError where another run is at work on `target`.
    What a killed run left is cleared away.
    """

    def __init__(self, target: Path, check: Callable[[Path], None]) -> None:
        self.target = Path(os.path.realpath(target))  # a link stays a link; siblings are those of the real folder
        if not self.target.name:
            raise OutputExistsError(f"{self.target} cannot be written; choose a folder in it")
        self.path = self.target.with_name(f".{self.target.name}{_FILLED}")
        self._old = self.target.with_name(f".{self.target.name}.replaced")
        self._check = check
        self._made: list[Path] = []  # parents that were missing, the deepest first
        self._lock: BinaryIO | None = None
        self._published = False

    def __enter__(self) -> Self:
        self._check(self.target)
        with writing(self.target):
            self._made = [parent for parent in self.target.parents if not parent.exists()]
            try:
                self.target.parent.mkdir(parents=True, exist_ok=True)
                self._lock = self._take()
                self._settle()
                self._check(self.target)  # again: another run may have ended in between
                _empty(self.path)
            except BaseException:
                self._leave()
                raise
        return self

    def __exit__(self, *raised: object) -> None:
        self._leave()

    def publish(self) -> None:
        """Give the folder its name, in place of what has it. Raises OutputError, or what `check` raises."""
        self._check(self.target)
        with writing(self.target):
            _sync(self.path)
            if self.target.exists():
                self._exchange()
            else:
                self._rename()
            self._published = True
            _sync(self.target.parent)

    def _rename(self) -> None:
        # The lock moves along, so that no other run can take this folder for what a killed one left.
        self._let_go()
        self.path.rename(self.target)
        (self.target / LOCK).unlink()

    def _exchange(self) -> None:
        """The new folder for the old one, which is taken away. A kill at any moment leaves one of them in place."""
        mark = open_new(self.target / LOCK)  # wherever the old one goes from here on, it is known for ours
        try:
            locked(mark)
            if swap(self.path, self.target):
                self._published = True
                with suppress(OSError):  # what cannot be taken away of the old one does not undo the new one
                    (self.target / LOCK).unlink()
                    self._remove()
                return
        finally:
            mark.close()
        if os.path.lexists(self._old):
            raise OutputExistsError(f"{self._old} is in the way and not trackmask's; move it away")
        self.target.rename(self._old)
        self._rename()
        shutil.rmtree(self._old, ignore_errors=True)

    def _take(self) -> BinaryIO:
        """The lock of our folder, made if missing."""
        lock = self.path / LOCK
        for _ in range(100):  # each turn but the last lost a race with a run that was just ending
            with suppress(FileNotFoundError):
                if self._foreign(lock):
                    raise OutputExistsError(f"{self.path} is in the way and not trackmask's; move it away")
                self.path.mkdir(exist_ok=True)
                file = open_lock(lock)
                if not locked(file):
                    file.close()
                    raise OutputExistsError(f"another run is writing {self.target}; wait for it, or choose another")
                if os.path.samestat(os.fstat(file.fileno()), lock.stat()):
                    return file
                file.close()
        raise OutputError(f"cannot lock {self.path}; choose another place")

    def _settle(self) -> None:
        """End a replacement that was interrupted: the old folder goes where the new one stands, and else comes back."""
        if not _is_ours(self._old):
            return
        if not self.target.exists():
            self._old.rename(self.target)
            (self.target / LOCK).unlink()
        shutil.rmtree(self._old, ignore_errors=True)

    def _foreign(self, lock: Path) -> bool:
        """Whether what stands at our path may be someone else's: it is never emptied then."""
        if self.path.is_symlink():
            return True
        return self.path.exists() and not lock.is_file() and any(self.path.iterdir())

    def _leave(self) -> None:
        if self._lock is not None:
            if not self._published:
                self._discard()
            self._lock.close()
            self._lock = None
        if not self._published:
            for parent in self._made:
                with suppress(OSError):  # never made, or someone else uses it by now
                    parent.rmdir()

    def _discard(self) -> None:
        with suppress(OSError):
            self._settle()
        with suppress(OSError):
            self._remove()

    def _let_go(self) -> None:
        """Windows renames no folder with an open file in it, and removes no such file."""
        if sys.platform == "win32" and self._lock:
            self._lock.close()

    def _remove(self) -> None:
        _empty(self.path)
        self._let_go()
        (self.path / LOCK).unlink()  # last: without it the next run would not know the folder for ours
        self.path.rmdir()


def clear_killed(folder: Path, begin: str) -> None:
    """Take away what killed processes have left in a folder of targets whose names begin so. What is being filled
    meanwhile is left alone, and so is what is not ours."""
    for path in folder.iterdir():
        if path.name.startswith(f".{begin}") and path.suffix == _FILLED:
            target = path.with_name(path.name[1:].removesuffix(_FILLED))
            with suppress(TrackmaskError), StagedFolder(target, lambda _: None):
                pass  # left without `publish`, it leaves nothing


def _empty(folder: Path) -> None:
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        elif entry.name != LOCK:
            entry.unlink()


def _sync(folder: Path) -> None:
    """Names on the disk, not in its cache only; systems that cannot do it for a folder are left alone."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def settle(target: Path) -> None:
    """Put back what a killed process had moved aside to replace it, if `target` is missing for that reason."""
    old = target.with_name(f".{target.name}.replaced")
    if not target.name or os.path.lexists(target) or not _is_ours(old):
        return
    with suppress(TrackmaskError), StagedFolder(target, lambda _: None):
        pass


def _is_ours(folder: Path) -> bool:
    """Whether the sign lies in a folder; no link leads to either, since anybody can lay one."""
    return has_file(folder / LOCK) and not folder.is_symlink() and not (folder / LOCK).is_symlink()


def swap(one: Path, other: Path) -> bool:
    """Exchange the names of two folders beside each other in one step; False where the system cannot do that."""
    names = os.fsencode(one), os.fsencode(other)
    with suppress(OSError, AttributeError):  # a C library without the call
        library = ctypes.CDLL(None, use_errno=True)
        if sys.platform == "linux":
            return bool(library.renameat2(_HERE, names[0], _HERE, names[1], _RENAME_EXCHANGE) == 0)
        if sys.platform == "darwin":
            return bool(library.renamex_np(*names, _RENAME_SWAP) == 0)
    return False
