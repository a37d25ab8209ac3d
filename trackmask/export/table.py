"""A table for plots: a line for each frame and object, empty cells where the object has no mask.

clip.csv: frame, time, object, name, state, confidence, x, y, width, height, centre_x, centre_y, area
"""

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from trackmask.export.clip import ExportClip, Shown
from trackmask.export.job import ExportJob
from trackmask.files import cell

_COLUMNS = ["frame", "time", "object", "name", "state", "confidence"]
_COLUMNS += ["x", "y", "width", "height", "centre_x", "centre_y", "area"]
_NOWHERE: list[object] = ["", "", "", "", "", "", 0]


def write(job: ExportJob, folder: Path) -> list[str]:
    for clip in job.clips:
        with (folder / f"{clip.name}.csv").open("w", encoding="utf-8", newline="") as file:
            table = csv.writer(file, lineterminator="\n")
            table.writerow(_COLUMNS)
            for line in _lines(clip):
                table.writerow(line)
    return []


def _lines(clip: ExportClip) -> Iterator[list[object]]:
    for sample in clip.samples():
        shown = {item.info.id: _place(item) for item in sample.objects()}
        for info, record in sample.known:
            about = [
                sample.index,
                f"{sample.time:.6f}",
                info.id,
                cell(info.name),
                record.state,
                f"{record.confidence:.4f}",
            ]
            yield [*about, *shown.get(info.id, _NOWHERE)]


def _place(shown: Shown) -> list[object]:
    """The centre is the mean of the pixels' centres."""
    rows, columns = np.nonzero(shown.mask)
    return [*shown.box, f"{columns.mean() + 0.5:.2f}", f"{rows.mean() + 0.5:.2f}", shown.area]
