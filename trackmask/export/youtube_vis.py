"""YouTube-VIS: an annotation is a whole track, with an entry for every frame of its clip, null where it is not seen.

instances.json
JPEGImages/clip/00000.jpg
"""

import json
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from trackmask.export.clip import ExportClip
from trackmask.export.coco import categories
from trackmask.export.job import ExportJob
from trackmask.export.pictures import placed
from trackmask.export.pieces import Pieces, dumps, separated, write_document
from trackmask.formats.runs import to_coco
from trackmask.result import ObjectInfo


def write(job: ExportJob, folder: Path) -> list[str]:
    with Pieces(folder) as pieces:
        for clip in job.clips:
            _collect(clip, folder / "JPEGImages" / clip.name, pieces)
        head = {"info": {"description": "made by trackmask"}, "licenses": [], "categories": categories(job)}
        lists = {"videos": _videos(job, pieces), "annotations": _annotations(job, pieces)}
        write_document(folder / "instances.json", head, lists)
    return []


def _collect(clip: ExportClip, images: Path, pieces: Pieces) -> None:
    """Under (clip, "names") the image files, under (clip, id) what is known of an object in each frame."""
    for sample, name in placed(clip, images):
        pieces.add((clip.name, "names"), dumps(f"{clip.name}/{name}"))
        seen = {
            shown.info.id: dumps([to_coco(shown.mask), shown.box, shown.area, round(shown.record.confidence, 4)])
            for shown in sample.objects()
        }
        for info in clip.objects:
            pieces.add((clip.name, info.id), seen.get(info.id, "[null,null,null,null]"))


def _videos(job: ExportJob, pieces: Pieces) -> Iterator[str]:
    for number, clip in enumerate(job.clips, 1):
        names = [json.loads(name) for name in pieces.texts((clip.name, "names"))]
        height, width = clip.size
        entry = {"id": number, "width": width, "height": height, "length": len(names), "file_names": names}
        yield dumps(entry | {"name": clip.name})


def _annotations(job: ExportJob, pieces: Pieces) -> Iterator[str]:
    numbers = count(1)
    for video, clip in enumerate(job.clips, 1):
        for info in clip.objects:
            if any(text[1] != "n" for text in pieces.texts((clip.name, info.id))):  # never seen: no track
                yield "".join(_track(next(numbers), video, clip, info, job, pieces))


def _track(
    number: int, video: int, clip: ExportClip, info: ObjectInfo, job: ExportJob, pieces: Pieces
) -> Iterator[str]:
    height, width = clip.size
    head = {"id": number, "video_id": video, "category_id": job.number(info), "track_id": info.id, "iscrowd": 0}
    yield dumps(head | {"width": width, "height": height})[:-1]
    for place, key in enumerate(("segmentations", "bboxes", "areas", "confidences")):
        values = (dumps(json.loads(text)[place]) for text in pieces.texts((clip.name, info.id)))
        yield f',"{key}":['
        yield from (value.replace("\n", "") for value in separated(values))
        yield "]"
    yield "}"
