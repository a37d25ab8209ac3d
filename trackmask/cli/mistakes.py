"""What people write when they mean something else, and the sentence that helps them on."""

import re
from collections.abc import Sequence
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import click

from trackmask.errors import CallError, VideoError

# What other programs call it.
_OTHER_NAMES = {
    "track": "run", "segment": "run", "mask": "run", "predict": "run", "process": "run", "start": "run", "auto": "run",
    "fix": "correct", "edit": "correct", "revert": "undo", "view": "report", "show": "report", "open": "report",
    "convert": "export", "save": "export", "load": "import", "evaluate": "eval", "test": "eval", "probe": "info",
    "status": "batch-status", "extract": "frame",
}  # fmt: skip
_FILMS = (".mp4", ".mov", ".mkv", ".avi", ".webm", ".m4v")
_FILES = (*_FILMS, ".png", ".jpg", ".jpeg", ".json", ".html", ".zip")  # names that nobody gives a folder
_ADDRESS = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]+://")
_NUMBER = re.compile(r"[-+]?\d+(\.\d*)?,?")


def meant_command(line: Sequence[str], commands: Sequence[str]) -> str:
    """The sentence for a line of words that begins with no command."""
    word = line[0]
    if Path(word).exists() or _ADDRESS.match(word) or word.lower().endswith(_FILMS):
        return f"say what to do with {word}, for example: trackmask run {word}"
    near = _OTHER_NAMES.get(word.lower()) or next(iter(get_close_matches(word.lower(), commands, 1)), None)
    wanted = f"did you mean {near}?" if near in commands else f"give one of {', '.join(commands)}"
    return f"there is no command {word!r}; {wanted}"


def meant_file(line: Sequence[str]) -> str | None:
    """The sentence for a file whose name looks like an option; None where there is none on the line."""
    for word in line:
        if word.startswith("-") and Path(word).exists():
            return f"{word} begins with a dash, as options do; write ./{word}"
    return None


def too_many(words: Sequence[str], numbers: Sequence[tuple[str, str]]) -> str:
    """The sentence for several words where one is wanted; `numbers`: options that take numbers, and their values."""
    if loose := [word for word in words if _NUMBER.fullmatch(word)]:
        for name, value in numbers:
            if _NUMBER.fullmatch(value):
                joined = ",".join(word.strip(",") for word in (value, *loose))
                return f"numbers that belong together have commas between them and no spaces: --{name} {joined}"
    if all(Path(word).exists() for word in words):
        return f"one at a time, and {words[1]} is one too many; for many clips: trackmask batch FOLDER -o OUT"
    return f"{' '.join(words[1:])!r} is left over: what belongs to an option stands right behind it, without spaces"


class Video(click.Path):
    """A video to read: a file or a folder of images, and never what only looks like one."""

    name = "video"

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        text = str(value)
        if _ADDRESS.match(text):
            raise CallError(f"{text} is an address; download the video first, and give the file")
        path = Path(text)
        if path.is_dir():
            _check_folder(path)
        elif path.suffix.lower() == ".json":
            raise CallError(f"{path} holds prompts, not a video; write: trackmask run VIDEO --prompts {path}")
        return super().convert(value, param, ctx)


def _check_folder(path: Path) -> None:
    """A folder is a video where it holds images."""
    if (path / "result.json").is_file():
        raise CallError(
            f"{path} is a result, not a video; look at it by trackmask report {path}, go on by trackmask correct {path}"
        )
    from trackmask.video.folder import list_images

    clips = sorted(entry.name for entry in path.iterdir() if entry.name.lower().endswith(_FILMS))
    with suppress(VideoError):
        list_images(path)
        return
    if clips:
        raise CallError(
            f"{path} is a folder of clips ({clips[0]} ...); track all by trackmask batch {path} -o OUT, or give one"
        )


class ResultFolder(click.Path):
    """A folder to write a result into: it is new, and has no name that only a file has."""

    name = "folder"

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        suffix = Path(value).suffix.lower()
        if suffix in _FILES and not Path(value).is_dir():
            raise CallError(
                f"a result is a folder, with masks, overlay.mp4 and result.json in it; name it without {suffix}: "
                f"-o {Path(value).with_suffix('')}"
            )
        return super().convert(value, param, ctx)
