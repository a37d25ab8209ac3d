"""The acts on the disk: a line of JSON each, on the disk before it is answered. A line that a kill cut off never was
answered, and is left out.
"""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from trackmask.errors import ResultError
from trackmask.files import brief, open_regular, writing

# What no line of ours raises when it is read.
DAMAGED = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError)
LONGEST = 16 << 20  # bytes of a line: a stroke of 20,000 points takes 600,000, an import of 20,000 masks some millions


class Journal:
    """Lines behind lines in a file. `add` raises OutputError where the disk refuses."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with writing(path):
            if path.exists():
                _cut_torn(path)
            self._file = path.open("ab", buffering=0)

    def add(self, line: Mapping[str, Any]) -> None:
        """A line that a person is waiting for: it outlives a loss of power."""
        self._write(json.dumps(line, separators=(",", ":"), allow_nan=False), os.fsync)

    def line(self, line: str) -> None:
        """A line that outlives a kill."""
        self._write(line, lambda handle: None)

    def _write(self, line: str, sync: Callable[[int], None]) -> None:
        """All of the line, or nothing: what a full disk took of one, the next one would go on."""
        left = line.encode() + b"\n"
        with writing(self._path):
            before = os.fstat(self._file.fileno()).st_size
            try:
                while left:
                    left = left[self._file.write(left) :]
                sync(self._file.fileno())
            except OSError:
                self._file.truncate(before)
                raise

    def close(self) -> None:
        self._file.close()


def lines(path: Path) -> Iterator[dict[str, Any]]:
    """All whole lines of a file, none where there is none. Raises ResultError where it is damaged."""
    for line in raw_lines(path):
        try:
            said = parsed(line)
        except DAMAGED as error:
            raise damaged(path, error) from error
        yield said


def raw_lines(path: Path) -> Iterator[bytes]:
    """The same, not looked at."""
    try:
        with open_regular(path, links=False) as file:
            while (line := file.readline(LONGEST)).endswith(b"\n"):
                yield line
    except FileNotFoundError:
        return
    except OSError as error:
        raise damaged(path, error) from error


def parsed(line: bytes) -> dict[str, Any]:
    """Raises one of DAMAGED where it is no line of ours."""
    said = json.loads(line)
    if not isinstance(said, dict):
        raise ValueError("it is no object")
    return said


def damaged(path: Path, error: Exception) -> ResultError:
    return ResultError(
        f"{path} is damaged, or of a newer trackmask ({brief(str(error))}); install that one, or move {path.parent} "
        "away and begin anew"
    )


def _cut_torn(path: Path) -> None:
    """Without the half line that a kill left: what is added next must not continue it."""
    with path.open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        place, rest = size, b""
        while place > 0 and b"\n" not in rest:
            place = max(place - (1 << 16), 0)
            file.seek(place)
            rest = file.read(size - place)
        file.truncate(place + rest.rfind(b"\n") + 1)
