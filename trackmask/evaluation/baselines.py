"""What every claim stands beside: methods that know nothing of objects."""

from collections.abc import Callable, Iterator, Sequence

import cv2
import numpy as np

from trackmask.data import Labels
from trackmask.errors import CallError
from trackmask.evaluation.dataset import Clip
from trackmask.tracking.flow import Flow

# A method takes a clip and the kind of prompt ("mask", "box" or "none"; made from the truth of frame 0) and gives one
# (H, W) uint8 label map a frame, frame 0 included. CallError for a prompt that it cannot take.
Method = Callable[[Clip, str], Iterator[Labels]]


def copy_first_mask(clip: Clip, prompt: str) -> Iterator[Labels]:
    """The first mask in every frame: what a still object in front of a still camera would score."""
    need_mask(prompt)
    mask = clip.first_mask()
    return (mask for _ in clip.frames())


def dis_flow(clip: Clip, prompt: str) -> Iterator[Labels]:
    """The first mask carried from frame to frame by dense optical flow (Kroeger et al., ECCV 2016), and no more."""
    need_mask(prompt)
    return _flow(clip, clip.first_mask())


def need_mask(prompt: str) -> None:
    """CallError where the prompt is not a mask."""
    if prompt != "mask":
        raise CallError(f"a baseline starts from the first mask, not from a prompt of kind {prompt!r}; give mask")


def _flow(clip: Clip, mask: Labels) -> Iterator[Labels]:
    """Probabilities are carried, not labels: a motion of less than half a pixel a frame would be lost in those."""
    flow = Flow("medium")
    ids = np.unique(mask[mask > 0])
    soft = [(mask == one).astype(np.float32) for one in ids]
    previous = None
    for frame in clip.frames():
        grey = cv2.cvtColor(frame.image, cv2.COLOR_RGB2GRAY)
        if previous is not None:
            x, y = _origins(flow.between(grey, previous))
            soft = [cv2.remap(one, x, y, cv2.INTER_LINEAR) for one in soft]
        previous = grey
        yield likeliest(soft, ids)


def _origins(flow: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(H, W, 2) float32 motion in pixels, x first → x and y, (H, W) float32, of where each pixel was before."""
    height, width = flow.shape[:2]
    x, y = np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)[:, None]
    return flow[..., 0] + x, flow[..., 1] + y


def likeliest(soft: Sequence[np.ndarray], ids: Sequence[int] | np.ndarray) -> Labels:
    """The likeliest id at each place, 0 where the background is: what the objects' probabilities, (H, W) in [0, 1] and
    one an id, leave of 1."""
    background = 1 - np.sum(soft, 0)
    labels: Labels = np.array([0, *ids], np.uint8)[np.argmax([background, *soft], 0)]
    return labels
