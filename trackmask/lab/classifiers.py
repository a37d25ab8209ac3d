"""Classifiers at each place: the rungs of the ladder between HOG + SVM and the network's own fusion."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from sklearn.svm import LinearSVC
from torch import nn
from torch.nn import functional as F

from trackmask.evaluation.places import Sample, rows
from trackmask.network.constants import LINEAR, RIDGE
from trackmask.tracking.memory import mix, normal_equations, ridge

COST = 0.1  # the SVM's C
HIDDEN = 64  # width of the trained FC layers
RATE, MOMENTUM, DECAY = 0.1, 0.9, 5e-4  # of their gradient descent
BATCH = 256  # places a step
FIRST, LATER = 100, 10  # steps on the first frame, and in an update


class Svm:
    """A linear support vector machine."""

    def __init__(self, seed: int) -> None:
        self.model = LinearSVC(C=COST, random_state=seed, dual=False)

    def fit(self, samples: Sequence[Sample]) -> None:
        x, y, weight = rows(samples)
        self.model.fit(x, y > 0.5, weight)

    def score(self, features: np.ndarray) -> np.ndarray:
        scores: np.ndarray = self.model.decision_function(features.reshape(len(features), -1).T)
        return scores.reshape(features.shape[1:])


class Solved:
    """The shipped network's solved layer at stride 8: ridge regression in closed form."""

    def __init__(self, seed: int) -> None:
        self.weights = np.zeros(LINEAR + 1, np.float32)

    def fit(self, samples: Sequence[Sample]) -> None:
        frames = [normal_equations(sample.features, sample.mask) for sample in samples]
        self.weights = ridge(mix(frames, [sample.share for sample in samples]), RIDGE)

    def score(self, features: np.ndarray) -> np.ndarray:
        scores: np.ndarray = np.tensordot(self.weights[:-1], features, 1) + self.weights[-1]
        return scores


class Descended:
    """Two fully connected layers, trained by stochastic gradient descent while tracking, as MDNet's and VITAL's."""

    def __init__(self, seed: int) -> None:
        with torch.random.fork_rng([]):
            torch.manual_seed(seed)
            self.net = nn.Sequential(nn.Linear(LINEAR, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 1))
        self.optimizer = torch.optim.SGD(self.net.parameters(), RATE, MOMENTUM, weight_decay=DECAY)
        self.random = torch.Generator().manual_seed(seed)
        self.steps = FIRST

    def fit(self, samples: Sequence[Sample]) -> None:
        x, y, weight = (torch.from_numpy(part) for part in rows(samples))
        for _ in range(self.steps):
            some = torch.randint(len(x), (BATCH,), generator=self.random)
            loss = F.binary_cross_entropy_with_logits(self.net(x[some])[:, 0], y[some], weight[some])
            self.optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            self.optimizer.step()
        self.steps = LATER

    def score(self, features: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            logits: np.ndarray = self.net(torch.from_numpy(features.reshape(len(features), -1).T)).numpy()
        return logits.reshape(features.shape[1:])
