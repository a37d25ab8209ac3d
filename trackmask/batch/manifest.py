"""What a batch knows of each clip, in one SQLite file that one process writes and anyone may read.

A rollback journal, not a write-ahead log: OUT may be a network folder, where the latter's shared memory fails.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import astuple, dataclass, fields, replace
from pathlib import Path, PurePosixPath
from typing import Self, get_type_hints

from trackmask.errors import OutputError, ResultError

VERSION = 1
FOLDER = ".trackmask-batch"  # in OUT
_PATIENCE = 30.0  # seconds that a reader or the writer waits for the other

WAITING, RUNNING, DONE, PARTIAL, FAILED = "waiting", "running", "done", "partial", "failed"


@dataclass(frozen=True)
class Row:
    """A clip. Its fields are the table's columns."""

    output: bytes  # of its result, relative to OUT; bytes, since a file name need not be text
    clip: bytes  # relative to IN
    state: str = WAITING
    listed: bool = True  # whether the last call was about it
    ours: bool = False  # whether the result that may stand at `output` is this batch's, to be replaced
    stamp: str = ""  # of the clip's file: size and time of its last change
    sha256: str = ""  # of the clip, once it was tracked
    prompt: str = ""  # sha256 of its prompts
    settings: str = ""
    weights: str = ""  # sha256 of each file that runs
    attempts: int = 0
    bytes: int = 0  # of the clip
    frames: int = 0  # tracked
    seconds: float = 0.0  # that it took
    error: str = ""


_COLUMNS = tuple(item.name for item in fields(Row))
_STORED = tuple({bool: int}.get(kind, kind) for kind in get_type_hints(Row).values())  # as SQLite gives them back


class Manifest:
    """A context manager; its methods raise OutputError, also where the disk is full."""

    def __init__(self, path: Path) -> None:
        """Open or make the file. Raises ResultError where it is damaged or of a newer trackmask."""
        self._path = path
        with self._writing():
            self._db = sqlite3.connect(path, timeout=_PATIENCE)
            self._db.execute("PRAGMA journal_mode=DELETE")
        try:
            _check_version(path, self._db)
            with self._writing(), self._db:
                self._db.execute(f"CREATE TABLE IF NOT EXISTS clips ({', '.join(_COLUMNS)}, PRIMARY KEY (output))")
                self._db.execute(f"PRAGMA user_version={VERSION}")
        except BaseException:
            self._db.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self._db.close()

    def rows(self) -> dict[bytes, Row]:
        with self._writing():
            return {row.output: row for row in _rows(self._db)}

    def put(self, *rows: Row, only: bool = False) -> None:
        """Write rows, new ones or in the place of old ones, all or none; with `only`, no other row counts as listed."""
        marks = ", ".join("?" * len(_COLUMNS))
        with self._writing(), self._db:
            if only:
                self._db.execute("UPDATE clips SET listed = 0")
            self._db.executemany(f"INSERT OR REPLACE INTO clips VALUES ({marks})", map(astuple, rows))

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            raise OutputError(
                f"the manifest {self._path} cannot be written ({error}); make room for it, or remove it to start over"
            ) from error


def read_manifest(path: Path) -> list[Row]:
    """All rows, at any time, whoever writes. Raises ResultError where it cannot be read."""
    try:
        # For reading and writing: what a killed batch left half-written is rolled back by the next who looks.
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=_PATIENCE)) as db:
            _check_version(path, db)
            return list(_rows(db))
    except sqlite3.DatabaseError as error:
        raise ResultError(f"the manifest {path} cannot be read ({error}); run the batch again") from error


def manifests(out: Path) -> list[Path]:
    """The manifests of all shards that were ever run into OUT."""
    return sorted(path for path in (out / FOLDER).glob("*.sqlite") if path.is_file() and not path.is_symlink())


def _rows(db: sqlite3.Connection) -> Iterator[Row]:
    for values in db.execute(f"SELECT {', '.join(_COLUMNS)} FROM clips ORDER BY output"):
        row = Row(*values)
        parts = PurePosixPath(os.fsdecode(row.output)).parts if isinstance(row.output, bytes) else ("..",)
        if any(type(value) is not kind for value, kind in zip(values, _STORED, strict=True)) or {"/", ".."} & {*parts}:
            raise sqlite3.DatabaseError("it holds what no batch has written")
        yield replace(row, listed=bool(row.listed), ours=bool(row.ours))


def _check_version(path: Path, db: sqlite3.Connection) -> None:
    try:
        (version,) = db.execute("PRAGMA user_version").fetchone()
    except sqlite3.DatabaseError as error:
        raise ResultError(f"{path} is not a manifest ({error}); remove it to start over") from error
    if version > VERSION:
        raise ResultError(f"{path} was written by a newer trackmask; update trackmask")
