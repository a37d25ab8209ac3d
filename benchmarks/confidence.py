"""Does the confidence mean something? Reliability diagram, calibration error and rank correlation with the true IoU.

    python benchmarks/confidence.py DATA [--split FILE] [--out docs]

DATA has DAVIS's layout; the first mask is given. Writes confidence.md and confidence.png.
"""

import argparse
from pathlib import Path

import numpy as np

from trackmask.evaluation.dataset import Clip, read_dataset
from trackmask.metrics import jaccard
from trackmask.prompts import Prompt
from trackmask.runtime import OnnxRuntime, Runtime
from trackmask.tracker import Tracker

BINS = 10


def pairs(clip: Clip, runtime: Runtime) -> list[tuple[float, float]]:
    """Confidence and true IoU of each tracked frame."""
    found: list[tuple[float, float]] = []
    tracker: Tracker | None = None
    for frame in clip.frames():
        truth = clip.truth(frame.index) > 0
        if tracker is None:
            tracker = Tracker(runtime, truth.shape)
            tracker.step(frame.image, [Prompt(1, 0, mask=truth)])
            continue
        masks = tracker.step(frame.image)
        found.append((masks.objects[0].confidence, jaccard(masks.labels == 1, truth)))
    return found


def ranks(values: np.ndarray) -> np.ndarray:
    return np.argsort(np.argsort(values)).astype(float)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--split", type=Path)
    parser.add_argument("--out", type=Path, default=Path("docs"))
    options = parser.parse_args()
    runtime = OnnxRuntime()
    values = np.array([pair for clip in read_dataset(options.data, options.split) for pair in pairs(clip, runtime)])
    write(options.out, values[:, 0], values[:, 1])


def write(out: Path, confidence: np.ndarray, iou: np.ndarray) -> None:
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    place = np.minimum((confidence * BINS).astype(int), BINS - 1)
    rows = [(confidence[place == b], iou[place == b]) for b in range(BINS)]
    error = sum(len(c) * abs(c.mean() - i.mean()) for c, i in rows if len(c)) / len(iou)
    correlation = float(np.corrcoef(ranks(confidence), ranks(iou))[0, 1])
    lines = [
        "# What the confidence means",
        "",
        f"Expected calibration error {error:.3f}, rank correlation with the true IoU {correlation:.2f}, "
        f"over {len(iou)} frames.",
        "",
        "| confidence | frames | mean confidence | mean true IoU |",
        "|---|---|---|---|",
        *(
            f"| {b / BINS:.1f} on | {len(c)} | {c.mean():.3f} | {i.mean():.3f} |"
            for b, (c, i) in enumerate(rows)
            if len(c)
        ),
        "",
        "![](confidence.png)",
        "",
        "`python benchmarks/confidence.py DATA` makes this page.",
        "",
    ]
    (out / "confidence.md").write_text("\n".join(lines))
    figure, axes = pyplot.subplots(figsize=(5, 5), layout="constrained")
    axes.plot((0, 1), (0, 1), color="0.7")
    axes.scatter(confidence, iou, s=4, alpha=0.3, label="frames")
    axes.plot(
        [c.mean() for c, _ in rows if len(c)],
        [i.mean() for _, i in rows if len(i)],
        marker="o",
        label="mean of a tenth",
    )
    axes.set(xlabel="confidence", ylabel="true IoU", xlim=(0, 1), ylim=(0, 1))
    axes.legend(frameon=False)
    figure.savefig(out / "confidence.png", dpi=120)


if __name__ == "__main__":
    main()
