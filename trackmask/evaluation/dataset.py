"""Clips with truth masks on disk: DAVIS's layout, films with masks beside them, or masks alone.

JPEGImages/[480p/]CLIP/NAME.{jpg,png,webp}  or  videos/CLIP.mp4
Annotations/[480p/]CLIP/NAME.png            NAME of a film's frame is its number; frames without truth are fine
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from trackmask.data import Frame, Labels
from trackmask.errors import DataError
from trackmask.formats.pictures import read_picture
from trackmask.video import open_video

VOID = 255  # a truth pixel that counts for nothing
_PICTURES = {".webp", ".jpg", ".jpeg", ".png"}
FPS = 24  # DAVIS's; a folder of pictures does not say


@dataclass(frozen=True)
class Clip:
    """A clip and its truth: pictures, or a film, or neither (masks alone, which can be scored but not tracked)."""

    name: str
    truths: Mapping[int, Path]  # the mask PNG of each frame that has one
    images: tuple[Path, ...] = ()  # one a frame, in order
    film: Path | None = None
    every: int = 1  # of the film's frames

    def __len__(self) -> int:
        """Number of frames; of a film, at least that many: up to its last truth."""
        return len(self.images) or max(self.truths, default=-1) + 1

    def frames(self) -> Iterator[Frame]:
        """Every frame in order, decoded as it is asked for; DataError or VideoError where that fails."""
        if self.film:
            with open_video(self.film) as video:
                kept = (frame for frame in video if frame.index % self.every == 0)
                yield from (replace(frame, index=index) for index, frame in enumerate(kept))
            return
        if not self.images:
            raise DataError(f"the clip {self.name} has masks only; give the data set's folder, which has its pictures")
        for index, path in enumerate(self.images):
            yield Frame(index, index / FPS, np.array(read_picture(path, DataError).convert("RGB")))

    def thinned(self, every: int) -> "Clip":
        """Every so many-th frame alone, from the first one on: a clip in which all moves faster."""
        truths = {index // every: path for index, path in self.truths.items() if index % every == 0}
        return replace(self, truths=truths, images=self.images[::every], every=every * self.every)

    def truth(self, index: int) -> Labels:
        """(H, W) uint8: object ids, VOID where nothing counts; DataError where frame `index` has no truth."""
        if index not in self.truths:
            raise DataError(f"the clip {self.name} has no truth for frame {index}; add the mask to its Annotations")
        return read_labels(self.truths[index])

    def first_mask(self) -> Labels:
        """The truth of frame 0 as a prompt, void taken as background; DataError where it shows no object."""
        labels = self.truth(0)
        labels[labels == VOID] = 0
        if not labels.any():
            raise DataError(f"the clip {self.name} shows no object in the truth of frame 0; begin it where one is")
        return labels

    def ids(self) -> tuple[int, ...]:
        """The objects in any of the clip's truths, in order; DataError where there are none."""
        ids = set().union(*(np.unique(self.truth(index)).tolist() for index in self.truths)) - {0, VOID}
        if not ids:
            raise DataError(f"the clip {self.name} shows no object in any of its truth masks; leave it out")
        return tuple(sorted(ids))


def read_dataset(folder: Path, split: Path | None = None) -> list[Clip]:
    """The clips of a data set in the layout above, by name; with a split (a text file, a clip's name a line) only
    those and in its order.

    DataError where the folder is of another layout, the split names a clip that is not there, or truth is missing
    or does not belong to a frame. Masks and pictures themselves are read, and found faulty, only when asked for.
    """
    sources = _sources(folder)
    annotations = _resolution(folder / "Annotations")
    return [_clip(name, sources[name], annotations / name) for name in _chosen(sources, split)]


def read_truth(folder: Path) -> list[Clip]:
    """The clips whose truth lies in a data set, a folder of clips' mask folders, or one folder of masks.

    DataError where there is none. Without pictures the frames are the masks themselves, in the order of their names.
    """
    if (folder / "JPEGImages").is_dir() or (folder / "videos").is_dir():
        return read_dataset(folder)
    if masks_in(folder):
        return [_masks_alone(folder)]
    parent = _resolution(folder / "Annotations") if (folder / "Annotations").is_dir() else folder
    clips = [_masks_alone(child) for child in folders_in(parent) if masks_in(child)]
    if not clips:
        raise DataError(f"{folder} holds no truth masks; give a folder with CLIP/00000.png, or a data set")
    return clips


def read_labels(path: Path) -> Labels:
    """A mask PNG as (H, W) uint8 ids. 1-bit: id 1. Palette: its indices. Grey: its values, or id 1 where 255 alone
    is used, as tools that know of one object write it. DataError where it cannot be read or has colours."""
    picture = read_picture(path, DataError)
    if picture.mode not in ("1", "L", "P"):
        raise DataError(f"the mask {path} is of mode {picture.mode}; save it with a palette, in 8-bit grey or one bit")
    labels = np.array(picture)
    if picture.mode == "L" and not ((labels > 0) & (labels < 255)).any():
        labels = labels == 255
    return labels.astype(np.uint8)


def masks_in(folder: Path) -> list[Path]:
    """The PNGs right in a folder, 2 before 10; none where it is not a folder."""
    return [path for path in _pictures_in(folder) if path.suffix.lower() == ".png"]


def folders_in(folder: Path) -> list[Path]:
    """The folders right in a folder, by name; none where it is not a folder."""
    return sorted(path for path in _visible(folder) if path.is_dir())


def _pictures_in(folder: Path) -> list[Path]:
    return sorted((path for path in _visible(folder) if path.suffix.lower() in _PICTURES), key=_natural)


def _visible(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if not path.name.startswith(".")] if folder.is_dir() else []


def _natural(path: Path) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdigit() else (0, part) for part in re.split(r"([0-9]+)", path.stem)]


def _resolution(folder: Path) -> Path:
    """DAVIS keeps 480p and the full resolution side by side; 480p is the one that is measured."""
    return folder / "480p" if (folder / "480p").is_dir() else folder


def _sources(folder: Path) -> dict[str, Path]:
    """Each clip's folder of pictures or its film, by the clip's name."""
    films = sorted(path for path in _visible(folder / "videos") if path.is_file())
    sources = {path.stem: path for path in films}
    sources |= {path.name: path for path in folders_in(_resolution(folder / "JPEGImages"))}
    if not sources:
        raise DataError(f"{folder} is not a data set; it needs JPEGImages/CLIP/ or videos/CLIP.mp4, and Annotations/")
    return sources


def _chosen(sources: Mapping[str, Path], split: Path | None) -> list[str]:
    if split is None:
        return sorted(sources)
    try:
        lines = split.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise DataError(f"the split {split} cannot be read; give a text file, a clip's name a line") from error
    names = list(dict.fromkeys(line.strip() for line in lines if line.strip()))
    if not names:
        raise DataError(f"the split {split} names no clip; write a clip's name a line")
    for name in names:
        if name not in sources:
            raise DataError(f"the split {split} names the clip {name!r}, which the data set does not have; correct it")
    return names


def _clip(name: str, source: Path, annotations: Path) -> Clip:
    masks = masks_in(annotations)
    if not masks:
        raise DataError(f"the clip {name} has no truth; put its masks into {annotations}, or leave it out by a split")
    if source.is_file():
        return Clip(name, {_number(path): path for path in masks}, film=source)
    images = _pictures_in(source)
    if not images:
        raise DataError(f"the clip {name} has no pictures in {source}; put them there, or leave it out by a split")
    frame_of = {path.stem: index for index, path in enumerate(images)}
    for path in masks:
        if path.stem not in frame_of:
            raise DataError(f"the truth {path} belongs to no picture of the clip {name}; name it as its picture")
    return Clip(name, {frame_of[path.stem]: path for path in masks}, tuple(images))


def _number(path: Path) -> int:
    if not re.fullmatch("[0-9]+", path.stem):
        raise DataError(f"the truth {path} is a film's; name it by its frame's number, such as 00000.png")
    return int(path.stem)


def _masks_alone(folder: Path) -> Clip:
    return Clip(folder.name, dict(enumerate(masks_in(folder))))
