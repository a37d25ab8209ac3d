"""Makes in-and-out.jpg, the README's first picture, from the sample clips: python samples/picture.py"""

from pathlib import Path

import cv2
import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

import trackmask
from trackmask.data import Image, Labels
from trackmask.draw import overlay, palette

HERE = Path(__file__).parent
WIDTH, GAP, TITLE = 320, 6, 26  # pixels: of a cell, between cells, of a line of text
CHECKS = (200, 240)  # grey values of the board behind what is transparent
CHECK = 16  # pixels: of one of its squares
INK = (20, 20, 20)

#: Clip, its prompt, and the frames to show: two overlays, and one as a mask and cut out.
ROWS = (
    ("cat.mp4", {"box": (20, 119, 138, 104)}, (16, 30, 44)),
    ("bunny.mp4", {"mask": np.asarray(Pillow.open(HERE / "bunny.mask.png")) > 0}, (40, 72, 104)),
)


def main() -> None:
    pictures = [row(name, prompt, frames) for name, prompt, frames in ROWS]
    size = (pictures[0].shape[1], sum(len(picture) for picture in pictures))
    sheet = Pillow.new("RGB", size, "white")
    top = 0
    for picture in pictures:
        sheet.paste(Pillow.fromarray(picture), (0, top))
        top += len(picture)
    sheet.save(HERE / "in-and-out.jpg", quality=85, optimize=True)


def row(name: str, prompt: dict, frames: tuple[int, int, int]) -> Image:
    """(H, W, 3): what goes in, then what comes out of one clip."""
    wanted = {frame.index: frame for frame in trackmask.track(HERE / name, **prompt) if frame.index in (0, *frames)}
    first, early, later, last = (wanted[index] for index in (0, *frames))
    kind = next(iter(prompt))
    cells = (
        cell(prompted(first.image, **prompt), f"in: {name}, a {kind} in frame 0"),
        cell(overlay(early.image, early.masks), f"out: overlay.mp4, frame {early.index}"),
        cell(overlay(later.image, later.masks), f"frame {later.index}"),
        cell(palette()[last.masks], f"masks/{last.index:05d}.png"),
        cell(cut_out(last.image, last.masks), "export --to alpha"),
    )
    return np.concatenate(cells, 1)


def prompted(image: Image, box: tuple[int, ...] | None = None, mask: np.ndarray | None = None) -> Image:
    """The frame with its prompt in white."""
    image = image.copy()
    if box is not None:
        x, y, w, h = box
        cv2.rectangle(image, (x, y), (x + w, y + h), (255, 255, 255), 3)
    if mask is not None:
        rings, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(image, rings, -1, (255, 255, 255), 3)
    return image


def cut_out(image: Image, labels: Labels) -> Image:
    rows, columns = np.indices(labels.shape) // CHECK
    board = np.array(CHECKS, np.uint8)[(rows + columns) % 2]
    return np.where(labels[..., None] > 0, image, board[..., None])


def cell(image: Image, title: str) -> Image:
    """The picture at its width under its title, white around both."""
    height = round(WIDTH * image.shape[0] / image.shape[1])
    canvas = Pillow.new("RGB", (WIDTH + GAP, TITLE + height + GAP), "white")
    canvas.paste(Pillow.fromarray(cv2.resize(image, (WIDTH, height), interpolation=cv2.INTER_AREA)), (GAP // 2, TITLE))
    ImageDraw.Draw(canvas).text((GAP // 2, TITLE // 2), title, INK, ImageFont.load_default(16), anchor="lm")
    return np.asarray(canvas)


if __name__ == "__main__":
    main()
