"""VGG Image Annotator (VIA 2): polygons, with label and object id as region attributes.

clip/via.json
clip/00000.jpg
"""

from pathlib import Path
from typing import Any

from trackmask.export.clip import Sample
from trackmask.export.job import ExportJob
from trackmask.export.pictures import placed
from trackmask.export.pieces import Pieces, dumps, separated
from trackmask.formats.polygons import Outlines


def write(job: ExportJob, folder: Path) -> list[str]:
    outlines = Outlines(job.options.tolerance)
    for clip in job.clips:
        (folder / clip.name).mkdir()
        with Pieces(folder) as pieces:
            for sample, name in placed(clip, folder / clip.name):
                path = folder / clip.name / name
                size = path.stat().st_size if path.exists() else -1  # VIA's own word for "not known"
                page = {"filename": name, "size": size, "regions": _regions(job, sample, outlines)}
                pieces.add("pages", f"{dumps(f'{name}{size}')}:{dumps(page | {'file_attributes': {}})}")
            with (folder / clip.name / "via.json").open("w", encoding="utf-8", newline="\n") as file:
                file.write("{\n")
                file.writelines(separated(pieces.texts("pages")))
                file.write("\n}\n")
    return outlines.report()


def _regions(job: ExportJob, sample: Sample, outlines: Outlines) -> list[dict[str, Any]]:
    regions = []
    for shown in sample.objects():
        attributes = {"label": job.category(shown.info), "object_id": str(shown.info.id)}
        for ring in outlines.of(shown.mask):
            xs, ys = ring.T.tolist()
            shape = {"name": "polygon", "all_points_x": xs, "all_points_y": ys}
            regions.append({"shape_attributes": shape, "region_attributes": attributes})
    return regions
