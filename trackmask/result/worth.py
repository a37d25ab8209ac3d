"""What a correction would be worth: how much wrong it would put right, frame by frame, as far as the tracker knows."""

from collections.abc import Collection
from itertools import pairwise
from operator import gt, le

import numpy as np

FAR = 48  # frames, two seconds: on the side that a prompt lies on, what is farther from a correction it does not mend
NEAR = 16  # the same on the other side
NEW = 12  # frames from a prompt on in which the object may look otherwise than there: half a second
STEADY = 8  # frames on both sides through which the object should be plainly seen, too
UNSEEN = 0.5  # how plainly it is seen where there is no mask: it may be there


def worth(
    frames: np.ndarray,
    confidence: np.ndarray,
    area: np.ndarray,
    prompts: Collection[int],
    cuts: Collection[int] = (),
) -> np.ndarray:
    """For each frame, how many whole masks a correction there may be expected to repair: (n,) float64.

    `frames` are the indices of an object's frames, rising, `confidence` and `area` (pixels) what the tracker says of
    them, (n,) each. `prompts` are the frames with a prompt of the object, `cuts` those in which a new shot begins.

    It is worth as much as it mends (`wrong`), where the object is plainly seen (`plain`), and where no prompt has said
    nearly the same: less and less within NEW frames of one, and nothing in its own.
    """
    return np.asarray(wrong(frames, confidence, prompts, cuts) * plain(confidence, area) * new(frames, prompts))


def wrong(
    frames: np.ndarray, confidence: np.ndarray, prompts: Collection[int], cuts: Collection[int] = ()
) -> np.ndarray:
    """For each frame, how many masks are wrong that a correction there mends: (n,) float64; arguments as `worth`.

    Counted are the expected errors (1 - confidence) up to the next prompts and cuts, the nearer ones more. From a
    correction the object is tracked back to where things went wrong on the way from the prompt, and all between is
    mended. But where they have only begun to, what disturbs is still there, and on the way on from there they would go
    wrong again. So what lies towards the prompt counts up to FAR frames, and what lies away from it up to NEAR: most
    is worth a frame behind three quarters of what is wrong. Between two prompts both sides count alike.
    """
    value = np.zeros(len(frames))
    error = np.where(np.isin(frames, list(prompts)), 0.0, 1.0 - confidence)
    borders = np.searchsorted(frames, sorted({*prompts, *cuts})).tolist()
    for begin, end in pairwise([0, *borders, len(frames)]):
        if begin < end:
            before, behind = (any(told(prompt, frames[begin]) for prompt in prompts) for told in (le, gt))
            reach = (FAR if before or not behind else NEAR, FAR if behind or not before else NEAR)
            value[begin:end] = _around(frames[begin:end], error[begin:end], *reach)
    return value


def _around(frames: np.ndarray, error: np.ndarray, back: int, ahead: int) -> np.ndarray:
    """The errors around each frame, (n,): less the farther off, nothing from `back` frames before it, and from `ahead`
    frames behind it on."""
    first, last = np.searchsorted(frames, frames - back), np.searchsorted(frames, frames + ahead)
    here = np.arange(len(frames))
    errors, moments = (np.concatenate(([0.0], np.cumsum(x))) for x in (error, error * frames))
    before = (errors[here] - errors[first]) * (back - frames) + moments[here] - moments[first]
    behind = (errors[last] - errors[here]) * (ahead + frames) - moments[last] + moments[here]
    return np.asarray(before / back + behind / ahead)


def plain(confidence: np.ndarray, area: np.ndarray) -> np.ndarray:
    """[0, 1]: how plainly an object is seen in each of its frames, (n,) float64: how large it is there, of what it
    usually is where it is surely seen, at the least of a few frames.

    A correction teaches what its frame shows: one where the object is half hidden, or another crosses it, hardly helps
    elsewhere, and may do harm.
    """
    there = area > 0
    if not there.any():
        return np.full(len(area), UNSEEN)
    usual = np.median(area[there & (confidence >= np.median(confidence[there]))])
    seen = np.pad(np.where(there, np.minimum(area / usual, 1.0), UNSEEN), STEADY, mode="edge")
    return np.asarray(np.lib.stride_tricks.sliding_window_view(seen, 2 * STEADY + 1).min(1))


def new(frames: np.ndarray, prompts: Collection[int]) -> np.ndarray:
    """[0, 1]: how far a frame is from all prompts, (n,) float64; 1 from NEW frames on."""
    known = np.array([-np.inf, *sorted(prompts), np.inf])
    place = np.searchsorted(known, frames)
    return np.asarray(np.minimum(np.minimum(frames - known[place - 1], known[place] - frames) / NEW, 1.0))


def best(frames: np.ndarray, value: np.ndarray, prompts: Collection[int]) -> list[int]:
    """The place of the frame that is worth most between each two prompts, before the first and behind the last one."""
    borders = np.searchsorted(frames, [-1, *sorted(prompts), frames[-1] + 1])
    found = (begin + int(value[begin:end].argmax()) for begin, end in pairwise(borders.tolist()) if begin < end)
    return [place for place in found if value[place] > 0]
