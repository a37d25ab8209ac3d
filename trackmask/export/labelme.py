"""labelme: a json beside every image, `group_id` is the object's id.

    clip/00000.json
    clip/00000.jpg

Masks by default; with --polygon polygons, one for each part.
"""

import base64
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image as Pillow

from trackmask.export.clip import Shown
from trackmask.export.job import ExportJob
from trackmask.export.pictures import placed
from trackmask.export.pieces import dumps
from trackmask.formats.polygons import Outlines

_VERSION = "5.5.0"  # of labelme, whose keys these are: shape_type "mask" is as old as 5.3


def write(job: ExportJob, folder: Path) -> list[str]:
    outlines = Outlines(job.options.tolerance) if job.options.polygon else None
    for clip in job.clips:
        height, width = clip.size
        (folder / clip.name).mkdir()
        for sample, name in placed(clip, folder / clip.name):
            shapes = [s for shown in sample.objects() for s in _shapes(shown, job.category(shown.info), outlines)]
            page: dict[str, Any] = {
                "version": _VERSION,
                "flags": {},
                "shapes": shapes,
                "imagePath": name,
                "imageData": None,
            }
            page |= {"imageHeight": height, "imageWidth": width}
            (folder / clip.name / f"{sample.name}.json").write_text(dumps(page), "utf-8")
    return outlines.report() if outlines else []


def _shapes(shown: Shown, label: str, outlines: Outlines | None) -> list[dict[str, Any]]:
    shape: dict[str, Any] = {"label": label, "group_id": shown.info.id, "description": "", "flags": {}}
    if outlines:
        rings = outlines.of(shown.mask)
        return [shape | {"shape_type": "polygon", "points": ring.tolist(), "mask": None} for ring in rings]
    x, y, w, h = shown.box
    buffer = BytesIO()
    Pillow.fromarray(shown.mask[y : y + h, x : x + w]).save(buffer, "PNG")
    corners = [[x, y], [x + w - 1, y + h - 1]]  # both within the mask
    return [shape | {"shape_type": "mask", "points": corners, "mask": base64.b64encode(buffer.getvalue()).decode()}]
