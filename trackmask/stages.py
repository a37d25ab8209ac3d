"""Work side by side: a stage runs ahead in its own thread, behind a bounded queue, and its errors reach the caller."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

T = TypeVar("T")
DEPTH = 4  # items that wait between two stages
_END = object()


def ahead(items: Iterable[T], depth: int = DEPTH) -> Iterator[T]:
    """The same items, made by a thread while the caller is busy with the last one.

    An error while making an item is raised where that item would have come. Ending early ends the thread, too.
    """
    line: queue.Queue[Any] = queue.Queue(depth)
    stop = threading.Event()

    def put(item: object) -> None:
        while not stop.is_set():
            try:
                return line.put(item, timeout=0.1)
            except queue.Full:
                continue

    def make() -> None:
        try:
            for item in items:
                put(item)
                if stop.is_set():
                    return
            put(_END)
        except BaseException as error:  # noqa: BLE001: raised again in the caller's thread
            put(error)

    thread = threading.Thread(target=make, daemon=True, name="trackmask-ahead")
    thread.start()
    try:
        while (item := line.get()) is not _END:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stop.set()
        thread.join()


class Behind(Generic[T]):
    """Hands items to a function in a thread of its own, in order; its error is raised by the next `put` or at the end.

    A context manager: leaving it waits for all items; leaving it by an error does not.
    """

    def __init__(self, work: Callable[[T], None], depth: int = DEPTH) -> None:
        self.work = work
        self.line: queue.Queue[Any] = queue.Queue(depth)
        self.error: BaseException | None = None
        self.failed = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True, name="trackmask-behind")

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def put(self, item: T) -> None:
        while not self.failed.is_set():
            try:
                return self.line.put(item, timeout=0.1)
            except queue.Full:
                continue
        self._raise()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if error is not None:
            self.failed.set()  # drop what waits
        while self.thread.is_alive():
            try:
                self.line.put(_END, timeout=0.1)
                break
            except queue.Full:
                continue
        self.thread.join()
        if error is None:
            self._raise()

    def _raise(self) -> None:
        if self.error is not None:
            raise self.error

    def _run(self) -> None:
        while (item := self.line.get()) is not _END:
            if self.failed.is_set():
                continue
            try:
                self.work(item)
            except BaseException as error:  # noqa: BLE001: raised again in the caller's thread
                self.error = error
                self.failed.set()
