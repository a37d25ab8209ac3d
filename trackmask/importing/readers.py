"""Where each format's files lie, as our own export and other tools write them: a file, or a folder.

A reader takes the path and the clip's name, and gives what the files say of that clip. All raise DataError.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from trackmask.errors import DataError
from trackmask.files import shown
from trackmask.formats import coco, cvat, label_studio, labelme, palette, via, yolo
from trackmask.formats.limits import MAX_SHAPES
from trackmask.formats.node import read_json
from trackmask.formats.shape import Annotations, Picture


@dataclass(frozen=True)
class Reader:
    what: str  # it reads, for the help
    suffixes: tuple[str, ...]  # of the files that matter
    read: Callable[[Path, str], Annotations]
    alone: bool = True  # whether one such file is enough; else it takes the folder

    @property
    def uploads(self) -> tuple[str, ...]:
        """The endings of what can be sent as one file: a ZIP of the folder, and where it is enough, a file of it."""
        return (*self.suffixes, ".zip") if self.alone else (".zip",)


def _coco(path: Path, clip: str) -> Annotations:
    return coco.read(read_json(_file(path, "annotations/*.json", "*.json")))


def _cvat(path: Path, clip: str) -> Annotations:
    return cvat.read(_file(path, f"{clip}.xml", f"{clip}/annotations.xml", "annotations.xml", "*.xml"))


def _labelme(path: Path, clip: str) -> Annotations:
    files = _files(path, f"{clip}/*.json", "*.json")
    return _joined(clip, (labelme.read(read_json(file), file.name) for file in files))


def _davis(path: Path, clip: str) -> Annotations:
    places = (f"Annotations/*/{clip}", f"Annotations/{clip}", clip, "Annotations/*/*")
    files = _files(path, *(f"{place}/*.png" for place in places), "*.png")
    return _joined(clip, map(palette.read, files))


def _label_studio(path: Path, clip: str) -> Annotations:
    return label_studio.read(read_json(_file(path, f"{clip}/tasks.json", "*.json")))


def _via(path: Path, clip: str) -> Annotations:
    return via.read(read_json(_file(path, f"{clip}/via.json", "*.json")))


def _yolo(path: Path, clip: str) -> Annotations:
    """A label's name ends in the frame's number; what stands before it is the clip's name."""
    if path.is_file():
        raise _no_folder(path)  # a label is nothing without the names of its classes
    names = yolo.read_names(_file(path, "data.yaml", "*.yaml", "classes.txt"))
    return _joined("", (yolo.read(file, names, clip) for file in _files(path, "labels/**/*.txt", "*/*.txt")))


READERS = {
    "coco": Reader("a json of annotations with run lengths or polygons", (".json",), _coco),
    "cvat": Reader("an xml of CVAT for video or for images", (".xml",), _cvat),
    "davis": Reader("palette PNGs, or a DAVIS tree", (".png",), _davis),
    "label-studio": Reader("Label Studio's json of brushes or polygons", (".json",), _label_studio),
    "labelme": Reader("labelme's json files", (".json",), _labelme),
    "via": Reader("VGG Image Annotator's json of polygons", (".json",), _via),
    "yolo-seg": Reader("a data set of Ultralytics YOLO", (".txt", ".yaml", ".yml"), _yolo, alone=False),
}


def _file(path: Path, *patterns: str) -> Path:
    """`path` itself, or the one file that the first pattern with any finds in that folder."""
    if not path.is_dir():
        return path
    files = _files(path, *patterns)
    if len(files) != 1:
        kind = patterns[-1].removeprefix("*.")
        raise DataError(f"{shown(path)} holds {len(files)} files of the kind {kind}; give the one to import")
    return files[0]


def _no_folder(path: Path) -> DataError:
    return DataError(f"{shown(path.name)} is neither a folder nor a whole zip; give the export's folder, or its zip")


def _files(folder: Path, *patterns: str) -> list[Path]:
    """In order of their names; none where nothing matches. In place of a folder, one file of the kind is it itself.

    Raises DataError where `folder` is neither.
    """
    if folder.is_file() and folder.suffix.lower() == Path(patterns[-1]).suffix:
        return [folder]
    if not folder.is_dir():
        raise _no_folder(folder)
    found = (sorted(file for file in folder.glob(pattern) if file.is_file()) for pattern in patterns)
    return next(filter(None, found), [])


def _joined(clip: str, parts: Iterable[Annotations]) -> Annotations:
    """Files of one picture each, all of the clip."""
    pictures, shapes = list[Picture](), []
    for part in parts:
        own = {picture: replace(picture, name=f"{clip}/{picture.name}") for picture in part.pictures}
        pictures += own.values()
        shapes += [replace(shape, picture=own[shape.picture]) for shape in part.shapes]
        if len(shapes) > MAX_SHAPES:
            raise DataError(f"there are more than {MAX_SHAPES} shapes; import fewer files at a time")
    return Annotations(tuple(pictures), tuple(shapes))
