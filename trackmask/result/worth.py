"""What a correction would be worth: how much wrong it would put right, frame by frame, as far as the tracker knows."""

from collections.abc import Collection
from itertools import pairwise

import numpy as np

STEADY = 10  # frames on both sides through which it should be plainly seen, too: two fifths of a second
UNSEEN = 0.3  # how plainly it is seen where there is no mask: it may be there


def worth(frames: np.ndarray, confidence: np.ndarray, prompts: Collection[int]) -> np.ndarray:
    """For each frame, how many whole masks a correction there would repair: (n,) float64.

    `frames` are the indices of an object's frames, rising, `confidence` what the tracker says of them, both (n,).
    `prompts` are the frames with a prompt of the object: a correction there is worth 0.

    Masks get worse with the distance to the next prompt, on whichever side. So a correction at k counts, for each
    frame t that it comes nearer to than all prompts, the expected error (1 - confidence) times the share of the way
    that it saves: 1 - |t - k| / d(t), where d is the distance to the nearest prompt. Nothing else is assumed: where
    all frames are equally unsure, a frame in the middle of the widest gap is worth most; a bad stretch draws it near.
    """
    left, right = neighbours(frames, prompts)
    way = np.minimum(frames - left, right - frames)
    error = np.where(way > 0, 1.0 - confidence, 0.0)
    rate = error / np.maximum(way, 1)
    errors, rates, moments = (np.concatenate(([0.0], np.cumsum(x))) for x in (error, rate, rate * frames))
    (first, last), here = reach(frames, prompts), np.arange(len(frames))
    before = frames * (rates[here] - rates[first]) - (moments[here] - moments[first])  # the way that is left to go
    behind = moments[last] - moments[here] - frames * (rates[last] - rates[here])
    return np.where(way > 0, errors[last] - errors[first] - before - behind, 0.0)


def plain(sure: np.ndarray, area: np.ndarray) -> np.ndarray:
    """[0, 1]: how plainly an object is seen in each of its frames, of where it is seen best: (n,) float64.

    `sure` is its confidence there times the agreement of both directions, `area` its mask's in pixels, both (n,). A
    correction teaches what its frame shows: one where the object is half hidden, or another crosses it, hardly helps
    elsewhere, and may do harm. So it counts how large the object is, of what it usually is where it is surely seen,
    and how sure it is, at the least of a few frames; squared, since such a frame teaches little and may mislead.
    """
    usual = np.median(area[sure >= np.median(sure)])
    here = np.maximum(sure * np.minimum(area / max(usual, 1), 1), UNSEEN)
    padded = np.pad(here, STEADY, mode="edge")
    least: np.ndarray = np.lib.stride_tricks.sliding_window_view(padded, 2 * STEADY + 1).min(1)
    return np.asarray((least / least.max()) ** 2)


def reach(frames: np.ndarray, prompts: Collection[int]) -> tuple[np.ndarray, np.ndarray]:
    """The first place of those that a correction at each frame comes nearer to than all prompts, and the place after
    the last one: (n,) int each."""
    left, right = neighbours(frames, prompts)
    return (
        np.searchsorted(frames, (left + frames) / 2, "right"),
        np.searchsorted(frames, (frames + right) / 2, "left"),
    )


def best(frames: np.ndarray, value: np.ndarray, prompts: Collection[int]) -> list[int]:
    """The place of the frame that is worth most between each two prompts, before the first and behind the last one."""
    borders = np.searchsorted(frames, [-1, *sorted(prompts), frames[-1] + 1])
    found = (begin + int(value[begin:end].argmax()) for begin, end in pairwise(borders.tolist()) if begin < end)
    return [place for place in found if value[place] > 0]


def neighbours(frames: np.ndarray, prompts: Collection[int]) -> tuple[np.ndarray, np.ndarray]:
    """The last prompt up to each frame and the first one from it on, (n,) float64; infinitely far where is none."""
    known = np.array([-np.inf, *sorted(prompts), np.inf])
    return known[np.searchsorted(known, frames, "right") - 1], known[np.searchsorted(known, frames, "left")]
