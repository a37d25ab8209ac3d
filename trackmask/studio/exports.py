"""Exports: into a place beside the result, or as one file to download. The page names a format and its options, never a
path."""

from __future__ import annotations

import os
import re
import secrets
import zipfile
from collections import OrderedDict
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import Any

from trackmask.batch.find import RESULT
from trackmask.data import State
from trackmask.errors import CallError
from trackmask.export import FORMATS, Format, Options, export
from trackmask.export.options import IMAGES, Images, parse_fps, parse_states
from trackmask.files import writing
from trackmask.formats.node import Node
from trackmask.importing import READERS
from trackmask.studio.calls import objects_of
from trackmask.studio.session import Session

KEPT = 4  # downloads: older ones are deleted
_COLOUR = re.compile("#[0-9a-fA-F]{6}")  # a file's name could stand here on the command line: not from a page
# Options by their names at the page: those of every format, and those that some have.
_COMMON = ("every", "fps", "states", "min_area", "objects")
_ANNOTATIONS = ("coco", "yt-vis", "mots", "yolo-seg", "cvat", "cvat-images", "label-studio", "labelme", "via", "csv")
_PICTURES = ("coco", "yt-vis", "davis", "yolo-seg", "cvat-images", "label-studio", "labelme", "via")
_OWN = {
    "categories": _ANNOTATIONS,
    "images": _PICTURES,
    "polygon": ("coco", "labelme"),
    "tolerance": ("coco", "labelme", "yolo-seg", "cvat", "via"),
    "background": ("cutout",),
    "blur": ("blur",),
}


def formats() -> dict[str, Any]:
    """What can be exported and imported, for the page."""
    return {
        "export": [
            {"name": name, "opens": form.opens, "needs": _missing(form), "options": options_for(name)}
            for name, form in FORMATS.items()
        ],
        "import": [{"name": name, "what": reader.what, "suffixes": reader.uploads} for name, reader in READERS.items()],
        "states": [str(state) for state in State],
    }


def options_for(name: str) -> list[str]:
    """The options that make sense for a format."""
    return [*_COMMON, *(option for option, names in _OWN.items() if name in names)]


def read_options(said: Node, session: Session) -> Options:
    """Options from the page. Raises CallError, or DataError with the place of what is wrong."""
    said.known(*_COMMON, *_OWN)
    fps, states = said.optional("fps"), said.optional("states")
    categories = dict(said.get("categories").fields()) if said.has("categories") else {}
    options = Options(
        every=said.get("every").whole(1) if said.has("every") else 1,
        fps=None if fps is None else parse_fps(str(fps.value)),
        min_area=said.get("min_area").whole(1) if said.has("min_area") else 1,
        objects=tuple(map(str, objects_of(said) or ())),
        categories={name: node.name() for name, node in categories.items()},
        images=_images(said),
        polygon=said.has("polygon") and said.get("polygon").value is True,
        tolerance=said.get("tolerance").number() if said.has("tolerance") else 1.0,
        video=session.place.video,
        background=_colour(said),
        blur="background" if said.has("blur") and said.get("blur").text() == "background" else "object",
    )
    return options if states is None else replace(options, states=parse_states(",".join(_texts(states))))


def _texts(node: Node) -> list[str]:
    return [item.text() for item in node.items()]


def _images(said: Node) -> Images:
    text = said.get("images").text() if said.has("images") else "copy"
    for one in IMAGES:
        if one == text:
            return one
    raise CallError(f"images: give one of {', '.join(IMAGES)}")


def _colour(said: Node) -> str:
    text = said.get("background").text() if said.has("background") else "#000000"
    if not _COLOUR.fullmatch(text):
        raise CallError("the background must be a colour such as #00b140")
    return text


def _missing(form: Format) -> str | None:
    if not form.needs or find_spec(form.needs) is not None:
        return None
    return "this format needs a package that is not installed; run: pip install 'trackmask[export]'"


@dataclass(frozen=True)
class Made:
    """What an export has made."""

    path: Path
    notes: tuple[str, ...]


def write(session: Session, to: str, options: Options, folder: Path, lacking: str | None) -> Made:
    """An export of the result into a new place in a folder. `lacking`: what of the clip it does not have, if anything.

    Raises what `export` raises.
    """
    form = FORMATS[to]
    base = session.place.result.name.removesuffix(RESULT)
    suffix = form.suffix if form.suffix and not form.gathers else ""
    kind = "" if suffix == f".{to}" else f".{to}"
    out = folder / f"{base}{kind}{suffix}"
    number = 2
    while os.path.lexists(out):
        out, number = folder / f"{base}{kind}-{number}{suffix}", number + 1
    report = export(session.place.result, to, out, options, partial=lacking is not None)
    notes = report.notes if lacking is None else (f"{lacking}: this is what there is", *report.notes)
    return Made(report.out, notes)


class Downloads:
    """Files that wait to be fetched, for as long as the studio is open."""

    def __init__(self) -> None:
        self._room: TemporaryDirectory | None = None  # made once there is one: a kill would leave it
        self._files: OrderedDict[str, Path] = OrderedDict()

    def place(self) -> Path:
        """A new empty folder."""
        with writing(Path(gettempdir())):
            self._room = self._room or TemporaryDirectory(prefix="trackmask-studio-")
            folder = Path(self._room.name) / secrets.token_hex(8)
            folder.mkdir()
        return folder

    def add(self, path: Path) -> str:
        """Offer a file, or a folder as one zip; returns its id."""
        found = path if path.is_file() else zipped(path)
        name = secrets.token_hex(8)
        self._files[name] = found
        while len(self._files) > KEPT:
            self._files.popitem(last=False)[1].unlink(missing_ok=True)
        return name

    def get(self, name: str) -> Path | None:
        return self._files.get(name)

    def close(self) -> None:
        if self._room is not None:
            self._room.cleanup()


def zipped(folder: Path) -> Path:
    """A folder as a zip beside it, in place of it. Pictures and films are small already, and are not packed again."""
    target = folder.with_name(f"{folder.name}.zip")
    with writing(target), zipfile.ZipFile(target, "x") as archive:
        for path in sorted(folder.rglob("*")):
            packed = zipfile.ZIP_DEFLATED if path.suffix in (".json", ".xml", ".txt", ".csv") else zipfile.ZIP_STORED
            if path.is_file():
                archive.write(path, path.relative_to(folder.parent).as_posix(), packed)
                path.unlink()
    return target
