"""From what the tracker knows of a mask to the IoU with the truth that is to be expected: a monotone model of a few
weights, which lie beside the network's in a file of their own.

    {"checkpoint": SHA256, "alone": {"whose": {"bias": 2.0, "steady": 4.1, ...}, "how": {...}}, "agreed": {...},
     "empty": {"absence": {"bias": 1.2, "absence": 0.9}}, "both_empty": {...}}

The expected IoU is a product of logistic factors: that the mask is the whole object's and nobody else's (`whose`), and
how exact it then is (`how`). No weight is below zero, and each feature is turned so that more of it is better: a mask
of which everything known is better never has the lower confidence. `agreed` is for frames of which both directions
have something to say, `alone` for all others; `both_empty` and `empty` are the same for empty masks.
benchmarks/calibrate.py fits and writes it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from trackmask.data import Doubt, Evidence
from trackmask.errors import WeightsError
from trackmask.files import open_regular

LEAST = 0.005  # of a probability, before its odds are taken
_MAX = 1 << 16  # bytes
BIAS = "bias"
PARTS = "alone", "agreed", "empty", "both_empty"


def odds(share: float) -> float:
    """The logarithm of the odds of a share in [0, 1]."""
    share = min(max(share, LEAST), 1 - LEAST)
    return math.log(share / (1 - share))


def between(value: float, low: float, high: float) -> float:
    """How far a value is on its way from `low` to `high`, in [0, 1]."""
    return min(max((value - low) / (high - low), 0.0), 1.0)


class Feature(NamedTuple):
    """Something that is asked of the evidence."""

    value: Callable[[Evidence], float]  # more is better
    good: float  # what it is where nothing speaks against the mask
    doubt: Doubt  # what to say where it is less


CLEAR = odds(0.97)
FEATURES: Mapping[str, Feature] = {
    "iou": Feature(lambda known: odds(known.iou), CLEAR, Doubt.OUTLINE),
    "sharp": Feature(lambda known: odds(known.sharp), CLEAR, Doubt.OUTLINE),
    "whole": Feature(lambda known: 1 - between(known.scattered, 0.0, 0.5), 1.0, Doubt.PIECES),
    "steady": Feature(lambda known: 1 - between(known.grown, 0.1, 0.6), 1.0, Doubt.GREW),
    "kept": Feature(lambda known: 1 - between(known.shrunk, 0.1, 1.0), 1.0, Doubt.SHRANK),
    "smooth": Feature(lambda known: 1 - between(known.leapt, 0.1, 0.6), 1.0, Doubt.LEAPT),
    "same": Feature(lambda known: known.same, 1.0, Doubt.OTHER),
    "agreed": Feature(lambda known: between(known.agreed or 0.0, 0.3, 0.95), 1.0, Doubt.APART),
    "explained": Feature(lambda known: float(known.edge or known.away), 1.0, Doubt.AWAY),
    "absence": Feature(lambda known: odds(known.quality), CLEAR, Doubt.AWAY),
}


@dataclass(frozen=True)
class Factor:
    """A logistic one."""

    bias: float
    weights: Mapping[str, float]  # by the name of a feature; none is below 0

    def __call__(self, known: Evidence) -> float:
        return sigmoid(self.score(known))

    def score(self, known: Evidence) -> float:
        """The logarithm of its odds."""
        return self.bias + sum(weight * FEATURES[name].value(known) for name, weight in self.weights.items())

    def costs(self, known: Evidence) -> Iterator[tuple[float, Doubt]]:
        """How much of the confidence each feature takes, as a logarithm."""
        score = self.score(known)
        for name, weight in self.weights.items():
            feature = FEATURES[name]
            missing = weight * max(feature.good - feature.value(known), 0.0)
            yield math.log(sigmoid(score + missing) / sigmoid(score)), feature.doubt


@dataclass(frozen=True)
class Calibration:
    """Without any factors: what the network says of itself, as it is."""

    alone: tuple[Factor, ...] = ()
    agreed: tuple[Factor, ...] = ()
    empty: tuple[Factor, ...] = ()
    both_empty: tuple[Factor, ...] = ()

    def factors(self, known: Evidence, *, empty: bool) -> tuple[Factor, ...]:
        """Those of a part; none where there is no calibration."""
        factors: tuple[Factor, ...] = getattr(self, part(known, empty=empty))
        return factors

    def confidence(self, known: Evidence, *, empty: bool) -> float:
        """[0, 1]: the expected IoU of a mask; of an `empty` one the probability that there is nothing to see."""
        factors = self.factors(known, empty=empty)
        return math.prod(factor(known) for factor in factors) if factors else known.quality

    def doubt(self, known: Evidence, *, empty: bool) -> Doubt | None:
        """What lowers the confidence most; None where nothing is known to."""
        costs = [cost for factor in self.factors(known, empty=empty) for cost in factor.costs(known)]
        most, doubt = max(costs, default=(0.0, Doubt.OUTLINE))
        return doubt if most > 0 else None


def part(known: Evidence, *, empty: bool) -> str:
    """Which of the PARTS a mask is judged by."""
    return PARTS[2 * empty + (known.agreed is not None)]


def sigmoid(score: float) -> float:
    return 1 / (1 + math.exp(-min(max(score, -30.0), 30.0)))


def read_calibration(path: Path, checkpoint: str) -> Calibration:
    """The calibration of the weights with that sha256; one that does nothing where there is no file.

    Raises WeightsError where the file is damaged, or was fitted with other weights.
    """
    try:
        with open_regular(path) as file:
            raw = json.loads(file.read(_MAX))
        parts = {name: tuple(_factor(raw[name][key]) for key in sorted(raw[name])) for name in PARTS}
        fitted = raw["checkpoint"]
    except FileNotFoundError:
        return Calibration()
    except (OSError, LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise WeightsError(f"{path} is no calibration of the confidence ({error}); install trackmask again") from error
    if fitted != checkpoint:
        raise WeightsError(
            f"{path} was fitted with other weights; fit it again with benchmarks/calibrate.py, or delete it"
        )
    return Calibration(**parts)


def _factor(raw: Mapping[str, Any]) -> Factor:
    weights = {str(name): float(value) for name, value in raw.items()}
    bias = weights.pop(BIAS)
    if not weights.keys() <= FEATURES.keys():
        raise ValueError(f"unknown features {sorted(weights.keys() - FEATURES.keys())}")
    if not all(map(math.isfinite, (bias, *weights.values()))) or min(weights.values(), default=0.0) < 0:
        raise ValueError("a weight below zero, or none at all")
    return Factor(bias, weights)
