"""The owner's loop against a pool that does as it is told: retries, timeouts, interrupts; manifest, lock and status."""

import os
import time
from collections import Counter, deque
from collections.abc import Callable
from pathlib import Path

import pytest

from trackmask.batch.job import ClipJob, Verdict, unexpected
from trackmask.batch.lock import held, holder
from trackmask.batch.manifest import Manifest, Row, read_manifest
from trackmask.batch.owner import Event, Fatal, Owner, Rules
from trackmask.batch.plan import Work
from trackmask.batch.pool import Died, Ended, News
from trackmask.batch.status import in_all, read_status, write_failures
from trackmask.errors import CallError, OutputError, ResultError
from trackmask.pipeline import Options

DONE = Verdict("done", frames=5, seconds=1.0, sha256="abc")
LOST = Died  # what a scripted job may end in, beside a verdict
NEVER = None


class ScriptedPool:
    """Each job ends as `script` says, once a poll, in order; those that never end wait to be killed."""

    def __init__(self, slots: int, script: dict[str, list]) -> None:
        self.slots, self.script = slots, {key: deque(ends) for key, ends in script.items()}
        self.running: list[ClipJob] = []
        self.begun: list[str] = []
        self.killed: list[str] = []

    def submit(self, job: ClipJob) -> None:
        assert len(self.running) < self.slots
        self.running.append(job)
        self.begun.append(job.key)

    def poll(self, seconds: float) -> list[News]:
        time.sleep(0.001)
        for job in self.running:
            end = self.script[job.key][0]
            if end is not NEVER:
                self.script[job.key].popleft()
                self.running.remove(job)
                return [Died(job, "its process was ended by SIGKILL") if end is LOST else Ended(job, end)]
        return []

    def stop(self) -> None:
        for job in self.running:
            self.script[job.key] = deque([Verdict("waiting")])

    def kill(self, job: ClipJob) -> None:
        self.running = [other for other in self.running if other != job]
        self.killed.append(job.key)

    def close(self) -> None:
        pass


class Night:
    """One run of an owner."""

    def __init__(self, folder: Path, script: dict[str, list], slots: int = 1, rules: Rules = Rules()) -> None:  # noqa: B008
        self.folder, self.events = folder, list[Event]()
        self.pool, self.rules = ScriptedPool(slots, script), rules
        self.work = [
            Work(
                ClipJob(key, folder / key, folder, f"{key}.trackmask", None, Options()),
                Row(f"{key}.trackmask".encode(), key.encode()),
            )
            for key in script
        ]

    def run(self, interrupts: Callable[[], int] = lambda: 0) -> dict[str, Row]:
        with Manifest(self.folder / "all.sqlite") as manifest:
            manifest.put(*(work.row for work in self.work))
            Owner(manifest, self.pool, self.rules, self.events.append, interrupts).run(self.work)
            return {os.fsdecode(row.clip): row for row in manifest.rows().values()}


def test_everything_is_done_in_the_given_order(tmp_path: Path) -> None:
    night = Night(tmp_path, {"a": [DONE], "b": [DONE], "c": [DONE]}, slots=2)
    rows = night.run()
    assert night.pool.begun == ["a", "b", "c"]
    assert {(row.state, row.attempts, row.frames, row.sha256, row.ours) for row in rows.values()} == {
        ("done", 1, 5, "abc", True)
    }
    assert [event.clip for event in night.events if event.kind == "clip"] == ["a", "b", "c"]


def test_a_clip_whose_process_dies_comes_again_behind_the_others_then_is_set_aside(tmp_path: Path) -> None:
    night = Night(tmp_path, {"bad": [LOST, LOST, LOST], "weak": [LOST, DONE], "good": [DONE]}, rules=Rules(retries=2))
    rows = night.run()
    assert night.pool.begun == ["bad", "weak", "good", "bad", "weak", "bad"]
    assert (rows["bad"].state, rows["bad"].attempts) == ("failed", 3)
    assert "SIGKILL, 3 times" in rows["bad"].error
    assert (rows["weak"].state, rows["weak"].attempts, rows["weak"].error) == ("done", 2, "")
    assert sum(event.kind == "retry" for event in night.events) == 3


def test_without_retries_the_first_death_counts(tmp_path: Path) -> None:
    assert Night(tmp_path, {"bad": [LOST]}, rules=Rules(retries=0)).run()["bad"].state == "failed"


def test_what_a_dead_process_left_is_taken_away(tmp_path: Path) -> None:
    left = tmp_path / ".bad.trackmask.partial"
    left.mkdir()
    (left / ".lock").touch()
    (left / "half.png").touch()
    Night(tmp_path, {"bad": [LOST]}, rules=Rules(retries=0)).run()
    assert not left.exists()


def test_a_clip_that_takes_too_long_is_ended_and_the_rest_goes_on(tmp_path: Path) -> None:
    night = Night(tmp_path, {"slow": [NEVER], "good": [DONE]}, rules=Rules(timeout=0.05))
    rows = night.run()
    assert night.pool.killed == ["slow"]
    assert (rows["slow"].state, rows["good"].state) == ("failed", "done")
    assert "0.05 seconds" in rows["slow"].error


def test_an_interrupt_lets_running_clips_stop_and_starts_no_other(tmp_path: Path) -> None:
    night = Night(tmp_path, {"a": [NEVER], "b": [NEVER], "c": [DONE]}, slots=2)
    rows = night.run(lambda: int(len(night.pool.begun) == 2))
    assert night.pool.begun == ["a", "b"]
    assert night.pool.killed == []
    assert {row.state for row in rows.values()} == {"waiting"}


def test_a_second_interrupt_ends_them_now(tmp_path: Path) -> None:
    night = Night(tmp_path, {"a": [NEVER], "b": [DONE]})
    rows = night.run(lambda: 2)
    assert night.pool.killed == ["a"]
    assert {row.state for row in rows.values()} == {"waiting"}


def test_weights_that_do_not_open_end_the_batch(tmp_path: Path) -> None:
    night = Night(tmp_path, {"a": [Verdict("failed", "no weights", fatal=1)], "b": [NEVER]}, slots=2)
    with pytest.raises(Fatal, match="no weights"):
        night.run()
    assert "b" in night.pool.killed
    assert {row.state for row in read_manifest(tmp_path / "all.sqlite")} == {"waiting"}


def test_where_an_unexpected_error_came_from_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    try:
        raise ZeroDivisionError("of ours")
    except ZeroDivisionError as error:
        verdict = unexpected(error)
    with caplog.at_level("INFO", logger="trackmask"):
        rows = Night(tmp_path, {"a": [verdict], "b": [DONE]}).run()
    assert (rows["a"].error, rows["b"].state) == ("unexpected ZeroDivisionError: of ours", "done")
    assert "test_batch_owner.py" in caplog.text
    assert "Traceback" in caplog.text


def test_a_result_that_was_there_before_is_not_ours(tmp_path: Path) -> None:
    (tmp_path / "a.trackmask").mkdir()
    night = Night(tmp_path, {"a": [Verdict("failed", "exists already")], "b": [DONE]})
    rows = night.run()
    assert (rows["a"].ours, rows["b"].ours) == (False, True)


# --- manifest, lock, status ------------------------------------------------------------------------------------------


def test_the_manifest_keeps_rows_whatever_their_names(tmp_path: Path) -> None:
    path = tmp_path / "all.sqlite"
    row = Row(b"x\n\xff.mp4.trackmask", b"x\n\xff.mp4", "failed", stamp="12 34", bytes=1 << 40, error="ü")
    with Manifest(path) as manifest:
        manifest.put(row, Row(b"other", b"other"))
        manifest.put(row, only=True)
    other, same = read_manifest(path)
    assert same == row
    assert (other.output, other.listed) == (b"other", False)


def test_manifests_that_are_none(tmp_path: Path) -> None:
    path = tmp_path / "all.sqlite"
    path.write_bytes(b"not a database at all" * 100)
    with pytest.raises((ResultError, OutputError), match="remove it"):
        Manifest(path)
    with pytest.raises(ResultError):
        read_manifest(path)
    path.unlink()
    with Manifest(path) as manifest:
        manifest._db.execute("PRAGMA user_version=99")
    with pytest.raises(ResultError, match="newer"):
        Manifest(path)


def test_a_second_batch_is_told_who_holds_it(tmp_path: Path) -> None:
    lock = tmp_path / "all.lock"
    with held(lock, "out"):
        assert f"process {os.getpid()} on" in (holder(lock) or "")
        with pytest.raises(CallError, match=f"process {os.getpid()}"), held(lock, "out"):
            pass
    assert holder(lock) is None
    with held(lock, "out"):
        pass


def test_the_status_sums_up_shards_and_knows_a_dead_batch(tmp_path: Path) -> None:
    folder = tmp_path / ".trackmask-batch"
    folder.mkdir()
    rows = [Row(b"a", b"a", "done", frames=7), Row(b"b", b"b", "running"), Row(b"c", b"c", "failed", error="e")]
    with Manifest(folder / "1-of-2.sqlite") as manifest:
        manifest.put(*rows, Row(b"d", b"d", "done", listed=False))
    with Manifest(folder / "2-of-2.sqlite") as manifest:
        manifest.put(Row(b"c", b"c", "done", frames=4), Row(b"e", b"e", "running"))
    with held(folder / "2-of-2.lock", "out"):
        one, two = read_status(tmp_path)
    assert (one.name, one.holder, one.counts) == ("1-of-2", None, Counter(done=1, waiting=1, failed=1))
    assert two.holder
    assert in_all([one, two]).counts == Counter(done=2, waiting=1, running=1)
    with pytest.raises(ResultError, match="no batch"):
        read_status(tmp_path / "nowhere")


def test_failures_are_a_table_that_goes_away_with_them(tmp_path: Path) -> None:
    path = tmp_path / "failures.csv"
    write_failures(path, [Row(b"a\nb.mp4", b"a\nb.mp4", "failed", attempts=2, error='no "video", sorry')])
    assert path.read_text() == 'clip,state,attempts,error\na\\nb.mp4,failed,2,"no ""video"", sorry"\n'
    write_failures(path, [])
    assert not path.exists()
