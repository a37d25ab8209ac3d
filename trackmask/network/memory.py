"""What the network remembers of a frame with a mask: the affinity's cells, and the solved layer's normal equations.

`trackmask.tracking.memory` is its twin in numpy, for the runtime. Shapes as in `fusion`.
"""

from collections.abc import Callable
from contextlib import nullcontext
from functools import wraps
from typing import NamedTuple, TypeVar

import torch
from torch import Tensor
from torch.nn import functional as F

from .constants import FINE_RIDGE, RECENT_SHARE, RIDGE
from .encoder import Features

R = TypeVar("R")


class Equations(NamedTuple):
    """A linear layer's normal equations for N objects, C channels: summed over frames they fit the layer to all."""

    gram: Tensor  # (N, C + 1, C + 1); the last row and column belong to the bias
    target: Tensor  # (N, C + 1)


class Memory(NamedTuple):
    """What is kept of M frames with masks, for N objects."""

    keys: Tensor  # (N, M, G, KEY)
    values: Tensor  # (N, M, G, VALUE)
    coarse: Equations  # the solved layer's at stride 8, C = LINEAR
    middle: Equations  # at stride 4, C = LINEAR4
    fine: Equations  # and at stride 2, C = FINE


def remember(features: Features, mask: Tensor) -> Memory:
    """The memory (M = 1) of one frame and its mask (N, 1, S', S') in [0, 1], S' >= S/4."""
    height, width = features.key.shape[-2:]
    mask8 = F.adaptive_avg_pool2d(mask, (height, width))  # (N, 1, h, w)
    cells = F.pixel_unshuffle(mask8, 2)  # (N, 4, g, g)
    inside = cells.mean(1, keepdim=True)
    values = torch.cat((cells, inside * features.context, (1 - inside) * features.context), 1)
    coarse = normal_equations(features.linear, mask8)
    mask4 = F.adaptive_avg_pool2d(mask, (2 * height, 2 * width))
    middle = normal_equations(features.linear4, mask4)
    # Fitted at stride 4, which a linear layer allows, at a quarter of the work.
    fine = normal_equations(F.avg_pool2d(features.skip2, 2), mask4)
    return Memory(places(features.memory_key)[:, None], places(values)[:, None], coarse, middle, fine)


def join(references: list[Memory], recent: list[Memory]) -> Memory:
    """Several memories of the same objects as one: prompted frames (at least one), and frames with the tracker's own
    masks.

    In the solved layer the recent frames together weigh half as much as the references together: what a person
    said outweighs what the tracker believed.
    """
    every = references + recent
    share = [1 / len(references)] * len(references) + [RECENT_SHARE / max(len(recent), 1)] * len(recent)
    return Memory(
        torch.cat([m.keys for m in every], 1),
        torch.cat([m.values for m in every], 1),
        mix([m.coarse for m in every], share),
        mix([m.middle for m in every], share),
        mix([m.fine for m in every], share),
    )


def mix(every: list[Equations], shares: list[float]) -> Equations:
    """The weighted sum."""
    return Equations(*(sum(x * s for x, s in zip(part, shares, strict=True)) for part in zip(*every, strict=True)))


def exact(function: Callable[..., R]) -> Callable[..., R]:
    """Keep autocast away: normal equations lose their meaning in bfloat16."""

    @wraps(function)
    def run(first: Tensor, *rest: Tensor | float) -> R:
        device = first.device.type
        available = torch.amp.autocast_mode.is_autocast_available(device)  # not on "meta", where costs are counted
        with torch.autocast(device, enabled=False) if available else nullcontext():
            return function(whole(first), *(whole(x) if isinstance(x, Tensor) else x for x in rest))

    return run


def whole(x: Tensor) -> Tensor:
    """In float32 at least."""
    return x if x.dtype == torch.float64 else x.float()


@exact
def normal_equations(look: Tensor, mask: Tensor) -> Equations:
    """X^T D X and X^T D y of one frame's features (N, C, h, w) and mask (N, 1, h, w).

    D weighs foreground and background equally, whatever their size.
    """
    x = places(look)  # (N, h w, C)
    x = torch.cat((x, torch.ones_like(x[..., :1])), -1)
    y = places(mask)[..., 0]  # (N, h w)
    weight = y / (y.sum(1, keepdim=True) + 1) + (1 - y) / ((1 - y).sum(1, keepdim=True) + 1)
    weighted = x * weight[..., None]
    left = weighted.transpose(1, 2)
    return Equations(left @ x, (left @ (2 * y - 1)[..., None])[..., 0])


def solve(memory: Memory) -> Tensor:
    """The solved layer's weights, (N, WEIGHTS)."""
    return torch.cat((ridge(*memory.coarse, RIDGE), ridge(*memory.middle, RIDGE), ridge(*memory.fine, FINE_RIDGE)), 1)


@exact
def ridge(gram: Tensor, target: Tensor, penalty: float) -> Tensor:
    """The ridge regression's weights, (N, C + 1), the last one the bias; `penalty` is relative to the mean diagonal."""
    mean = gram.diagonal(dim1=1, dim2=2).mean(1)[:, None, None]
    eye = torch.eye(gram.shape[1], device=gram.device, dtype=gram.dtype)
    weights: Tensor = torch.linalg.solve(gram + penalty * (mean + 1e-3) * eye, target)
    return weights


def places(x: Tensor) -> Tensor:
    """(N, C, h, w) → (N, h w, C)"""
    return x.flatten(2).transpose(1, 2)
