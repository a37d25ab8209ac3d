"""Which clips there are: in a folder, by a glob, in a list or a CSV, each with the file of its prompts."""

import csv
import glob
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from io import StringIO
from itertools import pairwise
from pathlib import Path, PurePosixPath

from trackmask.batch.walk import Tree, is_video, may_be_video
from trackmask.errors import CallError
from trackmask.export.mark import is_export
from trackmask.files import absolute, has_file, open_regular, shown

RESULT = ".trackmask"
_TABLE = re.compile(r"failures.*\.csv/*", re.IGNORECASE)  # in OUT: the batch's own
_SIDECARS = (".prompts.json", ".mask.png", ".json")  # in order of preference


@dataclass(frozen=True)
class BatchClip:
    key: str  # its path relative to IN, with /
    path: Path  # absolute
    output: str  # of its result relative to OUT, with /; no two clips have the same
    prompt: Path | str | None = None  # a file, a box "X,Y,W,H", or nothing: the main object is found


@dataclass(frozen=True)
class Selection:
    """`include`: patterns of which a clip must match one; `exclude`: none. Without a / they are for its name alone."""

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    def __contains__(self, key: str) -> bool:
        chosen = not self.include or any(_matches(key, pattern) for pattern in self.include)
        return chosen and not any(_matches(key, pattern) for pattern in self.exclude)


@dataclass(frozen=True)
class Found:
    clips: list[BatchClip]
    notes: list[str] = field(default_factory=list)  # what was passed over, and why: one line each


def find_clips(source: str, out: Path, prompts: Path | None = None, select: Selection = Selection()) -> Found:
    """The clips that `source` names, in order of their keys: a folder, a glob, a list, a CSV or a single video.

    A clip's prompts are those of the CSV, else of a side-car beside it, else `prompts`, a file for all of them.
    Raises CallError where there is nothing, or where two clips would write the same result.
    """
    found = _find(source, out, select)
    clips = [_with_prompt(clip, prompts) for clip in found.clips if clip.key in select]
    clips.sort(key=lambda clip: os.fsencode(clip.output))
    if not clips:
        raise CallError(f"{shown(source)} holds no clips; give a folder, a pattern, a list or a CSV of videos")
    for one, other in pairwise(clips):
        if one.output == other.output:
            raise CallError(f"two clips would write {shown(one.output)}; name each clip once, or give other outputs")
    outputs = {clip.output for clip in clips}
    for clip in clips:
        if around := next((way for way in PurePosixPath(clip.output).parents if way.as_posix() in outputs), None):
            raise CallError(f"{shown(clip.output)} would lie in the result {shown(around)}; give other outputs")
    return Found(clips, found.notes)


def _find(source: str, out: Path, select: Selection) -> Found:
    path = Path(source)
    if path.is_dir():
        return _in_folder(path, out, is_video if not select.include else may_be_video)
    if path.is_file():
        if path.suffix.lower() == ".csv":
            return Found(list(_in_csv(path)))
        return Found([_clip(path.name, path)] if is_video(path.name) else list(_in_list(path)))
    if glob.has_magic(source):
        return _by_pattern(path, out)
    raise CallError(f"{shown(source)} does not exist; give a folder, a pattern, a list or a CSV of videos")


def _in_folder(folder: Path, out: Path, wanted: Callable[[str], bool]) -> Found:
    ours = next((path for path in (folder, *absolute(folder).parents) if is_export(path)), None)
    if ours is not None:
        raise CallError(f"{shown(ours)} is an export of trackmask, which holds no clips; give the folder of the videos")
    tree = Tree(folder, out, wanted)
    clips = [_clip(key or folder.resolve().name, folder / key) for key in tree.clips()]
    return Found(clips, tree.notes)


def _by_pattern(pattern: Path, out: Path) -> Found:
    """Not by Python's glob, which follows links, even in circles."""
    parts = pattern.parts
    fixed = next(i for i, part in enumerate(parts) if glob.has_magic(part))
    base = Path(*parts[:fixed])
    if not base.is_dir():
        raise CallError(f"{shown(base)} is not a folder; check the pattern")
    found = _in_folder(base, out, may_be_video)
    return Found([c for c in found.clips if _matches_parts(tuple(c.key.split("/")), parts[fixed:])], found.notes)


def _in_list(path: Path) -> Iterator[BatchClip]:
    for line in _read(path).split("\n"):  # not at the other ends of lines that unicode knows: names may hold them
        if name := line.removesuffix("\r"):
            yield _listed(path.parent, name)


def _in_csv(path: Path) -> Iterator[BatchClip]:
    rows = csv.DictReader(StringIO(_read(path), newline=""))
    try:
        if "clip" not in (rows.fieldnames or ()):
            raise CallError(f"{shown(path)} has no column 'clip'; its first line names the columns: clip,prompt,output")
        for row in rows:
            clip = _listed(path.parent, row["clip"] or "")
            prompt, output = row.get("prompt"), row.get("output")
            yield BatchClip(
                clip.key,
                clip.path,
                _inside(path, output) if output else clip.output,
                _prompt(path.parent, prompt) if prompt else None,
            )
    except csv.Error as error:
        raise CallError(f"{shown(path)} is not a CSV ({error}, line {rows.line_num}); write it again") from error


def _read(path: Path) -> str:
    """Names keep their bytes, whatever these are."""
    try:
        with open_regular(path) as file:
            return os.fsdecode(file.read().removeprefix(b"\xef\xbb\xbf"))
    except OSError as error:
        raise CallError(f"{shown(path)} cannot be read ({error.strerror}); check its permissions") from error


def _listed(folder: Path, name: str) -> BatchClip:
    """A clip below the list goes by its path from there; one elsewhere by its whole path, without the root."""
    if not name or "\0" in name:
        raise CallError(f"a line of the list names no clip: {shown(name)!r}; remove it")
    path = absolute(folder / name)
    base = absolute(folder)
    if not path.name:
        raise CallError(f"a line of the list names no clip: {shown(name)!r}; remove it")
    key = path.relative_to(base) if path.is_relative_to(base) else path.relative_to(path.anchor)
    return _clip(key.as_posix(), path)


def _inside(path: Path, output: str) -> str:
    parts = PurePosixPath(output)
    if parts.is_absolute() or ".." in parts.parts or not parts.name or "\0" in output:
        raise CallError(f"{shown(path)}: the output {shown(output)} is not a path below OUT; write it without .. and /")
    if any(part.startswith(".") for part in parts.parts) or _TABLE.fullmatch(output):
        raise CallError(f"{shown(path)}: the output {shown(output)} is a name that batches use; choose another")
    return parts.as_posix()


def _prompt(folder: Path, text: str) -> Path | str:
    """A file beside the CSV, or a box."""
    return text if text.count(",") == 3 else absolute(folder / text)


def _clip(key: str, path: Path) -> BatchClip:
    return BatchClip(key, absolute(path), key + RESULT)


def _with_prompt(clip: BatchClip, prompts: Path | None) -> BatchClip:
    if clip.prompt is not None:
        return clip
    for ending in _SIDECARS:
        for name in (clip.path.name, clip.path.stem):
            file = clip.path.with_name(name + ending)
            if has_file(file) and not file.is_symlink():
                return replace(clip, prompt=file)
    return replace(clip, prompt=prompts and absolute(prompts))


def _matches(key: str, pattern: str) -> bool:
    parts = tuple(key.split("/"))
    return _matches_parts(parts if "/" in pattern else parts[-1:], tuple(pattern.split("/")))


def _matches_parts(parts: tuple[str, ...], pattern: tuple[str, ...]) -> bool:
    """Whether a path fits a pattern, part by part; ** is any number of folders."""
    if not pattern:
        return not parts
    if pattern[0] == "**":
        return any(_matches_parts(parts[i:], pattern[1:]) for i in range(len(parts) + 1))
    return bool(parts) and fnmatchcase(parts[0], pattern[0]) and _matches_parts(parts[1:], pattern[1:])
