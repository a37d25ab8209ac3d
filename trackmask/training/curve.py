"""The training's log as a picture."""

import csv
from pathlib import Path

import matplotlib


def draw_curve(log: Path, picture: Path) -> None:
    """Loss and IoU over the steps, from a log.csv to a PNG."""
    matplotlib.use("agg")
    from matplotlib import pyplot

    with log.open(newline="") as file:
        rows = list(csv.DictReader(file))
    steps = [int(row["step"]) for row in rows]
    figure, left = pyplot.subplots(figsize=(8, 4.5), layout="constrained")
    left.plot(steps, [float(row["loss"]) for row in rows], color="tab:gray", label="loss")
    left.set(xlabel="step", ylabel="loss")
    right = left.twinx()
    right.plot(steps, [float(row["iou"]) for row in rows], label="IoU, tracked")
    right.plot(steps, [float(row["iou_prompted"]) for row in rows], label="IoU, prompt alone")
    right.set(ylabel="IoU", ylim=(0, 1))
    figure.legend(loc="outside upper center", ncols=3, frameon=False)
    figure.savefig(picture, dpi=120)
    pyplot.close(figure)
