"""For `supervision`: a file a frame that holds the arguments of `sv.Detections`, and the same in Python.

clip/00000.npz      sv.Detections(**np.load("clip/00000.npz"))
classes.txt         category names, in order of class_id
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from trackmask.export.clip import Sample, open_clips
from trackmask.export.job import ExportJob, make_job
from trackmask.export.options import Options


def write(job: ExportJob, folder: Path) -> list[str]:
    (folder / "classes.txt").write_text("".join(f"{name}\n" for name in job.categories), "utf-8")
    for clip in job.clips:
        (folder / clip.name).mkdir()
        for sample in clip.samples():
            np.savez_compressed(folder / clip.name / f"{sample.name}.npz", **_arguments(job, sample))
    return []


def detections(
    result: Path,
    options: Options = Options(),
    *,
    partial: bool = False,
) -> Iterator[tuple[int, Any]]:
    """The frames of a result folder, each as (index, sv.Detections) with `tracker_id` = object id.

    Needs the package supervision. Raises ResultError and CallError, as `open_clips` does.
    """
    import supervision

    job = make_job(open_clips((result,), options, partial=partial), options)
    for sample in job.clips[0].samples():
        yield sample.index, supervision.Detections(**_arguments(job, sample))


def _arguments(job: ExportJob, sample: Sample) -> dict[str, Any]:
    """n objects: xyxy (n, 4) float32 in pixels, mask (n, H, W) bool, confidence (n,) float32, ids (n,) int64."""
    shown = list(sample.objects())
    boxes = [(x, y, x + w, y + h) for x, y, w, h in (item.box for item in shown)]
    return {
        "xyxy": np.array(boxes, np.float32).reshape(-1, 4),
        "mask": np.array([item.mask for item in shown], bool).reshape(-1, *sample.labels.shape),
        "confidence": np.array([item.record.confidence for item in shown], np.float32),
        "class_id": np.array([job.number(item.info) - 1 for item in shown], np.int64),
        "tracker_id": np.array([item.info.id for item in shown], np.int64),
    }
