"""DAVIS 2017's tree of palette PNGs, which video object segmentation tools read; the pixel values are the ids.

Annotations/480p/clip/00000.png     "480p" is where tools look; the size is the video's own
JPEGImages/480p/clip/00000.jpg
ImageSets/2017/train.txt            the clips; or one list for each split
"""

from pathlib import Path

from trackmask.errors import CallError
from trackmask.export.job import ExportJob
from trackmask.export.pictures import placed
from trackmask.formats.ids import VOID
from trackmask.formats.png import write_labels


def write(job: ExportJob, folder: Path) -> list[str]:
    for clip in job.clips:
        if any(info.id == VOID for info in clip.objects):
            raise CallError(
                f"object 255 of {clip.name} would be 'void' in DAVIS; leave it out with --object, or use mots"
            )
    sets = folder / "ImageSets" / "2017"
    sets.mkdir(parents=True)
    for split, part in job.parts():
        (sets / f"{split or 'train'}.txt").write_text("".join(f"{clip.name}\n" for clip in part.clips), "utf-8")
        for clip in part.clips:
            masks = folder / "Annotations" / "480p" / clip.name
            masks.mkdir(parents=True)
            for sample, _ in placed(clip, folder / "JPEGImages" / "480p" / clip.name):
                write_labels(masks / f"{sample.name}.png", sample.labels)
    return []
