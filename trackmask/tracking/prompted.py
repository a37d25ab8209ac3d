"""What a box or clicks mean in their frame, for a network that remembers nothing of the object yet."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import numpy as np

from trackmask.data import Image
from trackmask.prompts import Box, Prompt
from trackmask.runtime import Features, Runtime
from trackmask.tracking import crop as crops
from trackmask.tracking.clicks import contradicted, holds, obedient
from trackmask.tracking.crop import Crop, into
from trackmask.tracking.memory import known, remember
from trackmask.tracking.prompt_maps import box_map, prompt_maps
from trackmask.tracking.segment import Observation, Question, answer, encode, look

ROOM = 0.08  # of a rough box's sides, on each side, when looking closer
SIDES = (96, 144, 216, 324, 486)  # pixels, of the crops around clicks that are looked through beside the whole frame
# Of a mask's worth beside its predicted IoU, tried on 60 pictures with one to six clicks each:
AGREEMENT = 0.6  # for the mean IoU with the other crops' masks
LARGER = 0.03  # for each smaller crop: what is seen through small ones may be a part
CONTRADICTED = 0.05  # for each click, taken off. Not more: a good mask that misses a click is better than a part
CUT = 1.05  # a mask whose box may be so many times larger, but for the crop's edge, is looked at through another crop
KEPT = 24  # crops whose features are kept: 6 MB each


class PromptedFrame:
    """A picture that somebody points into, once or again and again: no crop goes through the encoder twice.

    frame = PromptedFrame(runtime, image)
    seen = frame.observe(Prompt(1, 0, positive=((x, y),)))
    """

    def __init__(self, runtime: Runtime, image: Image) -> None:
        self.runtime, self.image, self.size = runtime, image, image.shape[:2]
        self._features: dict[Crop, Features] = {}  # N = 1 each; those used last at the end

    def observe(self, prompt: Prompt, last: Crop | None = None) -> Observation:
        """What the prompt's box, clicks or both mean. `last` is the crop through which the object was seen before.

        The mask holds all clicks on the object and none beside it. Where it had to be set right around most of them,
        its predicted IoU is halved.
        """
        if prompt.box is not None:
            (best,) = self._look(prompt, [crops.around(prompt.box, self.size)])
            return obedient(best, prompt)
        rough = self._look(prompt, self._crops(prompt, last))
        closer = self._look(prompt, [self._closer(prompt, seen) for seen in rough])
        return self._once_more(prompt, closer[likeliest(closer, prompt)])

    def get_ready(self, prompt: Prompt | None, wanted: Callable[[], bool]) -> None:
        """Encode the crops that a click there will ask for first, or the whole frame, as long as it is `wanted`."""
        for crop in [crops.whole_frame(self.size)] if prompt is None else self._crops(prompt, None):
            if wanted():
                self.encoded(crop)

    def _crops(self, prompt: Prompt, last: Crop | None) -> list[Crop]:
        """Squares around the clicks, and the whole frame, that hold all clicks on the object; smallest first."""
        (left, top), (right, bottom) = np.min(prompt.positive, 0), np.max(prompt.positive, 0)
        squares = [crops.square((left + right) / 2, (top + bottom) / 2, side) for side in SIDES]
        every = {crops.within(square, self.size) for square in squares if square.side < max(self.size)}
        every |= {crops.whole_frame(self.size), *([] if last is None else [last])}
        return sorted((c for c in every if holds(c, prompt)), key=lambda c: (c.side, c.x, c.y))

    def _closer(self, prompt: Prompt, seen: Observation) -> Crop:
        """Around the mask and all clicks on the object."""
        return seen.crop if seen.box is None else self._around(seen.box, prompt)

    def _around(self, box: Box, prompt: Prompt) -> Crop:
        """Around a mask's box and all clicks on the object."""
        x, y, w, h = box
        xs, ys = zip((x, y), (x + w, y + h), *prompt.positive, strict=True)
        return crops.around((min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)), self.size)

    def _look(self, prompt: Prompt, through: Sequence[Crop]) -> list[Observation]:
        """What the prompt means in each of several crops."""
        return [
            answer(self.runtime, self.encoded(crop), [Question(crop, prompt_maps(prompt, crop, self.runtime.size))])[0]
            for crop in through
        ]

    def encoded(self, crop: Crop) -> Features:
        """What the network sees through a crop; each is encoded on its own, since in 8 bits what one gives depends a
        little on those beside it."""
        features = self._features.pop(crop, None) or encode(self.runtime, self.image, [crop])
        self._features[crop] = features
        if len(self._features) > KEPT:
            del self._features[next(iter(self._features))]
        return features

    def _once_more(self, prompt: Prompt, seen: Observation) -> Observation:
        """With the mask, set right, as a memory of its own frame: the solved layers then tell the object's look from
        its ground's. The network's judgement of the mask stays what it was before it had been told it. Where the crop's
        edge cuts the mask, another one shows the rest.
        """
        whole = seen.whole(self.size, CUT)
        crop = seen.crop if whole is None else self._around(whole, prompt)
        maps = prompt_maps(prompt, crop, self.runtime.size)
        memory = remember(seen.features, obedient(seen, prompt).prob)
        (again,) = answer(self.runtime, self.encoded(crop), [Question(crop, maps, known=known(memory))])
        return obedient(replace(again, iou=seen.iou, visible=seen.visible), prompt)


def look_closer(runtime: Runtime, image: Image, box: Box) -> Observation:
    """What a rough box (x, y, w, h; pixels of the frame) means, in a crop around it."""
    x, y, w, h = box
    wide = (x - ROOM * w, y - ROOM * h, (1 + 2 * ROOM) * w, (1 + 2 * ROOM) * h)
    crop = crops.around(wide, image.shape[:2])
    (seen,) = look(runtime, image, [Question(crop, box_map(into(wide, crop, runtime.size), runtime.size))])
    return seen


def likeliest(seen: Sequence[Observation], prompt: Prompt) -> int:
    """Which of several crops' masks, smallest crop first, is meant.

    The predicted IoU alone would choose heads and wheels: a part of a thing is a thing as well.
    """
    worth = [
        one.iou + AGREEMENT * agreement(one, seen) + LARGER * rank - CONTRADICTED * contradicted(one, prompt)
        for rank, one in enumerate(seen)
    ]
    return int(np.argmax(worth))


def agreement(one: Observation, every: Iterable[Observation]) -> float:
    """Mean IoU of its mask with those of the others; 0 where it is alone."""
    mask = one.prob > 0.5
    pixel = one.crop.width * one.crop.height / mask.size
    ious = []
    for other in every:
        if other is not one:
            both = pixel * np.count_nonzero(mask & (crops.move(other.prob, other.crop, one.crop) > 0.5))
            ious.append(both / max(one.area() + other.area() - both, pixel))
    return float(np.mean(ious)) if ious else 0.0
