"""Results in the formats of annotation tools, training frameworks and video editors.

A format is one module with a function `write(job, folder) -> notes`: it fills an empty folder from `job.clips`, and
returns sentences that the user should know. It may raise any TrackmaskError, and OSError.
"""

import difflib
import os
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from trackmask.errors import CallError, OutputExistsError
from trackmask.export.clip import open_clips
from trackmask.export.job import Job, make_job
from trackmask.export.options import Options
from trackmask.extras import need
from trackmask.files import writing
from trackmask.result import StagedFolder

__all__ = ["FORMATS", "Format", "Options", "Report", "export"]


@dataclass(frozen=True)
class Format:
    opens: str  # what opens it
    writer: str  # "module:function" in this package, imported when it is asked for
    needs: str = ""  # the package of the extra [export] that it needs
    suffix: str = ""  # of the one file that a clip becomes; "" for a folder
    splits: bool = False  # whether it has its own place for --split; else each split is a folder


FORMATS = {
    "coco": Format("Detectron2, MMDetection, CVAT, FiftyOne, datumaro", "coco:write", "pycocotools", splits=True),
    "yt-vis": Format("YouTube-VIS tools, MMTracking, TrackEval", "youtube_vis:write", "pycocotools"),
    "davis": Format("video object segmentation tools (XMem, Cutie, SAM 2)", "davis:write", splits=True),
    "mots": Format("MOTS Challenge tools, TrackEval", "mots:write", "pycocotools"),
    "yolo-seg": Format("Ultralytics YOLO", "yolo:write", splits=True),
    "cvat": Format("CVAT, a task made from the video (polygon tracks)", "cvat:write"),
    "cvat-images": Format("CVAT, a task made from images (masks)", "cvat_images:write"),
    "label-studio": Format("Label Studio, brush labels", "label_studio:write"),
    "labelme": Format("labelme", "labelme:write"),
    "via": Format("VGG Image Annotator 2", "via:write"),
    "supervision": Format("supervision: sv.Detections, in Python", "detections:write"),
    "alpha": Format("any editor: PNG sequence with alpha", "films:alpha"),
    "prores": Format("Premiere, Resolve, Final Cut, After Effects: ProRes 4444", "films:prores", suffix=".mov"),
    "webm": Format("browsers, OBS: VP9 with alpha", "films:webm", suffix=".webm"),
    "matte": Format("any editor: black and white film", "films:matte", suffix=".mp4"),
    "cutout": Format("any player: the object over a colour or a picture", "films:cutout", suffix=".mp4"),
    "blur": Format("any player: object or background blurred", "films:blur", suffix=".mp4"),
    "csv": Format("spreadsheets, pandas: boxes, areas, confidence", "table:write", suffix=".csv"),
}


@dataclass(frozen=True)
class Report:
    out: Path
    clips: int
    notes: tuple[str, ...]


def export(
    results: tuple[Path, ...],
    to: str,
    out: Path,
    options: Options = Options(),
    *,
    partial: bool = False,
) -> Report:
    """Write result folders in a format of FORMATS to `out`, which appears whole or not at all.

    `out` becomes a folder, or for one result and a format with a suffix a file where `out` has that suffix.
    Raises CallError for an unknown format, a result that is not complete (unless `partial`), and options that do not
    fit; OutputExistsError where `out` exists; OutputError where it cannot be written; ExtraError;
    ResultError and VideoError where result or video cannot be read.
    """
    form = find_format(to)
    clips = open_clips(results, options, partial=partial)
    as_file = bool(form.suffix) and out.suffix.lower() == form.suffix
    if as_file and len(clips) > 1:
        raise CallError(f"{len(clips)} results do not fit into the one file {out}; give a folder with -o")
    job = make_job(clips, options)
    with StagedFolder(out, _check_free) as staged:
        with writing(out):
            notes = _write(form, job, staged.path)
        if as_file:
            with writing(out):
                _check_free(out)
                (staged.path / f"{clips[0].name}{form.suffix}").replace(out)
        else:
            staged.publish()
    return Report(out, len(clips), tuple(dict.fromkeys(notes)))


def find_format(name: str) -> Format:
    """Raises CallError for a name that is not in FORMATS."""
    if name in FORMATS:
        return FORMATS[name]
    near = difflib.get_close_matches(name.lower(), FORMATS, n=1, cutoff=0.4)
    hint = f"did you mean {near[0]}? " if near else ""
    raise CallError(f"there is no format {name!r}; {hint}trackmask export --list shows all")


def _write(form: Format, job: Job, folder: Path) -> list[str]:
    write = _load(form)
    if form.splits or not job.options.split:
        return write(job, folder)
    notes = []
    for split, part in job.parts():
        (folder / split).mkdir()
        notes += write(part, folder / split)
    return notes


def _load(form: Format) -> Callable[[Job, Path], list[str]]:
    if form.needs:
        need("export", "this format", form.needs)
    module, _, function = form.writer.partition(":")
    write: Callable[[Job, Path], list[str]] = getattr(import_module(f"trackmask.export.{module}"), function)
    return write


def _check_free(out: Path) -> None:
    if os.path.lexists(out):
        raise OutputExistsError(f"{out} exists already; choose another place with -o, or remove it")
