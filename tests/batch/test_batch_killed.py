"""Batches that are killed, interrupted or fed with hostile clips, and run again."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from batch_samples import add_clip, call, rows, start, tree
from media import full_disk, write_clip
from PIL import Image
from waiting import PATIENCE, until

from trackmask.batch.batch import Batch, run_batch
from trackmask.batch.job import ClipJob, do
from trackmask.batch.owner import Event, Rules
from trackmask.pipeline import Options
from trackmask.runtime import OnnxRuntime

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
    run_batch(Batch(str(clips), out, jobs=1))
    assert tree(out) == tree(done)


def test_ctrl_c_ends_a_batch_with_its_own_code(tmp_path: Path) -> None:
    add_clip(tmp_path / "in" / "a.mp4", 0, 2000)
    log, out = tmp_path / "log.jsonl", tmp_path / "out"
    process = start(tmp_path, str(tmp_path / "in"), "-o", str(out), "--no-overlay", "--json-log", str(log))
    until(lambda: (out / ".a.mp4.trackmask.partial").exists(), "a worker at work")
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the workers, too
    _, said = process.communicate(timeout=PATIENCE)
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
    job = ClipJob("sub/a.mp4", clip, tmp_path / "out", "sub/a.mp4.trackmask", "2,20,24,24", Options(style=None))
    verdict = do(job, runtime, lambda count, total: None)
    assert (verdict.state, list((tmp_path / "away").iterdir())) == ("failed", [])
    assert "link" in verdict.error


def test_a_clip_that_is_still_being_written_is_no_result(tmp_path: Path, runtime: OnnxRuntime) -> None:
    clip = add_clip(tmp_path / "in" / "a.mp4", 0)
    job = ClipJob("a.mp4", clip, tmp_path / "out", "a.mp4.trackmask", "10,20,24,24", Options(style=None))

    def grow(count: int, total: int | None) -> None:
        with clip.open("ab") as file:
            file.write(b"more")

    verdict = do(job, runtime, grow)
    assert (verdict.state, "changed" in verdict.error) == ("failed", True)
    assert not job.folder.exists()


def test_the_first_worker_is_deaf_to_interrupts_from_its_first_moment_on(tmp_path: Path) -> None:
    """In a process of its own: with its first child multiprocessing starts a helper, which hears signals again."""
    code = """
import os, signal
from pathlib import Path
from trackmask.batch.job import ClipJob
from trackmask.batch.pool import LocalPool
from trackmask.pipeline import Options
if __name__ == "__main__":
    pool = LocalPool(1, 1)
    process = pool._start().process
    os.kill(process.pid, signal.SIGINT)
    pool.submit(ClipJob("no.mp4", Path("no.mp4"), Path("out"), "no.mp4.trackmask", None, Options()))
    while not (news := pool.poll(1)):
        pass
    print(news[0])
    pool.close()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stderr == ""
    assert done.stdout.startswith("Ended(")  # with an answer, which only who lives can give
    assert "does not exist" in done.stdout
