"""What a box or clicks mean in their frame, for a network that remembers nothing yet."""

from __future__ import annotations

from trackmask.data import Image
from trackmask.prompts import Box, Prompt
from trackmask.runtime import Runtime
from trackmask.tracking import crop as crops
from trackmask.tracking.crop import Crop, into
from trackmask.tracking.prompt_maps import box_map, prompt_maps
from trackmask.tracking.segment import Observation, Question, look

ROOM = 0.08  # of a rough box's sides, on each side, when looking closer


def look_at(runtime: Runtime, image: Image, prompt: Prompt, last: Crop | None = None) -> Observation:
    """What a prompt's box and clicks mean. Clicks alone are looked at twice, the second time closer: first in `last`,
    where the object was seen before, or in the whole frame.
    """
    size = image.shape[:2]
    if prompt.box is not None:
        return _through(runtime, image, prompt, crops.around(prompt.box, size))
    rough = _through(runtime, image, prompt, last or crops.whole_frame(size))
    return rough if rough.box is None else _through(runtime, image, prompt, crops.around(rough.box, size))


def look_closer(runtime: Runtime, image: Image, box: Box) -> Observation:
    """What a rough box (x, y, w, h; pixels of the frame) means, in a crop around it."""
    x, y, w, h = box
    wide = (x - ROOM * w, y - ROOM * h, (1 + 2 * ROOM) * w, (1 + 2 * ROOM) * h)
    crop = crops.around(wide, image.shape[:2])
    (seen,) = look(runtime, image, [Question(crop, box_map(into(wide, crop, runtime.size), runtime.size))])
    return seen


def _through(runtime: Runtime, image: Image, prompt: Prompt, crop: Crop) -> Observation:
    (seen,) = look(runtime, image, [Question(crop, prompt_maps(prompt, crop, runtime.size))])
    return seen
