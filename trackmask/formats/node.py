"""A JSON file as data from a stranger: every value is asked for by its kind, and a wrong one is told with its place."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import numpy as np

from trackmask.data import is_name
from trackmask.errors import DataError, TrackmaskError
from trackmask.files import open_regular, shown
from trackmask.formats.limits import MAX_BYTES, MAX_CORNERS, MAX_QUOTED, MAX_VALUES

T = TypeVar("T")
_DIGITS = re.compile("[0-9]{1,9}")
_MAX_NUMBER = 1e6  # pixels: small enough for every calculation


@dataclass(frozen=True, eq=False)
class Node:
    """A value of a JSON file, with its place, such as objects[0].box. All methods raise DataError."""

    file: str
    place: str
    value: Any

    def fail(self, expected: str) -> NoReturn:
        raise DataError(f"{self.where} must be {expected}, but is {_short(self.value)}")

    @property
    def where(self) -> str:
        """File and place, for messages."""
        return f"{self.file}: {self.place or 'the whole file'}"

    def known(self, *keys: str) -> None:
        """A misspelt key would be a prompt that is silently ignored."""
        for key in self._dict():
            if key not in keys:
                raise DataError(f"{self.file}: {self._below(key)} is not known here; known are {', '.join(keys)}")

    def has(self, key: str) -> bool:
        return self._dict().get(key) is not None

    def get(self, key: str) -> "Node":
        if not self.has(key):
            raise DataError(f"{self.file}: {self._below(key)} is missing; add it")
        return Node(self.file, self._below(key), self.value[key])

    def optional(self, key: str) -> "Node | None":
        return self.get(key) if self.has(key) else None

    def fields(self) -> Iterator[tuple[str, "Node"]]:
        for key in self._dict():
            yield key, Node(self.file, self._below(key), self.value[key])

    def items(self) -> list["Node"]:
        return [Node(self.file, f"{self.place}[{i}]", value) for i, value in enumerate(self._list())]

    def text(self) -> str:
        if not isinstance(self.value, str):
            self.fail("a text")
        return self.value

    def name(self) -> str:
        """A text that can be shown on one line."""
        if not is_name(self.value):
            self.fail("a name of 1 to 200 printable characters")
        return str(self.value)

    def label(self) -> str:
        """A name; a whole number counts as one."""
        return str(self.value) if type(self.value) is int and abs(self.value) < _MAX_NUMBER else self.name()

    def key(self) -> int | str:
        """What other entries refer to this one by: a whole number or a text."""
        if type(self.value) is not int and not isinstance(self.value, str):
            self.fail("a number or a text")
        value: int | str = self.value
        return value

    def number_of(self) -> int:
        """Of an object: 3, or "3", as some tools write it."""
        value = int(self.value) if isinstance(self.value, str) and _DIGITS.fullmatch(self.value) else self.value
        return Node(self.file, self.place, value).whole(0)

    def whole(self, low: int, high: int | None = None) -> int:
        value = self.value
        if isinstance(value, float) and value.is_integer():
            value = int(value)  # some tools write 3.0
        if type(value) is not int or value < low or (high is not None and value > high):
            self.fail(f"a whole number from {low} on" if high is None else f"a whole number from {low} to {high}")
        return value

    def number(self) -> float:
        """Finite, and small enough for every calculation with pixels."""
        if not _is_number(self.value):
            self.fail("a number of pixels")
        return float(self.value)

    def wholes(self) -> list[int]:
        """A list of whole numbers from 0 on, which may be long."""
        values = self._list()
        for place, value in enumerate(values):
            if type(value) is not int or value < 0:
                Node(self.file, f"{self.place}[{place}]", value).fail("a whole number from 0 on")
        return values

    def coordinates(self) -> np.ndarray:
        """A list of numbers of pixels, which may be long → (n,) float64."""
        values = self._list()
        for place, value in enumerate(values):
            if not _is_number(value):
                Node(self.file, f"{self.place}[{place}]", value).fail("a number of pixels")
        return np.array(values, np.float64)

    def numbers(self, count: int, what: str) -> tuple[float, ...]:
        if not isinstance(self.value, list) or len(self.value) != count:
            self.fail(what)
        return tuple(item.number() for item in self.items())

    def points(self) -> list[tuple[float, float]]:
        if len(self._list()) > MAX_CORNERS:
            self.fail(f"a list of at most {MAX_CORNERS} points")
        pairs = (item.numbers(2, "a point [x, y] in pixels") for item in self.items())
        return [(x, y) for x, y in pairs]

    def box(self) -> tuple[float, float, float, float]:
        x, y, w, h = self.numbers(4, "a box [x, y, w, h] in pixels, top left corner first")
        if min(w, h) <= 0:
            self.fail("a box [x, y, w, h] whose width and height are above 0")
        return x, y, w, h

    def tried(self, make: Callable[[], T]) -> T:
        """What `make` gives; its error is told with the place of this value."""
        try:
            return make()
        except TrackmaskError as error:
            raise DataError(f"{self.where}: {error}") from error

    def _dict(self) -> dict[str, Any]:
        if not isinstance(self.value, dict):
            self.fail("an object {...}")
        return self.value

    def _list(self) -> list[Any]:
        if not isinstance(self.value, list):
            self.fail("a list")
        values: list[Any] = self.value
        return values

    def _below(self, key: str) -> str:
        key = key if key.isprintable() and len(key) <= MAX_QUOTED else ascii(key[:MAX_QUOTED])
        return f"{self.place}.{key}" if self.place else key


def read_bytes(path: Path) -> bytes:
    """The whole file. Raises DataError where it is missing, or larger than annotations can be."""
    try:
        with open_regular(path) as file:
            raw = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise DataError(f"there is no file {shown(path)}; check its name") from None
    except OSError as error:
        raise DataError(
            f"{shown(path)} cannot be read ({error.strerror}); check the path and its permissions"
        ) from error
    if len(raw) > MAX_BYTES:
        raise DataError(f"{shown(path.name)} is larger than {MAX_BYTES >> 20} MB; part it, or give another file")
    return raw


def read_json(path: Path) -> Node:
    """The whole file. Raises DataError where it is missing, not JSON, or larger than annotations can be."""
    raw, name = read_bytes(path), shown(path.name)
    if sum(map(raw.count, (b",", b"[", b"{"))) > MAX_VALUES:
        raise DataError(f"{name} holds more than {MAX_VALUES // 10**6} million values; part it, or give another file")
    try:
        return Node(name, "", json.loads(raw))
    except UnicodeDecodeError as error:
        raise DataError(f"{name} is not JSON, nor any text; give the file that the tool saved") from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{name} is not JSON ({shown(str(error))[:MAX_QUOTED]}); write it again") from error


def _is_number(value: object) -> bool:
    return type(value) in (int, float) and abs(value) < _MAX_NUMBER  # type: ignore[arg-type]  # not so for a NaN


def _short(value: object) -> str:
    if isinstance(value, dict):
        return "an object {...}"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    text = json.dumps(value) if not isinstance(value, int) or abs(value) < 1e18 else "a huge number"
    return text if len(text) <= MAX_QUOTED else f"{text[: MAX_QUOTED - 3]}..."
