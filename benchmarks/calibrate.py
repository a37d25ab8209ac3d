"""Fit the confidence of the weights, and write trackmask-confidence.json beside them, with the checksums of all.

    python benchmarks/calibrate.py DATA [--weights weights] [--into FOLDER] [--cache FOLDER] [--jobs 2]

DATA holds `train`, in DAVIS's layout. Tracked are the `tune` clips, the training's with every fourth frame, both with
every eighth, and situations made of both: walls, twins, visits, dissolves, cuts. Ten minutes on two free cores; with a
--cache that has all of it, seconds. Run it after `trackmask weights export`, and after each change of the tracker.
Weights that were trained on the `tune` clips as well know these too well: theirs is fitted to the held-out weights of
the same training (--weights), and written beside them (--into).

Fitted is the cross-entropy with the true IoU, no weight below zero.
"""

import json
import math
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import click
import numpy as np
from told import Told, for_the_fit, told

from trackmask.files import write_whole
from trackmask.runtime import CALIBRATION, CHECKPOINT, fingerprint, write_sums
from trackmask.runtime.calibration import BIAS, FEATURES, part

PARTS = {
    "alone": {"how": ("sharp", "whole"), "whose": ("steady", "kept", "smooth", "same")},
    "agreed": {"how": ("sharp", "whole"), "whose": ("steady", "kept", "smooth", "same", "agreed")},
    "empty": {"absence": ("absence", "explained")},
    "both_empty": {"absence": ("absence", "explained", "agreed")},
}
# Most videos hold nothing of what was made, and what they hold is less cunning than twins.
COUNTS = {"clips": 4.0, "fast": 2.0, "cuts": 1.0, "visits": 1.0, "walls": 1.0, "dissolves": 0.5, "twins": 0.75}
PENALTY = 1e-3  # of the squared weights, of features of unit variance
STEPS, RATE = 4000, 0.02

Factors = Mapping[str, Sequence[str]]  # names of features, by factor


def fit(x: np.ndarray, y: np.ndarray, counts: np.ndarray, allowed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weights (factors, features) and biases (factors,) of a product of logistic factors; `x` (n, features), `y` (n,)
    in [0, 1], `counts` (n,), `allowed` (factors, features) bool. Adam, each step projected onto what is allowed.
    """
    middle, spread = x.mean(0), x.std(0) + 1e-9
    z = np.concatenate(((x - middle) / spread, np.ones((len(x), 1))), 1)
    free = np.concatenate((allowed, np.ones((len(allowed), 1), bool)), 1)
    weights = np.where(free, 0.1, 0.0)
    weights[:, -1] = 1
    first, second = np.zeros_like(weights), np.zeros_like(weights)
    share = counts / counts.sum()
    for step in range(1, STEPS + 1):
        parts = 1 / (1 + np.exp(-(z @ weights.T)))  # (n, factors)
        whole = np.clip(parts.prod(1), 1e-6, 1 - 1e-6)
        slope = share * (whole - y) / (1 - whole)
        gradient = (slope[:, None] * (1 - parts)).T @ z
        gradient[:, :-1] += 2 * PENALTY * weights[:, :-1]
        first, second = 0.9 * first + 0.1 * gradient, 0.999 * second + 0.001 * gradient**2
        rate = RATE * min(1, 2 * (1 - step / STEPS)) * math.sqrt(1 - 0.999**step) / (1 - 0.9**step)
        weights -= rate * first / (np.sqrt(second) + 1e-12)
        weights[:, :-1] = np.maximum(weights[:, :-1], 0)
        weights[~free] = 0
    scaled = weights[:, :-1] / spread
    return scaled, weights[:, -1] - scaled @ middle


def features(one: Told) -> list[float]:
    assert one.record.evidence is not None
    return [feature.value(one.record.evidence) for feature in FEATURES.values()]


def fitted(frames: Sequence[Told], counts: Sequence[float], factors: Factors) -> dict[str, dict[str, float]]:
    """The factors' weights, by name."""
    names = list(FEATURES)
    allowed = np.array([[name in chosen for name in names] for chosen in factors.values()])
    x, y = np.array([features(one) for one in frames]), np.array([one.iou for one in frames])
    weights, biases = fit(x, y, np.array(counts), allowed)
    return {
        factor: {BIAS: round(float(bias), 4)}
        | {name: round(float(value), 4) for name, value in zip(names, row, strict=True) if value > 0}
        for factor, row, bias in zip(factors, weights, biases, strict=True)
    }


def part_of(one: Told) -> str | None:
    """Which model a frame is for; None for those of a person."""
    return None if one.record.evidence is None else part(one.record.evidence, empty=one.record.box is None)


@click.command(help=__doc__)
@click.argument("data", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--weights", type=click.Path(path_type=Path), default=Path("weights"), help="Folder of the weights.")
@click.option(
    "--cache", type=click.Path(path_type=Path), help="Folder for what was tracked, outside of the repository."
)
@click.option("--into", type=click.Path(path_type=Path), help="Folder of other weights, for which it is. [--weights]")
@click.option("--jobs", type=click.IntRange(1), default=2)
def main(data: Path, weights: Path, into: Path | None, cache: Path | None, jobs: int) -> None:
    into = into or weights
    with tempfile.TemporaryDirectory() as room:
        situations = for_the_fit(data)
        found = told(situations, weights, cache or Path(room), jobs)
    document: dict[str, object] = {"checkpoint": fingerprint(into / CHECKPOINT)}
    for name, factors in PARTS.items():
        pairs = [
            (one, COUNTS[s.kind] if factors.keys() >= {"how"} else 1.0)
            for s in situations
            for one in (*found[s.name].once, *found[s.name].twice)
            if part_of(one) == name
        ]
        document[name] = fitted(*zip(*pairs, strict=True), factors) if pairs else {}
        click.echo(f"{name}: {len(pairs)} frames, {json.dumps(document[name])}")
    write_whole(into / CALIBRATION, (json.dumps(document, indent=1) + "\n").encode())
    write_sums(into)


if __name__ == "__main__":
    main()
