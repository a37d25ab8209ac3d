"""What the tracker and a network agree on: numpy in, numpy out, so that the tracker knows no runtime."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

from trackmask.network.constants import KEY, VALUE, WEIGHTS
from trackmask.runtime.calibration import Calibration

# Names of the graphs' inputs and outputs, in order.
FEATURES = ("skip2", "skip4", "skip8", "skip16", "key", "memory_key", "linear", "linear4", "context", "objectness")
GIVEN = ("previous", "prompts", "keys", "values", "weights")
RESULTS = ("logits", "quality")


def given_shapes(size: int, frames: int) -> tuple[tuple[int, ...], ...]:
    """Of GIVEN, for one object with that many frames in memory and a crop of `size` pixels."""
    cells = (size // 16) ** 2
    return (
        (1, size // 2, size // 2),
        (2, size // 4, size // 4),
        (frames, cells, KEY),
        (frames, cells, VALUE),
        (WEIGHTS,),
    )


class Features(NamedTuple):
    """What is known of N crops: `network.encoder.Features` as float32 arrays."""

    skip2: np.ndarray
    skip4: np.ndarray
    skip8: np.ndarray
    skip16: np.ndarray
    key: np.ndarray
    memory_key: np.ndarray
    linear: np.ndarray
    linear4: np.ndarray
    context: np.ndarray
    objectness: np.ndarray

    def at(self, indices: list[int]) -> Features:
        """Those of some of the crops; these same ones, not copies, where it is all of them in their order."""
        return self if indices == list(range(len(self.key))) else Features(*(x[indices] for x in self))

    def only(self, index: int) -> Features:
        """Those of one of the crops, N = 1: views, not copies."""
        return Features(*(x[index : index + 1] for x in self))


class Runtime(Protocol):
    """What the tracker needs of a network."""

    size: int  # S: the side of the crop in pixels
    weights_sha256: str  # of the checkpoint
    files: Mapping[str, str]  # sha256 of all files that run, by name
    weights_folder: Path | None  # where it lies; None: it is the one that ships with trackmask
    calibration: Calibration  # of the confidence

    def encode(self, crops: np.ndarray) -> Features:
        """crops (N, S, S, 3) uint8 RGB"""
        ...

    def decode(
        self,
        features: Features,
        previous: np.ndarray,
        prompts: np.ndarray,
        keys: np.ndarray,
        values: np.ndarray,
        weights: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray]:
        """The inputs of `network.model.TrackNet.forward`, float32 → logits (N, S/2, S/2), and (N, 2) in [0, 1]: the
        predicted IoU and the probability that the object is visible.
        """
        ...


def sigmoid(x: np.ndarray) -> np.ndarray:
    """Of logits, any shape, float32; the ends are clipped, where exp would overflow."""
    result: np.ndarray = 1 / (1 + np.exp(-np.clip(x, -30, 30)))
    return result
