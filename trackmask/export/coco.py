"""COCO instances: one image a frame, masks as RLE or polygons, `track_id` is the object's id.

    annotations/instances_default.json      or one for each split
    images/default/clip/00000.jpg

Videos stand beside images as CocoVID has them (video_id, frame_id), so tracks can be put together again.
"""

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from trackmask.export.clip import ExportClip, Sample, Shown
from trackmask.export.job import ExportJob
from trackmask.export.pictures import placed
from trackmask.export.pieces import Pieces, dumps, write_document
from trackmask.formats.polygons import Outlines
from trackmask.formats.runs import to_coco


def write(job: ExportJob, folder: Path) -> list[str]:
    (folder / "annotations").mkdir()
    outlines = Outlines(job.options.tolerance) if job.options.polygon else None
    for split, part in job.parts():
        name = split or "default"
        with Pieces(folder) as pieces:
            collect(part, folder / "images" / name, pieces, outlines)
            head = {"info": {"description": "made by trackmask"}, "licenses": [], "categories": categories(job)}
            lists = {key: pieces.texts(key) for key in ("videos", "images", "annotations")}
            write_document(folder / "annotations" / f"instances_{name}.json", head, lists)
    return outlines.report() if outlines else []


def collect(job: ExportJob, images: Path, pieces: Pieces, outlines: Outlines | None) -> None:
    image_ids, annotation_ids = count(1), count(1)
    for video, clip in enumerate(job.clips, 1):
        height, width = clip.size
        pieces.add("videos", dumps({"id": video, "name": clip.name, "height": height, "width": width}))
        for sample, name in placed(clip, images / clip.name):
            image = _image(next(image_ids), video, clip, sample, name)
            pieces.add("images", dumps(image))
            for shown in sample.objects():
                entry = {"id": next(annotation_ids), "image_id": image["id"], "video_id": video}
                pieces.add("annotations", dumps(entry | _annotation(job, shown, outlines)))


def categories(job: ExportJob) -> list[dict[str, Any]]:
    return [{"id": number, "name": name, "supercategory": ""} for name, number in job.categories.items()]


def _image(number: int, video: int, clip: ExportClip, sample: Sample, name: str) -> dict[str, Any]:
    height, width = clip.size
    entry = {"id": number, "file_name": f"{clip.name}/{name}", "height": height, "width": width}
    return entry | {"video_id": video, "frame_id": sample.index, "time": round(sample.time, 6)}


def _annotation(job: ExportJob, shown: Shown, outlines: Outlines | None) -> dict[str, Any]:
    segmentation: Any = to_coco(shown.mask)
    if outlines:
        segmentation = [list(_numbers(ring)) for ring in outlines.of(shown.mask)]
    return {
        "category_id": job.number(shown.info),
        "track_id": shown.info.id,
        "instance_id": shown.info.id,
        "segmentation": segmentation,
        "area": shown.area,
        "bbox": list(shown.box),
        "iscrowd": 0,
        # Annotation tools keep what stands under this key, and drop keys that they do not know.
        "attributes": {"track_id": shown.info.id, "state": shown.record.state, "confidence": shown.record.confidence},
    }


def _numbers(ring: np.ndarray) -> Iterator[float]:
    """x0, y0, x1, y1 ..."""
    return (round(float(value), 2) for value in ring.ravel())
