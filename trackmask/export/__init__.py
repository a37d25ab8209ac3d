"""Results in the formats of annotation tools, training frameworks and video editors.

A format is one module with a function `write(job, folder) -> notes`: it fills an empty folder from `job.clips`, and
returns sentences that the user should know. It may raise any TrackmaskError, and OSError.
"""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path

from trackmask.errors import CallError, OutputExistsError
from trackmask.export import mark
from trackmask.export.clip import open_clips
from trackmask.export.job import ExportJob, make_job
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
    suffix: str = ""  # of the one file that it can be: a clip's film or table, or annotations without their images
    gathers: bool = False  # whether that file holds any number of clips
    splits: bool = False  # whether it has its own place for --split; else each split is a folder


FORMATS = {
    "coco": Format(
        "Detectron2, MMDetection, CVAT, FiftyOne, datumaro", "coco:write", "pycocotools", ".json", True, splits=True
    ),
    "yt-vis": Format("YouTube-VIS tools, MMTracking, TrackEval", "youtube_vis:write", "pycocotools", ".json", True),
    "davis": Format("video object segmentation tools (XMem, Cutie, SAM 2)", "davis:write", splits=True),
    "mots": Format("MOTS Challenge tools, TrackEval", "mots:write", "pycocotools"),
    "yolo-seg": Format("Ultralytics YOLO", "yolo:write", splits=True),
    "cvat": Format("CVAT, a task made from the video (polygon tracks)", "cvat:write", suffix=".xml"),
    "cvat-images": Format("CVAT, a task made from images (masks)", "cvat_images:write"),
    "label-studio": Format("Label Studio, brush labels", "label_studio:write"),
    "labelme": Format("labelme", "labelme:write"),
    "via": Format("VGG Image Annotator 2", "via:write"),
    "supervision": Format("supervision: sv.Detections, in Python", "detections:write"),
    "alpha": Format("any editor: PNG sequence with alpha", "films:alpha"),
    "prores": Format("Premiere, Resolve, Final Cut, After Effects: ProRes 4444", "films:prores", suffix=".mov"),
    "webm": Format("browsers, OBS: VP9 with alpha", "films:webm", suffix=".webm"),
    "overlay": Format("any player: the clip with its masks drawn in", "films:drawn", suffix=".mp4"),
    "matte": Format("any editor: black and white film", "films:matte", suffix=".mp4"),
    "cutout": Format("any player: the object over a colour or a picture", "films:cutout", suffix=".mp4"),
    "blur": Format("any player: object or background blurred", "films:blur", suffix=".mp4"),
    "csv": Format("spreadsheets, pandas: boxes, areas, confidence", "table:write", suffix=".csv"),
}


# Endings that only files have: `clip.v2` may well be a folder, `coco.json` never is.
_FILES = {".json", ".xml", ".csv", ".txt", ".zip", ".npz", ".html", ".png", ".jpg", ".jpeg", ".webp"}
_FILES |= {".mp4", ".mov", ".webm", ".mkv", ".avi", ".gif"}


@dataclass(frozen=True)
class Report:
    out: Path
    clips: int
    notes: tuple[str, ...]


def export(
    results: str | Path | Iterable[str | Path],
    to: str,
    out: str | Path,
    options: Options = Options(),
    *,
    partial: bool = False,
) -> Report:
    """Write result folders (one, or several) in a format of FORMATS to `out`, which appears whole or not at all.

    `out` becomes a folder, or for a format with a suffix a file where `out` has that suffix: a film or a table of one
    result, or annotations of any number of them, without images.
    Raises CallError for an unknown format, a result that is not complete (unless `partial`), a name that only a file
    of another kind has, and options that do not fit; OutputExistsError where `out` exists; OutputError where it cannot
    be written; ExtraError; ResultError and VideoError where result or video cannot be read.
    """
    folders = [results] if isinstance(results, str | Path) else results
    form, out = find_format(to), Path(out)
    as_file = _is_file(out, to, form)
    clips = open_clips(tuple(map(Path, folders)), options, partial=partial)
    if as_file and len(clips) > 1 and not form.gathers:
        raise CallError(f"{len(clips)} results do not fit into the one file {out}; give a folder with -o")
    if as_file and options.split:
        raise CallError(f"--split makes several files, and {out} is one; give a folder with -o")
    if as_file and form.gathers:
        options = replace(options, images="none")
    job = make_job(clips, options)
    with StagedFolder(out, _check_free) as staged:
        with writing(out):
            notes = _write(form, job, staged.path)
        if as_file:
            with writing(out):
                _check_free(out)
                (written,) = staged.path.rglob(f"*{form.suffix}")
                written.replace(out)
        else:
            with writing(out):
                (staged.path / mark.FILE).write_text(f"{mark.COMMENT}\n")
            staged.publish()
    return Report(out, len(clips), tuple(dict.fromkeys(notes)))


def _is_file(out: Path, to: str, form: Format) -> bool:
    """Whether `out` is the name of the one file that a format can be. Raises CallError for another file's name."""
    suffix = out.suffix.lower()
    if suffix in _FILES and suffix != form.suffix:
        wanted = f"a folder, or a file whose name ends in {form.suffix}" if form.suffix else "a folder"
        raise CallError(f"{to} is {wanted}; {out} is the name of something else, choose another with -o")
    return bool(form.suffix) and suffix == form.suffix


def find_format(name: str) -> Format:
    """Raises CallError for a name that is not in FORMATS."""
    if name in FORMATS:
        return FORMATS[name]
    raise CallError(f"there is no format {name!r}; give one of {', '.join(FORMATS)}")


def _write(form: Format, job: ExportJob, folder: Path) -> list[str]:
    write = _load(form)
    if form.splits or not job.options.split:
        return write(job, folder)
    notes = []
    for split, part in job.parts():
        (folder / split).mkdir()
        notes += write(part, folder / split)
    return notes


def _load(form: Format) -> Callable[[ExportJob, Path], list[str]]:
    if form.needs:
        need("export", "this format", form.needs)
    module, _, function = form.writer.partition(":")
    write: Callable[[ExportJob, Path], list[str]] = getattr(import_module(f"trackmask.export.{module}"), function)
    return write


def _check_free(out: Path) -> None:
    if os.path.lexists(out):
        raise OutputExistsError(f"{out} exists already; choose another place with -o, or remove it")
