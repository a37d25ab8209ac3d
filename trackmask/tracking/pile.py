"""What one direction found waits here for the other one: last in, first out."""

import pickle
import tempfile
import zlib
from dataclasses import replace
from types import TracebackType
from typing import Self

import numpy as np

from trackmask.data import Masks, label_map
from trackmask.errors import OutputError

_NOTHING = np.zeros((0, 0), np.uint8)


class Pile:
    """Frames' masks, compressed, in a temporary file; memory holds 8 bytes of each. Leaving it deletes the file.

    Of frames of `size` (height, width). Their label maps are not kept: the soft masks tell them.
    `push` raises OutputError where the temporary folder is full.
    """

    def __init__(self, size: tuple[int, int]) -> None:
        self._size = size
        # Without a buffer, whose fill would fail later on, or when the file is closed.
        self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 (closed by __exit__)
        self._ends = [0]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    def __len__(self) -> int:
        return len(self._ends) - 1

    def push(self, masks: Masks) -> None:
        try:
            self._file.seek(self._ends[-1])
            content = memoryview(zlib.compress(pickle.dumps(replace(masks, labels=_NOTHING)), 1))
            size = len(content)
            while content:
                content = content[self._file.write(content) :]
        except OSError as error:
            raise OutputError(
                f"tracking in two directions needs room in {tempfile.gettempdir()} ({error.strerror}); "
                "free some space there or set TMPDIR to a larger disk"
            ) from error
        self._ends.append(self._ends[-1] + size)

    def pop(self) -> Masks:
        """Those that were pushed last. Raises IndexError where there are none."""
        masks = self[len(self) - 1]
        self._ends.pop()
        return masks

    def __getitem__(self, place: int) -> Masks:
        """Those that were pushed as the `place`-th, from 0 on. Raises IndexError where there are none."""
        if not 0 <= place < len(self):
            raise IndexError(place)
        start, end = self._ends[place : place + 2]
        self._file.seek(start)
        # The file has no name: nobody but this object has written what is unpickled.
        masks: Masks = pickle.loads(zlib.decompress(self._file.read(end - start)))
        return replace(masks, labels=label_map(masks.patches.items(), self._size))
