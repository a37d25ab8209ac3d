"""How much memory a long result takes: to write its end, and to open it and read every frame.

    PYTHONPATH=tests python -m fuzz.long_result --frames 1080000 --objects 1

The records are made up, without masks: those are files of their own, of which memory never holds more than one.
"""

import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import click

from trackmask.data import ObjectRecord, State
from trackmask.result import FrameRecord, ObjectInfo, ResultWriter, Source, open_result

FPS = 30


def write(folder: Path, frames: int, objects: int) -> None:
    """A result of so many frames, each with so many objects, some of them unsure."""
    ids = range(1, objects + 1)
    with ResultWriter(folder) as writer:
        writer.adopt(_records(frames, objects), ())
        writer.finish(
            source=Source(folder / "a.mp4", "a.mp4", 1, "0" * 64, frames, (1080, 1920), Fraction(FPS)),
            prompts=[{"object": id_, "frame": 0, "box": [9, 9, 20, 20]} for id_ in ids],
            objects=[ObjectInfo(id_, f"object {id_}", 0, 0) for id_ in ids],
            weights_sha256="0" * 64,
        )


def _records(frames: int, objects: int) -> Iterator[FrameRecord]:
    for index in range(frames):
        state = State.UNCERTAIN if index % 5000 < 10 else State.TRACKED
        box = (100 + index % 50, 200, 200, 200)
        record = (ObjectRecord(id_, state, 0.9, 40_000, box) for id_ in range(1, objects + 1))
        yield FrameRecord(index, index / FPS, tuple(record))


def read(folder: Path) -> None:
    result = open_result(folder)
    if sum(1 for _ in result.frames) != len(result.frames):
        raise AssertionError("frames are missing")


@click.command()
@click.option("--frames", default=1_080_000, show_default=True, help="10 hours at 30 frames a second.")
@click.option("--objects", default=1, show_default=True)
@click.option("--only", type=click.Choice(("write", "read")), hidden=True)
@click.argument("folder", required=False, type=click.Path(path_type=Path))
def main(frames: int, objects: int, only: str | None, folder: Path | None) -> None:
    """Write and read a long result, each in a process of its own, and tell the most memory that it held."""
    if only and folder:
        write(folder, frames, objects) if only == "write" else read(folder)
        click.echo(f"{only}: {_megabytes()} MB")
        return
    with tempfile.TemporaryDirectory() as room:
        for step in ("write", "read"):
            command = [sys.executable, "-m", "fuzz.long_result", "--only", step, f"{room}/r"]
            subprocess.run([*command, "--frames", str(frames), "--objects", str(objects)], check=True)


def _megabytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> (20 if sys.platform == "darwin" else 10)


if __name__ == "__main__":
    main()
