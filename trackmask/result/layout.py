"""What lies where in a result folder.

    result.json           what is known: source, prompts, objects, shots, a record for each frame, ranges to review
    masks/00000.png       a palette PNG for each frame, in DAVIS's colours; the pixel values are the ids
    soft/1/00000.png      with `soft`: the probability of object 1, 8-bit grey
    given/1/00000.png     what a person said of object 1, 8-bit grey, where another's mask was put above it since
    overlay.mp4           the picture for people; whoever draws it puts it into `ResultWriter.folder`
    history/001/          what the first correction replaced, see revision.py
    edits/                masks that were imported, see importing
    studio.json           the sign that a person's work in the studio has made it, and where that lies
    report.html           the page that `trackmask report` writes later

The files of a frame are called by its number, or after the picture of the folder that it was.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self, get_args

from trackmask.errors import CallError
from trackmask.files import absolute, has_file, has_folder, plain_name, shown
from trackmask.formats.names import stem_of, taken_for_one

JSON, MASKS, SOFT, OVERLAY, REPORT = "result.json", "masks", "soft", "overlay.mp4", "report.html"
GIVEN, HISTORY, EDITS, STUDIO = "given", "history", "edits", "studio.json"

MaskNames = Literal["number", "source"]  # the files of a frame are called by its number, or as the source calls it


@dataclass(frozen=True)
class FrameFiles:
    """The files of a frame, by their way from the result folder."""

    stems: tuple[str, ...] = ()  # what they are called, without .png, a name a frame; none: by number

    @classmethod
    def named(cls, by: MaskNames, pictures: Sequence[str]) -> Self:
        """`pictures` are the names of the folder's pictures; a film has none, and its frames have numbers alone.

        Raises CallError where two pictures would have one mask, also on systems that ignore upper and lower case.
        """
        if by not in get_args(MaskNames):
            raise CallError(f"masks cannot be named by {by!r}; give one of {', '.join(get_args(MaskNames))}")
        if by == "number":
            return cls()
        stems = tuple(plain_name(stem_of(picture), spaces=True) for picture in pictures)
        if twins := taken_for_one(stems):
            one, other = (shown(pictures[place]) for place in twins)
            raise CallError(
                f"the masks of {one} and {other} would be one file; rename one, or leave out --names source"
            )
        return cls(stems)

    @property
    def by(self) -> MaskNames:
        return "source" if self.stems else "number"

    def name(self, index: int) -> str:
        return f"{self.stems[index]}.png" if self.stems else f"{index:05d}.png"

    def mask(self, index: int) -> str:
        return f"{MASKS}/{self.name(index)}"

    def soft(self, object_id: int, index: int) -> str:
        return f"{SOFT}/{object_id}/{self.name(index)}"

    def given(self, object_id: int, index: int) -> str:
        return f"{GIVEN}/{object_id}/{self.name(index)}"


def is_result(folder: Path) -> bool:
    """Whether a folder looks like a result, whatever it is called."""
    return has_file(folder / JSON) and has_folder(folder / MASKS)


def default_folder(video: Path) -> Path:
    """Where the result of a video goes if nobody says otherwise: into the current folder, by the name given."""
    return Path(f"{absolute(video).name}.trackmask")


def versions(folder: Path) -> list[Path]:
    """What the corrections of a result replaced, the first one first."""
    if not (folder / HISTORY).is_dir():
        return []
    return sorted((path for path in (folder / HISTORY).iterdir() if path.name.isdecimal()), key=lambda p: int(p.name))


def is_corrected(folder: Path) -> bool:
    """Whether a person's work lies in a result: corrections, edits that were imported, or what the studio has made."""
    return bool(versions(folder)) or any((folder / name).exists() for name in (EDITS, STUDIO))
