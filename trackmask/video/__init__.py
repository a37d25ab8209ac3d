"""Videos in: any file that FFmpeg reads and `kinds` names, or a folder of images, one frame at a time.

Only this room knows codecs. Every image that leaves is (H, W, 3) uint8 RGB, contiguous, upright.
"""

import hashlib
import logging
import os
from pathlib import Path

from trackmask.errors import VideoError
from trackmask.files import open_regular
from trackmask.video.file import VideoFile
from trackmask.video.folder import ImageFolder, list_images
from trackmask.video.reader import VideoReader

log = logging.getLogger(__name__)

__all__ = ["VideoReader", "hash_source", "open_video", "stamp"]


def open_video(path: Path | str, *, threads: int = 0) -> VideoReader:
    """Open a video file, or a folder of images in natural order (2 before 10), and read its first frame.

    `threads` is for the decoder: 0 lets FFmpeg choose; the pixels do not depend on it.
    Raises VideoError where there is nothing to read: no such file, no video or image in it, no frame that decodes.
    """
    path = Path(path)
    reader = _open(path, threads)
    about = reader.info
    height, width = about.size
    log.info(
        "opened %s: %s, %d x %d, %s frames/s, about %s frames",
        path,
        about.codec,
        width,
        height,
        about.fps,
        about.frames,
    )
    return reader


def _open(path: Path, threads: int) -> VideoReader:
    if path.is_dir():
        return ImageFolder(path)
    if path.exists() and not path.is_file():
        raise VideoError(
            f"{path} is a pipe, a device or a socket, which may have no end; give a file, or a folder of images"
        )
    return VideoFile(path, threads)


def hash_source(path: Path) -> tuple[int, str]:
    """What tells one video from another: its size in bytes, and its sha256 in hex.

    For a folder of images: the sum of their sizes, and the sha256 over a line "<sha256 of the image>  <name>\\n" for
    each in natural order, as sha256sum prints them. Raises VideoError where it cannot be read.
    """
    try:
        if not path.is_dir():
            return path.stat().st_size, _sha256(path)
        images = list_images(path)
        lines = b"".join(f"{_sha256(image)}  ".encode() + os.fsencode(image.name) + b"\n" for image in images)
        return sum(image.stat().st_size for image in images), hashlib.sha256(lines).hexdigest()
    except OSError as error:
        raise VideoError(f"{path} cannot be read ({error.strerror}); check the path and its permissions") from error


def stamp(video: Path) -> tuple[int, str]:
    """Bytes, and a text that changes when the clip does; (0, "") where it cannot be looked at."""
    try:
        if not video.is_dir():
            about = video.stat()
            return about.st_size, f"{about.st_size} {about.st_mtime_ns}"
        total, lines = 0, hashlib.sha256()
        for image in list_images(video):
            about = image.stat()
            total += about.st_size
            lines.update(os.fsencode(f"{image.name}/{about.st_size} {about.st_mtime_ns}/"))
        return total, lines.hexdigest()
    except (OSError, VideoError):
        return 0, ""


def _sha256(path: Path) -> str:
    with open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
