"""Masks that a person corrected in another tool, back into the result folder that they came from.

    RESULT/edits/edits.json     what changed: frame, object, how
    RESULT/edits/00057.png      the changed objects of a frame; the pixel values are the ids

A format is one module with `read(path, about) -> {frame: regions}`: the frames that the file speaks of, each with the
objects that it shows there. It may raise DataError; what a damaged file makes it stumble over becomes one here.
"""

import difflib
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from xml.etree.ElementTree import ParseError

from trackmask.errors import CallError, DataError
from trackmask.export.clip import plain_name
from trackmask.importing.edits import Edit, Tally, read_edits, write_edits
from trackmask.importing.region import About, Region
from trackmask.result import open_result

__all__ = ["READERS", "Edit", "Tally", "import_edits", "read_edits"]

READERS = {
    "coco": "a json of annotations with RLE or polygons",
    "cvat": "an xml of CVAT for video or for images",
    "labelme": "a folder of labelme's json files",
    "davis": "a folder of palette PNGs, or a DAVIS tree",
}
_DAMAGED = (KeyError, TypeError, ValueError, AttributeError, IndexError, RecursionError, ParseError)


def import_edits(
    result: Path, path: Path, kind: str, *, clip: str = "", absent: bool = False, overwrite: bool = False
) -> Tally:
    """Keep the masks in `path` that differ from the result's, in RESULT/edits, which appears whole or not at all.

    `clip` is the name under which the result was exported, where it is not its video's. An object that the file does
    not show in a frame counts as taken away only with `absent`: exports may have left it out on purpose.
    Raises CallError for an unknown kind, DataError where the file cannot be read or does not fit the result,
    OutputExistsError where there are edits already (unless `overwrite`), ResultError and OutputError.
    """
    if kind not in READERS:
        near = difflib.get_close_matches(kind.lower(), READERS, n=1, cutoff=0.4)
        hint = f"did you mean {near[0]}? " if near else ""
        raise CallError(f"{kind!r} cannot be imported; {hint}give one of {', '.join(READERS)}")
    opened = open_result(result)
    about = About(clip or plain_name(Path(opened.source.name).stem), opened.source.size, bool(clip))
    regions = _read(path, kind, about)
    return write_edits(opened, regions, path.name, kind, absent=absent, overwrite=overwrite)


def _read(path: Path, kind: str, about: About) -> Mapping[int, list[Region]]:
    try:
        frames: Mapping[int, list[Region]] = import_module(f"trackmask.importing.{kind}").read(path, about)
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror or error}); check its name") from error
    except _DAMAGED as error:
        raise DataError(f"{path} is not what {kind} writes ({error!r}); export it again") from error
    if not frames:
        raise DataError(f"{path} holds no frame of {about.clip}; give the right file, or the clip's name with --clip")
    return frames
