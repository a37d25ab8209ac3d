"""Nothing is lost: undone and redone across restarts, stopped and gone on with, killed at any moment."""

import json
import os
import shutil
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import media
import numpy as np
import pytest
import still
from scripted import HueRuntime
from still import still_after
from studio_page import Process
from studio_samples import SAMPLES, Studio, inside, iou, runtime, studio, truth
from waiting import PATIENCE, until

from trackmask.correct import correct
from trackmask.errors import OutputError, WeightsError
from trackmask.files import locked
from trackmask.prompts import Prompt
from trackmask.result import open_result
from trackmask.runtime import Features, OnnxRuntime
from trackmask.studio import store
from trackmask.studio.clips import find
from trackmask.studio.desk import Desk
from trackmask.studio.events import Hub
from trackmask.studio.jobs import Job
from trackmask.studio.journal import Journal, lines
from trackmask.studio.opening import leave, open_session
from trackmask.studio.server import wait_for_threads
from trackmask.studio.store import take
from trackmask.studio.turns import Turns
from trackmask.video import open_video

FRAMES = 16


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first frames of the sample."""
    with open_video(SAMPLES / "cat.mp4") as reader:
        images = [frame.image for frame in reader.frames(0, FRAMES - 1)]
    return media.write_clip(tmp_path_factory.mktemp("short") / "cat.mp4", images, crf=10)


@pytest.fixture
def clip(short: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    copy = tmp_path / "cat.mp4"
    copy.write_bytes(short.read_bytes())
    return copy


@pytest.fixture
def one(clip: Path) -> Iterator[Studio]:
    with studio(clip) as found:
        yield found


def box(one: Studio, frame: int = 0, who: int | None = None) -> dict:
    rows, columns = np.nonzero(truth(frame))
    x, y = int(columns.min()), int(rows.min())
    return one.post("box", object=who, frame=frame, box=[x, y, int(columns.max()) + 1 - x, int(rows.max()) + 1 - y])


def stroke(one: Studio, frame: int, add: bool = True) -> dict:
    points = [[20, 20], [60, 40]] if add else [list(inside(truth(frame)))]
    return one.post("stroke", object=1, frame=frame, points=points, radius=9.5, add=add)


def test_what_was_said_is_undone_and_redone_across_restarts(clip: Path) -> None:
    shown = []
    with studio(clip) as one:
        shown.append(one.mask(0))
        box(one)
        shown.append(one.mask(0))
        for add in (True, False):
            stroke(one, 0, add)
            shown.append(one.mask(0))
        one.post("name", object=1, name="the <b>cat</b>")
        one.post("delete", object=1)
        assert not one.mask(0).any()
        before = one.get()["revision"]
    with studio(clip) as one:
        assert one.get()["revision"] > before  # pages that were open before take it as newer
        assert one.get()["undo"] == "delete object 1"
        one.post("undo")
        assert one.get()["objects"][0]["name"] == "the <b>cat</b>"
        one.post("undo")
        for mask in (shown[3], shown[2], shown[1]):
            assert np.array_equal(one.mask(0), mask)
            one.post("undo")
        assert np.array_equal(one.mask(0), shown[0])
        one.post("undo", 400)
    with studio(clip) as one:
        for mask in shown[1:]:
            assert one.post("redo")["frame"] == 0
            assert np.array_equal(one.mask(0), mask)
        one.post("undo")
        stroke(one, 3)
        assert one.get()["redo"] is None
        one.post("redo", 400)


def test_a_stroke_is_where_it_was_drawn(one: Studio) -> None:
    one.post("object", name="paint")
    stroke(one, 2)
    mask = one.mask(2)
    assert mask[20, 20] == mask[40, 60] == mask[30, 40] == 1
    assert mask[20, 60] == mask[60, 60] == 0
    assert abs(int(mask.sum()) - (np.pi * 9.5**2 + 19 * np.hypot(40, 20))) < 30
    one.post("polygon", object=1, frame=2, points=[[100, 100], [200, 100], [200, 150], [100, 150]], add=True)
    assert one.mask(2)[100:150, 100:200].all()
    before = one.mask(2)
    one.post("polygon", object=1, frame=2, points=[[100, 100], [200, 100], [200, 150], [100, 150]], add=False)
    assert one.mask(2).sum() < before.sum()


def test_a_click_beside_a_tracked_mask_keeps_the_rest_of_it(one: Studio) -> None:
    box(one)
    one.track()
    one.post("click", 400, object=1, frame=0, x=470.5, y=350.5, on=False) if not one.mask(0).any() else None
    x, y = inside(truth(8))
    before = one.mask(8)
    state = one.post("click", object=1, frame=8, x=5.5, y=5.5, on=False)
    (given,) = [prompt for prompt in state["prompts"] if prompt["frame"] == 8]
    assert (given["kind"], given["positive"], given["negative"]) == ("mask", [], [[5.5, 5.5]])
    assert np.array_equal(one.mask(8), before)  # nothing was there
    one.post("click", object=1, frame=8, x=x, y=y, on=False)
    after = one.mask(8)
    assert after[int(y), int(x)] == 0
    assert 0 < after.sum() < before.sum()
    assert not (after & ~before).any()
    one.post("click", object=1, frame=8, x=x, y=y, on=True)
    assert one.mask(8)[int(y), int(x)] == 1
    one.post("undo")
    assert np.array_equal(one.mask(8), after)


def test_what_was_tracked_of_an_object_that_was_taken_back_is_not_the_next_ones(one: Studio) -> None:
    box(one)
    one.track()
    one.post("undo")
    state = one.post("stroke", object=None, frame=3, points=[[20, 20]], radius=9, add=True)
    assert [item["id"] for item in state["objects"]] == [2]
    assert one.wait()["tracked"] == {"2": [[3, 3]]}
    assert not one.mask(8).any()
    one.post("undo")
    assert one.post("stroke", object=None, frame=3, points=[[20, 20]], radius=9, add=True)["object"] == 2  # nor in vain


def test_a_correction_puts_out_of_date_what_it_can_change_and_no_more(one: Studio) -> None:
    box(one)
    one.track()
    stroke(one, 5)
    one.track()
    stroke(one, 10)
    assert one.get()["stale"] == {"1": [[6, 9], [11, 15]]}
    plan = one.post("plan", direction="backward", frame=10)
    assert plan["ranges"] == {"1": [[6, 9]]}
    assert plan["frames"] == 4
    assert 0 < plan["seconds"] < 60
    kept = one.mask(3)
    state = one.track("backward", 10)
    assert state["stale"] == {"1": [[11, 15]]}
    assert np.array_equal(one.mask(3), kept)
    state = one.track("forward", 10)
    assert state["stale"] == {"1": []}
    one.post("track", 400, direction="all", frame=0)
    one.post("undo")
    assert one.get()["stale"] == {"1": [[6, 9], [11, 15]]}  # frame 10 as it was tracked before
    one.post("redo")
    assert one.get()["stale"] == {"1": []}


def test_stopped_it_keeps_what_it_has_and_goes_on_there(one: Studio, clip: Path) -> None:
    box(one, 4)
    one.wait()
    with still_after(3):
        one.post("track", direction="all", frame=4)
        until(lambda: one.get()["tracked"]["1"][-1][-1] == 7, "three frames behind the prompt")
        one.post("stop")
        state = one.wait()
    done = {kind: data for kind, data in one.told if kind == "done"}["done"]
    assert done["stopped"]
    assert state["tracked"]["1"] == [[4, 7]]
    result = open_result(clip.with_name("cat.mp4.trackmask"))
    assert not result.complete
    assert "not tracked yet" in result.reason
    assert result.frames.indices[-1] == 7
    assert state["stale"] == {"1": [[0, 3], [5, 15]]}  # no frame was seen from both sides yet
    assert not (one.mask(15) == 1).any()
    one.told.clear()
    state = one.track("all", 4)
    made = {point["frame"] for kind, data in one.told if kind == "masks" for point in data["points"]}
    assert made == set(range(16)) - {4}
    assert state["stale"] == {"1": []}
    assert open_result(clip.with_name("cat.mp4.trackmask")).complete
    assert iou(one.mask(15) == 1, truth(15)) > 0.7


def test_stopped_between_two_prompts_both_directions_go_on(one: Studio) -> None:
    box(one, 0)
    box(one, 15, 1)
    one.wait()
    with still_after(6):
        one.post("track", direction="all", frame=0)
        until(lambda: one.get()["tracked"]["1"][0][-1] == 6, "six frames from the left")
        one.post("stop")
        state = one.wait()
    assert state["stale"] == {"1": [[1, 14]]}  # not one frame comes from both yet
    assert state["tracked"]["1"][0] == [0, 6]
    one.told.clear()
    assert one.track()["stale"] == {"1": []}
    made = [point["frame"] for kind, data in one.told if kind == "masks" for point in data["points"]]
    assert made == [*range(7, 15), *range(14, 0, -1)]
    for frame in (3, 12):
        assert iou(one.mask(frame) == 1, truth(frame)) > 0.7


def test_what_others_did_to_the_result_is_where_it_goes_on(clip: Path) -> None:
    result = clip.with_name("cat.mp4.trackmask")
    with studio(clip) as one:
        box(one)
        one.track()
    assert open_result(result).complete
    correct(result, [Prompt(1, 8, mask=truth(8))], runtime())
    with studio(clip) as one:
        state = one.wait()
        assert "changed by another command" in state["notes"][0]
        assert [prompt["frame"] for prompt in state["prompts"]] == [0, 8]
        assert np.array_equal(one.mask(8) == 1, truth(8))
        assert state["stale"] == {"1": []}
        assert state["undo"] is None
        stroke(one, 3)
        before = (result / "result.json").read_bytes()
        correct(result, [Prompt(1, 12, mask=truth(12))], runtime())
        assert (result / "result.json").read_bytes() != before
        theirs = (result / "result.json").read_bytes()
        one.post("save")
        one.wait()
        (done,) = [data for kind, data in one.told if kind == "done"]
        assert "changed by another command" in done["error"]
        assert (result / "result.json").read_bytes() == theirs
    aside = [path for path in clip.parent.iterdir() if path.name.startswith(".cat.mp4.trackmask.studio")]
    assert len(aside) == 2  # what the studio had is kept


class Failing(HueRuntime):
    weights_folder, files = None, {}
    broken: Exception | None = None

    def encode(self, crops: np.ndarray) -> Features:
        if self.broken:
            raise self.broken
        return super().encode(crops)


def test_an_act_that_fails_does_not_count(clip: Path) -> None:
    network = Failing()
    with studio(clip, network) as one:
        box(one)
        one.post("name", object=1, name="cat")
        one.post("undo")
        mask = one.mask(0)
        network.broken = WeightsError("the graph cannot be run")
        assert "cannot be run" in one.post("click", 500, object=None, frame=3, x=50, y=60, on=True)["error"]
        network.broken = None
        assert [prompt["frame"] for prompt in one.get()["prompts"]] == [0]
    with studio(clip, network) as one:
        state = one.get()
        assert [prompt["frame"] for prompt in state["prompts"]] == [0]
        assert len(state["objects"]) == 1
        assert (state["undo"], state["redo"]) == ("box around object 1 in frame 0", "new name of object 1")
        assert np.array_equal(one.mask(0), mask)
        assert one.post("click", object=None, frame=3, x=50, y=60, on=True)["object"] == 2


def test_too_little_memory_is_told_and_all_goes_on(clip: Path, caplog: pytest.LogCaptureFixture) -> None:
    network = Failing()
    with studio(clip, network) as one:
        box(one)
        network.broken = MemoryError()
        assert "not enough memory; free some" in one.post("click", 500, object=1, frame=3, x=50, y=60, on=True)["error"]
        one.track()
        assert "not enough memory; free some" in one.heard("done")[-1]["error"]
        network.broken = None
        assert one.track()["stale"] == {"1": []}
    assert caplog.text == ""


def test_one_work_ends_and_the_next_one_has_the_machine_for_itself(clip: Path) -> None:
    desk, told, go_on = Desk(find(clip), HueRuntime, Hub()), threading.Event(), threading.Event()
    ended = desk.jobs._ended

    def late(job: Job, stopped: bool, error: str | None) -> None:
        told.wait()
        ended(job, stopped, error)

    desk.jobs._ended = late
    clip_id = next(iter(desk.clips))
    desk.start("save", clip_id, "first", lambda job: None)
    first = desk.jobs._thread
    until(lambda: desk.jobs.now is None, "the end of the first work")
    desk.start("track", clip_id, "second", lambda job: go_on.wait())
    told.set()
    assert first is not None
    first.join(PATIENCE)
    assert not desk.turns.working.is_empty
    go_on.set()
    desk.close()
    assert desk.turns.working.is_empty


class Counting(OnnxRuntime):
    opened = 0  # times

    def renew(self) -> None:
        self.opened += 1
        super().renew()


def test_after_each_long_work_the_network_is_opened_anew_so_that_its_memory_goes_back(clip: Path) -> None:
    network = Counting(threads=2)
    with studio(clip, network) as one:
        box(one)
        assert network.opened == 1
        one.track()
        assert network.opened == 2
        one.post("auto", frame=0)
        one.wait()
        assert network.opened == 3
        one.post("save")
        one.wait()
        assert network.opened == 3  # where it was not asked there is nothing to give back


def test_what_is_to_review_is_told_after_each_act(clip: Path) -> None:
    network = Failing()
    with studio(clip, network) as one:
        one.wait()
        network.iou = 0.3
        assert [item["frame"] for item in box(one)["review"]] == []
        until(lambda: one.heard("state")[-1]["review"], "what is to review, as all tabs are told")
        before, after = one.heard("state")[-2:]
        assert [(r["frame"], r["reason"]) for r in after["review"]] == [(0, "unsure of the prompt")]
        assert after["revision"] > before["revision"]
        one.track()
        assert {r["frame"] for r in one.get()["review"]} > {0}  # low confidence, as the network has it
        box(one, 8, 1)
        reviewed = lambda: {r["frame"] for r in one.get()["review"]}  # noqa: E731
        until(lambda: reviewed() == {0, 8}, "that all else which is doubtful will be tracked again")
        one.post("undo")
        until(lambda: reviewed() - {0, 8}, "more that is doubtful, as before")


def test_who_ends_it_is_told_what_it_waits_for(clip: Path) -> None:
    desk, told = Desk(find(clip), HueRuntime, Hub()), []
    desk.session(next(iter(desk.clips)))
    desk.close(told.append)
    assert told == []
    one = Process(clip)
    one.post("box", object=None, frame=0, box=[100, 100, 100, 100])
    assert one.end(signal.SIGINT).splitlines()[-1] == "writing cat.mp4.trackmask; a moment"
    assert open_result(clip.with_name("cat.mp4.trackmask")).frames


def test_of_what_was_taken_back_nothing_is_said_in_the_end(clip: Path, caplog: pytest.LogCaptureFixture) -> None:
    desk, told = Desk(find(clip), HueRuntime, Hub()), []
    session = desk.session(next(iter(desk.clips)))
    session.box(None, 0, (100, 100, 100, 100))
    session.undo()
    desk.close(told.append)
    assert (told, caplog.text) == ([], "")
    with studio(clip) as one:
        assert one.get()["redo"] == "box around object 1 in frame 0"
        answer = one.client.post(f"{one.way}/import", params={"format": "davis", "name": "00000.png"}, content=b"x")
        assert (answer.status_code, "track it first" in answer.text) == (400, True)


def test_it_ends_in_peace_in_the_middle_of_what_it_does(clip: Path) -> None:
    """A thread that comes out of a library once Python has ended would end it all by force."""
    for _ in range(3):
        one = Process(clip)
        for frame in (3, 9):
            one.client.get(f"{one.way}/frames/{frame}", params={"still": 1})
            one.client.post(f"{one.way}/hover", json={"frame": frame, "x": 100, "y": 100})
        assert one.end(signal.SIGINT) in ("", "end it with Ctrl-C; what you do is kept\n")  # where it was read
        assert one.process.returncode == 0


def test_threads_are_waited_for_but_not_for_ever() -> None:
    ended, never = threading.Event(), threading.Event()
    threads = [
        threading.Thread(target=lambda: ended.wait(0.2) or ended.set(), name="trackmask-one", daemon=True),
        threading.Thread(target=never.wait, name="trackmask-other", daemon=True),
    ]
    for thread in threads:
        thread.start()
    wait_for_threads(0.5)
    assert ended.is_set()
    assert [thread.is_alive() for thread in threads] == [False, True]
    never.set()


def test_who_only_looks_leaves_nothing(clip: Path) -> None:
    with studio(clip) as one:
        one.wait()
        one.frame(3, width=200, still=1)
        one.post("undo", 400)
    assert [path.name for path in clip.parent.iterdir()] == ["cat.mp4"]


def test_two_studios_that_end_and_begin_at_once_do_not_take_from_each_other(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What one wrote into a folder that the other one is taking away would be lost."""
    place = find(clip).clips[0].place
    session = open_session(place, HueRuntime(), Turns())
    close, there = session.close, []
    monkeypatch.setattr(session, "close", lambda: (there.append(place.folder.exists()), close()))
    leave(session)
    assert there == [sys.platform == "win32"]
    gone = []

    def late(file: BinaryIO) -> bool:
        if not gone:
            gone.append(shutil.rmtree(place.folder))
        return locked(file)

    monkeypatch.setattr(store, "locked", late)
    with take(place.folder) as held:
        assert os.path.samestat(os.fstat(held.fileno()), (place.folder / ".lock").stat())


def test_a_clip_is_open_in_one_studio_at_a_time(clip: Path) -> None:
    with studio(clip) as one:
        one.get()
        with studio(clip) as other:
            assert "another studio" in other.get("", 409)["error"]
        box(one)
        assert Path(
            ".cat.mp4.trackmask.studio/journal.jsonl"
        ).read_bytes()  # nothing was taken from under the first one


def test_a_second_studio_leaves_alone_what_is_open_though_the_result_was_changed(clip: Path) -> None:
    with studio(clip) as one:
        box(one)
        one.track()
        correct(Path("cat.mp4.trackmask"), [Prompt(1, 8, mask=truth(8))], runtime())
        with studio(clip) as other:
            assert "another studio" in other.get("", 409)["error"]
        stroke(one, 3)
        before = one.mask(3)
    with studio(clip) as one:  # what the first one had is set aside now, whole
        assert "is kept in" in one.get()["notes"][0]
    assert [path.name for path in Path().glob(".cat*.studio.*")] == [".cat.mp4.trackmask.studio.1"]
    Path("cat.mp4.trackmask").rename("away")
    Path(".cat.mp4.trackmask.studio.1").rename(".cat.mp4.trackmask.studio")
    with studio(clip) as one:
        assert np.array_equal(one.mask(3), before)


def test_every_tab_is_told_what_one_of_them_does(clip: Path) -> None:
    one = Process(clip)
    with one.client.stream("GET", "/api/events") as events:
        assert events.headers["content-type"].startswith("text/event-stream")
        lines = events.iter_lines()
        next(lines)
        one.post("object", name="<script>")
        for line in lines:
            if line == "event: state" and json.loads(next(lines).removeprefix("data: "))["objects"]:
                break
        one.process.send_signal(signal.SIGINT)
        assert "event: bye" in list(lines)
    one.client.close()
    text, _ = one.process.communicate(timeout=PATIENCE)
    assert one.process.returncode == 0
    assert "Traceback" not in text


def test_who_goes_away_in_the_middle_of_a_call_leaves_no_trace(clip: Path) -> None:
    one = Process(clip)
    cookie = "; ".join(f"{name}={value}" for name, value in one.client.cookies.items())
    for way, kind in (("click", "application/json"), ("import?format=davis&name=a.zip", "application/octet-stream")):
        head = f"Host: 127.0.0.1:{one.address.rpartition(':')[2]}\r\nCookie: {cookie}\r\nOrigin: {one.address}"
        with socket.create_connection(("127.0.0.1", int(one.address.rpartition(":")[2]))) as place:
            asked = f"POST {one.way}/{way} HTTP/1.1\r\n{head}\r\nContent-Type: {kind}\r\nContent-Length: 999\r\n\r\n{{"
            place.sendall(asked.encode())
            if kind != "application/json":
                until(lambda: list(clip.parent.glob(".*/uploads/*/a.zip")), "the beginning of the upload")
    until(lambda: not list(clip.parent.glob(".*/uploads/*")), "the end of the upload")
    assert one.state()["objects"] == []
    assert "Traceback" not in one.end()


def test_killed_while_it_tracks_it_goes_on_where_it_was(clip: Path) -> None:
    first = Process(clip, still=clip.with_name("still"))
    x, y = inside(truth(0))
    first.post("click", object=None, frame=0, x=x, y=y, on=True)
    first.post("stroke", object=1, frame=0, points=[[20, 20]], radius=9, add=True)
    with first.standing_still():
        first.post("track", direction="all", frame=0)
        until(lambda: first.state()["tracked"]["1"][-1][-1] == still.FRAMES, "frames that are tracked")
        mask = first.client.get(f"{first.way}/masks/{still.FRAMES}").content
        first.end(signal.SIGKILL)
    journal = clip.with_name(".cat.mp4.trackmask.studio") / "journal.jsonl"
    with journal.open("ab") as file:
        file.write(b'{"do":"click","obj')  # a line that the kill cut off
    second = Process(clip)
    state = second.state()
    assert state["undo"] == "stroke on object 1 in frame 0"
    assert state["tracked"]["1"] == [[0, still.FRAMES]]
    assert second.client.get(f"{second.way}/masks/{still.FRAMES}").content == mask
    second.post("track", direction="all", frame=0)
    until(lambda: not second.state()["job"], "the end of the work")
    assert "Traceback" not in second.end()
    assert open_result(clip.with_name("cat.mp4.trackmask")).complete
    assert [json.loads(line)["do"] for line in journal.read_text().splitlines()][:1] == ["click"]


def test_a_full_disk_leaves_no_half_of_an_act(tmp_path: Path) -> None:
    """Said to be on the disk or not: what a person was told is not kept must not turn up after a restart."""
    resource = pytest.importorskip("resource")
    path = tmp_path / "journal.jsonl"
    journal = Journal(path)
    journal.add({"do": "name", "object": 1, "name": "cat"})
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 10, hard))
    try:
        with pytest.raises(OutputError, match=r"cannot write .*journal\.jsonl"):
            journal.add({"do": "name", "object": 1, "name": "dog"})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    journal.add({"do": "undo"})
    journal.close()
    assert [line["do"] for line in lines(path)] == ["name", "undo"]
