"""Masks that were corrected in another tool, as corrections here."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from trackmask.errors import CallError
from trackmask.files import plain_name, writing
from trackmask.importing import READERS, import_edits, read_edits
from trackmask.result import EDITS
from trackmask.result.layout import HISTORY
from trackmask.result.revision import link_tree
from trackmask.studio.session import Session
from trackmask.studio.store import UPLOADS

Mask = tuple[int, int, str, np.ndarray]  # object, frame, its name, (H, W) bool


@contextmanager
def upload(session: Session, name: str, kind: str) -> Iterator[Path]:
    """A place for a file that the page sends, called as it was: its name may tell a frame. Raises CallError."""
    if kind not in READERS:
        raise CallError(f"{kind!r} cannot be imported; give one of {', '.join(READERS)}")
    plain = plain_name(name)[-100:].lstrip(".") or "upload"
    endings = READERS[kind].uploads
    if Path(plain).suffix.lower() not in endings:
        raise CallError(f"{kind} comes as {', '.join(endings)}; this is another kind of file")
    folder = session.place.folder / UPLOADS / secrets.token_hex(8)  # two may come at once
    try:
        with writing(folder):
            folder.mkdir(parents=True)
        yield folder / plain
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def bring_in(session: Session, path: Path, kind: str, *, absent: bool) -> int:
    """Make the masks in a file that differ from those of the result, which must be written, corrections of one act.

    Returns how many there are. Raises what `import_edits` raises.
    """
    result = session.place.result
    copy = path.parent / result.name  # edits that another command has brought in stay as they are
    with writing(copy):
        link_tree(result, copy, leave_out=lambda inner: inner.name in (EDITS, HISTORY))
    import_edits(copy, path, kind, absent=absent)
    found = [(one.object_id, one.frame, one.name, one.mask()) for one in read_edits(copy)]
    if found:
        session.masks(f"import of {path.name}", found)
    return len(found)
