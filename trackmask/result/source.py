"""The video that a result was made from: where it is now, and that it is the same."""

from pathlib import Path

from trackmask.errors import CallError, VideoError
from trackmask.result.records import Source
from trackmask.video import hash_source


def source_video(source: Source, given: Path | None = None) -> Path:
    """The path of a result's video, or `given` where the user says that it has moved there.

    Raises VideoError where it is not there or another one; CallError where `given` is another one.
    """
    path = given or source.path
    if not path.exists():
        raise VideoError(f"the video {source.name} is not at {path}; say with --video FILE where it is")
    if hash_source(path) != (source.bytes, source.sha256):
        error = VideoError if given is None else CallError
        raise error(f"{path} is not the video of this result, which was {source.name}; give that one with --video")
    return path
