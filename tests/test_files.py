"""Locks, as Windows has them, too: told by a stand-in for what only Windows has."""

import errno
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from types import SimpleNamespace

import pytest

from trackmask.errors import OutputError, OutputExistsError
from trackmask.files import locked, writing
from trackmask.result import StagedFolder, atomic

WINDOWS = """
    import os, sys, types
    held = {}
    def locking(handle, mode, count):  # bytes from where the file stands
        about = os.fstat(handle)
        key = about.st_ino, os.lseek(handle, 0, os.SEEK_CUR)
        if held.setdefault(key, handle) != handle:
            raise PermissionError(13, "Permission denied")
    sys.modules["msvcrt"] = types.SimpleNamespace(locking=locking, LK_NBLCK=2)
    sys.platform = "win32"
    from trackmask.files import locked
    one, other = open("lock", "a+b"), open("lock", "rb")
    one.write(b"who holds it")
    one.flush()
    assert locked(one) and not locked(other)
    assert other.read() == b"who holds it"  # the byte that is locked lies behind all that is written
    assert os.path.getsize("lock") == 12
"""


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.EROFS, "make it writable, or choose another place"),
        (errno.EACCES, "make it writable, or choose another place"),
        (errno.ENOSPC, "make room for it, or choose another place"),
        (errno.ENOTDIR, "choose another place"),
        (errno.ENAMETOOLONG, "choose a shorter name"),
    ],
)
def test_what_to_do_about_a_place_that_cannot_be_written(number: int, advice: str) -> None:
    with pytest.raises(OutputError) as refused, writing(Path("out")):
        raise OSError(number, os.strerror(number))
    assert str(refused.value) == f"cannot write out: {os.strerror(number)}; {advice}"


def test_a_lock_on_windows(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", textwrap.dedent(WINDOWS)], cwd=tmp_path, check=True)


def test_a_lock_holds_until_it_is_closed(tmp_path: Path) -> None:
    with (tmp_path / "lock").open("ab") as one, (tmp_path / "lock").open("ab") as other:
        assert locked(one)
        assert not locked(other)
        one.close()
        assert locked(other)


@pytest.fixture
def like_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """No open file is removed, and no folder with one in it renamed."""
    folder = Path("/proc/self/fd")
    if not folder.is_dir():
        pytest.skip("this system does not tell which files are open")

    def opened(path: Path) -> bool:
        links = (os.path.realpath(entry) for entry in folder.iterdir())
        return any(Path(link).is_relative_to(path) for link in links)

    def guarded(method):
        def call(self: Path, *given: object, **more: object) -> object:
            if opened(self):
                raise PermissionError(errno.EACCES, "it is open", str(self))
            return method(self, *given, **more)

        return call

    monkeypatch.setattr(atomic, "sys", SimpleNamespace(platform="win32"))
    for name in ("unlink", "rename", "replace"):
        monkeypatch.setattr(Path, name, guarded(getattr(Path, name)))


def free(_: Path) -> None:
    pass


@pytest.mark.usefixtures("like_windows")
def test_on_windows_nothing_is_removed_or_renamed_while_it_is_open(tmp_path: Path) -> None:
    out = tmp_path / "out"
    for content in ("one", "two"):  # the second takes the place of the first
        with StagedFolder(out, free) as staged:
            (staged.path / "file").write_text(content)
            with pytest.raises(OutputExistsError, match="another run"), StagedFolder(out, free):
                pass
            staged.publish()
        assert [path.name for path in tmp_path.iterdir()] == ["out"]
        assert [(path.name, path.read_text()) for path in out.iterdir()] == [("file", content)]
    with StagedFolder(out, free) as staged:  # given up
        (staged.path / "file").write_text("three")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert (out / "file").read_text() == "two"
