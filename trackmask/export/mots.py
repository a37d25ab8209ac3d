"""MOTS Challenge, as txt and as 16-bit PNG: an object is class * 1000 + id.

    clip/gt/gt.txt                  frame object class height width rle
    clip/instances/000001.png
    clip/img1/000001.jpg
    clip/seqinfo.ini
    seqmaps/all.txt  labels.txt     the clips; the classes

Frames count from 1 and without gaps, as its tools expect: the n-th exported frame is frame n.
"""

from pathlib import Path

import numpy as np

from trackmask.errors import CallError
from trackmask.export.clip import ExportClip
from trackmask.export.job import ExportJob
from trackmask.export.pictures import placed, write_png
from trackmask.formats.runs import to_coco

_KNOWN = {"car": 1, "person": 2, "pedestrian": 2}  # the benchmark's own numbers
_SCORED = {"person", "pedestrian"}  # what TrackEval's MOTSChallenge scores: its class 2
_IGNORE = 10  # "ignore this region"
_FREE = [number for number in range(3, 65) if number != _IGNORE]  # 64 * 1000 + 255 still fits into 16 bits


def write(job: ExportJob, folder: Path) -> list[str]:
    classes = _classes(job)
    (folder / "labels.txt").write_text("".join(f"{number} {name}\n" for name, number in classes.items()), "utf-8")
    (folder / "seqmaps").mkdir()
    (folder / "seqmaps" / "all.txt").write_text("name\n" + "".join(f"{c.name}\n" for c in job.clips), "utf-8")
    for clip in job.clips:
        _write_clip(clip, folder / clip.name, {info.id: classes[job.category(info)] for info in clip.objects})
    if all(name.casefold() not in _SCORED for name in classes):
        return [
            "TrackEval's MOTSChallenge scores the class pedestrian alone, and here is none; to be scored, give "
            f"{next(iter(classes), 'object 1')} the category pedestrian"
        ]
    return []


def _classes(job: ExportJob) -> dict[str, int]:
    """Category name to class. Raises CallError where two names mean one class, or where there are too many."""
    free = iter(_FREE)
    classes: dict[str, int] = {}
    for name in job.categories:
        number = _KNOWN.get(name.casefold()) or next(free, None)
        if number is None:
            raise CallError(f"MOTS holds {len(_FREE)} categories and there are more; map some with --category")
        if number in classes.values():
            raise CallError(f"{name!r} and another name are class {number} in MOTS; map one of them with --category")
        classes[name] = number
    return classes


def _write_clip(clip: ExportClip, folder: Path, classes: dict[int, int]) -> None:
    height, width = clip.size
    codes = np.zeros(256, np.uint16)
    for object_id, number in classes.items():
        codes[object_id] = number * 1000 + object_id
    for name in ("gt", "instances"):
        (folder / name).mkdir(parents=True)
    total, suffix = 0, ".jpg"
    with (folder / "gt" / "gt.txt").open("w", encoding="ascii", newline="\n") as file:
        for sample, name in placed(clip, folder / "img1", "{number:06d}"):
            total, suffix = sample.place + 1, Path(name).suffix
            for shown in sample.objects():
                number = classes[shown.info.id]
                counts = to_coco(shown.mask)["counts"]
                file.write(f"{total} {codes[shown.info.id]} {number} {height} {width} {counts}\n")
            write_png(folder / "instances" / f"{total:06d}.png", codes[sample.labels])
    (folder / "seqinfo.ini").write_text(
        f"[Sequence]\nname={clip.name}\nimDir=img1\nframeRate={float(clip.fps):g}\nseqLength={total}\n"
        f"imWidth={width}\nimHeight={height}\nimExt={suffix}\n",
        "utf-8",
    )
