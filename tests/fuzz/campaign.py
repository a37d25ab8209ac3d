"""Many broken files in child processes, which may die, hang or eat memory without taking us along."""

import faulthandler
import hashlib
import multiprocessing
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from fuzz.cases import Case, build
from fuzz.doors import DOORS
from fuzz.seeds import make_seeds
from trackmask.errors import TrackmaskError

SECONDS = 30.0  # for one file, on a machine that is busy with other things
MEMORY = 2 << 30  # bytes that the process may ever hold in RAM: the largest frame that is read is 400 MB as RGB
_ADDRESSES = 8 << 30  # bytes: the machine is not to suffer where a file asks for all of it
_PER_PROCESS = 500  # files


@dataclass(frozen=True)
class Verdict:
    case: Case
    outcome: str  # "read", "refused", or "wrong"
    said: str = ""  # the refusal, or what is wrong
    seconds: float = 0.0
    memory: int = 0  # the most bytes of RAM that the process held until now


def campaign(numbers: Iterable[int], room: Path, seconds: float = SECONDS) -> Iterator[Verdict]:
    """The verdict on each number's file. Everything happens below `room`; wrong files stay in room/wrong/."""
    seeds = room / "seeds"
    if not seeds.exists():
        make_seeds(seeds)
    waiting = list(numbers)
    while waiting:
        batch = waiting[:_PER_PROCESS]
        done = 0
        for verdict in _in_child(batch, room, seconds):
            done += 1
            if verdict.outcome == "wrong":
                _keep(verdict, seeds, room / "wrong" / str(verdict.case.number))
            yield verdict
        waiting = waiting[done:]


def _in_child(numbers: list[int], room: Path, seconds: float) -> Iterator[Verdict]:
    """Verdicts on the numbers in order, up to the first one that ends the process."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(numbers, room, theirs))
    process.start()
    theirs.close()
    try:
        ours.recv()  # the imports are done
        for number in numbers:
            if not ours.poll(seconds):
                yield Verdict(_known(number, room), "wrong", f"it takes longer than {seconds:g} s", seconds)
                return
            try:
                yield (verdict := ours.recv())
            except EOFError:
                process.join()
                code = process.exitcode or 0
                name = signal.Signals(-code).name if code < 0 else f"exit code {code}"
                yield Verdict(_known(number, room), "wrong", f"the process died: {name}")
                return
            if verdict.memory > MEMORY:  # said once: it holds for all files after it
                return
        process.join(seconds)
    finally:
        process.kill()
        process.join()
        ours.close()


def _known(number: int, room: Path) -> Case:
    with tempfile.TemporaryDirectory(dir=room) as folder:
        return build(number, room / "seeds", Path(folder))


def _keep(verdict: Verdict, seeds: Path, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    build(verdict.case.number, seeds, folder)
    (folder / "what.txt").write_text(f"{verdict.case.kind}: {verdict.case.said}\n{verdict.said}\n")


# --- in the child ----------------------------------------------------------------------------------------------------


def _work(numbers: list[int], room: Path, pipe: Connection) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_ADDRESSES, _ADDRESSES))
    warnings.simplefilter("error")
    warnings.filterwarnings("ignore", module="PIL")  # as in trackmask.cli
    spoken = room / "stderr.txt"
    with spoken.open("wb") as file:  # what C libraries say passes Python by
        os.dup2(file.fileno(), sys.stderr.fileno())
        faulthandler.enable()
        pipe.send("ready")
        for number in numbers:
            pipe.send(_judged(number, room, spoken))


def _judged(number: int, room: Path, spoken: Path) -> Verdict:
    """One file, in a work folder of its own, whose state afterwards belongs to the verdict."""
    work = room / "work"
    shutil.rmtree(work, ignore_errors=True)
    for name in ("in", "here", "tmp"):
        (work / name).mkdir(parents=True)
    os.chdir(work / "here")
    tempfile.tempdir = str(work / "tmp")
    case = build(number, room / "seeds", work / "in")
    before, said_before, began = _files(work), spoken.stat().st_size, time.monotonic()
    outcome, said = _tried(case)
    seconds = time.monotonic() - began
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    sys.stderr.flush()
    if spoken.stat().st_size > said_before and ".tif" not in case.said:  # libtiff speaks of damage, and Pillow lets it
        outcome, said = "wrong", f"on stderr: {spoken.read_bytes()[said_before:][:500]!r}"
    if memory > MEMORY:
        outcome, said = "wrong", f"it took {memory >> 20} MB"
    shutil.rmtree(work / "here" / "out", ignore_errors=True)  # the one place that may be written to
    if _files(work) != before:
        outcome, said = "wrong", f"files were left or changed: {sorted(set(_files(work)) ^ set(before))}"
    return Verdict(case, outcome, said, seconds, memory)


def _tried(case: Case) -> tuple[str, str]:
    try:
        DOORS[case.kind](case.path)
    except TrackmaskError as error:
        said = str(error)
        one = said.strip() and said.isprintable() and len(said) < 1000
        return ("refused", said) if one else ("wrong", f"not one sentence: {said[:500]!r}")
    except Exception as error:  # noqa: BLE001 (whatever it is: that is what we look for)
        return "wrong", f"{type(error).__name__}: {error}"[:500]
    return "read", ""


def _files(work: Path) -> dict[str, str]:
    return {
        str(path.relative_to(work)): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        for path in sorted(work.rglob("*"))
    }
