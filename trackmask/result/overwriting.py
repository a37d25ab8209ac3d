"""What of a result folder may be overwritten: a result where the user says so, and of it what trackmask wrote alone."""

import os
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from trackmask.errors import CallError, OutputExistsError, ResultError
from trackmask.result.atomic import LOCK
from trackmask.result.document import read_head
from trackmask.result.layout import (
    EDITS,
    GIVEN,
    HISTORY,
    JSON,
    MASKS,
    OVERLAY,
    REPORT,
    SOFT,
    STUDIO,
    FrameFiles,
    is_corrected,
)

# All that --overwrite may delete, and the names of the files in its folders.
_OURS = {JSON, MASKS, SOFT, GIVEN, OVERLAY, HISTORY, EDITS, STUDIO, REPORT, f".{REPORT}.partial", LOCK, ".DS_Store"}
_OURS |= {f".{EDITS}.partial", f".{EDITS}.replaced"}
_NAMES = "|".join(map(re.escape, (JSON, "edits.json", OVERLAY, STUDIO, LOCK, ".DS_Store")))
_WRITTEN = re.compile(rf"^([0-9]{{5,}}\.png|{_NAMES})$")


def check_free(folder: Path, *, overwrite: bool, discard: bool) -> None:
    """Raises OutputExistsError where `folder` may not be replaced: a result may where the user says `overwrite`, a
    person's corrections where he says `discard`, too; nothing else ever is.
    """
    if not os.path.lexists(folder):
        return
    if not overwrite:
        raise OutputExistsError(f"{folder} exists already; choose another folder with -o, or say --overwrite")
    try:
        head = read_head(folder / JSON)
    except ResultError:
        raise OutputExistsError(
            f"{folder} is not a trackmask result, so it is not overwritten; choose another with -o"
        ) from None
    if is_corrected(folder) and not discard:
        raise OutputExistsError(
            f"{folder} holds a person's corrections, which --overwrite would delete; say --discard-corrections as well"
        )
    for path in _others(folder, _named(head)):
        raise OutputExistsError(f"{folder} also holds {path}, which --overwrite would delete; move it away")


def is_written(name: str) -> bool:
    """Whether trackmask writes files of that name into the folders of any result."""
    return bool(_WRITTEN.search(name))


def _named(head: Mapping[str, Any]) -> set[str]:
    """The names of masks that are called after the source's pictures."""
    try:
        files = FrameFiles.named(head["mask_names"], head["source"]["names"])
    except (CallError, KeyError, TypeError, AttributeError):
        return set()  # damaged, or of another schema: what it means is not known
    return {f"{stem}.png" for stem in files.stems}


def _others(folder: Path, named: Collection[str]) -> Iterator[str]:
    """Files of a result folder that trackmask never wrote there, by their way from the folder."""
    for path in sorted(folder.iterdir()):
        if path.name not in _OURS:
            yield path.name
        elif path.name in (MASKS, SOFT, GIVEN, HISTORY, EDITS) and path.is_dir() and not path.is_symlink():
            parts = (part for part in path.rglob("*") if not part.is_dir() or part.is_symlink())
            ours = () if path.name == EDITS else named
            strange = (part for part in parts if not is_written(part.name) and part.name not in ours)
            yield from (part.relative_to(folder).as_posix() for part in strange)
