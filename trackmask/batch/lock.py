"""Who is at work on a batch. One process may be; the system frees its lock when it ends, however it ends."""

import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from trackmask.errors import CallError
from trackmask.files import locked, open_lock, open_regular, writing

_TRIES = 10  # a tenth of a second apart: `holder` holds the lock for a moment, too


@contextmanager
def held(path: Path, what: str) -> Iterator[None]:
    """Hold the lock `path`. Raises CallError, naming the holder, where another process has it; OutputError."""
    with writing(path.parent):
        file = open_lock(path)
    with file:
        for attempt in range(_TRIES):
            if locked(file):
                break
            if attempt == _TRIES - 1:
                raise CallError(f"{what} is held by another batch ({_read(file)}); wait for its end, or use --shard")
            time.sleep(0.1)
        with writing(path.parent):
            file.truncate(0)
            about = {"process": os.getpid(), "host": socket.gethostname(), "since": time.strftime("%Y-%m-%d %H:%M:%S")}
            os.write(file.fileno(), json.dumps(about).encode())  # past the buffer, which would fail anew when closed
        try:
            yield
        finally:
            with suppress(OSError):
                file.truncate(0)


def holder(path: Path) -> str | None:
    """Who holds the lock, as a text; None where nobody does."""
    with suppress(OSError), open_regular(path, links=False) as file:
        about = _read(file)
        return None if not about or locked(file) else about
    return None


def _read(file: BinaryIO) -> str:
    file.seek(0)
    try:
        about = json.loads(file.read(1000))
        return f"process {int(about['process'])} on {about['host']!s}, since {about['since']!s}"
    except (ValueError, KeyError, TypeError):
        return ""
