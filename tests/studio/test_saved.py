"""What the studio makes is the result that all other commands read, and protect."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import media
import numpy as np
import pytest
from studio_samples import Studio, cat, runtime, studio, truth

from trackmask.correct import correct, undo
from trackmask.errors import OutputExistsError, ResultError
from trackmask.export import Options as ExportOptions
from trackmask.export import export
from trackmask.pipeline import Options, run
from trackmask.prompts import Prompt
from trackmask.report import write_report
from trackmask.result import open_result
from trackmask.studio import saving
from trackmask.studio.clips import find
from trackmask.studio.opening import leave, open_session
from trackmask.studio.saving import save
from trackmask.studio.turns import Turns

LAST = 7


@pytest.fixture(scope="module")
def tracked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip, and a result of its first frames: corrected once, with an overlay and a report."""
    folder = tmp_path_factory.mktemp("tracked")
    result = folder / "cat.mp4.trackmask"
    run(cat(folder), result, [Prompt(1, 0, mask=truth(0))], runtime(), Options(end=LAST, fast=True, soft=True))
    correct(result, [Prompt(1, 4, mask=truth(4))], runtime())
    write_report(result)
    return folder


@pytest.fixture
def result(tracked: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tracked, tmp_path / "here")) / "cat.mp4.trackmask"


@pytest.fixture
def one(result: Path) -> Iterator[Studio]:
    with studio(result) as found:
        yield found


def edit(one: Studio, frame: int = 2) -> None:
    one.wait()
    one.post("stroke", object=1, frame=frame, points=[[30, 30], [60, 30]], radius=8, add=True)
    one.track()


def test_a_prompt_that_was_not_understood_is_to_review_here_too(tmp_path: Path) -> None:
    clip = cat(tmp_path)
    run(
        clip, tmp_path / "cat.mp4.trackmask", [Prompt(1, 0, box=(300, 0, 60, 30))], runtime(), Options(end=3, fast=True)
    )
    there = open_result(tmp_path / "cat.mp4.trackmask")
    assert there.review[0].unsure_of_the_prompt
    with studio(there.folder) as one:
        here = [(r["frame"], r["reason"]) for r in one.wait()["review"]]
        assert here == [(r.frame, r.reason) for r in there.review]
        line = one.get("/timeline?object=1")
        assert line["confidence"][:4] == [frame.objects[0].confidence for frame in there.frames]


def test_a_result_opens_as_it_is(one: Studio, result: Path) -> None:
    state = one.wait()
    there = open_result(result)
    assert [(p["object"], p["frame"]) for p in state["prompts"]] == [(1, 0), (1, 4)]
    assert state["stale"] == {"1": []}
    assert state["tracked"] == {"1": [[0, LAST]]}
    assert state["saved"]
    assert [r["frame"] for r in state["review"]] == [r.frame for r in there.review]
    for frame in range(LAST + 1):
        assert np.array_equal(one.mask(frame), there.masks(frame))
    line = one.get("/timeline?object=1")
    assert line["confidence"][: LAST + 1] == [frame.objects[0].confidence for frame in there.frames]


def test_what_is_made_of_it_is_a_result_with_all_that_it_had(one: Studio, result: Path) -> None:
    before, overlay, report = (
        open_result(result),
        (result / "overlay.mp4").read_bytes(),
        (result / "report.html").stat(),
    )
    kept, before_soft = before.masks(LAST), before.soft(1, LAST)
    edit(one)
    after = open_result(result)
    assert after.complete
    assert after.frames.indices[-1] == LAST  # the range of the run
    assert (result / "overlay.mp4").read_bytes() != overlay
    assert after.style == before.style
    assert (result / "report.html").stat().st_mtime_ns != report.st_mtime_ns
    assert (result / "history" / "001").is_dir()
    assert after.masks(2)[30, 40] == 1
    assert np.array_equal(after.masks(LAST), kept)  # behind the next prompt
    soft = after.soft(1, 3)
    assert len(np.unique(soft)) > 20  # between two prompts
    assert (soft[after.masks(3) == 1] > 127).mean() > 0.9
    assert np.array_equal(after.soft(1, 2) > 127, after.masks(2) == 1)
    assert np.array_equal(after.soft(1, LAST), before_soft)
    assert export(result, "davis", result.parent / "davis", ExportOptions()).clips == 1


def test_where_the_result_cannot_be_written_it_is_said_where_all_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    clip = cat(tmp_path)
    with studio(clip) as one:
        one.post("box", object=None, frame=0, box=[20, 119, 138, 104])
        clip.rename(tmp_path / "away.mp4")
    assert "the result was not written" in caplog.text
    assert "what you did is kept in .cat.mp4.trackmask.studio" in caplog.text
    (tmp_path / "away.mp4").rename(clip)
    with studio(clip) as one:
        assert [item["name"] for item in one.get()["objects"]] == ["object 1"]


def test_no_run_overwrites_a_persons_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    clip = cat(tmp_path)
    with studio(clip) as one:
        one.post("stroke", object=None, frame=2, points=[[30, 30], [60, 30]], radius=8, add=True)
        one.post("save")
        one.wait()
    result = tmp_path / "cat.mp4.trackmask"
    assert not open_result(result).complete
    again = Options(end=2, fast=True, style=None, overwrite=True)
    with pytest.raises(OutputExistsError, match="corrections"):
        run(clip, result, [Prompt(1, 0, mask=truth(0))], runtime(), again)
    run(clip, result, [Prompt(1, 0, mask=truth(0))], runtime(), Options(**vars(again) | {"discard": True}))
    assert not (result / "studio.json").exists()


def test_other_commands_go_on_from_it(one: Studio, result: Path) -> None:
    edit(one)
    made = open_result(result).masks(6)
    correct(result, [Prompt(1, 6, mask=truth(6))], runtime())
    assert np.array_equal(open_result(result).masks(6) == 1, truth(6))
    assert not (result / "studio.json").exists()
    undo(result)
    assert np.array_equal(open_result(result).masks(6), made)
    assert (result / "studio.json").exists()  # it is the studio's again


def test_an_older_correction_is_not_undone_below_what_the_studio_has_made(one: Studio, result: Path) -> None:
    """Of the frames that it changed, the history knows nothing: a result of two versions at once would come out."""
    edit(one)
    before = (result / "result.json").read_bytes()
    with pytest.raises(ResultError, match="last written by the studio; open it there"):
        undo(result)
    assert (result / "result.json").read_bytes() == before
    assert (result / "history" / "001").is_dir()


def test_what_is_said_while_it_is_written_is_written_the_next_time(
    result: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = open_session(find(result).clips[0].place, runtime(), Turns())
    session.rename(1, "first")
    source = saving._source

    def meanwhile(of: object) -> object:
        session.rename(1, "second")
        return source(session)

    with monkeypatch.context() as patch:
        patch.setattr(saving, "_source", meanwhile)
        save(session)
    assert open_result(result).objects[0].name == "first"
    assert session.dirty
    leave(session)
    assert open_result(result).objects[0].name == "second"


def test_what_was_said_of_an_object_stays_whole_where_another_one_takes_of_it(one: Studio, result: Path) -> None:
    """Shown is the last word, here and in the result; the other object stays known by its whole mask."""
    one.wait()
    cat, stroke = truth(4), {"frame": 4, "points": [[90, 170], [400, 170]], "radius": 20}
    assert one.post("stroke", object=1, frame=4, points=[[20, 20]], radius=5)["note"] is None
    said = one.post("stroke", object=None, **stroke)
    assert said["note"].startswith("the mask of object 2 now covers a part of object 1, still known by its whole mask")
    assert one.post("stroke", object=2, **stroke)["note"] is None  # it was told
    one.track()
    there, shown = open_result(result), one.mask(4)
    assert np.array_equal(there.masks(4), shown)
    assert (shown[cat] == 2).any()
    assert there.given(1, 4)[cat].all()
    record = there.frames[4].objects[0]
    assert record.area == np.count_nonzero(there.masks(4) == 1) < cat.sum()
    corrected = correct(result, [Prompt(2, 6, mask=np.zeros_like(cat))], runtime())
    assert corrected.given(1, 4)[cat].all()


def test_what_another_object_took_of_is_whole_where_the_result_is_opened(tracked: Path, tmp_path: Path) -> None:
    result = Path(shutil.copytree(tracked, tmp_path / "here")) / "cat.mp4.trackmask"
    half = truth(4)
    half[:, : int(np.flatnonzero(half.any(0)).mean())] = False
    there = correct(result, [Prompt(2, 4, mask=half)], runtime())
    with studio(result) as one:
        one.wait()
        assert np.array_equal(one.mask(4), there.masks(4))
        one.post("clear", object=2, frame=4)
        assert (one.mask(4)[truth(4)] == 1).all()


def test_a_deleted_object_is_gone_and_comes_back(one: Studio, result: Path) -> None:
    one.wait()
    one.post("delete", object=1)
    one.post("stroke", object=None, frame=3, points=[[30, 30]], radius=8, add=True)
    one.post("save")
    one.wait()
    after = open_result(result)
    assert [item.id for item in after.objects] == [2]
    assert set(np.unique(after.masks(3))) == {0, 2}
    assert not after.masks(5).any()
    one.post("undo")
    one.post("undo")
    one.post("save")
    one.wait()
    assert open_result(result).masks(5).any()


def test_a_clip_that_is_cut_off_is_no_whole_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    images = [np.random.default_rng(i).integers(0, 255, (*media.SIZE, 3), np.uint8) for i in range(20)]
    clip = media.cut(media.write_clip(tmp_path / "a.mkv", images, g=6), 0.6)
    with studio(clip) as one:
        assert "damaged or cut off" in one.wait()["notes"][0]
        one.post("box", object=None, frame=0, box=[10, 10, 30, 30])
        state = one.track()
        assert 5 < state["frames"] < 20
        assert state["stale"] == {"1": []}
        one.post("export", format="csv", options={}, to="folder")
        one.wait()
        (about,) = one.heard("exported")
        assert "damaged or cut off" in about["notes"][0]
        assert "not tracked yet" not in about["notes"][0]
    result = open_result(tmp_path / f"{clip.name}.trackmask")
    assert not result.complete
    assert "damaged or cut off" in (result.reason or "")
