"""A JSON file as data from a stranger: every value is asked for by its kind, and a wrong one is told with its place."""

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from trackmask.data import is_name
from trackmask.errors import PromptError

T = TypeVar("T")
MAX_BYTES = 64 << 20  # more is a fault or an attack: prompts are a few lines, LabelMe adds one picture


@dataclass(frozen=True, eq=False)
class Node:
    """A value of a JSON file, with its place, such as objects[0].box. All methods raise PromptError."""

    file: str
    place: str
    value: Any

    def fail(self, expected: str) -> NoReturn:
        shown = _short(self.value)
        raise PromptError(f"{self.file}: {self.place or 'the whole file'} must be {expected}, but is {shown}")

    def known(self, *keys: str) -> None:
        """A misspelt key would be a prompt that is silently ignored."""
        for key in self._dict():
            if key not in keys:
                raise PromptError(f"{self.file}: {self._below(key)} is not known here; known are {', '.join(keys)}")

    def has(self, key: str) -> bool:
        return self._dict().get(key) is not None

    def get(self, key: str) -> "Node":
        if not self.has(key):
            raise PromptError(f"{self.file}: {self._below(key)} is missing; add it")
        return Node(self.file, self._below(key), self.value[key])

    def optional(self, key: str) -> "Node | None":
        return self.get(key) if self.has(key) else None

    def fields(self) -> Iterator[tuple[str, "Node"]]:
        for key in self._dict():
            yield key, Node(self.file, self._below(key), self.value[key])

    def items(self) -> list["Node"]:
        if not isinstance(self.value, list):
            self.fail("a list")
        return [Node(self.file, f"{self.place}[{i}]", value) for i, value in enumerate(self.value)]

    def text(self) -> str:
        if not isinstance(self.value, str):
            self.fail("a text")
        return self.value

    def name(self) -> str:
        """A text that can be shown on one line."""
        if not is_name(self.value):
            self.fail("a name of 1 to 200 printable characters")
        return str(self.value)

    def whole(self, low: int, high: int | None = None) -> int:
        value = self.value
        if isinstance(value, float) and value.is_integer():
            value = int(value)  # some tools write 3.0
        if type(value) is not int or value < low or (high is not None and value > high):
            self.fail(f"a whole number from {low} on" if high is None else f"a whole number from {low} to {high}")
        return value

    def number(self) -> float:
        """Finite, and small enough for every calculation with pixels."""
        if type(self.value) not in (int, float) or not abs(self.value) < 1e6 or not math.isfinite(self.value):
            self.fail("a number of pixels")
        return float(self.value)

    def numbers(self, count: int, what: str) -> tuple[float, ...]:
        if not isinstance(self.value, list) or len(self.value) != count:
            self.fail(what)
        return tuple(item.number() for item in self.items())

    def points(self) -> list[tuple[float, float]]:
        pairs = (item.numbers(2, "a point [x, y] in pixels") for item in self.items())
        return [(x, y) for x, y in pairs]

    def box(self) -> tuple[float, float, float, float]:
        x, y, w, h = self.numbers(4, "a box [x, y, w, h] in pixels, top left corner first")
        if min(w, h) <= 0:
            self.fail("a box [x, y, w, h] whose width and height are above 0")
        return x, y, w, h

    def tried(self, make: Callable[[], T]) -> T:
        """What `make` gives; its PromptError is told with the place of this value."""
        try:
            return make()
        except PromptError as error:
            raise PromptError(f"{self.file}: {self.place}: {error}") from error

    def _dict(self) -> dict[str, Any]:
        if not isinstance(self.value, dict):
            self.fail("an object {...}")
        return self.value

    def _below(self, key: str) -> str:
        key = key if key.isprintable() and len(key) < 100 else repr(key[:100])
        return f"{self.place}.{key}" if self.place else key


def read_json(path: Path) -> Node:
    """The whole file. Raises PromptError where it is missing, not JSON, or larger than prompts can be."""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise PromptError(f"there is no file {path}; check its name") from None
    except OSError as error:
        raise PromptError(f"{path} cannot be read ({error.strerror}); check the path and its permissions") from error
    if len(raw) > MAX_BYTES:
        raise PromptError(
            f"{path.name} is larger than {MAX_BYTES >> 20} MB, which prompts never are; give another file"
        )
    try:
        return Node(path.name, "", json.loads(raw))
    except (ValueError, RecursionError) as error:
        raise PromptError(f"{path.name} is not JSON ({error}); write it again") from error


def _short(value: object) -> str:
    if isinstance(value, dict):
        return "an object {...}"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    text = json.dumps(value) if not isinstance(value, int) or abs(value) < 1e18 else "a huge number"
    return text if len(text) <= 60 else f"{text[:57]}..."
