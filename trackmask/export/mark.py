"""What exports are known by afterwards: those that lie beside clips are no clips."""

import os
from pathlib import Path

FILE = ".trackmask-export"  # in a folder; hidden, so that no tool takes it for data
COMMENT = "made by trackmask from a video and its masks"  # in a film: FFmpeg keeps it as it is in each container
# Bytes at a film's ends in which its comment stands: at its head behind the index, of 200,000 frames at most.
_HEAD, _FOOT = 1 << 20, 1 << 16


def is_export(path: Path) -> bool:
    """Whether a folder or a film was made by an export, or is the overlay of a run. A film is not opened as one: it may
    be anybody's. Raises OSError.
    """
    if path.is_dir():
        return (path / FILE).is_file()
    with path.open("rb") as file:
        head = file.read(_HEAD)
        file.seek(max(os.fstat(file.fileno()).st_size - _FOOT, 0))
        return COMMENT.encode() in head or COMMENT.encode() in file.read()
