"""Stop run, correct, undo, export and import at random moments; then the same command again must end as if nobody had.

    PYTHONPATH=tests python -m fuzz.kill_result --kills 200

Two times of three by kill -9, else by Ctrl-C. Right afterwards what stands there is the old thing or the new one, byte
for byte; of a Ctrl-C nothing else is left, and it ends with 130, or with 0 where the work was done already.
"""

import os
import shutil
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from random import Random

import click
from batch_samples import add_clip, tree

from trackmask.cli import main as trackmask
from trackmask.errors import ResultError
from trackmask.export import mark
from trackmask.formats.png import write_labels
from trackmask.result import open_result

_INTERRUPTED = 130
_LOADED = ("pipeline", "correct", "export.davis", "importing", "runtime.onnx", "video.writer")  # before the forks
_RUN = ("run", "a.mp4", "--box", "10,20,24,24", "-o", "r", "--soft", "--threads", "1")
_CORRECT = ("correct", "r", "--frame", "3", "--box", "18,22,20,20", "--threads", "1")
_EXPORT = ("export", "r", "--to", "davis", "-o", "e")
_IMPORT = ("import", "r", "edited", "--from", "davis", "--absent")


class Wrong(Exception):
    """Something was lost, half there, or in the way."""


@dataclass(frozen=True)
class Deed:
    """A command that turns the thing `target` in a copy of the room `before` into that of the room `after`."""

    name: str
    words: tuple[str, ...]
    before: Path
    after: Path
    target: str
    seconds: float  # that it takes if nobody disturbs it


def kills(count: int, room: Path, seed: int = 20) -> Iterator[str]:
    """Stop `count` commands, each in turn; a line now and then, and at the end. Raises Wrong."""
    rng, tally = Random(seed), Counter[str]()
    deeds = _deeds(room)
    for number in range(count):
        deed = deeds[number % len(deeds)]
        how = signal.SIGKILL if rng.random() < 2 / 3 else signal.SIGINT
        place = Path(shutil.copytree(deed.before, room / "now"))
        tally[f"{deed.name} {_stopped(deed, place, how, rng.uniform(0, 1.1) * deed.seconds)}"] += 1
        shutil.rmtree(place)
        if number % 50 == 49:
            yield f"{number + 1} of {count}"
    yield f"{count} kills: " + ", ".join(f"{number} {what}" for what, number in sorted(tally.items()))


def _stopped(deed: Deed, place: Path, how: signal.Signals, after: float) -> str:
    """Stop a command `after` so many seconds; what stood there then: "old" or "new"."""
    code = _called(place, deed.words, how, after)
    found = _state(deed, place)
    if how == signal.SIGINT and (code not in (0, _INTERRUPTED) or (code == 0 and found == "old")):
        raise Wrong(f"{deed.name}, Ctrl-C after {after:.2f} s: exit code {code}, and the {found} thing is there")
    if how == signal.SIGINT and (left := _left(place)):
        raise Wrong(f"{deed.name}, Ctrl-C after {after:.2f} s: {left} are left")
    if found == "old":
        if code := _called(place, deed.words):
            raise Wrong(f"{deed.name}, stopped after {after:.2f} s: once more, it ends with {code}")
        if _state(deed, place) != "new" or (left := _left(place)):
            raise Wrong(f"{deed.name}, stopped after {after:.2f} s: once more, it ends otherwise, or leaves {left}")
    return found


def _called(place: Path, words: tuple[str, ...], how: signal.Signals | None = None, after: float = 0.0) -> int:
    """The exit code of a command in a process of its own, which is forked: the moments are those of the work, not of
    Python's start.
    """
    process = os.fork()
    if not process:
        _be(place, words)
    if how is not None:
        time.sleep(after)
        os.kill(process, how)
    _, status = os.waitpid(process, 0)
    return os.waitstatus_to_exitcode(status)


def _be(place: Path, words: tuple[str, ...]) -> None:
    """The command, in the child; it never returns."""
    code = 1
    try:
        os.chdir(place)
        for stream in (1, 2):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
        trackmask.main(list(words), "trackmask")
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except KeyboardInterrupt:  # before the command could tell of it
        code = _INTERRUPTED
    finally:
        os._exit(code)


def _state(deed: Deed, place: Path) -> str:
    target = place / deed.target
    if (place / "r").exists() or deed.target == "r":
        try:
            open_result(place / "r")  # as the next reader would: it settles what a kill has left
        except ResultError as error:
            if (deed.before / "r").exists():
                raise Wrong(f"{deed.name}: {error}") from error
    found = _tree(target)
    for name, room in (("new", deed.after), ("old", deed.before)):
        if found == _tree(room / deed.target):
            return name
    known = _tree(deed.before / deed.target)
    odd = sorted(key for key in found | known if found.get(key) != known.get(key))
    raise Wrong(f"{deed.name}: neither the old nor the new thing is there; other than before are {odd[:9]}")


def _tree(path: Path) -> dict[str, str]:
    """Without the sign that a folder is ours, which a kill may leave in it, and without what is being filled."""
    return {name: sha for name, sha in tree(path).items() if not Path(name).parts[0].startswith(".")}


def _left(place: Path) -> list[str]:
    """What a command was filling, and what marks it; the sign of an export is there to stay."""
    return [str(path.relative_to(place)) for path in place.rglob(".*") if path.name != mark.FILE]


def _deeds(room: Path) -> list[Deed]:
    """Rooms, each made from the one before by one command: empty, tracked, corrected; exported; imported."""
    for module in _LOADED:
        import_module(f"trackmask.{module}")
    add_clip(room / "0" / "a.mp4", 0, 8)
    (room / "0" / "a.prompts.json").unlink()
    steps = (
        ("run", _RUN, "0", "1", "r"),
        ("correct", _CORRECT, "1", "2", "r"),
        ("undo", ("undo", "r"), "2", "1", "r"),
        ("run --overwrite", (*_RUN, "--overwrite", "--style", "outline"), "1", "3", "r"),
        ("export", _EXPORT, "1", "4", "e"),
        ("import", _IMPORT, "1", "5", "r"),
    )
    deeds = []
    for name, words, before, after, target in steps:
        place = Path(shutil.copytree(room / before, room / "trial"))
        began = time.monotonic()
        if code := _called(place, words):
            raise Wrong(f"{name}, undisturbed, ends with {code}")
        seconds = time.monotonic() - began
        if not (room / after).exists():
            place.rename(room / after)
        shutil.rmtree(place, ignore_errors=True)
        deeds.append(Deed(name, words, room / before, room / after, target, seconds))
        if name == "run":
            _edited(room / "1")
    return deeds


def _edited(place: Path) -> None:
    """Masks as a person would have changed them: the second frame's, moved down."""
    result = open_result(place / "r")
    shutil.copytree(place / "r" / "masks", place / "edited")
    labels = result.masks(1)
    write_labels(place / "edited" / "00001.png", labels[[0, *range(len(labels) - 1)]])


@click.command()
@click.option("--kills", "count", default=200, show_default=True, help="How many commands to stop.")
@click.option("--seed", default=20, show_default=True, help="Of the moments.")
def main(count: int, seed: int) -> None:
    """Stop run, correct, undo, export and import at random moments; nothing may be lost or half there."""
    with tempfile.TemporaryDirectory() as folder:
        for line in kills(count, Path(folder), seed):
            click.echo(line)


if __name__ == "__main__":
    main()
