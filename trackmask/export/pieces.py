"""Long files from many short pieces, which wait on the disk and not in memory."""

import json
from array import array
from collections.abc import Hashable, Iterable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryFile
from types import TracebackType
from typing import Any, Self


class Pieces:
    """Texts in lists, each list under a key; memory holds 8 bytes a text. Methods raise OSError."""

    def __init__(self, folder: Path) -> None:
        self._file = TemporaryFile(dir=folder)  # noqa: SIM115  # closed by __exit__
        self._starts: dict[Hashable, array[int]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    def add(self, key: Hashable, text: str) -> None:
        """`text` is one line."""
        self._starts.setdefault(key, array("q")).append(self._file.seek(0, 2))
        self._file.write(text.encode() + b"\n")

    def keys(self) -> list[Any]:
        return list(self._starts)

    def texts(self, key: Hashable) -> Iterator[str]:
        for start in self._starts.get(key, ()):
            self._file.seek(start)
            yield self._file.readline().decode().rstrip("\n")


def dumps(value: Any) -> str:
    """JSON on one line, names readable in any script. A NaN is a ValueError: other tools could not read it."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def write_document(path: Path, head: dict[str, Any], lists: Mapping[str, Iterable[str]]) -> None:
    """A JSON object: the entries of `head`, then the lists, whose items are JSON already, an item a line."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write("{")
        file.write(",\n".join(f"{dumps(key)}:{dumps(value)}" for key, value in head.items()))
        for place, (key, items) in enumerate(lists.items()):
            file.write(f"{',' if head or place else ''}\n{dumps(key)}:[\n")
            file.writelines(separated(items))
            file.write("\n]")
        file.write("}\n")


def separated(items: Iterable[str]) -> Iterator[str]:
    for place, item in enumerate(items):
        yield f",\n{item}" if place else item
