"""Frames on their way backwards: written in the order of time, read from the last to the first."""

import tempfile
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Self

import numpy as np

from trackmask.data import Frame
from trackmask.errors import OutputError

IN_MEMORY = 96 << 20  # bytes of frames held in memory; more go to a temporary file


class Spool:
    """A pile of frames of one size (height, width), in bounded memory. Leaving the context deletes it."""

    def __init__(self, size: tuple[int, int], in_memory: int = IN_MEMORY) -> None:
        self._shape = (*size, 3)
        self._file = tempfile.SpooledTemporaryFile(max_size=in_memory)  # noqa: SIM115 (closed by __exit__)
        self._places: list[tuple[int, float]] = []  # index and time of each frame

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    def fill(self, frames: Iterable[Frame]) -> None:
        """Replace the pile. Raises OutputError where the temporary folder is full."""
        self._file.seek(0)
        self._places.clear()
        for frame in frames:
            self._places.append((frame.index, frame.time))
            self._write(frame)

    def _write(self, frame: Frame) -> None:
        try:
            self._file.write(frame.image.tobytes())
        except OSError as error:
            folder = tempfile.gettempdir()
            raise OutputError(
                f"reading backwards needs room for frames in {folder} ({error.strerror}); "
                "free some space there or set TMPDIR to a larger disk"
            ) from error

    def holds(self, first: int, last: int) -> bool:
        """Whether it is the frames `first` to `last`."""
        return [index for index, _ in self._places] == list(range(first, last + 1))

    def backwards(self) -> Iterator[Frame]:
        """The frames, from the last to the first."""
        for position in reversed(range(len(self._places))):
            image = np.empty(self._shape, np.uint8)
            self._file.seek(position * image.nbytes)
            self._file.readinto(image.data)
            yield Frame(*self._places[position], image)
