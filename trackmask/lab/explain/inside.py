"""What goes on inside the network in one step: the maps of its fusion, and the mask without each of its parts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from trackmask.lab.explain.replay import Moment
from trackmask.network.constants import CELLS
from trackmask.network.encoder import Features
from trackmask.network.model import TrackNet


@dataclass(frozen=True)
class Inside:
    """Maps over the crop, or over the crops in memory; float32. A part that the network lacks has no map."""

    mask: np.ndarray  # (S/2, S/2) in [0, 1]
    without: dict[str, np.ndarray] = field(default_factory=dict)  # the mask without a part, by the part's name
    connections: np.ndarray | None = None  # (M, g, g): the weights with which a place reads the memory
    carried: np.ndarray | None = None  # (h, w) in [0, 1]: the mask that all places read
    score: np.ndarray | None = None  # (h, w), about -1 to 1: the solved layer's
    learned: np.ndarray | None = None  # (g, g): what the learned layer says


def look_inside(net: TrackNet, moment: Moment, place: tuple[int, int]) -> Inside:
    """`place`: row and column at stride 8, where the connections begin. The network is that of the moment's runtime."""
    with torch.inference_mode():
        return Look(net, moment).inside(place)


class Look:
    """The network with what one step gave it."""

    def __init__(self, net: TrackNet, moment: Moment) -> None:
        self.net = net
        self.features = Features(*map(torch.from_numpy, moment.features))
        self.given = dict(
            zip(("previous", "prompts", "keys", "values", "weights"), map(torch.from_numpy, moment.given), strict=True)
        )

    def inside(self, place: tuple[int, int]) -> Inside:
        fusion = self.net.fusion
        mask = self.mask()
        maps: dict[str, np.ndarray] = {}
        without = {"last mask": self.mask(previous=torch.zeros_like(self.given["previous"]))}
        if fusion.computed is not None:
            maps |= self.computed(place)
            nothing = {name: self.given[name][:, :0] for name in ("keys", "values")}
            without["computed"] = self.mask(**nothing)
        if fusion.solved is not None:
            maps["score"] = array(fusion.solved(self.features, self.given["weights"])[0])
            without["solved"] = self.mask(weights=torch.zeros_like(self.given["weights"]))
        if fusion.learned is not None:
            maps["learned"], without["learned"] = self.learned()
        return Inside(mask, without, **maps)

    def mask(self, **other: Tensor) -> np.ndarray:
        """With some of what was given in another form: no memory to read, or no solved layer, as in a first frame."""
        logits, _ = self.net(self.features, *(self.given | other).values())
        return array(logits.sigmoid())

    def computed(self, place: tuple[int, int]) -> dict[str, np.ndarray]:
        """What the place's connections are, and the mask that every place reads through its own."""
        fusion, keys, values = self.net.fusion.computed, self.given["keys"], self.given["values"]
        assert fusion is not None
        strengths = fusion.connect(self.features, keys)
        shares = strengths / strengths.sum(2, keepdim=True)
        row, column = place
        frames, grid = keys.shape[1], self.features.memory_key.shape[-1]
        one = shares[0, row * self.features.key.shape[-1] + column, :-1]
        readout, _ = fusion(self.features, keys, values)
        return {"connections": one.view(frames, grid, grid).numpy(), "carried": array(readout[:, :CELLS].mean(1))}

    def learned(self) -> tuple[np.ndarray, np.ndarray]:
        """What the layer says, and the mask where it says the same, its mean, at every place."""
        said: list[Tensor] = []
        with self.hooked(lambda output: said.append(output)):
            self.mask()
        with self.hooked(lambda output: output.mean((2, 3), keepdim=True).expand_as(output)):
            return array(said[0]), self.mask()

    @contextmanager
    def hooked(self, use: Callable[[Tensor], Tensor | None]) -> Iterator[None]:
        """What the learned layer gives goes through `use`, and on as it was where that returns nothing."""
        layer = self.net.fusion.learned
        assert layer is not None
        handle = layer.register_forward_hook(lambda module, given, output: use(output))
        try:
            yield
        finally:
            handle.remove()


def array(x: Any) -> np.ndarray:
    """Of one crop: (1, 1, h, w) or (1, h, w) → (h, w)"""
    result: np.ndarray = x.reshape(x.shape[-2:]).float().numpy()
    return result
