"""The video that a result was made from: where it is now, and that it is the same."""

from pathlib import Path

from trackmask.errors import VideoError
from trackmask.result import Result
from trackmask.video import hash_source


def source_video(result: Result, video: Path | None = None) -> Path:
    """The path of a result's video, or of `video` where it has moved to. Raises VideoError where it is another one."""
    path = video or result.source.path
    if not path.exists():
        raise VideoError(f"{path}, the video of this result, is not there; say where it is with --video")
    if hash_source(path) != (result.source.bytes, result.source.sha256):
        raise VideoError(f"{path} is not the video that this result was made from; say where that is with --video")
    return path
