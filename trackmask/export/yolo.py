"""YOLO segmentation as Ultralytics reads it: normalised polygons, no track ids.

data.yaml
images/train/clip_00000.jpg
labels/train/clip_00000.txt     a line an object: class x1 y1 x2 y2 ...; parts and holes joined by cuts of no width
"""

from pathlib import Path

import numpy as np

from trackmask.export.clip import Sample
from trackmask.export.job import ExportJob
from trackmask.export.pictures import placed
from trackmask.export.pieces import dumps
from trackmask.formats.polygons import Outlines
from trackmask.formats.yolo import paint, trace


def write(job: ExportJob, folder: Path) -> list[str]:
    outlines = Outlines(job.options.tolerance, trace, paint)
    splits = []
    for split, part in job.parts():
        splits.append(split or "train")
        labels = folder / "labels" / splits[-1]
        labels.mkdir(parents=True)
        for clip in part.clips:
            images = folder / "images" / splits[-1]
            for sample, _ in placed(clip, images, clip.name + "_{name}"):
                (labels / f"{clip.name}_{sample.name}.txt").write_text(_lines(job, sample, outlines), "ascii")
    (folder / "data.yaml").write_text(_yaml(job, splits), "utf-8")
    return outlines.report()


def _lines(job: ExportJob, sample: Sample, outlines: Outlines) -> str:
    lines = ""
    size = np.array(sample.labels.shape[::-1])
    for shown in sample.objects():
        ring = outlines.of(shown.mask)[0] / size
        lines += f"{job.number(shown.info) - 1} {' '.join(f'{value:.6f}' for value in ring.ravel())}\n"
    return lines


def _yaml(job: ExportJob, splits: list[str]) -> str:
    """Names as JSON texts, which YAML reads as well. Training needs a `val`: without a split it is the same images."""
    paths = {split: f"images/{split}" for split in splits}
    paths.setdefault("train", f"images/{splits[0]}")
    paths.setdefault("val", f"images/{splits[-1]}")
    lines = [f"{split}: {path}" for split, path in paths.items()]
    return "\n".join([*lines, "names:", *(f"  {n - 1}: {dumps(name)}" for name, n in job.categories.items())]) + "\n"
