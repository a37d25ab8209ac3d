"""Whole batches with worker processes, the shipped weights and real clips."""

import json
import os
import shutil
from pathlib import Path

from batch_samples import add_clip, call, planned, rows, tree
from click.testing import CliRunner, Result

from trackmask.batch.batch import Batch, Summary, run_batch, share
from trackmask.batch.find import Selection
from trackmask.batch.plan import Shard
from trackmask.cli import Commands
from trackmask.cli.batch import batch as batch_command
from trackmask.cli.batch import batch_status
from trackmask.pipeline import Options

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
    """Clips with another picture and another prompt, a result that is gone, and a clip that was but touched."""
    picture, prompted, gone, touched = (add_clip(tmp_path / "in" / f"{name}.mp4", 0) for name in "abcd")
    out = tmp_path / "out"
    same = call(tmp_path / "in", out)
    run_batch(same)
    assert planned(same)[0] == Summary(0, 4, 0, 0, 0, [], False)

    add_clip(picture, 6)
    prompts = prompted.with_suffix(".prompts.json")
    prompts.write_text(prompts.read_text().replace("square", "cube"))
    shutil.rmtree(out / f"{gone.name}.trackmask")
    os.utime(touched, (1, 1))
    summary, plan = planned(same)
    assert plan.about["again"] == {"clip changed": 1, "prompt changed": 1, "result is missing": 1}
    assert (summary.tracked, summary.skipped) == (3, 1)

    summary, plan = planned(call(tmp_path / "in", out, options=Options(style=None, end=2)))
    assert plan.about["again"] == {"settings changed": 4}
    assert (summary.tracked, summary.frames) == (4, 12)


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
    assert "1 clip tracked" in result.stdout
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
