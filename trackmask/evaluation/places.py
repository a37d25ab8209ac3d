"""The first mask carried along by the encoder's features alone, one place at a time: no fusion, and no decoder.

What the network has to beat to have a reason. Features are the encoder's, of crops as trackmask's; something that
learns from the first frame says at each place how much it looks like the object; the mask is that score, enlarged and
cut at zero. MDNet (Nam and Han, CVPR 2016) and VITAL score boxes so; FRTM (Robinson et al., CVPR 2020) places, as here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Literal, NamedTuple, Protocol

import cv2
import numpy as np

from trackmask.data import Image, Labels, Patch, box_of
from trackmask.evaluation.baselines import likeliest, need_mask
from trackmask.evaluation.dataset import Clip
from trackmask.extras import need
from trackmask.network.constants import RECENT_SHARE
from trackmask.prompts import Box
from trackmask.runtime import Runtime, sigmoid
from trackmask.tracking import crop as crops
from trackmask.tracking.crop import out_of
from trackmask.tracking.memory import pool
from trackmask.tracking.parts import connected, main_box

EVERY = 10  # frames between two updates, as in MDNet
SLOPE = 4.0  # of the probability over the score
NEAREST = 10  # places whose labels are averaged
TEMPERATURE = 0.07  # of their weights

Kind = Literal["key", "linear"]  # both at stride 8


class Sample(NamedTuple):
    """A frame to learn from."""

    features: np.ndarray  # (C, h, w) float32
    mask: np.ndarray  # (h, w) float32 in [0, 1]
    share: float  # its weight


class Classifier(Protocol):
    """Tells object from background at each place."""

    def fit(self, samples: Sequence[Sample]) -> None:
        """Learn; called again with other samples, it may go on from what it knows."""
        ...

    def score(self, features: np.ndarray) -> np.ndarray:
        """(C, h, w) → (h, w), about -1 on the background and 1 on the object."""
        ...


class Nearest:
    """Label propagation, as self-supervised features are measured (CRW, Jabri et al., NeurIPS 2020; DINO): the labels
    of the places that look most alike. The features have length 1 at each place."""

    def __init__(self, seed: int) -> None:
        self.keys, self.labels = np.empty((0, 0), np.float32), np.empty(0, np.float32)

    def fit(self, samples: Sequence[Sample]) -> None:
        self.keys, self.labels, _ = rows(samples)

    def score(self, features: np.ndarray) -> np.ndarray:
        need("torch", "the method features", "torch")
        import torch  # two to four times as fast as numpy at finding the few largest

        similarity = features.reshape(len(features), -1).T @ self.keys.T
        best, where = (part.numpy() for part in torch.from_numpy(similarity).topk(NEAREST))
        weight = np.exp((best - best[:, :1]) / TEMPERATURE)
        shares = (weight * self.labels[where]).sum(1) / weight.sum(1)
        scores: np.ndarray = 2 * shares - 1
        return scores.reshape(features.shape[1:])


def rows(samples: Sequence[Sample]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features (n, C), the object's share (n,), and weights (n,) that count object and background of a frame alike and
    are 1 on average."""
    x = np.concatenate([sample.features.reshape(len(sample.features), -1).T for sample in samples])
    y = np.concatenate([sample.mask.ravel() for sample in samples])
    weight = np.concatenate([balance(sample.mask.ravel()) * sample.share for sample in samples])
    return x, y, weight / weight.mean()


def balance(y: np.ndarray) -> np.ndarray:
    """As in the solved layer: object and background count the same, whatever their size."""
    weight: np.ndarray = y / (y.sum() + 1) + (1 - y) / ((1 - y).sum() + 1)
    return weight


class PlaceTracker:
    """A `baselines.Method`, for masks: crops as trackmask's, features from its encoder, a classifier an object.

    The classifier learns from the first frame, and every few frames anew from it and the last one, with its own mask
    at the weight that trackmask's solved layer gives its own frames.
    """

    def __init__(
        self, runtime: Runtime, make: Callable[[int], Classifier] = Nearest, kind: Kind = "key", seed: int = 0
    ) -> None:
        """`make` gives a classifier from a seed; `kind` says which of the encoder's features it sees."""
        self.runtime, self.make, self.kind, self.seed = runtime, make, kind, seed

    def __call__(self, clip: Clip, prompt: str) -> Iterator[Labels]:
        need_mask(prompt)
        return self._track(clip, clip.first_mask())

    def _track(self, clip: Clip, first: Labels) -> Iterator[Labels]:
        ids = np.unique(first[first > 0])
        objects = [Followed(self.runtime, self.make(self.seed), self.kind) for _ in ids]
        for frame in clip.frames():
            if frame.index == 0:
                for one, id_ in zip(objects, ids, strict=True):
                    one.begin(frame.image, first == id_)
                yield first
            else:
                yield likeliest([one.follow(frame.image, frame.index) for one in objects], ids)


class Followed:
    """One object."""

    def __init__(self, runtime: Runtime, classifier: Classifier, kind: Kind) -> None:
        self.runtime, self.classifier, self.kind = runtime, classifier, kind

    def begin(self, image: Image, mask: np.ndarray) -> None:
        """`mask` (H, W) bool, not empty."""
        size = mask.shape
        self.box: Box = box_of(mask)  # type: ignore[assignment]  # there is one, since the mask is not empty
        self.crop = crops.around(self.box, size)
        whole = crops.cut_mask(mask, self.crop, self.runtime.size)
        features = self._features(image)
        self.first = Sample(features, pool(whole, whole.shape[0] // features.shape[1]), 1.0)
        self.classifier.fit([self.first])

    def follow(self, image: Image, index: int) -> np.ndarray:
        """The object's probability, (H, W) float32."""
        size = image.shape[:2]
        self.crop = crops.around(self.box, size, self.crop)
        features = self._features(image)
        side = self.runtime.size // 2
        score = cv2.resize(self.classifier.score(features), (side, side), interpolation=cv2.INTER_LINEAR)
        prob = sigmoid(SLOPE * score)
        box = main_box(connected(prob > 0.5))
        if box is not None:
            self.box = out_of(box, self.crop, side)
            if index % EVERY == 0:
                self.classifier.fit([self.first, Sample(features, pool(prob, side // features.shape[1]), RECENT_SHARE)])
        return whole(crops.paste(prob, self.crop, size), size)

    def _features(self, image: Image) -> np.ndarray:
        features = self.runtime.encode(crops.cut(image, self.crop, self.runtime.size)[None])
        found: np.ndarray = getattr(features, self.kind)[0]
        return found


def whole(patch: Patch | None, size: tuple[int, int]) -> np.ndarray:
    """A patch in its frame of size (height, width), float32 in [0, 1]."""
    return np.zeros(size, np.float32) if patch is None else (patch.over(size) / 255).astype(np.float32)
