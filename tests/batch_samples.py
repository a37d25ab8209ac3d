"""Clips for batches, and what lies in their output."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT
from media import write_clip

from trackmask.batch.batch import Batch, Summary, run_batch
from trackmask.batch.manifest import Row, read_manifest
from trackmask.batch.owner import Event
from trackmask.pipeline import Options

FRAMES = 5


def moving_square(count: int, shift: int) -> list[np.ndarray]:
    rng = np.random.default_rng(shift)
    ground = rng.integers(60, 110, (72, 96, 3), dtype=np.uint8)
    images = []
    for number in range(count):
        image = ground.copy()
        image[20:44, 10 + shift + 2 * number : 34 + shift + 2 * number] = (210, 60, 40)
        images.append(image)
    return images


def add_clip(path: Path, shift: int, count: int = FRAMES) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_clip(path, moving_square(count, shift))
    box = {"objects": [{"name": "square", "prompts": [{"box": [10 + shift, 20, 24, 24]}]}]}
    path.with_suffix(".prompts.json").write_text(json.dumps(box))
    return path


def call(source: Path | str, out: Path, **more: object) -> Batch:
    return Batch(**{"source": str(source), "out": out, "jobs": 1, "options": Options(style=None)} | more)  # type: ignore[arg-type]


def tree(out: Path) -> dict[str, str]:
    """Every file but the manifest, with its hash. result.json leads to the clip, from wherever the result stands."""
    files = sorted(path for path in out.rglob("*") if path.is_file() and ".trackmask-batch" not in path.parts)
    return {str(path.relative_to(out)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def rows(out: Path, name: str = "all") -> dict[str, Row]:
    return {os.fsdecode(row.clip): row for row in read_manifest(out / ".trackmask-batch" / f"{name}.sqlite")}


def planned(batch: Batch) -> tuple[Summary, Event]:
    """A run, and what it plans."""
    events: list[Event] = []
    summary = run_batch(batch, events.append)
    return summary, next(event for event in events if event.kind == "plan")


PROCESS = """
import sys
from trackmask.cli import Commands
from trackmask.cli.batch import batch

if __name__ == "__main__":
    group = Commands()
    group.add_command(batch)
    group()
"""


def start(folder: Path, *arguments: str) -> subprocess.Popen:
    """`trackmask batch` as a process that can be killed together with its workers."""
    script = folder / "call.py"
    script.write_text(PROCESS)
    paths = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = os.environ | {"PYTHONPATH": paths}
    command = [sys.executable, str(script), "batch", *arguments]
    return subprocess.Popen(command, stderr=subprocess.PIPE, env=environment, start_new_session=True)


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four clips that only read: of rising length."""
    folder = tmp_path_factory.mktemp("clips")
    for number, name in enumerate(("a.mp4", "b.mp4", "sub/a.mp4", "sub/deep/c.mkv")):
        add_clip(folder / name, 3 * number, FRAMES + number)
    return folder


@pytest.fixture(scope="session")
def done(clips: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What an undisturbed batch of them writes with one process."""
    out = tmp_path_factory.mktemp("work") / "out"
    summary = run_batch(Batch(str(clips), out, jobs=1))
    assert (summary.tracked, summary.failures, summary.left) == (4, [], 0)
    return out
