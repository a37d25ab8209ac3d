"""Results to be reported on, and what stands on a page."""

import base64
import json
import re
from dataclasses import replace
from fractions import Fraction
from io import BytesIO
from pathlib import Path

import numpy as np
from media import write_clip
from PIL import Image as Pillow

from trackmask.data import Masks, ObjectRecord, State, box_of
from trackmask.draw import overlay
from trackmask.prompts import Prompt
from trackmask.result import ObjectInfo, ResultWriter, Source
from trackmask.video import hash_source, open_video
from trackmask.video.writer import FilmWriter

SIZE = (90, 160)
COUNT = 40
LOST = range(20, 24)  # frames in which object 2 is lost
FPS = Fraction(30000, 1001)
EVIL = '</script><script>alert(1)</script><img src=x onerror=alert(2)> & "it\'s"'


def picture(number: int) -> np.ndarray:
    """The number in bars along the bottom, where no mask is."""
    image = np.full((*SIZE, 3), 90, np.uint8)
    for bit in range(8):
        image[60:, SIZE[1] * bit // 8 : SIZE[1] * (bit + 1) // 8] = 40 + 170 * (number >> bit & 1)
    return image


def masks(index: int) -> Masks:
    """Object 1 stays; object 2 moves to the right, and is lost for a while."""
    labels = np.zeros(SIZE, np.uint8)
    labels[5:25, 5:25] = 1
    state = State.LOST if index in LOST else State.TRACKED
    if state == State.TRACKED:
        labels[30:50, 40 + index : 60 + index] = 2
    confidence = 0.4 - 0.05 * (index == LOST[2]) if state == State.LOST else 0.9
    records = [ObjectRecord(1, State.TRACKED, 0.95, 400, box_of(labels == 1))]
    records.append(ObjectRecord(2, state, confidence, int((labels == 2).sum()), box_of(labels == 2)))
    return Masks(labels, tuple(records))


def make(
    folder: Path, *, start: int = 0, film: bool = True, name: str = "fox", reason: str | None = None, cut: int = -1
) -> Path:
    """A result of frames `start` on, of a clip beside it; a new shot begins in frame `cut`."""
    video = folder / "clip.mp4"
    if not video.exists():
        write_clip(video, [picture(index) for index in range(COUNT)], rate=FPS, crf=10)
    out = folder / "clip & co.trackmask"
    with open_video(video) as reader, ResultWriter(out) as writer:
        frames = list(reader.frames(start))
        for frame in frames:
            writer.write(frame, replace(masks(frame.index), cut=frame.index == cut))
        if film:
            with FilmWriter(writer.folder / "overlay.mp4", SIZE, FPS) as drawn:
                for frame in frames:
                    drawn.write(overlay(frame.image, masks(frame.index).labels), frame.time)
        writer.finish(
            source=Source(video, video.name, *hash_source(video), COUNT, SIZE, FPS),
            prompts=[Prompt(1, start, box=(5, 5, 20, 20)).as_json(), Prompt(2, start, box=(40, 30, 20, 20)).as_json()],
            objects=[ObjectInfo(1, name, start, start), ObjectInfo(2, "ball", start, start)],
            weights_sha256="ab" * 32,
            complete=reason is None,
            reason=reason,
        )
    return out


def text_of(folder: Path) -> str:
    return (folder / "report.html").read_text(encoding="utf-8")


def images(page: str) -> list[np.ndarray]:
    """The pictures of the review list."""
    return [decoded(uri) for uri in re.findall(r'<img src="(data:image/jpeg;base64,[^"]+)"', page)]


def decoded(uri: str) -> np.ndarray:
    return np.asarray(Pillow.open(BytesIO(base64.b64decode(uri.partition(",")[2]))).convert("RGB"))


def data_of(page: str) -> dict:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    return json.loads(found.group(1))
