"""What one direction found waits here for the other one: last in, first out."""

import pickle
import tempfile
import zlib
from types import TracebackType
from typing import Generic, Self, TypeVar

from trackmask.errors import OutputError

T = TypeVar("T")


class Pile(Generic[T]):
    """Values of any kind, compressed, in a temporary file; memory holds 8 bytes of each. Leaving it deletes the file.

    `push` raises OutputError where the temporary folder is full.
    """

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 (closed by __exit__)
        self._ends = [0]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    def __len__(self) -> int:
        return len(self._ends) - 1

    def push(self, value: T) -> None:
        try:
            self._file.seek(self._ends[-1])
            size = self._file.write(zlib.compress(pickle.dumps(value, pickle.HIGHEST_PROTOCOL), 1))
        except OSError as error:
            raise OutputError(
                f"tracking in two directions needs room in {tempfile.gettempdir()} ({error.strerror}); "
                "free some space there or set TMPDIR to a larger disk"
            ) from error
        self._ends.append(self._ends[-1] + size)

    def pop(self) -> T:
        """The value that was pushed last. Raises IndexError where there is none."""
        end, start = self._ends.pop(), self._ends[-1]
        self._file.seek(start)
        value: T = pickle.loads(zlib.decompress(self._file.read(end - start)))
        return value
