"""Whole batches with worker processes, the shipped weights and real clips: resumed, killed, hostile."""

import hashlib
import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from conftest import ROOT
from media import full_disk, write_clip
from PIL import Image

from trackmask.batch.batch import Batch, Summary, run_batch, share
from trackmask.batch.find import Selection
from trackmask.batch.job import Job, do
from trackmask.batch.manifest import Row, read_manifest
from trackmask.batch.owner import Event, Rules
from trackmask.batch.plan import Shard
from trackmask.cli import Commands
from trackmask.cli.batch import batch as batch_command
from trackmask.cli.batch import batch_status
from trackmask.pipeline import Options
from trackmask.runtime import OnnxRuntime

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


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four clips that only read: of rising length."""
    folder = tmp_path_factory.mktemp("clips")
    for number, name in enumerate(("a.mp4", "b.mp4", "sub/a.mp4", "sub/deep/c.mkv")):
        add_clip(folder / name, 3 * number, FRAMES + number)
    return folder


@pytest.fixture(scope="module")
def done(clips: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What an undisturbed batch of them writes with one process."""
    out = tmp_path_factory.mktemp("work") / "out"
    summary = run_batch(Batch(str(clips), out, jobs=1))
    assert (summary.tracked, summary.failures, summary.left) == (4, [], 0)
    return out


def call(source: Path | str, out: Path, **more: object) -> Batch:
    return Batch(**{"source": str(source), "out": out, "jobs": 1, "options": Options(style=None)} | more)  # type: ignore[arg-type]


def tree(out: Path) -> dict[str, str]:
    """Every file but the manifest, with its hash. result.json leads to the clip, from wherever the result stands."""
    files = sorted(path for path in out.rglob("*") if path.is_file() and ".trackmask-batch" not in path.parts)
    return {str(path.relative_to(out)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def rows(out: Path, name: str = "all") -> dict[str, Row]:
    return {os.fsdecode(row.clip): row for row in read_manifest(out / ".trackmask-batch" / f"{name}.sqlite")}


def run_twice(first: Batch, second: Batch) -> tuple[Summary, Event]:
    """The second run, and what it plans."""
    run_batch(first)
    events: list[Event] = []
    summary = run_batch(second, events.append)
    return summary, next(event for event in events if event.kind == "plan")


# --- one machine -----------------------------------------------------------------------------------------------------


def test_results_lie_where_their_clips_do_and_name_their_objects(done: Path) -> None:
    names = {str(path.parent.relative_to(done)) for path in done.rglob("result.json")}
    assert names == {f"{clip}.trackmask" for clip in ("a.mp4", "b.mp4", "sub/a.mp4", "sub/deep/c.mkv")}
    about = json.loads((done / "a.mp4.trackmask" / "result.json").read_text())
    assert about["objects"][0]["name"] == "square"
    assert about["complete"] is True
    assert rows(done)["a.mp4"].sha256 == about["source"]["sha256"]
    assert not (done / "failures.csv").exists()


def test_one_process_two_and_shards_write_the_same_bytes(clips: Path, done: Path) -> None:
    two, shards = done.parent / "two", done.parent / "shards"
    run_batch(Batch(str(clips), two, jobs=2))
    assert tree(two) == tree(done)
    for number in (1, 2):
        run_batch(Batch(str(clips), shards, jobs=1, shard=Shard(number, 2)))
    assert tree(shards) == tree(done)
    # A batch without shards knows what they did.
    summary = run_batch(Batch(str(clips), shards, jobs=1))
    assert (summary.tracked, summary.skipped) == (0, 4)


def test_the_longest_clip_is_tracked_first(tmp_path: Path) -> None:
    for number, count in enumerate((4, 30, 12)):
        add_clip(tmp_path / "in" / f"{number}.mp4", 0, count)
    begun: list[str] = []
    events = lambda event: begun.append(event.clip) if event.kind == "start" else None  # noqa: E731
    run_batch(call(tmp_path / "in", tmp_path / "out", options=Options(style=None, end=1)), events)
    assert begun == ["1.mp4", "2.mp4", "0.mp4"]


def test_processes_and_threads_are_never_more_than_the_cores() -> None:
    gigabyte = 1 << 30
    assert share(0, 100, 8, 64 * gigabyte) == (8, 1)
    assert share(0, 100, 8, 3 * gigabyte) == (3, 2)
    assert share(0, 1, 8, 64 * gigabyte) == (1, 8)
    assert share(3, 100, 8, 64 * gigabyte) == (3, 2)
    assert share(50, 100, 8, 64 * gigabyte) == (8, 1)
    assert share(0, 5, 1, gigabyte // 2) == (1, 1)


def test_only_what_changed_is_tracked_again(tmp_path: Path) -> None:
    clip, out = add_clip(tmp_path / "in" / "a.mp4", 0), tmp_path / "out"
    same = call(tmp_path / "in", out)
    assert run_twice(same, same)[0] == Summary(0, 1, 0, 0, 0, [], False)

    os.utime(clip, (1, 1))  # touched, but the same
    assert run_twice(same, same)[0].skipped == 1

    again = call(tmp_path / "in", out, options=Options(style=None, end=2))
    summary, plan = run_twice(same, again)
    assert (summary.tracked, summary.frames, plan.about["again"]) == (1, 3, {"settings changed": 1})

    add_clip(clip, 6)
    assert run_batch(again).tracked == 1
    prompts = clip.with_suffix(".prompts.json")
    prompts.write_text(prompts.read_text().replace("square", "cube"))
    assert run_batch(again).tracked == 1
    shutil.rmtree(out / "a.mp4.trackmask")
    assert run_batch(again).tracked == 1


def test_a_result_of_someone_else_stays_unless_told(tmp_path: Path) -> None:
    add_clip(tmp_path / "in" / "a.mp4", 0)
    out = tmp_path / "out"
    run_batch(call(tmp_path / "in", out))
    before = tree(out)
    (out / ".trackmask-batch" / "all.sqlite").unlink()
    for _ in range(2):  # having failed once does not make it ours
        summary = run_batch(call(tmp_path / "in", out, options=Options(style=None, end=1)))
        assert "--overwrite" in summary.failures[0].error
    assert {name: value for name, value in tree(out).items() if name != "failures.csv"} == before
    assert run_batch(call(tmp_path / "in", out, options=Options(style=None, end=1, overwrite=True))).tracked == 1


# --- killed and interrupted ------------------------------------------------------------------------------------------


def test_a_killed_worker_costs_one_retry_then_its_clip(clips: Path, done: Path, tmp_path: Path) -> None:
    def kill_whoever_gets(name: str, times: int) -> Callable[[Event], None]:
        left = iter(range(times))

        def hear(event: Event) -> None:
            # b.mp4 is not the first: the worker that it goes to is there already.
            if event.kind == "start" and event.clip == name and next(left, None) is not None:
                (worker,) = multiprocessing.active_children()
                worker.kill()

        return hear

    out = done.parent / "weak"
    summary = run_batch(Batch(str(clips), out, jobs=1), kill_whoever_gets("b.mp4", 1))
    assert (summary.tracked, summary.failures) == (4, [])
    assert rows(out)["b.mp4"].attempts == 2
    assert tree(out) == tree(done)

    rules = Rules(retries=1)
    summary = run_batch(Batch(str(clips), tmp_path / "out", jobs=1, rules=rules), kill_whoever_gets("b.mp4", 9))
    assert summary.tracked == 3
    assert [(os.fsdecode(row.clip), row.attempts) for row in summary.failures] == [("b.mp4", 2)]
    assert "SIGKILL, 2 times" in summary.failures[0].error
    assert "b.mp4,failed,2," in (tmp_path / "out" / "failures.csv").read_text()
    assert not list((tmp_path / "out").glob(".b*"))


def test_a_clip_that_takes_too_long_leaves_nothing(tmp_path: Path) -> None:
    add_clip(tmp_path / "in" / "a.mp4", 0, 200)
    summary = run_batch(call(tmp_path / "in", tmp_path / "out", rules=Rules(timeout=0.05)))
    assert "--timeout" in summary.failures[0].error
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [".trackmask-batch", "failures.csv"]


@pytest.mark.parametrize("times", [1, 2])
def test_interrupted_and_run_again_the_tree_is_the_same(times: int, clips: Path, done: Path) -> None:
    out = done.parent / f"interrupted{times}"
    count = [0]

    def hear(event: Event) -> None:
        if event.kind == "clip":
            count[0] = times

    summary = run_batch(Batch(str(clips), out, jobs=1), hear, lambda: count[0])
    assert summary.interrupted
    assert summary.left >= 2
    assert not list(out.rglob(".*.partial"))
    run_batch(Batch(str(clips), out, jobs=2))
    assert tree(out) == tree(done)


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
    script = folder / "call.py"
    script.write_text(PROCESS)
    paths = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = os.environ | {"PYTHONPATH": paths}
    command = [sys.executable, str(script), "batch", *arguments]
    return subprocess.Popen(command, stderr=subprocess.PIPE, env=environment, start_new_session=True)


def test_killed_at_any_moment_and_run_again_the_tree_is_the_same(clips: Path, done: Path, tmp_path: Path) -> None:
    out = done.parent / "killed"
    for seconds in (0.8, 1.5, 2.1):
        process = start(tmp_path, str(clips), "-o", str(out), "--jobs", "2")
        time.sleep(seconds)
        process.kill()  # the owner alone: its workers must end by themselves
        process.communicate()
    process = start(tmp_path, str(clips), "-o", str(out), "--jobs", "2")
    _, said = process.communicate(timeout=60)
    assert process.returncode == 0, said
    assert tree(out) == tree(done)
    assert not list(out.rglob("*.partial"))


def test_ctrl_c_ends_a_batch_with_its_own_code(tmp_path: Path) -> None:
    add_clip(tmp_path / "in" / "a.mp4", 0, 2000)
    log, out = tmp_path / "log.jsonl", tmp_path / "out"
    process = start(tmp_path, str(tmp_path / "in"), "-o", str(out), "--no-overlay", "--json-log", str(log))
    for _ in range(200):
        time.sleep(0.1)
        if log.exists() and '"start"' in log.read_text():
            break
    time.sleep(1.5)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the workers, too
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130, said
    assert b"Traceback" not in said
    assert json.loads(log.read_text().splitlines()[-1])["left"] == 1
    assert [path.name for path in out.iterdir()] == [".trackmask-batch"]


# --- hostile ---------------------------------------------------------------------------------------------------------


def test_hostile_clips_fail_one_by_one_and_the_rest_is_done(tmp_path: Path) -> None:
    room = tmp_path / "in"
    good = add_clip(room / "good.mp4", 0).read_bytes()
    strange = os.fsdecode(b"-x\n\xff.mp4")
    (room / strange).write_bytes(good)
    (room / "u\u0308.mp4").write_bytes(good)  # the same letter in two normal forms
    (room / "ü.mp4").write_bytes(good)
    (room / ("n" * 251 + ".mp4")).write_bytes(good)
    (room / "cut.mp4").write_bytes(good[: len(good) * 3 // 4])
    (room / "list.mp4").write_text("#EXTM3U\n#EXTINF:1,\ngood.mp4\n#EXT-X-ENDLIST\n")
    (room / "concat.mp4").write_text("ffconcat version 1.0\nfile good.mp4\n")
    (room / "empty.mp4").touch()
    (room / "bomb").mkdir()
    for number in range(2):
        header = Image.new("L", (1, 1))
        header.save(room / "bomb" / f"{number}.png")
        blob = bytearray((room / "bomb" / f"{number}.png").read_bytes())
        blob[16:24] = (100_000).to_bytes(4, "big") * 2
        (room / "bomb" / f"{number}.png").write_bytes(blob)
    add_clip(room / "wrong.mp4", 0)
    (room / "wrong.prompts.json").write_text("[" * 100_000)
    add_clip(room / "outside.mp4", 0)
    (room / "outside.prompts.json").write_text('{"objects": [{"prompts": [{"box": [5000, 0, 9, 9]}]}]}')
    boxes = ["2,20,24,24"]
    csv = "clip,prompt\n" + "".join(
        f'"{path.name}","{room / (path.stem + ".prompts.json") if path.stem in ("wrong", "outside") else boxes[0]}"\n'
        for path in sorted(room.iterdir())
        if path.suffix == ".mp4" or path.is_dir()
    )
    (room / "clips.csv").write_bytes(os.fsencode(csv))
    out = tmp_path / "out"
    summary = run_batch(call(room / "clips.csv", out, options=Options(style=None, end=1)))
    assert {os.fsdecode(row.clip) for row in summary.failures} == {
        "n" * 251 + ".mp4",
        "list.mp4",
        "concat.mp4",
        "empty.mp4",
        "bomb",
        "wrong.mp4",
        "outside.mp4",
        "cut.mp4",
    }
    for row in summary.failures:
        assert row.error
        assert "unexpected" not in row.error
        assert "\n" not in row.error
        assert row.attempts == 1
    assert {path.name for path in out.iterdir() if path.suffix == ".trackmask"} >= {
        strange + ".trackmask",
        "u\u0308.mp4.trackmask",
        "ü.mp4.trackmask",
        "good.mp4.trackmask",
    }
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "out"]


def test_a_full_disk_fails_the_clips_and_the_next_call_does_them(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    rng = np.random.default_rng(1)
    write_clip(tmp_path / "in" / "a.mp4", rng.integers(0, 255, (12, 72, 96, 3), dtype=np.uint8))
    (tmp_path / "in" / "a.prompts.json").write_text('{"objects": [{"prompts": [{"box": [20, 20, 40, 40]}]}]}')
    with full_disk(20_000):
        summary = run_batch(Batch(str(tmp_path / "in"), tmp_path / "out", jobs=1))
    assert "free some space" in summary.failures[0].error
    assert not list((tmp_path / "out").glob("*a.mp4*"))
    assert run_batch(Batch(str(tmp_path / "in"), tmp_path / "out", jobs=1)).tracked == 1


@pytest.fixture(scope="module")
def runtime() -> OnnxRuntime:
    return OnnxRuntime(threads=1)


def test_links_in_out_do_not_lead_out_of_it(tmp_path: Path, runtime: OnnxRuntime) -> None:
    clip = add_clip(tmp_path / "in" / "a.mp4", 0)
    (tmp_path / "away").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "sub").symlink_to(tmp_path / "away")
    job = Job("sub/a.mp4", clip, tmp_path / "out", "sub/a.mp4.trackmask", "2,20,24,24", Options(style=None))
    verdict = do(job, runtime, lambda count, total: None)
    assert (verdict.state, list((tmp_path / "away").iterdir())) == ("failed", [])
    assert "link" in verdict.error


def test_a_clip_that_is_still_being_written_is_no_result(tmp_path: Path, runtime: OnnxRuntime) -> None:
    clip = add_clip(tmp_path / "in" / "a.mp4", 0)
    job = Job("a.mp4", clip, tmp_path / "out", "a.mp4.trackmask", "10,20,24,24", Options(style=None))

    def grow(count: int, total: int | None) -> None:
        with clip.open("ab") as file:
            file.write(b"more")

    verdict = do(job, runtime, grow)
    assert (verdict.state, "changed" in verdict.error) == ("failed", True)
    assert not job.folder.exists()


# --- the commands ----------------------------------------------------------------------------------------------------


def command(*arguments: str) -> Result:
    group = Commands()
    group.add_command(batch_command)
    group.add_command(batch_status)
    return CliRunner().invoke(group, list(arguments))


def test_the_command_and_its_status(tmp_path: Path) -> None:
    add_clip(tmp_path / "in" / "a.mp4", 0)
    (tmp_path / "in" / "b.mp4").write_text("no video")
    log = tmp_path / "log.jsonl"
    options = ("--no-overlay", "--end", "2", "--jobs", "1")
    result = command("batch", str(tmp_path / "in"), "-o", str(tmp_path / "out"), *options, "--json-log", str(log))
    assert result.exit_code == 3, result.output
    assert "1 clips tracked" in result.stdout
    assert "b.mp4" in result.stdout
    assert "done  a.mp4: 3 frames" in result.stderr
    events = [json.loads(line)["event"] for line in log.read_text().splitlines()]
    assert events[0] == "plan"
    assert events.count("clip") == 2
    assert events[-1] == "end"
    status = command("batch-status", str(tmp_path / "out"))
    assert status.exit_code == 0
    assert "in all: 1 done, 1 failed" in status.stdout
    assert json.loads(command("batch-status", str(tmp_path / "out"), "--json").stdout)[0]["done"] == 1
    (tmp_path / "in" / "b.mp4").unlink()
    quiet = command("batch", str(tmp_path / "in"), "-o", str(tmp_path / "out"), *options, "-q")
    assert (quiet.exit_code, quiet.output) == (0, "")
    assert not (tmp_path / "out" / "failures.csv").exists()


def test_wrong_calls(tmp_path: Path) -> None:
    out = str(tmp_path / "out")
    for arguments in (
        (str(tmp_path), "-o", out),
        (str(tmp_path), "-o", out, "--jobs", "many"),
        (str(tmp_path), "-o", out, "--shard", "4/3"),
        (str(tmp_path / "none"), "-o", out),
        (str(tmp_path),),
    ):
        result = command("batch", *arguments)
        assert result.exit_code == 2, result.output
    assert command("batch-status", out).exit_code == 1
    assert list(tmp_path.iterdir()) == []


def test_patterns_choose(clips: Path, tmp_path: Path) -> None:
    chosen = call(clips, tmp_path, select=Selection(("a.mp4",), ("sub/*",)), options=Options(style=None, end=0))
    assert run_batch(chosen).tracked == 1
    assert set(rows(tmp_path)) == {"a.mp4"}
