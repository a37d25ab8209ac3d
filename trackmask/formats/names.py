"""Pictures of a folder by their own names, which may be 00000, 00005, ... or 1001, 1002, ...: no places in it."""

import re
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath
from unicodedata import normalize

from trackmask.files import plain_name

_NUMBER = re.compile(r"([0-9]{1,18})$")


def stem_of(name: str) -> str:
    """What a picture is called without its folders and its kind."""
    return PurePosixPath(name.replace("\\", "/")).stem


def number_of(name: str) -> int | None:
    """The number that a picture's name ends in: 57 for "clip_00057.jpg"; None without one."""
    found = _NUMBER.search(stem_of(name))
    return int(found[1]) if found else None


def stems_of(names: Sequence[str]) -> tuple[str, ...]:
    """What files that belong to a folder's pictures are called; none where two would be called the same."""
    stems = tuple(map(_plain_stem, names))
    return () if taken_for_one(stems) else stems


def taken_for_one(names: Sequence[str]) -> tuple[int, int] | None:
    """The places of the first two names that a file system may take for one, None where there are none: those that
    differ at most in upper and lower case, or in how an accent is written.
    """
    places: dict[str, int] = {}
    for place, name in enumerate(names):
        first = places.setdefault(normalize("NFD", normalize("NFD", name).casefold()), place)
        if first != place:
            return first, place
    return None


class Places:
    """Where in a folder of pictures, called `names`, a picture stands."""

    def __init__(self, names: Sequence[str]) -> None:
        self._count = len(names)
        self._numbered = any(number_of(name) is not None for name in names)
        self._tables = [(called, _places(map(called, names))) for called in (_file_of, stem_of, _plain_stem, number_of)]

    def of(self, name: str) -> int | None:
        """The picture called so, whatever its kind, or whose files are called so; where there is none, the one of that
        number. Where no picture has a number, the number is the place. None where no picture is meant.
        """
        for called, places in self._tables:
            if (found := places.get(called(name))) is not None:
                return found
        number = None if self._numbered else number_of(name)
        return number if number is not None and number < self._count else None


def _file_of(name: str) -> str:
    return PurePosixPath(name.replace("\\", "/")).name


def _plain_stem(name: str) -> str:
    return plain_name(stem_of(name))


def _places(keys: Iterable[str | int | None]) -> dict[str | int | None, int]:
    """The place of each key that only one picture has."""
    places: dict[str | int | None, int] = {}
    twice = set()
    for place, key in enumerate(keys):
        if places.setdefault(key, place) != place or key is None:
            twice.add(key)
    return {key: place for key, place in places.items() if key not in twice}
