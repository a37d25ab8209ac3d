"""Does the confidence mean something? Reliability diagram, calibration error and rank correlation with the true IoU.

    python benchmarks/confidence.py DATA [--split FILE] [--absent DATA] [--out docs]

DATA has DAVIS's layout; the first mask is given. Writes confidence.md and confidence.png. With --absent also what
happens in the clips of that data set in which the object is away for some frames.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from trackmask.evaluation.dataset import Clip, read_dataset
from trackmask.metrics import jaccard
from trackmask.prompts import Prompt
from trackmask.runtime import OnnxRuntime, Runtime
from trackmask.tracking import Tracker

BINS = 10
FOUND = 0.5  # IoU from which an object counts as found again


@dataclass(frozen=True)
class Tracked:
    """One frame of a clip."""

    confidence: float
    iou: float
    empty: bool  # the mask
    away: bool  # the object, in truth


def tracked(clip: Clip, runtime: Runtime) -> list[Tracked]:
    """Each frame after the first."""
    found: list[Tracked] = []
    tracker: Tracker | None = None
    for frame in clip.frames():
        truth = clip.truth(frame.index) > 0
        if tracker is None:
            tracker = Tracker(runtime, truth.shape)
            tracker.step(frame.image, [Prompt(1, 0, mask=truth)])
            continue
        masks = tracker.step(frame.image)
        mask = masks.labels == 1
        found.append(Tracked(masks.objects[0].confidence, jaccard(mask, truth), not mask.any(), not truth.any()))
    return found


def absence(name: str, frames: list[Tracked]) -> str:
    """A row of the table: one clip whose object is away for a while."""
    away = [place for place, frame in enumerate(frames) if frame.away]
    empty = sum(frames[place].empty for place in away)
    later = [frame.iou for frame in frames[away[-1] + 1 :]]
    back = f"{sum(iou > FOUND for iou in later)} of {len(later)}" if later else "does not come back"
    return f"| {name} | {empty} of {len(away)} | {back} |"


def ranks(values: np.ndarray) -> np.ndarray:
    return np.argsort(np.argsort(values)).astype(float)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--split", type=Path)
    parser.add_argument("--absent", type=Path)
    parser.add_argument("--out", type=Path, default=Path("docs"))
    options = parser.parse_args()
    runtime = OnnxRuntime()
    frames = [frame for clip in read_dataset(options.data, options.split) for frame in tracked(clip, runtime)]
    others = [clip for clip in read_dataset(options.absent) if leaves(clip)] if options.absent else []
    rows = [absence(clip.name, tracked(clip, runtime)) for clip in others]
    write(options.out, np.array([f.confidence for f in frames]), np.array([f.iou for f in frames]), rows)


def leaves(clip: Clip) -> bool:
    """Whether the object is away in some frame, in truth."""
    return not all(clip.truth(index).any() for index in clip.truths)


def write(out: Path, confidence: np.ndarray, iou: np.ndarray, absences: list[str]) -> None:
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
    ]
    if absences:
        lines += [
            "## When the object is away",
            "",
            "Clips of the training data, since no other has such frames.",
            "",
            f"| clip | away: mask empty | back again: IoU above {FOUND} |",
            "|---|---|---|",
            *absences,
            "",
        ]
    lines += ["`python benchmarks/confidence.py DATA --absent TRAIN` makes this page.", ""]
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
