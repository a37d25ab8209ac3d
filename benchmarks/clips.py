"""The clips that are measured: a sample scaled and tiled, with as many objects as tiles, running to and fro."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain, cycle, islice
from pathlib import Path

import av
import cv2
import numpy as np

from trackmask.data import Image, Labels
from trackmask.formats.png import write_labels
from trackmask.prompts import Prompt
from trackmask.video import open_video
from trackmask.video.writer import Codec, FilmWriter

SAMPLES = Path(__file__).parent.parent / "samples"
GRID = {1: (1, 1), 3: (2, 2), 5: (2, 3)}  # objects: (rows, columns) of tiles
RATE = Fraction(25)
# A key frame every 30 frames and no other order than that of showing, as phones and most cameras write films.
PHONE = Codec(
    "mp4", "libx264", "yuv420p", {"crf": "18", "preset": "superfast", "g": "30", "bf": "0", "x264-params": "mbtree=0"}
)


@dataclass(frozen=True)
class Clip:
    path: Path
    mask: Path  # palette PNG of the first frame, ids from 1 on
    size: tuple[int, int]  # (height, width)
    prompts: tuple[Prompt, ...]


class Sample:
    """bunny.mp4, decoded once."""

    def __init__(self) -> None:
        with open_video(SAMPLES / "bunny.mp4") as video:
            self.images = [frame.image for frame in video]
        mask = cv2.imread(str(SAMPLES / "bunny.mask.png"), cv2.IMREAD_GRAYSCALE)
        if mask is None:
            raise FileNotFoundError(SAMPLES / "bunny.mask.png")
        self.mask = mask > 0

    def __len__(self) -> int:
        """Frames until the clip has run to its end and back."""
        return 2 * len(self.images) - 2

    def pictures(self) -> Iterator[Image]:
        """Endless: forth and back, so that nothing ever jumps."""
        return cycle(chain(self.images, self.images[-2:0:-1]))

    def clip(self, folder: Path, size: tuple[int, int], objects: int, frames: int, codec: Codec | None = None) -> Clip:
        """Write `frames` frames of `size` (height, width) that show `objects` objects, and their masks."""
        rows, columns = GRID[objects]
        name = f"{size[0]}-{objects}"
        with FilmWriter(folder / f"{name}.mp4", size, RATE, threads=0, crf=18, codec=codec) as film:
            for index, image in enumerate(islice(self.pictures(), frames)):
                tiled = np.tile(image, (rows, columns, 1))
                film.write(cv2.resize(tiled, size[::-1], interpolation=cv2.INTER_AREA), float(index / RATE))
        ids = np.arange(1, rows * columns + 1, dtype=np.uint8)
        ids[objects:] = 0  # tiles that nobody asks for
        labels: Labels = np.kron(ids.reshape(rows, columns), self.mask.astype(np.uint8))
        labels = np.asarray(cv2.resize(labels, size[::-1], interpolation=cv2.INTER_NEAREST))
        write_labels(folder / f"{name}.png", labels)
        prompts = tuple(Prompt(number, 0, mask=labels == number) for number in range(1, objects + 1))
        return Clip(folder / f"{name}.mp4", folder / f"{name}.png", size, prompts)


def looped(clip: Path, frames: int, to: Path) -> Path:
    """Write the clip's packets again and again, until there are `frames` frames or more: nothing is encoded anew."""
    with av.open(str(to), "w") as target:
        stream = None
        written = shift = 0
        while written < frames:
            with av.open(str(clip)) as source:
                given = source.streams.video[0]
                stream = stream or target.add_stream_from_template(given)
                for packet in source.demux(given):
                    if packet.pts is None or packet.dts is None:  # the empty one at the end
                        continue
                    packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                    packet.stream = stream
                    target.mux(packet)
                    written += 1
                shift += given.duration or 0
    return to
