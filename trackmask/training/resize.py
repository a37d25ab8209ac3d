"""Weights for another crop size: the convolutions stay, the fully connected layers' places are interpolated."""

import torch
from torch import Tensor
from torch.nn import functional as F

from trackmask.errors import WeightsError


def resize(state: dict[str, Tensor], old: int, new: int) -> dict[str, Tensor]:
    """A network's weights for crops of `old` pixels as a start for crops of `new` pixels.

    A layer that sums over places gets weights that sum to the same. Raises WeightsError for the fusion "full".
    """
    if old == new:
        return state
    if "fusion.full.mix.weight" in state:
        raise WeightsError("the fusion 'full' belongs to one size of crop; train it anew at the other one")
    before, after = old // 16, new // 16
    result = dict(state)
    for name, value in state.items():
        if name.endswith("query_place"):
            result[name] = spread(value.T, 2 * before, 2 * after).T
        elif name.endswith("memory_place"):
            result[name] = spread(value.T, before, after).T
        elif name.endswith("learned.squeeze.weight"):
            maps = torch.unflatten(value, 1, (-1, before * before))  # (rank, maps, places)
            result[name] = torch.unflatten(spread(maps.flatten(0, 1), before, after), 0, maps.shape[:2]).flatten(1)
            result[name] *= (before / after) ** 2
        elif name.endswith("learned.spread.weight"):
            result[name] = spread(value.T, before, after).T
        elif name.endswith("learned.spread.bias"):
            result[name] = spread(value[None], before, after)[0]
    return {name: value.contiguous() for name, value in result.items()}


def spread(rows: Tensor, before: int, after: int) -> Tensor:
    """(R, before * before) → (R, after * after)"""
    maps = torch.unflatten(rows, 1, (before, before))[None]
    return F.interpolate(maps, (after, after), mode="bilinear", align_corners=False)[0].flatten(1)
