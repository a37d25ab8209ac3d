"""Does the confidence mean something? Rank correlation with the true IoU, calibration error, and how well it tells the
bad masks.

    python benchmarks/confidence.py DATA [--weights FOLDER] [--cache FOLDER] [--jobs 2] [--out docs]

DATA holds `dev` and `train`, in DAVIS's layout; of `train` only the `tune` clips. The first mask is given. Writes
confidence.md and confidence.png. The --cache is that of benchmarks/calibrate.py: what was tracked is judged anew by the
calibration of today, so that after a new fit nothing is tracked again.
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import click
import numpy as np
from told import Situation, Told, asks, calibration_of, of_identity, of_the_split, plain, told, with_walls

from trackmask.evaluation.dataset import read_dataset
from trackmask.runtime import Calibration
from trackmask.tracking import Settings, judged

BINS = 10
BAD = 0.7  # IoU below it: a mask that a person would put right
COLUMNS = "| bad | rank | error | AUROC "
FOUND = 0.5  # IoU from which an object counts as found again
ABOUT = (
    "The confidence of a mask is the IoU with the truth that is to be expected; of an empty one, the probability that",
    "there is nothing to see. It is made of all that the tracker knows (`trackmask/tracking/evidence.py`), by a",
    "monotone model of a few weights (`trackmask/runtime/calibration.py`). They were fitted on the `tune` clips, the",
    "training's with every fourth frame, both with every eighth, and situations made of both, never on the split, of",
    "whose clips all of the situations below are made. The tracker itself acts on what the network says, so that a new",
    "fit changes no mask. Which things are asked was chosen with the split and its walls and twins in view, the",
    "weights were not, but for how much twins count in the fit. The network that was measured is the held-out one of",
    "the model card.",
)
LEAVES = ("bmx-bumps", "surf")  # clips of the training in which the object is away for a while


def ranks(values: np.ndarray) -> np.ndarray:
    """The mean rank of equal values, from 0 on."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    means: np.ndarray = (ends - counts + ends - 1) / 2
    return means[place]


def rank_correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Spearman's; NaN where one of them is all the same."""
    with np.errstate(invalid="ignore"):
        return float(np.corrcoef(ranks(one), ranks(other))[0, 1])


def calibration_error(confidence: np.ndarray, iou: np.ndarray) -> float:
    """The mean distance between confidence and IoU, of tenths of the confidence."""
    place = np.minimum((confidence * BINS).astype(int), BINS - 1)
    return float(sum(abs((confidence - iou)[place == b].sum()) for b in range(BINS)) / len(iou))


def auroc(confidence: np.ndarray, bad: np.ndarray) -> float:
    """How often a bad mask has the lower confidence of a bad and a good one; NaN where there are none of a kind."""
    count, wrong = len(bad), int(bad.sum())
    if wrong in (0, count):
        return float("nan")
    below = ranks(confidence)[~bad].sum() - (count - wrong) * (count - wrong - 1) / 2
    return float(below / (wrong * (count - wrong)))


def values(frames: Sequence[Told], calibration: Calibration) -> tuple[np.ndarray, np.ndarray]:
    """Confidence and true IoU of each frame."""
    records = [judged(frame.record, calibration, Settings().certain) for frame in frames]
    return np.array([record.confidence for record in records]), np.array([frame.iou for frame in frames])


def figures(confidence: np.ndarray, iou: np.ndarray) -> str:
    """Cells of the table."""
    bad = iou < BAD
    area = "–" if bad.all() or not bad.any() else f"{auroc(confidence, bad):.2f}"
    return (
        f"{bad.sum():,} | {rank_correlation(confidence, iou):.2f} | {calibration_error(confidence, iou):.3f} | {area}"
    )


def absence(name: str, frames: Sequence[Told]) -> str:
    """A row of the table: one clip whose object is away for a while."""
    away = [place for place, frame in enumerate(frames) if frame.away]
    empty = sum(frames[place].record.box is None for place in away)
    later = [frame.iou for frame in frames[away[-1] + 1 :]]
    back = f"{sum(iou > FOUND for iou in later)} of {len(later)}" if later else "does not come back"
    return f"| {name} | {empty} of {len(away)} | {back} |"


@click.command(help=__doc__)
@asks
@click.option("--out", type=click.Path(path_type=Path), default=Path("docs"), help="Where the page goes.")
def main(data: Path, weights: Path | None, cache: Path | None, jobs: int, out: Path) -> None:
    away = [plain(clip, 1) for clip in read_dataset(data / "train") if clip.name in LEAVES]
    split, walls, identity = of_the_split(data), with_walls(data), of_identity(data)
    sets = {
        "split, every frame": [one for one in split if one.name.endswith(" 1")],
        "split, every 4th": [one for one in split if one.name.endswith(" 4")],
        "split, both": split,
        "walls, every 2nd": walls,
        "identity: twins": [one for one in identity if one.kind == "twins"],
        "identity: visits and cuts": [one for one in identity if one.kind != "twins"],
        "identity, all": identity,
        "**all**": [*split, *walls, *identity],
    }
    with tempfile.TemporaryDirectory() as room:
        found = told([*split, *walls, *identity, *away], weights, cache or Path(room), jobs)
    calibration = calibration_of(weights)

    def of(situations: Sequence[Situation], passes: int) -> tuple[np.ndarray, np.ndarray]:
        return values([frame for one in situations for frame in found[one.name][passes - 1]], calibration)

    rows = []
    for name, situations in sets.items():
        once, twice = (of(situations, passes) for passes in (1, 2))
        rows.append(f"| {name} | {len(once[0]):,} | {figures(*once)} | {figures(*twice)} |")
    click.echo("\n".join(rows))
    absences = [absence(one.name.split()[0], found[one.name].twice) for one in away]
    write(out, rows, *of(sets["**all**"], 2), absences)


def write(out: Path, rows: Sequence[str], confidence: np.ndarray, iou: np.ndarray, absences: Sequence[str]) -> None:
    place = np.minimum((confidence * BINS).astype(int), BINS - 1)
    tenths = [(b / BINS, confidence[place == b], iou[place == b]) for b in range(BINS) if (place == b).any()]
    lines = [
        "# What the confidence means",
        "",
        *ABOUT,
        "",
        "| | | one pass (`--fast`) | | | | two passes | | | |",
        "|---|---|---|---|---|---|---|---|---|---|",
        f"| | frames {2 * COLUMNS} |",
        *rows,
        "",
        f"Bad: an IoU below {BAD}; rank: the rank correlation of confidence and IoU; error: the expected calibration",
        "error; AUROC: how often a bad mask has the lower confidence of a bad one and another.",
        "",
        "Of all of them, two passes:",
        "",
        "| confidence | frames | mean confidence | mean true IoU |",
        "|---|---|---|---|",
        *(f"| {low:.1f} on | {len(c):,} | {c.mean():.3f} | {i.mean():.3f} |" for low, c, i in tenths),
        "",
        "![](confidence.png)",
        "",
        "## When the object is away",
        "",
        "Clips of the training data, since no other has such frames.",
        "",
        f"| clip | away: mask empty | back again: IoU above {FOUND} |",
        "|---|---|---|",
        *absences,
        "",
        "`python benchmarks/confidence.py DATA` makes this page, `python benchmarks/calibrate.py DATA` the fit.",
        "",
    ]
    (out / "confidence.md").write_text("\n".join(lines))
    draw(out / "confidence.png", confidence, iou, [(float(c.mean()), float(i.mean())) for _, c, i in tenths])


def draw(path: Path, confidence: np.ndarray, iou: np.ndarray, means: Sequence[tuple[float, float]]) -> None:
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(5, 5), layout="constrained")
    axes.plot((0, 1), (0, 1), color="0.7")
    axes.scatter(confidence, iou, s=2, alpha=0.15, label="frames", rasterized=True)
    axes.plot(*zip(*means, strict=True), marker="o", color="C1", label="mean of a tenth")
    axes.set(xlabel="confidence", ylabel="true IoU", xlim=(0, 1), ylim=(0, 1))
    axes.legend(frameon=False)
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    main()
