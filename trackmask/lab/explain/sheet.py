"""The sheet that `trackmask explain` writes: three rows of panels, each with a title and a caption for a newcomer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from textwrap import wrap

import cv2
import numpy as np
from PIL import Image as Picture
from PIL import ImageDraw, ImageFont

from trackmask.draw import overlay
from trackmask.lab.explain.inside import Inside
from trackmask.lab.explain.replay import Moment, Remembered
from trackmask.metrics import jaccard
from trackmask.prompts import Point
from trackmask.tracking.crop import into

CELL = 272  # pixels: a panel's side
COLUMNS = 5
GAP = 18
TEXT = 78  # pixels under a panel: a title, and three lines
HEADING = 44  # above a row
PAPER, INK, PALE = (255, 255, 255), (30, 30, 30), (105, 105, 105)
MARK = (255, 220, 0)  # the place, and the crop in the frame
LETTER = 6  # pixels of a caption's letter, about
EDGE = (255, 255, 255)  # of the whole answer's outline
_FOUND = (255, 140, 0)  # RGB: speaks for the object
_AGAINST = (40, 110, 220)  # speaks against it


@dataclass(frozen=True)
class Panel:
    title: str
    caption: str
    picture: np.ndarray  # (CELL, width, 3) uint8 RGB


def draw_sheet(moment: Moment, inside: Inside, place: Point, about: str) -> bytes:
    """The sheet as a PNG. `place`: (x, y) in pixels of the frame; `about`: video and object."""
    (record,) = moment.masks.objects
    title = f"{about}: frame {moment.frame.index}, {record.state}, confidence {record.confidence:.2f}"
    rows = (
        ("What the network is given", list(given(moment, place))),
        ("What its fully connected layers make of it", list(layers(moment, inside))),
        ("The mask that the decoder draws, and what it would draw without each part", list(answers(moment, inside))),
    )
    width = COLUMNS * (CELL + GAP) + GAP
    sheet = Picture.new("RGB", (width, GAP + HEADING + len(rows) * (HEADING + CELL + TEXT)), PAPER)
    pen = ImageDraw.Draw(sheet)
    pen.text((GAP, GAP), title, INK, font(24))
    top = GAP + HEADING
    for heading, panels in rows:
        pen.line((GAP, top + 6, width - GAP, top + 6), (220, 220, 220))
        pen.text((GAP, top + 14), heading, INK, font(18))
        put(sheet, pen, top + HEADING, panels)
        top += HEADING + CELL + TEXT
    png = BytesIO()
    sheet.quantize(256).save(png, "PNG", optimize=True)  # a third of the size, and nobody sees it
    return png.getvalue()


def put(sheet: Picture.Image, pen: ImageDraw.ImageDraw, top: int, panels: list[Panel]) -> None:
    left = GAP
    for panel in panels:
        sheet.paste(Picture.fromarray(panel.picture), (left, top))
        pen.text((left, top + CELL + 5), panel.title, INK, font(15))
        width = panel.picture.shape[1]
        pen.text((left, top + CELL + 25), "\n".join(wrap(panel.caption, width // LETTER)), PALE, font(12), spacing=3)
        left += width + GAP


def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


# --- the rows ----------------------------------------------------------------------------------------------------


def given(moment: Moment, place: Point) -> Iterator[Panel]:
    """The frame (two panels wide), the crop, the last mask, and the first frame in memory."""
    yield Panel(
        "The frame",
        "The yellow frame is what the network sees: a crop around the last mask. The cross is the place whose "
        "connections are shown below.",
        whole_frame(moment, place),
    )
    yield Panel("The crop", "The frame through the yellow frame, at the network's own size.", crop(moment, place))
    previous = moment.given[0][0, 0]
    yield Panel("The last mask", "Its own answer in the frame before, moved into this crop.", grey(previous))
    first = moment.memory[0]
    yield Panel(
        f"The reference: frame {first.frame}",
        "What it was told, by a prompt: this is the object. The one thing it never forgets.",
        outlined(fit(first.picture), first.mask),
    )


def layers(moment: Moment, inside: Inside) -> Iterator[Panel]:
    """Where the place's connections go, and the maps of the fusion."""
    if inside.connections is not None and inside.carried is not None:
        yield from connections(moment, inside.connections)
        yield Panel(
            "Computed: what all places read",
            "Each place reads the masks in memory through connections such as the cross's. White: object.",
            grey(inside.carried),
        )
    if inside.score is not None:
        yield Panel(
            "Solved: the score",
            "One linear layer, fitted to the memory's masks by ridge regression. Orange: looks like the object; "
            "blue: like what is around it.",
            signed(moment.picture, inside.score, 1.0),
        )
    if inside.learned is not None:
        middle = inside.learned - inside.learned.mean()
        yield Panel(
            "Learned: what it adds",
            "Dense layers over all places at once: where a mask like this goes on. Orange and blue: above and below "
            "its mean.",
            signed(moment.picture, middle, float(np.abs(middle).max()) or 1.0),
        )


def connections(moment: Moment, weights: np.ndarray) -> Iterator[Panel]:
    """The two frames in memory that the place reads most, the reference first."""
    shares = weights.sum((1, 2))
    chosen = sorted(np.argsort(shares)[::-1][:2].tolist())
    for number in chosen:
        what = moment.memory[number]
        kind = "reference" if what.given else "recent"
        inside = on_object(weights[number], what)
        yield Panel(
            f"Computed: the cross, in frame {what.frame}",
            f"Where the cross's connections go in this {kind} frame: {100 * shares[number]:.0f} % of their weight, "
            f"{100 * inside:.0f} % of it on the object.",
            heat(what, weights[number]),
        )
    if len(chosen) == 1:
        yield Panel("No recent frame yet", "The tracker is not long enough, or not sure enough, under way.", blank())


def answers(moment: Moment, inside: Inside) -> Iterator[Panel]:
    """The mask, whole and without each part."""
    yield Panel("The whole network", "The answer in this frame.", masked(moment, inside.mask, inside.mask))
    say = {
        "computed": ("Without computed", "As if there were no frame in memory to read."),
        "solved": ("Without solved", "As if no linear layer had been fitted."),
        "learned": ("Without learned", "The layer says its mean at every place."),
        "last mask": ("Without the last mask", "As if nobody knew where it was a moment ago."),
    }
    for part, (title, caption) in say.items():
        if part in inside.without:
            other = inside.without[part]
            text = f"{caption} IoU with the whole answer (white line): {jaccard(other > 0.5, inside.mask > 0.5):.2f}."
            yield Panel(title, text, masked(moment, other, inside.mask))


# --- pictures ----------------------------------------------------------------------------------------------------


def fit(picture: np.ndarray) -> np.ndarray:
    return cv2.resize(picture, (CELL, CELL), interpolation=cv2.INTER_AREA)


def smooth(field: np.ndarray) -> np.ndarray:
    return cv2.resize(np.ascontiguousarray(field, np.float32), (CELL, CELL), interpolation=cv2.INTER_LINEAR)


def blank() -> np.ndarray:
    return np.full((CELL, CELL, 3), 240, np.uint8)


def grey(field: np.ndarray) -> np.ndarray:
    """A map in [0, 1]: black to white."""
    light = (255 * smooth(field).clip(0, 1)).astype(np.uint8)
    return np.repeat(light[..., None], 3, 2)


def dim(picture: np.ndarray) -> np.ndarray:
    """Without colours, and paler: the ground under a coloured map."""
    light = cv2.cvtColor(fit(picture), cv2.COLOR_RGB2GRAY)[..., None]
    return (60 + 0.6 * light.repeat(3, 2)).astype(np.uint8)


def whole_frame(moment: Moment, place: Point) -> np.ndarray:
    """Two panels wide: the frame with its mask, the crop's edges and the place."""
    image = overlay(moment.frame.image, moment.masks.labels)
    height, width = image.shape[:2]
    line = max(2, height // 160)
    left, top = moment.crop.x, moment.crop.y
    cv2.rectangle(image, (left, top), (left + moment.crop.width, top + moment.crop.height), MARK, line)
    cross(image, (round(place[0]), round(place[1])), max(6, height // 40), line)
    room = 2 * CELL + GAP
    unit = min(CELL / height, room / width)
    small = cv2.resize(image, (max(1, round(width * unit)), max(1, round(height * unit))), interpolation=cv2.INTER_AREA)
    result = np.full((CELL, room, 3), 240, np.uint8)
    y, x = (CELL - small.shape[0]) // 2, (room - small.shape[1]) // 2
    result[y : y + small.shape[0], x : x + small.shape[1]] = small
    return result


def crop(moment: Moment, place: Point) -> np.ndarray:
    picture = fit(moment.picture).copy()
    x, y, _, _ = into((*place, 0, 0), moment.crop, CELL)
    cross(picture, (round(x), round(y)), 9, 2)
    return picture


def cross(image: np.ndarray, at: tuple[int, int], arm: int, line: int) -> None:
    for colour, width in (((0, 0, 0), line + 2), (MARK, line)):
        cv2.drawMarker(image, at, colour, cv2.MARKER_CROSS, 2 * arm, width)


def outlined(picture: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """A mask's outline, over a picture of a panel's size."""
    hard = (smooth(mask) > 0.5).astype(np.uint8)
    outlines, _ = cv2.findContours(hard, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    result = picture.copy()
    cv2.drawContours(result, outlines, -1, EDGE, 2)
    return result


def heat(what: Remembered, weights: np.ndarray) -> np.ndarray:
    """Connection weights as light on a dim picture."""
    field = smooth(weights / max(float(weights.max()), 1e-9)).clip(0, 1)
    colours = cv2.cvtColor(cv2.applyColorMap((255 * field).astype(np.uint8), cv2.COLORMAP_INFERNO), cv2.COLOR_BGR2RGB)
    ground = dim(what.picture) * 0.55
    share = np.sqrt(field)[..., None]
    return outlined((ground * (1 - share) + colours * share).astype(np.uint8), what.mask)


def signed(picture: np.ndarray, field: np.ndarray, most: float) -> np.ndarray:
    """A map of both signs over a dim picture; `most` has the full colour."""
    value = (smooth(field) / most).clip(-1, 1)[..., None]
    colours = np.where(value > 0, np.array(_FOUND), np.array(_AGAINST))
    share = 0.8 * np.abs(value)
    mixed: np.ndarray = dim(picture) * (1 - share) + colours * share
    return mixed.astype(np.uint8)


def masked(moment: Moment, mask: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """A mask as a fill over the crop, and the whole answer's outline."""
    hard = (smooth(mask) > 0.5).astype(np.uint8)
    return outlined(overlay(fit(moment.picture), hard), whole)


def on_object(weights: np.ndarray, what: Remembered) -> float:
    """The share of the weights (g, g) that lies on the remembered object."""
    small = cv2.resize(what.mask, weights.shape[::-1], interpolation=cv2.INTER_AREA)
    return float((weights * small).sum() / max(float(weights.sum()), 1e-9))
