"""Work side by side: a stage runs ahead in its own thread, behind a bounded queue, and its errors reach the caller."""

import queue
import threading
from collections.abc import Callable, Generator, Iterable
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

T = TypeVar("T")
DEPTH = 4  # items that wait between two stages
_PATIENCE = 0.1  # seconds between two looks at whether anyone still wants the items
_END = object()


def prefetch(items: Iterable[T], depth: int = DEPTH) -> Generator[T, None, None]:
    """The same items, made by a thread while the caller is busy with the last one; at most `depth` of them wait.

    An error while making an item is raised where that item would have come. Ending early (`close`) ends the thread,
    too, as soon as the item that it is making is done.
    """
    line: queue.Queue[Any] = queue.Queue(depth)
    stop = threading.Event()

    def make() -> None:
        try:
            for item in items:
                if not _put(line, item, stop):
                    return
            _put(line, _END, stop)
        except BaseException as error:  # noqa: BLE001  # raised again in the caller's thread
            _put(line, _Failure(error), stop)

    thread = threading.Thread(target=make, daemon=True, name="trackmask-prefetch")
    thread.start()
    try:
        while (item := line.get()) is not _END:
            if isinstance(item, _Failure):
                raise item.error
            yield item
    finally:
        stop.set()
        thread.join()


class WriteBehind(Generic[T]):
    """Hands items to a function in a thread of its own, in order; its error is raised by the next `put` or at the end.

    A context manager: leaving it waits for all items; leaving it by an error drops those that wait.
    """

    def __init__(self, work: Callable[[T], None], depth: int = DEPTH) -> None:
        self._work = work
        self._line: queue.Queue[Any] = queue.Queue(depth)
        self._error: BaseException | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="trackmask-behind")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def put(self, item: T) -> None:
        """Hand over an item; waits while `depth` of them wait. Raises what the function raised for an earlier one."""
        _put(self._line, item, self._stop)
        self._raise()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if error is not None:
            self._stop.set()
        # Behind all items; where the thread stops early, it may have left no room, and needs no end.
        _put(self._line, _END, self._stop)
        self._thread.join()
        if error is None:
            self._raise()

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        try:
            while (item := self._next()) is not _END:
                self._work(item)
        except BaseException as error:  # noqa: BLE001  # raised again in the caller's thread
            self._error = error
            self._stop.set()

    def _next(self) -> Any:
        while not self._stop.is_set():
            try:
                return self._line.get(timeout=_PATIENCE)
            except queue.Empty:
                continue
        return _END


class _Failure:
    """An error on its way to the other thread: apart, since an exception may be an item like any other."""

    def __init__(self, error: BaseException) -> None:
        self.error = error


def _put(line: queue.Queue[Any], item: object, stop: threading.Event) -> bool:
    """Whether the item found its place in the line before `stop` was set."""
    while not stop.is_set():
        try:
            line.put(item, timeout=_PATIENCE)
        except queue.Full:
            continue
        return True
    return False
