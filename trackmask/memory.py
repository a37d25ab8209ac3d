"""What the tracker remembers of a frame with a mask, in numpy: the runtime's twin of `network.fusion`.

The torch form carries the gradient at training, this one needs no torch; a test holds the two together.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from trackmask.network.constants import CELLS, RECENT_SHARE, RIDGE


class Memory(NamedTuple):
    """One frame of one object, or several joined. All float32; G = (S/16)^2 cells."""

    keys: np.ndarray  # (M, G, KEY)
    values: np.ndarray  # (M, G, VALUE)
    gram: np.ndarray  # (LINEAR + 1, LINEAR + 1)
    target: np.ndarray  # (LINEAR + 1,)


def remember(memory_key: np.ndarray, context: np.ndarray, linear: np.ndarray, mask: np.ndarray) -> Memory:
    """The memory of one frame from its features (C, h, w) and its mask (s, s) float32 in [0, 1], s >= S/8."""
    side = linear.shape[1]
    mask8 = pool(mask, mask.shape[0] // side)
    cells = mask8.reshape(side // 2, 2, side // 2, 2).transpose(1, 3, 0, 2).reshape(CELLS, -1)  # (4, G)
    inside = cells.mean(0)
    look = context.reshape(len(context), -1)
    values = np.concatenate((cells, inside * look, (1 - inside) * look)).T
    gram, target = normal_equations(linear, mask8)
    return Memory(memory_key.reshape(len(memory_key), -1).T[None], values[None], gram, target)


def pool(x: np.ndarray, factor: int) -> np.ndarray:
    """Means over squares of `factor` pixels: (s, s) → (s / factor, s / factor)."""
    side = x.shape[0] // factor
    means: np.ndarray = x.reshape(side, factor, side, factor).mean((1, 3))
    return means


def normal_equations(linear: np.ndarray, mask8: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """X^T D X and X^T D y of features (LINEAR, h, w) and mask (h, w); D weighs object and background equally."""
    x = np.concatenate((linear.reshape(len(linear), -1), np.ones((1, mask8.size), np.float32)))
    y = mask8.ravel()
    weight = y / (y.sum() + 1) + (1 - y) / ((1 - y).sum() + 1)
    weighted = x * weight
    # Not by BLAS: for so small a product its threads cost a hundred times the work, and their number may show.
    return np.einsum("ip,jp->ij", weighted, x), np.einsum("ip,p->i", weighted, 2 * y - 1)


def join(references: Sequence[Memory], recent: Sequence[Memory]) -> Memory:
    """Prompted frames (at least one) and frames with the tracker's own masks as one; see `network.fusion.join`."""
    every = (*references, *recent)
    share = [1 / len(references)] * len(references) + [RECENT_SHARE / max(len(recent), 1)] * len(recent)
    return Memory(
        np.concatenate([m.keys for m in every]),
        np.concatenate([m.values for m in every]),
        sum((m.gram * s for m, s in zip(every, share, strict=True)), np.zeros_like(every[0].gram)),
        sum((m.target * s for m, s in zip(every, share, strict=True)), np.zeros_like(every[0].target)),
    )


def solve(memory: Memory) -> np.ndarray:
    """The ridge regression's weights, (LINEAR + 1,) float32: the last one is the bias."""
    gram = memory.gram.astype(np.float64)
    price = RIDGE * (gram.diagonal().mean() + 1e-3)  # the small number keeps an all-zero system solvable
    return np.linalg.solve(gram + price * np.eye(len(gram)), memory.target).astype(np.float32)
