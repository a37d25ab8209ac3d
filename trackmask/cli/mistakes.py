"""What people write when they mean something else, and the sentence that helps them on."""

import re
from collections.abc import Sequence
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
_LONG_DASHES = ("\u2013", "\u2014")
_NUMBER = re.compile(r"[-+]?\d+(\.\d*)?,?")


def meant_command(line: Sequence[str], commands: Sequence[str]) -> str:
    """The sentence for a line of words that begins with no command."""
    word = line[0]
    if word.lower() in ("help", "version"):
        return f"write trackmask {' '.join((*line[1:], f'--{word.lower()}'))}"
    if Path(word).exists() or _ADDRESS.match(word) or word.lower().endswith(_FILMS):
        return f"say what to do with {word}, for example: trackmask run {word}"
    near = _OTHER_NAMES.get(word.lower()) or next(iter(get_close_matches(word.lower(), commands, 1)), None)
    wanted = f"did you mean {near}?" if near in commands else f"give one of {', '.join(commands)}"
    return f"there is no command {word!r}; {wanted}"


def meant_option(line: Sequence[str], option: str) -> str | None:
    """The sentence for an option that a command does not have, and that is no slip of the fingers; else None."""
    if line[0] == "run" and option == "--interactive":
        return "objects are marked in the browser now: trackmask studio VIDEO"
    if line[0] == "run" and option in ("--frame", "--at"):
        return "in run, the frame of a prompt stands behind it: --box X,Y,W,H@12, --mask FILE@3.2s"
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
    for word in words:
        if word.startswith(_LONG_DASHES):
            return (
                f"{word} begins with a long dash, as word processors make them; options begin with two short ones, --"
            )
    if all(Path(word).exists() for word in words):
        return f"one at a time, and {words[1]} is one too many; for many clips: trackmask batch FOLDER -o OUT"
    return f"{' '.join(words[1:])!r} is left over: what belongs to an option stands right behind it, without spaces"


class OneInput(click.Command):
    """A command whose input is one word; what is too much is told with all that was said."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.allow_extra_args = True
        left = super().parse_args(ctx, args)
        if left and not ctx.resilient_parsing:
            wanted = [str(ctx.params[p.name]) for p in self.params if isinstance(p, click.Argument) and p.name]
            raise click.UsageError(self.left_over(ctx, [*wanted, *left]), ctx)
        return left

    def left_over(self, ctx: click.Context, words: list[str]) -> str:
        """The sentence for `words`, of which the first ones are what the command takes."""
        return too_many(words, ())


class ManyClips(OneInput):
    """Of the batch, whose one word may mean many clips."""

    def left_over(self, ctx: click.Context, words: list[str]) -> str:
        if all(Path(word).exists() for word in words):
            pattern = f"*{Path(words[0]).suffix}"
            return f'one folder, pattern or list; put a pattern in quotes: trackmask batch "{pattern}" -o OUT'
        return super().left_over(ctx, words)


class Video(click.Path):
    """A video to read: a file or a folder of images, and never what only looks like one."""

    name = "video"

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        check_address(str(value))
        path = Path(value)
        if path.is_dir():
            _check_folder(path)
        elif not path.exists():
            _check_name(path)
        elif path.suffix.lower() == ".json":
            raise CallError(f"{path} holds prompts, not a video; write: trackmask run VIDEO --prompts {path}")
        return super().convert(value, param, ctx)


class Clips(click.ParamType):
    """What a batch may be given, which its own room looks into: never an address."""

    name = "clips"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        check_address(str(value))
        return value


def check_address(text: str) -> None:
    if _ADDRESS.match(text):
        raise CallError(f"{text} is an address; download the video first, and give the file")


def _check_name(path: Path) -> None:
    """A name that nothing has: the one that was meant, where one is near."""
    if any(sign in path.name for sign in "*?["):
        raise CallError(f"{path} is a pattern, for many clips: trackmask batch '{path}' -o OUT")
    known = {entry.name.lower(): entry.name for entry in path.parent.iterdir()} if path.parent.is_dir() else {}
    for near in get_close_matches(path.name.lower(), known, 1):
        raise VideoError(f"{path} does not exist; did you mean {path.with_name(known[near])}?")


def _check_folder(path: Path) -> None:
    """A folder is a video where it holds images, and no films beside them: a picture there is not what is meant."""
    if (path / "result.json").is_file():
        raise CallError(
            f"{path} is a result, not a video; look at it by trackmask report {path}, go on by trackmask correct {path}"
        )
    clips = sorted(entry.name for entry in path.iterdir() if entry.name.lower().endswith(_FILMS))
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
