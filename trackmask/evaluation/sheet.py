"""Contact sheets: rows of clips, columns through time, to see at a glance where masks go wrong."""

from collections.abc import Container, Iterable, Iterator, Sequence
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
from PIL import Image as Picture
from PIL import ImageDraw, ImageFont

from trackmask.data import Image, Labels
from trackmask.draw import overlay
from trackmask.evaluation.baselines import Method
from trackmask.evaluation.dataset import VOID, Clip
from trackmask.evaluation.measure import ClipScore
from trackmask.files import write_whole

Cell = tuple[Image, Labels, Labels | None]  # picture, prediction, truth (None where there is none)
Row = tuple[str, Sequence[Cell]]  # title, cells from left to right

_WIDTH = 240  # of a cell, in pixels; its height follows the picture
_TITLE = 20  # height of a row's title, in pixels
_TRUTH = (255, 255, 255)  # the contour; no id has white as its colour
_BARE = 40  # grey of a cell that has no picture


class Sampler:
    """A method that yields what another one yields, and keeps small copies of evenly spaced frames for a sheet.

    sampler = Sampler(method)
    scores = list(evaluate(sampler, clips, "mask"))
    contact_sheet(sampler.rows(clips, scores), path)
    """

    def __init__(self, method: Method, columns: int = 8) -> None:
        """Up to `columns` (at least 2) frames of each clip, the first and the last among them."""
        self.method = method
        self.columns = columns
        self._kept: dict[str, dict[int, Labels]] = {}  # by clip, by frame

    def __call__(self, clip: Clip, prompt: str) -> Iterator[Labels]:
        """What the method gives and raises."""
        return self._keep(clip, self.method(clip, prompt))

    def _keep(self, clip: Clip, predictions: Iterator[Labels]) -> Iterator[Labels]:
        wanted = set(np.linspace(0, len(clip) - 1, self.columns).round().astype(int).tolist())
        kept = self._kept[clip.name] = {}
        for index, labels in enumerate(predictions):
            if index in wanted:
                kept[index] = _shrink(labels)
            yield labels

    def rows(self, clips: Iterable[Clip], scores: Iterable[ClipScore]) -> Iterator[Row]:
        """A row a clip, its score in the title; reads the pictures again. Raises what reading a clip raises."""
        for clip, score in zip(clips, scores, strict=True):
            kept = self._kept[clip.name]
            title = f"{score.clip}   J&F {100 * score.jf:.1f}   J {100 * score.j:.1f}   F {100 * score.f:.1f}"
            yield title, [(image, kept[index], truth) for index, image, truth in _look(clip, kept)]


def contact_sheet(rows: Iterable[Row], path: Path) -> None:
    """Write a PNG of at least one row: predictions as fills, the truth's outline over them in white.

    Pictures are (H, W, 3) uint8 RGB, label maps (H, W) uint8, of any size. The file appears whole or not at all;
    OutputError where it cannot be written.
    """
    strips = [_strip(title, cells) for title, cells in rows]
    width = max(strip.shape[1] for strip in strips)
    sheet = np.concatenate([np.pad(strip, ((0, 0), (0, width - strip.shape[1]), (0, 0))) for strip in strips])
    png = BytesIO()
    Picture.fromarray(sheet).save(png, format="PNG")
    write_whole(path, png.getvalue())


def _look(clip: Clip, indices: Container[int]) -> Iterator[tuple[int, Image, Labels | None]]:
    """Some frames of a clip, small, with their truth; grey where the clip has masks only."""
    if clip.images or clip.film:
        shots = ((frame.index, frame.image) for frame in clip.frames())
    else:
        shots = ((index, np.full((*clip.truth(index).shape, 3), _BARE, np.uint8)) for index in range(len(clip)))
    for index, image in shots:
        if index in indices:
            yield index, _shrink(image), _shrink(clip.truth(index)) if index in clip.truths else None


def _strip(title: str, cells: Sequence[Cell]) -> Image:
    """A row: its title above its cells."""
    pictures = [_cell(*cell) for cell in cells]
    height = max(picture.shape[0] for picture in pictures)
    row = np.concatenate([np.pad(one, ((0, height - one.shape[0]), (0, 0), (0, 0))) for one in pictures], 1)
    heading = Picture.new("RGB", (row.shape[1], _TITLE))
    ImageDraw.Draw(heading).text((4, 2), title, fill=_TRUTH, font=ImageFont.load_default(14))
    return np.vstack([np.asarray(heading), row])


def _cell(image: Image, prediction: Labels, truth: Labels | None) -> Image:
    picture: Image = overlay(_shrink(image), _shrink(prediction), style="fill")
    if truth is not None:
        truth = _shrink(truth)
        for one in set(np.unique(truth).tolist()) - {0, VOID}:
            mask = (truth == one).astype(np.uint8)
            outlines, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
            cv2.drawContours(picture, outlines, -1, _TRUTH, 1)
    return picture


def _shrink(image: np.ndarray) -> np.ndarray:
    """A picture or label map in the width of a cell."""
    size = (_WIDTH, max(1, round(image.shape[0] * _WIDTH / image.shape[1])))
    small: np.ndarray = cv2.resize(image, size, interpolation=cv2.INTER_AREA if image.ndim == 3 else cv2.INTER_NEAREST)
    return small
