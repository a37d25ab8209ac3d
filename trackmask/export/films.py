"""Films and pictures for editors, with the times and the sound of the video.

    clip/00000.png      alpha: the frame with the object's mask as its transparency
    clip.mov            prores: ProRes 4444 with alpha
    clip.webm           webm: VP9 with alpha
    clip.mp4            overlay: masks drawn in · matte: white object on black · cutout: the object over something else
                        blur: part of it unseen

Alpha is straight, not premultiplied. Edges are soft where the run kept them (--soft).
"""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from PIL import ImageColor

from trackmask.data import Image, State
from trackmask.draw import overlay
from trackmask.errors import CallError
from trackmask.export.clip import ExportClip, Sample
from trackmask.export.job import ExportJob
from trackmask.export.mark import COMMENT
from trackmask.export.pictures import write_png
from trackmask.formats.pictures import read_picture
from trackmask.video.writer import Codec, FilmWriter

Draw = Callable[[Sample, Image], Image]

_PRORES = Codec(
    "mov",
    "prores_ks",
    "yuva444p10le",
    {"profile": "4444", "alpha_bits": "16"},
    channels=4,
    step=1,
    copied=frozenset({"aac", "mp3", "alac"}),
    sound="pcm_s24le",  # not a copy of PCM: the times of gaps in it would be lost
)
_VP9_OPTIONS = {"crf": "24", "b": "0", "deadline": "good", "cpu-used": "5", "auto-alt-ref": "0"}
_VP9 = Codec(
    "webm",
    "libvpx-vp9",
    "yuva420p",
    _VP9_OPTIONS,
    channels=4,
    muxing={"fflags": "+bitexact"},  # else the file holds a random number
    metadata={"alpha_mode": "1"},
    copied=frozenset({"opus", "vorbis"}),
    sound="libopus",
    shape=False,
    negative=False,
)
_MARGIN = 16  # pixels around the object that keep their colour: codecs smear what is beside it into its edge
_SMALL = 40  # pixels on the longer side that a blurred picture has left
_GROWN = 100  # sides that the blurred object grows by: nobody shall be known by an ear


def alpha(job: ExportJob, folder: Path) -> list[str]:
    for clip in job.clips:
        (folder / clip.name).mkdir()
        for sample, image in clip.pictures():
            write_png(folder / clip.name / f"{sample.name}.png", _rgba(sample, image, margin=0))
    return []


def prores(job: ExportJob, folder: Path) -> list[str]:
    return _films(job, folder, ".mov", lambda sample, image: _rgba(sample, image, _MARGIN), _PRORES)


def webm(job: ExportJob, folder: Path) -> list[str]:
    return _films(job, folder, ".webm", lambda sample, image: _rgba(sample, image, _MARGIN), _VP9)


def drawn(job: ExportJob, folder: Path) -> list[str]:
    return _films(job, folder, ".mp4", lambda sample, image: overlay(image, sample.labels, "fill"))


def matte(job: ExportJob, folder: Path) -> list[str]:
    return _films(job, folder, ".mp4", lambda sample, _: cv2.merge([sample.alpha()] * 3))


def cutout(job: ExportJob, folder: Path) -> list[str]:
    behind: dict[tuple[int, int], Image] = {}

    def over(sample: Sample, image: Image) -> Image:
        size = sample.labels.shape
        if size not in behind:
            behind[size] = _background(job.options.background, size)
        return _mix(image, behind[size], sample.alpha())

    return _films(job, folder, ".mp4", over)


def blur(job: ExportJob, folder: Path) -> list[str]:
    if job.options.blur == "background":
        return _films(job, folder, ".mp4", lambda sample, image: _mix(image, _blurred(image), sample.alpha()))
    _films(job, folder, ".mp4", lambda sample, image: _mix(_blurred(image), image, _grown(sample)))
    return [note for clip in job.clips for note in _unseen(clip)]


def _films(job: ExportJob, folder: Path, suffix: str, draw: Draw, codec: Codec | None = None) -> list[str]:
    notes = []
    for clip in job.clips:
        source = None if clip.video.is_dir() else clip.video
        path, aspect = folder / f"{clip.name}{suffix}", clip.aspect
        with FilmWriter(path, clip.size, clip.fps, source, aspect=aspect, codec=codec, comment=COMMENT) as film:
            for sample, image in clip.pictures():
                film.write(draw(sample, image), sample.time, sample.until, last=sample.last)
        notes += [film.left_out] if film.left_out else []
    return notes


def _rgba(sample: Sample, image: Image, margin: int) -> Image:
    """(H, W, 4), black where it is transparent: nothing that was cut away can be got back."""
    transparency = sample.alpha()
    kept = cv2.dilate(transparency, np.ones((2 * margin + 1, 2 * margin + 1), np.uint8)) if margin else transparency
    return np.dstack([np.where(kept[..., None] > 0, image, 0).astype(np.uint8), transparency])


def _mix(image: Image, other: Image, share: np.ndarray) -> Image:
    """`share` (H, W) uint8: 255 shows `image`, 0 shows `other`."""
    weight = share[..., None].astype(np.uint16)
    return ((image * weight + other * (255 - weight) + 127) // 255).astype(np.uint8)


def _blurred(image: Image) -> Image:
    height, width = image.shape[:2]
    scale = min(_SMALL / max(height, width), 1)
    small = cv2.resize(
        image, (max(round(width * scale), 1), max(round(height * scale), 1)), interpolation=cv2.INTER_AREA
    )
    return cv2.resize(cv2.GaussianBlur(small, (0, 0), 1), (width, height), interpolation=cv2.INTER_LINEAR)


def _grown(sample: Sample) -> np.ndarray:
    reach = max(round(max(sample.labels.shape) / _GROWN), 1)
    hard = np.where(sample.labels, 255, 0).astype(np.uint8)
    return cv2.dilate(hard, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1)))


def _unseen(clip: ExportClip) -> list[str]:
    """A warning where an object may be in the picture and is not blurred, or not surely."""
    doubtful = [
        sample.index
        for sample in clip.samples()
        if any(record.state in (State.UNCERTAIN, State.LOST) for _, record in sample.known)
    ]
    if not doubtful:
        return []
    some = ", ".join(map(str, doubtful[:5])) + (" ..." if len(doubtful) > 5 else "")
    return [f"{clip.name}: look at {len(doubtful)} frames before you publish, an object may show there ({some})"]


def _background(text: str, size: tuple[int, ...]) -> Image:
    """(H, W, 3) of a colour, or of an image file scaled to cover the frame. Raises CallError."""
    height, width = size
    try:
        colour = ImageColor.getrgb(text)[:3]
    except ValueError:
        if not Path(text).is_file():
            raise CallError(f"{text} is neither a colour nor an image file; write #00ff00, or give a file") from None
        picture = np.asarray(read_picture(Path(text), CallError).convert("RGB"))
        scale = max(height / picture.shape[0], width / picture.shape[1])
        wide, high = max(round(picture.shape[1] * scale), width), max(round(picture.shape[0] * scale), height)
        picture = cv2.resize(picture, (wide, high), interpolation=cv2.INTER_AREA)
        top, left = (high - height) // 2, (wide - width) // 2
        return picture[top : top + height, left : left + width]
    return np.full((height, width, 3), colour, np.uint8)
