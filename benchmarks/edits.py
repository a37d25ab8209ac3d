"""What an editor, a hand or a screen does between two pictures, other than a plain cut: for benchmarks/identity.py.

Each situation shows a clip, then how it goes away, then something else, then how it comes back. Frames in which both
are seen are not counted.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from situations import Moment, Shown

from trackmask.data import Image

OWN, GONE, BACK = 20, 12, 12  # frames of the clip, of what comes between, and of the clip again
SLOW, QUICK, BLACK, FLASH = 12, 6, 3, 2  # frames: of a fade or dissolve, of a swing, without a picture, of a flash
DESKTOP = (58, 110, 165)  # the colour around a window
WINDOW = 0.7  # of the screen's sides
ZOOM = 1.6  # of a closer shot


@dataclass(frozen=True)
class Edit:
    """The frames of a situation; `mixed` ones are not counted."""

    own: Sequence[Moment]
    mixed: Sequence[Moment]
    gone: Sequence[Moment]
    mixed_back: Sequence[Moment]
    back: Sequence[Moment]


Maker = Callable[[Shown, Shown], Edit]


def dissolve(one: Shown, other: Shown) -> Edit:
    """Each picture goes over into the next, for half a second."""
    return between(one, other, SLOW, blended)


def fade(one: Shown, other: Shown) -> Edit:
    """To black, and from black."""
    return between(one, other, SLOW, faded)


def swing(one: Shown, other: Shown) -> Edit:
    """The camera swings to the side and back: quickly, so that all is smeared."""
    return between(one, other, QUICK, swung)


def black_between(one: Shown, other: Shown) -> Edit:
    """A few black frames between two shots."""
    return between(one, other, BLACK, lambda before, after, share: np.zeros_like(before))


def flash(one: Shown, other: Shown) -> Edit:
    """White frames within a shot."""
    moments = film(one, OWN + BACK)
    white = [empty(np.full_like(moments[0].image, 250))] * FLASH
    return Edit(moments[:OWN], (), white, (), moments[OWN:])


def covered(one: Shown, other: Shown) -> Edit:
    """A hand comes before the lens from below, stays, and goes."""
    moments = film(one, OWN + 2 * QUICK + BACK)
    hand = cv2.GaussianBlur(np.random.default_rng(0).integers(30, 90, (*one.size, 3)).astype(np.uint8), (0, 0), 25)
    hand = cv2.add(hand, np.array((60, 25, 10, 0), np.float64))
    coming, going = moments[OWN : OWN + QUICK], moments[OWN + QUICK : OWN + 2 * QUICK]
    into = [empty(risen(moment.image, hand, (i + 1) / QUICK)) for i, moment in enumerate(coming)]
    out = [empty(risen(moment.image, hand, 1 - (i + 1) / QUICK)) for i, moment in enumerate(going)]
    return Edit(moments[:OWN], into, [empty(hand)] * GONE, out, moments[OWN + 2 * QUICK :])


def screen(one: Shown, other: Shown) -> Edit:
    """A window on a screen, in which the film changes; the screen around it stays."""
    own, gone = [window(moment) for moment in film(one, OWN + BACK)], [window(moment) for moment in away(other, one)]
    return Edit(own[:OWN], (), gone, (), own[OWN:])


def closer(one: Shown, other: Shown) -> Edit:
    """A cut to a closer shot of the same object, a third of the clip later."""
    later = [zoomed(moment) for moment in film(one, OWN + len(one) // 3 + BACK)[-BACK:]]
    return Edit(film(one, OWN), (), (), (), later)


def farther(one: Shown, other: Shown) -> Edit:
    """A cut from a closer shot to a wider one of the same object, a third of the clip later."""
    return Edit([zoomed(m) for m in film(one, OWN)], (), (), (), film(one, OWN + len(one) // 3 + BACK)[-BACK:])


MAKERS: tuple[Maker, ...] = (dissolve, fade, swing, black_between, flash, covered, screen, closer, farther)


# --- what they are made of -------------------------------------------------------------------------------------------


def film(shown: Shown, count: int) -> list[Moment]:
    """So many frames of a clip, running to and fro."""
    moments = shown.moments()
    there_and_back = [*moments, *moments[-2:0:-1]]
    return [there_and_back[index % len(there_and_back)] for index in range(count)]


def away(other: Shown, one: Shown) -> list[Moment]:
    """The other clip's frames as a scene in which the object is not."""
    moments = other.moments(one.size)
    return [moments[index % len(moments)] for index in range(GONE)]


def empty(image: Image) -> Moment:
    """A picture without the object."""
    nothing = np.zeros(image.shape[:2], bool)
    return Moment(image, nothing, nothing, True)


def between(one: Shown, other: Shown, count: int, mix: Callable[[Image, Image, float], Image]) -> Edit:
    """From the clip to another and back, by `count` mixed frames each way."""
    moments, gone = film(one, OWN + 2 * count + BACK), away(other, one)
    going, coming = moments[OWN : OWN + count], moments[OWN + count : OWN + 2 * count]
    shares = [(i + 1) / (count + 1) for i in range(count)]
    into = [empty(mix(m.image, gone[0].image, share)) for m, share in zip(going, shares, strict=True)]
    out = [empty(mix(gone[-1].image, m.image, share)) for m, share in zip(coming, shares, strict=True)]
    return Edit(moments[:OWN], into, gone, out, moments[OWN + 2 * count :])


def blended(before: Image, after: Image, share: float) -> Image:
    return np.asarray(cv2.addWeighted(before, 1 - share, after, share, 0))


def faded(before: Image, after: Image, share: float) -> Image:
    image, light = (before, 1 - 2 * share) if share < 0.5 else (after, 2 * share - 1)
    return (image * light).astype(np.uint8)


def swung(before: Image, after: Image, share: float) -> Image:
    """A smeared view between the two pictures, which lie side by side."""
    width = before.shape[1]
    left = round(share * width)
    view = np.hstack((before, after))[:, left : left + width]
    return np.asarray(cv2.blur(view, (width // QUICK, 1)))


def risen(image: Image, cover: Image, share: float) -> Image:
    """The cover over the lower part of the image."""
    top, result = round((1 - share) * len(image)), image.copy()
    result[top:] = cover[top:]
    return result


def window(moment: Moment) -> Moment:
    """The picture in a window on a screen."""
    height, width = moment.truth.shape
    inner = round(WINDOW * width), round(WINDOW * height)
    x, y = (width - inner[0]) // 3, (height - inner[1]) // 2
    image = np.full_like(moment.image, DESKTOP)
    image[y - 14 : y] = (225, 225, 228)  # its bar
    image[y : y + inner[1], x : x + inner[0]] = cv2.resize(moment.image, inner, interpolation=cv2.INTER_AREA)
    truth = np.zeros_like(moment.truth)
    small = cv2.resize(moment.truth.astype(np.uint8), inner, interpolation=cv2.INTER_NEAREST)
    truth[y : y + inner[1], x : x + inner[0]] = small > 0
    return Moment(image, truth, np.zeros_like(truth), moment.away)


def zoomed(moment: Moment) -> Moment:
    """The part of the picture that holds the object in its left or upper third, enlarged."""
    height, width = moment.truth.shape
    rows, columns = np.nonzero(moment.truth)
    if not len(rows):
        return moment
    h, w = round(height / ZOOM), round(width / ZOOM)
    y = int(np.clip(rows.mean() - 0.4 * h, 0, height - h))
    x = int(np.clip(columns.mean() - 0.4 * w, 0, width - w))
    part = np.s_[y : y + h, x : x + w]
    image = cv2.resize(moment.image[part], (width, height), interpolation=cv2.INTER_CUBIC)
    truth = cv2.resize(moment.truth[part].astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST) > 0
    return Moment(image, truth, np.zeros_like(truth), not truth.any())


def all_edits(clips: Sequence[Shown]) -> Iterator[tuple[Maker, str, Edit]]:
    """Each kind, with each clip and the next one."""
    for maker in MAKERS:
        for one, other in zip(clips, [*clips[1:], clips[0]], strict=True):
            yield maker, one.name, maker(one, other)
