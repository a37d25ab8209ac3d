"""What a writer is given: the clips, their categories, and the options."""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from trackmask.errors import CallError
from trackmask.export.clip import ExportClip
from trackmask.export.options import Options
from trackmask.result import ObjectInfo

UNNAMED = "object"  # the category of what nobody named
_AUTOMATIC = re.compile(r"object [0-9]+(, .*)?")  # "object 1", "object 1, right, moving"


def unnamed(name: str) -> bool:
    """Whether an object's name is one that tracking gave it."""
    return bool(_AUTOMATIC.fullmatch(name))


@dataclass(frozen=True)
class ExportJob:
    """Categories are those of all clips, so that they have the same numbers in every part of a split."""

    clips: tuple[ExportClip, ...]
    options: Options
    everything: tuple[ExportClip, ...]

    @cached_property
    def categories(self) -> dict[str, int]:
        """Category name to its number, from 1 on, in order of first appearance.

        Raises CallError for a name that is empty, and for two that other tools would take for the same.
        """
        names: dict[str, int] = {}
        alike: dict[str, str] = {}
        for clip in self.everything:
            for info in clip.objects:
                name = self.category(info)
                key = " ".join(name.split()).casefold()
                if not key or not name.isprintable():
                    raise CallError(f"object {info.id} of {clip.name} has no readable name; give one with --category")
                if alike.setdefault(key, name) != name:
                    raise CallError(
                        f"the names {alike[key]!r} and {name!r} are the same to other tools; map one with --category"
                    )
                names.setdefault(name, len(names) + 1)
        return names

    def category(self, info: ObjectInfo) -> str:
        """What --category says, else the object's name; objects that nobody named are of one category."""
        return self.options.categories.get(info.name, UNNAMED if unnamed(info.name) else info.name)

    def number(self, info: ObjectInfo) -> int:
        """Of its category, from 1 on."""
        return self.categories[self.category(info)]

    def parts(self) -> Iterator[tuple[str, "ExportJob"]]:
        """The splits, each with its clips; one without a name where nothing is split."""
        for split in dict.fromkeys(clip.split for clip in self.clips):
            yield split, replace(self, clips=tuple(clip for clip in self.clips if clip.split == split))


def make_job(clips: Sequence[ExportClip], options: Options) -> ExportJob:
    """Gives every clip its split. Raises CallError where there are fewer clips than splits."""
    if options.split:
        clips = _split(clips, options)
    return ExportJob(tuple(clips), options, tuple(clips))


def _split(clips: Sequence[ExportClip], options: Options) -> list[ExportClip]:
    """By whole clips, never by frames: those of one clip are too alike to be learned from and tested on.

    By the hash of the name, so that the order on the command line does not matter.
    """
    if len(clips) < len(options.split):
        raise CallError(f"{len(clips)} clips cannot fill {len(options.split)} splits; a clip is never cut: give more")
    order = sorted(clips, key=lambda clip: hashlib.sha256(clip.name.encode()).digest())
    counts = _counts(len(clips), options)
    names = [name for name, count in counts.items() for _ in range(count)]
    by_clip = {clip.name: name for clip, name in zip(order, names, strict=True)}
    parted = [replace(clip, split=by_clip[clip.name]) for clip in clips]
    return sorted(parted, key=lambda clip: list(counts).index(clip.split))


def _counts(total: int, options: Options) -> dict[str, int]:
    """How many clips each split gets: one at least, the rest where most is missing."""
    counts = dict.fromkeys(options.split, 1)
    for _ in range(total - len(counts)):
        counts[max(counts, key=lambda name: options.split[name] * total - counts[name])] += 1
    return counts
