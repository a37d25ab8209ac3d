"""CVAT for images 1.1 with masks: exact, holes and all, but a mask stands for one frame and is in no track.

clip/annotations.xml
clip/images/00000.jpg
labels.json
"""

from pathlib import Path
from xml.sax.saxutils import quoteattr

from trackmask.export.clip import ExportClip, Shown
from trackmask.export.cvat import meta, object_id, write_label_list
from trackmask.export.job import ExportJob
from trackmask.export.pictures import placed
from trackmask.export.pieces import Pieces
from trackmask.formats.runs import to_rows


def write(job: ExportJob, folder: Path) -> list[str]:
    for clip in job.clips:
        (folder / clip.name).mkdir()
        with Pieces(folder) as pieces:
            frames = _collect(job, clip, folder / clip.name / "images", pieces)
            head = meta(job, clip, frames).replace("<mode>interpolation</mode>", "<mode>annotation</mode>")
            with (folder / clip.name / "annotations.xml").open("w", encoding="utf-8", newline="\n") as file:
                file.write(f'<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n<version>1.1</version>\n{head}')
                file.writelines(f"{text}\n" for text in pieces.texts("images"))
                file.write("</annotations>\n")
    write_label_list(job, folder)
    return []


def _collect(job: ExportJob, clip: ExportClip, images: Path, pieces: Pieces) -> list[int]:
    frames = []
    height, width = clip.size
    for sample, name in placed(clip, images):
        frames.append(sample.index)
        masks = "".join(_mask(shown, job.category(shown.info)) for shown in sample.objects())
        head = f'<image id="{sample.place}" name={quoteattr(name)} width="{width}" height="{height}">'
        pieces.add("images", f"{head}{masks}</image>")
    return frames


def _mask(shown: Shown, label: str) -> str:
    x, y, w, h = shown.box
    runs = ", ".join(map(str, to_rows(shown.mask[y : y + h, x : x + w])))
    where = f'left="{x}" top="{y}" width="{w}" height="{h}" z_order="0"'
    return (
        f'<mask label={quoteattr(label)} source="auto" occluded="0" rle="{runs}" {where}>{object_id(shown.info)}</mask>'
    )
