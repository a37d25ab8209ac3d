"""An object that leaves the picture, is hidden, or outruns its crop, with the shipped weights: rendered from the
samples, so the truth is known. Another object, the bunny, stays in the picture all the time."""

from collections.abc import Iterator

import cv2
import numpy as np
import pytest
from conftest import ROOT

from trackmask.data import Masks, State
from trackmask.metrics import jaccard
from trackmask.prompts import Prompt, read_mask
from trackmask.runtime import OnnxRuntime
from trackmask.tracking import Tracker
from trackmask.video import open_video

SAMPLES = ROOT / "samples"
SIZE = (360, 480)
Y = 150  # of the cat's upper edge
WALL = slice(170, 348)  # columns; the cat is 138 wide

Step = tuple[Masks, np.ndarray]  # what the tracker says, and the truth


@pytest.fixture(scope="module")
def scene() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The bunny's meadow, the cat, and the cat's mask."""
    with open_video(SAMPLES / "bunny.mp4") as film:
        meadow = cv2.resize(next(iter(film)).image, SIZE[::-1])
    with open_video(SAMPLES / "cat.mp4") as film:
        cat = next(iter(film)).image
    mask = read_mask(SAMPLES / "cat.mask.png")[1]
    x, y, w, h = cv2.boundingRect(mask.astype(np.uint8))
    return meadow, cat[y : y + h, x : x + w], mask[y : y + h, x : x + w]


def placed(
    scene: tuple[np.ndarray, np.ndarray, np.ndarray], x: int, wall: slice | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """The picture with the cat at column x, behind a wall with dark edges, and the part of the cat that is seen."""
    meadow, cat, mask = scene
    image, truth = meadow.copy(), np.zeros(SIZE, bool)
    left, right = max(x, 0), min(x + mask.shape[1], SIZE[1])
    if left < right:
        here, there = np.s_[Y : Y + len(mask), left:right], np.s_[:, left - x : right - x]
        truth[here] = mask[there]
        image[here][mask[there]] = cat[there][mask[there]]
    if wall is not None:
        image[:, wall] = 60
        image[:, wall.start + 2 : wall.stop - 2] = cv2.resize(meadow[:, ::-1], (wall.stop - wall.start - 4, SIZE[0]))
        truth[:, wall] = False
    return image, truth


@pytest.fixture(scope="module")
def outside(scene: tuple[np.ndarray, np.ndarray, np.ndarray]) -> list[Step]:
    """Out to the right, away for a while, and back again."""
    way = [*range(300, 501, 12), *[500] * 14, *range(500, 299, -12)]
    return list(tracked(placed(scene, x) for x in way))


@pytest.fixture(scope="module")
def behind(scene: tuple[np.ndarray, np.ndarray, np.ndarray]) -> list[Step]:
    """WriteBehind a wall, and out on its other side."""
    return list(tracked(placed(scene, x, WALL) for x in range(20, 370, 7)))


def tracked(pictures: Iterator[tuple[np.ndarray, np.ndarray]]) -> Iterator[Step]:
    tracker = Tracker(OnnxRuntime(threads=2), SIZE)
    for index, (image, truth) in enumerate(pictures):
        yield tracker.step(image, [Prompt(3, mask=truth)] if index == 0 else []), truth


@pytest.mark.parametrize("steps", ["outside", "behind"])
def test_while_it_is_away_the_mask_is_empty(steps: str, request: pytest.FixtureRequest) -> None:
    clip = request.getfixturevalue(steps)
    assert all(jaccard(masks.labels > 0, truth) > 0.8 for masks, truth in clip[:15])
    away = [masks for masks, truth in clip if not truth.any()]
    assert len(away) > 5
    for masks in away[1:]:  # in the first one it may not be sure yet
        assert not masks.labels.any()
        assert masks.objects[0].state in (State.ABSENT, State.LOST)
    assert any(masks.objects[0].state == State.ABSENT for masks in away)


@pytest.mark.parametrize("steps", ["outside", "behind"])
def test_when_it_comes_back_it_is_the_same_object(steps: str, request: pytest.FixtureRequest) -> None:
    clip = request.getfixturevalue(steps)
    away = [index for index, (_, truth) in enumerate(clip) if not truth.any()]
    whole = max(truth.sum() for _, truth in clip)
    back = [(masks, truth) for masks, truth in clip[away[-1] :] if truth.sum() > 0.3 * whole]
    assert len(back) > 5
    for masks, truth in back:
        assert jaccard(masks.labels == 3, truth) > 0.8
        assert masks.objects[0].state == State.TRACKED


def test_who_moves_further_than_the_crop_shows_is_kept(scene: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    """The crop reaches 50 pixels beyond the cat; each step's end lies beyond that."""
    way = [20, 110, 200, 290, 200, 110, 20, 110, 200]
    for masks, truth in tracked(placed(scene, x) for x in way):
        assert jaccard(masks.labels > 0, truth) > 0.9
        assert masks.objects[0].state == State.TRACKED
