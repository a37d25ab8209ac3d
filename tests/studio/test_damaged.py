"""What lies on the disk is damaged, cut off, of a newer version or taken away: one sentence, or all goes on."""

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from scripted import HueRuntime
from studio_samples import SAMPLES, Studio, cat, studio

from trackmask.errors import OutputError, ResultError
from trackmask.result import open_result
from trackmask.studio.clips import find
from trackmask.studio.opening import open_session
from trackmask.studio.store import take
from trackmask.studio.turns import Turns

LAST = 9
KEPT = Path(".cat.mp4.trackmask.studio")
RESULT = Path("cat.mp4.trackmask")


class Network(HueRuntime):
    weights_folder, files = None, {}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip of which some frames were tracked, and something was said of since."""
    folder = tmp_path_factory.mktemp("made")
    clip = cat(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        with studio(clip, Network()) as one:
            one.post("box", object=None, frame=0, box=[100, 100, 150, 150])
            one.post("absent", object=1, frame=LAST + 1)
            one.track("both", 1)
            one.post("stroke", object=1, frame=5, points=[[20, 20], [60, 40]], radius=9, add=True)
    return folder


@pytest.fixture
def clip(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = Path(shutil.copytree(made, tmp_path / "here", symlinks=True))
    monkeypatch.chdir(folder)
    return folder / "cat.mp4"


@pytest.fixture
def opened(clip: Path) -> Iterator[Callable[[], Studio]]:
    """The studio, once all is damaged."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(studio(clip, Network()))


def insert(name: str, line: bytes) -> None:
    before = (KEPT / name).read_bytes().split(b"\n")
    (KEPT / name).write_bytes(b"\n".join([*before[:2], line, *before[2:]]))


@pytest.mark.parametrize(
    "line",
    [
        b"\x00\xffgarbage",
        b"[]",
        b"17",
        b"[" * 100_000,
        b'{"do":"teleport","object":1,"frame":2}',
        b'{"do":"box","object":999,"name":"a","frame":3,"box":[1,1,5,5]}',
        b'{"do":"box","object":"1","frame":3,"box":[1,1,5,5]}',
        b'{"do":"stroke","object":1,"frame":3,"points":"a","radius":1,"add":true}',
        b'{"do":"stroke","object":1,"frame":3,"points":[[1,2]],"radius":"a","add":true}',
        b'{"do":"seen","number":1,"of":[]}',
        b'{"do":"undo","of":1}\n{"do":"undo"}\n{"do":"undo"}\n{"do":"undo"}',
    ],
)
def test_a_journal_that_cannot_be_read_is_told_in_one_sentence(clip: Path, line: bytes) -> None:
    insert("journal.jsonl", line)
    before = (KEPT / "journal.jsonl").read_bytes()
    with pytest.raises(ResultError, match=r"is damaged, or of a newer trackmask .*; install that one, or move .* away"):
        open_session(find(clip).clips[0].place, Network(), Turns())
    assert (KEPT / "journal.jsonl").read_bytes() == before


def test_a_journal_that_is_no_file_is_not_waited_for(clip: Path) -> None:
    (KEPT / "journal.jsonl").unlink()
    os.mkfifo(KEPT / "journal.jsonl")
    with pytest.raises(ResultError, match="is damaged"):
        open_session(find(clip).clips[0].place, Network(), Turns())


def test_what_is_damaged_of_the_tracking_is_tracked_again(opened: Callable[[], Studio]) -> None:
    masks, lines = KEPT / "masks", (KEPT / "tracked.jsonl").read_bytes().splitlines()
    (masks / "00003.png").unlink()
    (masks / "00003.png").touch()  # as a loss of power leaves it
    (masks / "00004.png").unlink()
    spoilt = [b"\x00" * 50 if b'"frame":7,' in line else line for line in lines]
    (KEPT / "tracked.jsonl").write_bytes(b"\n".join(spoilt) + b"\n")
    one = opened()
    state = one.get()
    assert state["notes"] == ["what was tracked in 3 frames cannot be read any more; track again"]
    assert [frame for frame in range(LAST + 2) if not inside(state["tracked"]["1"], frame)] == [3, 4, 7]
    assert not one.mask(3).any()
    assert one.mask(5)[20, 20] == 1
    state = one.track("both", 1)
    assert inside(state["tracked"]["1"], 3)
    assert one.mask(3).any()


def inside(ranges: list, frame: int) -> bool:
    return any(first <= frame <= last for first, last in ranges)


def test_a_mask_that_cannot_be_read_does_not_stop_the_tracking_that_makes_it_anew(
    opened: Callable[[], Studio],
) -> None:
    (KEPT / "masks" / "00003.png").unlink()
    (KEPT / "masks" / "00003.png").write_bytes(b"no picture")
    one = opened()
    assert "00003.png" in one.get("/masks/3", 500)["error"]
    one.track("both", 1)
    assert one.mask(3).any()


def test_the_mask_of_a_prompt_is_made_again(opened: Callable[[], Studio]) -> None:
    (given,) = (KEPT / "given").glob("1-1-00000.png")
    before = given.read_bytes()
    given.write_bytes(before[:20])
    assert opened().mask(0).any()
    assert given.read_bytes() == before


def test_a_result_that_is_damaged_leaves_the_work_in_its_place(clip: Path, opened: Callable[[], Studio]) -> None:
    text = (RESULT / "result.json").read_bytes()
    (RESULT / "result.json").write_bytes(text[:300])
    one = opened()
    for _ in range(2):
        assert "move cat.mp4.trackmask away: what you did in the studio is kept" in one.get("", 500)["error"]
    RESULT.rename("away")
    assert one.get()["undo"] == "stroke on object 1 in frame 5"
    assert [path.name for path in Path().glob(".cat*")] == [KEPT.name]


def test_a_result_that_was_taken_away_is_written_anew(opened: Callable[[], Studio]) -> None:
    one = opened()
    assert one.wait()["saved"]
    shutil.rmtree(RESULT)
    one.post("export", format="csv", options={}, to="folder")
    one.wait()
    assert one.heard("exported")[0]["folder"] == "cat.mp4.csv"
    assert (RESULT / "result.json").is_file()


def test_opened_without_its_result_the_work_is_not_saved(opened: Callable[[], Studio]) -> None:
    shutil.rmtree(RESULT)
    assert not opened().get()["saved"]


def test_a_film_that_is_damaged_within_is_known_for_it_once_it_was_tracked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It can be counted without decoding it, and then not all can be decoded."""
    monkeypatch.chdir(tmp_path)
    film = bytearray((SAMPLES / "bunny.mp4").read_bytes())
    film[150_000:210_000] = np.random.default_rng(0).bytes(60_000)
    clip = tmp_path / "bunny.mp4"
    clip.write_bytes(film)
    with studio(clip, Network()) as one:
        counted = one.wait()["frames"]
        one.post("box", object=None, frame=0, box=[200, 100, 200, 200])
        state = one.track()
        assert 0 < state["frames"] < counted
        assert state["stale"] == {"1": []}
        assert "damaged or cut off" in state["notes"][0]
    result = open_result(tmp_path / "bunny.mp4.trackmask")
    assert "damaged or cut off" in (result.reason or "")
    assert len(result.frames) == state["frames"]


def test_a_folder_that_cannot_be_written_is_told_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(OutputError, match="start the studio in a folder of your own, with the path of the clip"):
        take(tmp_path / ".cat.mp4.trackmask.studio")


@pytest.mark.parametrize("name", ["", "masks", "given", "given/.2-1-00007.png", ".sound.m4a", "masks/00003.png"])
def test_no_link_that_a_stranger_has_laid_is_followed(clip: Path, tmp_path: Path, name: str) -> None:
    outside, place = tmp_path / "outside", KEPT / name
    if place.is_dir():
        shutil.copytree(place, outside)
        shutil.rmtree(place)
    else:
        outside.write_text("mine")
        place.unlink(missing_ok=True)
    place.symlink_to(outside)
    before = sorted(path.name for path in outside.iterdir()) if outside.is_dir() else outside.read_text()
    with studio(clip, Network()) as one:
        assert "is a link, which the studio never lays" in one.get("", 500)["error"]
        one.post("stroke", 500, object=None, frame=7, points=[[20, 20]], radius=9, add=True)
    assert before == (sorted(path.name for path in outside.iterdir()) if outside.is_dir() else outside.read_text())


def other(clip: Path) -> None:
    """Another film in its place."""
    os.utime(shutil.copy(SAMPLES / "bunny.mp4", clip), (1, 1))


def test_a_film_that_is_exchanged_while_it_is_open_is_not_tracked_for_it(
    clip: Path, opened: Callable[[], Studio]
) -> None:
    one = opened()
    kept, before = clip.read_bytes(), (RESULT / "result.json").read_bytes()
    one.wait()
    other(clip)
    for do, said in (
        ("track", {"direction": "all", "frame": 0}),
        ("export", {"format": "overlay"}),
        ("auto", {"frame": 0}),
    ):
        one.told.clear()
        one.post(do, **said)
        one.wait()
        assert "cat.mp4 has changed since it was opened here" in one.heard("done")[-1]["error"]
    assert open_result(RESULT).source.sha256 in before.decode()
    clip.write_bytes(kept)
    os.utime(clip, (2, 2))  # the same film, copied back
    assert one.track("both", 1)["saved"]


def test_a_film_that_is_exchanged_before_it_was_tracked_is_known_when_it_is_opened_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    clip = cat(tmp_path)
    with studio(clip, Network()) as one:
        one.post("box", object=None, frame=0, box=[100, 100, 150, 150])
        kept = clip.read_bytes()
        other(clip)
    assert not RESULT.exists()  # of which film it is would not be true
    with studio(clip, Network()) as one:
        assert "another video than the one that was marked here" in one.get("", 500)["error"]
        clip.write_bytes(kept)
        assert [prompt["frame"] for prompt in one.get()["prompts"]] == [0]


def test_what_was_said_of_a_frame_that_is_not_there_is_passed_over(opened: Callable[[], Studio]) -> None:
    """As where a film has lost its end."""
    insert("journal.jsonl", b'{"do":"box","object":1,"frame":999999999,"box":[1,1,5,5]}')
    one = opened()
    one.wait()
    assert one.get("/timeline?object=1")["states"]
    one.post("save")
    one.wait()
    assert one.get()["saved"]
    assert np.array_equal(one.mask(LAST + 1), np.zeros_like(one.mask(0)))
