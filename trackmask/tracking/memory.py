"""What the tracker remembers of a frame with a mask, in numpy: the runtime's twin of `network.memory`.

The torch form carries the gradient at training, this one needs no torch; a test holds the two together.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple, Self

import numpy as np

from trackmask.network.constants import CELLS, FINE_RIDGE, RECENT_SHARE, RIDGE
from trackmask.runtime import Features


class Equations(NamedTuple):
    """Normal equations of a linear layer with C channels; float32."""

    gram: np.ndarray  # (C + 1, C + 1); the last row and column belong to the bias
    target: np.ndarray  # (C + 1,)


class Memory(NamedTuple):
    """One frame of one object, or several joined. All float32; G = (S/16)^2 cells."""

    keys: np.ndarray  # (M, G, KEY)
    values: np.ndarray  # (M, G, VALUE)
    coarse: Equations  # of the solved layer at stride 8, C = LINEAR
    middle: Equations  # at stride 4, C = LINEAR4
    fine: Equations  # and at stride 2, C = FINE


class Known(NamedTuple):
    """What the head is given of a memory of M frames. All float32."""

    keys: np.ndarray  # (M, G, KEY)
    values: np.ndarray  # (M, G, VALUE)
    weights: np.ndarray  # (WEIGHTS,), of the solved layer


@dataclass(frozen=True, eq=False)
class Past:
    """The frames that are remembered of one object. It never changes, so that what is known from it is made once: it is
    asked in each frame, and another past begins every few frames.
    """

    references: tuple[Memory, ...]  # prompted frames, at least one: kept for ever
    recent: tuple[Memory, ...] = ()  # with the tracker's own masks

    @cached_property
    def known(self) -> Known:
        return known(join(self.references, self.recent))

    def since(self, memory: Memory, most: int) -> Self:
        """With one more recent frame; the `most` (at least 1) last ones of these stay."""
        return replace(self, recent=(*self.recent, memory)[-most:])

    def without_recent(self) -> Self:
        return replace(self, recent=())

    def last_reference(self) -> Self:
        """The last prompted frame alone."""
        return type(self)(self.references[-1:])

    def joined(self, references: Sequence[Memory]) -> Self:
        """With more prompted frames."""
        return replace(self, references=(*self.references, *references))


def remember(features: Features, mask: np.ndarray) -> Memory:
    """The memory of one frame from its features, N = 1, and its mask (s, s) float32 in [0, 1], s >= S/4."""
    linear, linear4, skip2 = features.linear[0], features.linear4[0], features.skip2[0]
    memory_key, context = features.memory_key[0], features.context[0]
    side = linear.shape[1]
    mask8 = pool(mask, mask.shape[0] // side)
    cells = mask8.reshape(side // 2, 2, side // 2, 2).transpose(1, 3, 0, 2).reshape(CELLS, -1)  # (4, G)
    inside = cells.mean(0)
    look = context.reshape(len(context), -1)
    values = np.concatenate((cells, inside * look, (1 - inside) * look)).T
    coarse = normal_equations(linear, mask8)
    mask4 = pool(mask, mask.shape[0] // (2 * side))
    middle = normal_equations(linear4, mask4)
    fine = normal_equations(pool(skip2, 2), mask4)
    # A copy: a view of what the runtime answered would keep its allocator's memory as long as this is remembered.
    keys = memory_key.reshape(len(memory_key), -1).T[None].copy()
    return Memory(keys, values[None], coarse, middle, fine)


def pool(x: np.ndarray, factor: int) -> np.ndarray:
    """Means over squares of `factor` pixels: (..., s, s) → (..., s / factor, s / factor)."""
    # Rows, then columns: numpy's mean over two inner axes takes six times as long.
    rows: np.ndarray = np.add.reduce([x[..., i::factor, :] for i in range(factor)])
    means: np.ndarray = np.add.reduce([rows[..., i::factor] for i in range(factor)]) / (factor * factor)
    return means


def normal_equations(look: np.ndarray, mask: np.ndarray) -> Equations:
    """X^T D X and X^T D y of features (C, h, w) and mask (h, w); D weighs object and background equally."""
    # A product for each row of the map: as one, BLAS would share it among threads, which costs more than it does, and
    # makes the sum depend on their number.
    height, width = mask.shape
    x = np.ones((height, len(look) + 1, width), np.float32)
    x[:, :-1] = look.transpose(1, 0, 2)
    weight = mask / (mask.sum() + 1) + (1 - mask) / ((1 - mask).sum() + 1)
    weighted = x * weight[:, None]
    gram, target = weighted @ x.transpose(0, 2, 1), weighted @ (2 * mask - 1)[..., None]
    return Equations(gram.sum(0), target.sum(0)[:, 0])


def join(references: Sequence[Memory], recent: Sequence[Memory]) -> Memory:
    """Prompted frames (at least one) and frames with the tracker's own masks as one; see `network.memory.join`."""
    every = (*references, *recent)
    share = [1 / len(references)] * len(references) + [RECENT_SHARE / max(len(recent), 1)] * len(recent)
    return Memory(
        np.concatenate([m.keys for m in every]),
        np.concatenate([m.values for m in every]),
        mix([m.coarse for m in every], share),
        mix([m.middle for m in every], share),
        mix([m.fine for m in every], share),
    )


def mix(every: list[Equations], shares: list[float]) -> Equations:
    """The weighted sum."""
    weights = np.array(shares, np.float32)
    return Equations(*(np.tensordot(weights, np.stack(part), 1) for part in zip(*every, strict=True)))


def known(memory: Memory) -> Known:
    """A memory with the layer that is solved from it."""
    return Known(memory.keys, memory.values, solve(memory))


def solve(memory: Memory) -> np.ndarray:
    """The solved layer's weights, (WEIGHTS,) float32."""
    return np.concatenate((ridge(memory.coarse, RIDGE), ridge(memory.middle, RIDGE), ridge(memory.fine, FINE_RIDGE)))


def ridge(equations: Equations, penalty: float) -> np.ndarray:
    """The ridge regression's weights, (C + 1,) float32; `penalty` is relative to the mean diagonal."""
    gram = equations.gram.astype(np.float64)
    penalty *= gram.diagonal().mean() + 1e-3  # the small number keeps an all-zero system solvable
    return np.linalg.solve(gram + penalty * np.eye(len(gram)), equations.target).astype(np.float32)
