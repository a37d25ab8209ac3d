"""Label Studio: one task a frame, masks in its brush format.

clip/tasks.json             import it into a project
clip/images/00000.jpg       where Label Studio serves local files from: see docs/export.md
label_config.xml            the project's labelling interface
"""

from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

from trackmask.draw import palette
from trackmask.export.clip import ExportClip, Shown
from trackmask.export.job import ExportJob
from trackmask.export.pictures import placed
from trackmask.export.pieces import Pieces, dumps, separated
from trackmask.formats.runs import to_brush


def write(job: ExportJob, folder: Path) -> list[str]:
    for clip in job.clips:
        (folder / clip.name).mkdir()
        with Pieces(folder) as pieces:
            for sample, name in placed(clip, folder / clip.name / "images"):
                results = [_result(clip, shown, job.category(shown.info)) for shown in sample.objects()]
                data = {"image": f"/data/local-files/?d={clip.name}/images/{name}", "frame": sample.index}
                pieces.add("tasks", dumps({"data": data, "annotations": [{"result": results}]}))
            with (folder / clip.name / "tasks.json").open("w", encoding="utf-8", newline="\n") as file:
                file.write("[\n")
                file.writelines(separated(pieces.texts("tasks")))
                file.write("\n]\n")
    (folder / "label_config.xml").write_text(_config(job), "utf-8")
    return []


def _result(clip: ExportClip, shown: Shown, label: str) -> dict[str, Any]:
    height, width = clip.size
    return {
        "id": f"object-{shown.info.id}",
        "type": "brushlabels",
        "from_name": "label",
        "to_name": "image",
        "original_width": width,
        "original_height": height,
        "image_rotation": 0,
        "value": {"format": "rle", "rle": to_brush(shown.mask), "brushlabels": [label]},
        "meta": {"text": [f"object {shown.info.id}"]},
    }


def _config(job: ExportJob) -> str:
    labels = "".join(
        f'    <Label value={quoteattr(name)} background="#{palette()[(number - 1) % 255 + 1].tobytes().hex()}"/>\n'
        for name, number in job.categories.items()
    )
    return (
        '<View>\n  <Image name="image" value="$image" zoom="true"/>\n'
        f'  <BrushLabels name="label" toName="image">\n{labels}  </BrushLabels>\n</View>\n'
    )
