"""kill -9 a batch of tiny clips at random moments, and run it again each time, until its tree is whole.

    PYTHONPATH=tests python -m fuzz.kill_batch --kills 100

Half of the time the owner alone is killed, whose workers must end by themselves; else the whole process group.
"""

import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from random import Random

import click
from batch_samples import FRAMES, add_clip, start, tree

CLIPS = 12


class Wrong(Exception):
    """The batch did not end as an undisturbed one does."""


def kills(count: int, room: Path, clips: int = CLIPS, seed: int = 8) -> Iterator[str]:
    """Kill `count` times; a line for each batch that came to its end, whose tree was compared byte for byte."""
    rng = Random(seed)
    for number in range(clips):
        add_clip(room / "in" / f"d{number % 3}" / f"{number}.mp4", number, FRAMES + number % 12)
    _ended(_batch(room, room / "one"))
    want, killed, ended = tree(room / "one"), 0, 0
    while True:
        out = room / f"out{ended}"
        process = _batch(room, out)
        try:
            process.wait(rng.uniform(0.2, 4) if killed < count else None)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL) if rng.random() < 0.5 else process.kill()
            killed += 1
            process.communicate()
            continue
        _ended(process)
        _compare(out, want)
        ended += 1
        yield f"{killed} kills, {ended} batches came to their end, and their trees are the undisturbed one's"
        if killed == count:
            return


def _batch(room: Path, out: Path) -> subprocess.Popen:
    return start(room, str(room / "in"), "-o", str(out), "--jobs", "2")


def _ended(process: subprocess.Popen) -> None:
    _, said = process.communicate()
    if process.returncode:
        raise Wrong(f"the batch ended with {process.returncode}: {said.decode(errors='replace')}")


def _compare(out: Path, want: dict[str, str]) -> None:
    got = tree(out)
    if got != want:
        raise Wrong(f"{out} differs in {sorted(name for name in got | want if got.get(name) != want.get(name))}")
    left = [str(path) for path in out.rglob(".*") if path.name != ".trackmask-batch"]
    if left:
        raise Wrong(f"{out} still holds {left}")


@click.command()
@click.option("--kills", "count", default=100, show_default=True, help="How often to kill.")
@click.option("--seed", default=8, show_default=True, help="Of the moments.")
def main(count: int, seed: int) -> None:
    """Kill a batch at random moments; the results must be those of a batch that nobody killed."""
    with tempfile.TemporaryDirectory() as folder:
        for line in kills(count, Path(folder), seed=seed):
            click.echo(line)


if __name__ == "__main__":
    main()
