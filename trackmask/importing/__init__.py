"""Masks that a person corrected in another tool, back into the result folder that they came from.

    RESULT/edits/edits.json     what changed: frame, object, how
    RESULT/edits/00057.png      the changed objects of a frame; the pixel values are the ids

`formats` reads what other tools write, `readers` knows where in a folder it lies, `frames` which frame a picture is,
and `edits` what differs from the result.
"""

import difflib
from pathlib import Path

from trackmask.errors import CallError, DataError
from trackmask.files import plain_name, shown
from trackmask.formats.names import stems_of
from trackmask.importing.archive import unpacked
from trackmask.importing.edits import Edit, Tally, read_edits, write_edits
from trackmask.importing.frames import About, by_frame
from trackmask.importing.readers import READERS
from trackmask.result import open_result

__all__ = ["READERS", "Edit", "Tally", "import_edits", "read_edits"]


def import_edits(
    result: Path, path: Path, kind: str, *, clip: str = "", absent: bool = False, overwrite: bool = False
) -> Tally:
    """Keep the masks in `path` that differ from the result's, in RESULT/edits, which appears whole or not at all; where
    none differs there is none. `path` may be a ZIP, as CVAT and Label Studio export it.

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
    source = opened.source
    names = source.names if stems_of(source.names) else ()  # else exports are named by number
    about = About(clip or plain_name(Path(source.name).stem), source.size, bool(clip), names)
    reader = READERS[kind]
    if not path.exists():
        raise DataError(f"there is no {shown(path)}; check its name")
    with unpacked(path, reader.suffixes) as place:
        frames = by_frame(reader.read(place, about.clip), about)
        if not frames:
            raise DataError(
                f"{shown(path)} holds no frame of {about.clip}; give the right file, or the clip's name with --clip"
            )
        return write_edits(opened, frames, shown(path.name), kind, absent=absent, overwrite=overwrite)
