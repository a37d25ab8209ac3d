"""CVAT for video 1.1: polygon tracks, since CVAT takes no masks in tracks.

    clip.xml        to be uploaded as annotations of a task made from the video itself
    labels.json     for the "Raw" tab of the task's labels

A track holds one polygon a frame, so an object in several parts becomes several tracks, the n-th largest part in the
n-th of them; the attribute `object_id` tells that they belong together. Frames are those of the video: with --every N
make the task with a frame step of N.
"""

from collections.abc import Iterator
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from trackmask import files
from trackmask.draw import palette
from trackmask.export.clip import ExportClip
from trackmask.export.job import ExportJob
from trackmask.export.pieces import Pieces, dumps
from trackmask.formats.polygons import Outlines, Ring
from trackmask.result import ObjectInfo

Track = tuple[ObjectInfo, int]  # the object, and which of its parts


def write(job: ExportJob, folder: Path) -> list[str]:
    outlines = Outlines(job.options.tolerance)
    for clip in job.clips:
        with Pieces(folder) as pieces, (folder / f"{clip.name}.xml").open("w", encoding="utf-8", newline="\n") as file:
            frames = _collect(clip, pieces, outlines)
            file.write('<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n<version>1.1</version>\n')
            file.write(meta(job, clip, frames))
            for number, track in enumerate(sorted(pieces.keys(), key=lambda key: (key[0].id, key[1]))):
                file.writelines(_track(number, job.category(track[0]), pieces.texts(track)))
            file.write("</annotations>\n")
    write_label_list(job, folder)
    return outlines.report()


def write_label_list(job: ExportJob, folder: Path) -> None:
    (folder / "labels.json").write_text(
        dumps([_label(name, number) for name, number in job.categories.items()]), "utf-8"
    )


def object_id(info: ObjectInfo) -> str:
    return f'<attribute name="object_id">{info.id}</attribute>'


def meta(job: ExportJob, clip: ExportClip, frames: list[int]) -> str:
    """What CVAT writes about a task; `frames` are the exported ones."""
    height, width = clip.size
    labels = "".join(
        f"<label><name>{escape(name)}</name><color>{_colour(number)}</color><attributes><attribute>"
        "<name>object_id</name><mutable>False</mutable><input_type>number</input_type>"
        "<default_value>0</default_value><values>0\n255\n1</values></attribute></attributes></label>\n"
        for name, number in job.categories.items()
    )
    return (
        f"<meta><task><name>{escape(clip.name)}</name><size>{len(frames)}</size><mode>interpolation</mode>"
        f"<start_frame>{frames[0]}</start_frame><stop_frame>{frames[-1]}</stop_frame>"
        f"<frame_filter>step={clip.options.every}</frame_filter>"
        f"<labels>\n{labels}</labels>"
        f"<original_size><width>{width}</width><height>{height}</height></original_size></task>"
        f"<source>{escape(files.shown(clip.source.name))}</source></meta>\n"
    )


def _label(name: str, number: int) -> dict[str, object]:
    attribute = {"name": "object_id", "mutable": False, "input_type": "number", "default_value": "0"}
    return {"name": name, "color": _colour(number), "attributes": [attribute | {"values": ["0", "255", "1"]}]}


def _colour(number: int) -> str:
    return f"#{palette()[(number - 1) % 255 + 1].tobytes().hex()}"


def _collect(clip: ExportClip, pieces: Pieces, outlines: Outlines) -> list[int]:
    """Under each track its shapes; an object that is gone, or still there when the export ends before
    the video, gets its last shape once more, marked as outside.
    """
    frames: list[int] = []
    seen: dict[Track, str] = {}  # the tracks that go on, with their last points
    for sample in clip.samples():
        frames.append(sample.index)
        now: dict[Track, str] = {}
        for shown in sample.objects():
            for part, ring in enumerate(outlines.of(shown.mask)):
                now[shown.info, part] = points(ring)
        for track in [track for track in seen if track not in now]:
            pieces.add(track, _shape(sample.index, seen[track], track[0], outside=1))
        for track, at in now.items():
            pieces.add(track, _shape(sample.index, at, track[0], outside=0))
        seen = now
    after = frames[-1] + clip.options.every
    if clip.source.frames is None or after < clip.source.frames:  # else CVAT would show them to the end of its task
        for track, at in seen.items():
            pieces.add(track, _shape(after, at, track[0], outside=1))
    return frames


def points(ring: Ring) -> str:
    return ";".join(f"{x:.2f},{y:.2f}" for x, y in ring)


def _shape(frame: int, at: str, info: ObjectInfo, *, outside: int) -> str:
    head = f'<polygon frame="{frame}" keyframe="1" outside="{outside}" occluded="0" points="{at}" z_order="0">'
    return f"{head}{object_id(info)}</polygon>"


def _track(number: int, label: str, shapes: Iterator[str]) -> Iterator[str]:
    yield f'<track id="{number}" label={quoteattr(label)} source="auto">\n'
    yield from (f"{shape}\n" for shape in shapes)
    yield "</track>\n"
