"""Frames as they are stored become pictures as players show them: upright RGB in BT.709, of 8 bits, without alpha."""

import math
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import av
import numpy as np
from av.sidedata.sidedata import SideDataContainer
from av.video.reformatter import Colorspace

from trackmask.data import Image
from trackmask.draw import GREY
from trackmask.video.hdr import PEAK, TRANSFERS, WHITE, Transfer, tone_mapper

_UNSAID = 2  # FFmpeg's number of a matrix that the video does not name
_SD = (1279, 576)  # pixels, width and height: videos that are larger, and do not name their matrix, are BT.709's


@dataclass(frozen=True)
class Look:
    """What the first frame of a video says on how all are to be shown."""

    rotation: int  # degrees clockwise: 0, 90, 180, 270
    mirrored: bool  # whether left and right change places after that
    matrix: Colorspace | None  # of YUV, where the video does not name it; None: it does, or swscale's BT.601 is right
    transfer: Transfer | None  # of high dynamic range
    peak: float  # nits of the brightest: of high dynamic range
    alpha: bool

    @classmethod
    def of(cls, frame: av.VideoFrame) -> "Look":
        large = frame.width > _SD[0] or frame.height > _SD[1]
        rotation, mirrored = _turn(frame)
        return cls(
            rotation=rotation,
            mirrored=mirrored,
            matrix=Colorspace.ITU709 if large and frame.colorspace == _UNSAID else None,
            transfer=TRANSFERS.get(frame.color_trc),
            peak=_peak(frame),
            alpha=any(component.is_alpha for component in frame.format.components),
        )


class ToRgb:
    """Makes pictures of the frames of one pass."""

    def __init__(self, look: Look) -> None:
        self._look = look
        self._mapped: Callable[[av.VideoFrame], av.VideoFrame] | None = None
        self._format = ""  # that of the frames that it maps

    def __call__(self, frame: av.VideoFrame) -> Image:
        """(H, W, 3) uint8 RGB, contiguous, turned the way the container asks for."""
        image = np.rot90(self._flat(frame), -self._look.rotation // 90)
        return np.ascontiguousarray(image[:, ::-1] if self._look.mirrored else image)

    def _flat(self, frame: av.VideoFrame) -> Image:
        look = self._look
        if look.transfer is not None:
            if self._mapped is None or self._format != frame.format.name:
                self._mapped, self._format = tone_mapper(frame, look.transfer, look.peak), frame.format.name
            return self._mapped(frame).to_ndarray()
        if look.alpha:
            return over_grey(stored(frame, look))
        # One thread: to start more for every frame costs more than they give.
        return frame.to_ndarray(format="rgb24", src_colorspace=look.matrix, threads=1)


def stored(frame: av.VideoFrame, look: Look) -> np.ndarray:
    """(H, W, 4) uint8, RGB and alpha as they are stored."""
    # One thread: with more, swscale leaves wrong alpha where its slices meet.
    return frame.to_ndarray(format="rgba", src_colorspace=look.matrix, threads=1)


def over_grey(pixels: np.ndarray) -> Image:
    """(H, W, 3) uint8 of (H, W, 4) uint8 RGB and straight alpha: what is transparent shows a plain grey."""
    alpha = pixels[..., 3:].astype(np.uint16)
    return ((pixels[..., :3] * alpha + GREY * (255 - alpha) + 127) // 255).astype(np.uint8)


def _turn(frame: av.VideoFrame) -> tuple[int, bool]:
    """Degrees clockwise, rounded to whole quarters, and whether the picture is mirrored, left to right, after that."""
    data = _said(frame, "DISPLAYMATRIX")
    if not data:
        return 0, False
    a, b, _, c, d = struct.unpack("=9i", data)[:5]  # the picture's x axis comes to lie along (a, b)
    mirrored = a * d - b * c < 0
    return round(math.degrees(math.atan2(b, -a if mirrored else a)) / 90) * 90 % 360, mirrored


def _peak(frame: av.VideoFrame) -> float:
    """Nits of the brightest, as the film's makers wrote it down: of the content, else of the screen they looked at."""
    peak = 0.0
    if light := _said(frame, "CONTENT_LIGHT_LEVEL"):
        peak = float(struct.unpack("=I", light[:4])[0])
    if not peak and (screen := _said(frame, "MASTERING_DISPLAY_METADATA")):
        number, scale, _, known = struct.unpack("=4i", screen[72:88])
        peak = number / scale if known and scale else 0.0
    return min(max(peak, WHITE), 10000) if peak else PEAK


def _said(frame: av.VideoFrame, kind: str) -> bytes:
    """What stands beside a frame, as FFmpeg lays it out in memory; empty where there is none."""
    data = cast(SideDataContainer, frame.side_data).get(kind)
    return b"" if data is None else bytes(data)
