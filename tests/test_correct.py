"""Correcting a result, with the shipped weights and the rendered sample, whose truth is known."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import media
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from trackmask import pipeline
from trackmask.cli import main
from trackmask.correct import correct, references
from trackmask.data import State
from trackmask.errors import CallError, PromptError, ResultError
from trackmask.pipeline import Options, run
from trackmask.prompts import Prompt, read_mask
from trackmask.result import open_result, undo
from trackmask.runtime import OnnxRuntime

SAMPLES = Path(__file__).parent.parent / "samples"
WRONG = (220.0, 60.0, 140.0, 200.0)  # the woman, where the cat is meant


@pytest.fixture(scope="module")
def runtime() -> OnnxRuntime:
    return OnnxRuntime(threads=2)


@pytest.fixture(scope="module")
def tracked(runtime: OnnxRuntime, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The woman from frame 0 on, 20 frames."""
    out = tmp_path_factory.mktemp("tracked") / "out"
    run(SAMPLES / "cat.mp4", out, [Prompt(1, box=WRONG)], runtime, Options(end=19, soft=True))
    return out


@pytest.fixture
def result(tracked: Path, tmp_path: Path) -> Path:
    """A copy to correct, as deep in the tree: a result knows its video by the way there."""
    return Path(shutil.copytree(tracked, tmp_path / "out"))


def truth(index: int) -> np.ndarray:
    return read_mask(SAMPLES / "cat.truth" / f"{index:05d}.png")[1]


def iou(a: np.ndarray, b: np.ndarray) -> float:
    return float((a & b).sum() / (a | b).sum())


def files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_a_correction_changes_what_it_can_and_undo_brings_everything_back(runtime: OnnxRuntime, result: Path) -> None:
    before = files(result)
    prompt = Prompt(1, 8, mask=truth(8), source="cat.png")
    corrected = correct(result, [prompt], runtime)
    assert iou(corrected.masks(8) == 1, truth(8)) == 1
    for index in range(9, 20):
        assert iou(corrected.masks(index) == 1, truth(index)) > 0.6, index
    assert files(result)["masks/00000.png"] == before["masks/00000.png"]
    assert [entry["frame"] for entry in corrected.prompts] == [0, 8]
    assert (corrected.objects[0].first_prompt, corrected.objects[0].last_prompt) == (0, 8)
    assert files(result)["overlay.mp4"] != before["overlay.mp4"]
    assert "cut" not in [item.reason for item in corrected.review]  # it is one shot, as before
    undo(result)
    assert files(result) == before
    with pytest.raises(ResultError, match="nothing to undo"):
        undo(result)


def test_only_frames_up_to_the_neighbouring_prompts_change(runtime: OnnxRuntime, result: Path) -> None:
    for index in (4, 12):
        correct(result, [Prompt(1, index, mask=truth(index))], runtime)
    before = files(result)
    correct(result, [Prompt(1, 8, mask=truth(8))], runtime)
    changed = {name for name, blob in files(result).items() if name.startswith("masks/") and before[name] != blob}
    assert changed <= {f"masks/{index:05d}.png" for index in (5, 6, 7, 8, 9, 10, 11)}
    assert sorted(p.name for p in (result / "history").iterdir()) == ["001", "002", "003"]


def test_between_two_prompts_both_count(runtime: OnnxRuntime, result: Path) -> None:
    correct(result, [Prompt(1, 0, mask=truth(0))], runtime)
    corrected = correct(result, [Prompt(1, 12, mask=truth(12))], runtime)
    ious = [iou(corrected.masks(index) == 1, truth(index)) for index in range(13)]
    assert min(ious) > 0.7


def test_absent_empties_the_frame(runtime: OnnxRuntime, result: Path) -> None:
    size = open_result(result).source.size
    corrected = correct(result, [Prompt(1, 10, mask=np.zeros(size, bool))], runtime)
    assert not corrected.masks(10).any()
    (record,) = corrected.frames[10].objects
    assert record.state in (State.ABSENT, State.LOST)
    assert json.loads((result / "result.json").read_text())["prompts"][-1] == {"object": 1, "frame": 10, "mask": None}


def test_what_does_not_fit_changes_nothing(runtime: OnnxRuntime, result: Path, tmp_path: Path) -> None:
    before = files(result)
    with pytest.raises(PromptError, match="it has frames 0 to 19"):
        correct(result, [Prompt(1, 30, mask=truth(30))], runtime)
    with pytest.raises(CallError, match="--video"):
        correct(result, [Prompt(1, 3, mask=truth(3))], runtime, video=SAMPLES / "bunny.mp4")
    with pytest.raises(PromptError, match="480x360"):
        correct(result, [Prompt(1, 3, mask=np.ones((10, 10), bool))], runtime)
    assert files(result) == before
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_several_corrections_at_once_and_a_new_object(runtime: OnnxRuntime, result: Path) -> None:
    prompts = [Prompt(7, 5, mask=truth(5)), Prompt(7, 15, mask=truth(15))]
    corrected = correct(result, prompts, runtime, names={7: "cat"})
    assert [(item.id, item.name) for item in corrected.objects] == [(1, "object 1"), (7, "cat")]
    for index in (2, 10, 18):
        assert iou(corrected.masks(index) == 7, truth(index)) > 0.6, index
    assert len(list((result / "history").iterdir())) == 1


def test_edits_from_another_tool_become_prompts(result: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    edited = tmp_path / "edited" / "cat.mp4"
    edited.mkdir(parents=True)
    Image.fromarray(truth(6).astype(np.uint8)).save(edited / "00006.png")
    before = files(result)
    for call in (["import", "out", "edited/cat.mp4", "--from", "davis"], ["correct", "out", "--edits"]):
        outcome = CliRunner().invoke(main, call)
        assert outcome.exit_code == 0, outcome.output
    corrected = open_result(result)
    assert iou(corrected.masks(6) == 1, truth(6)) == 1
    assert not (result / "edits").exists()
    undo(result)
    assert (result / "edits" / "edits.json").exists()
    assert {name: blob for name, blob in files(result).items() if not name.startswith("edits/")} == before


def test_the_weights_and_the_style_of_the_run_are_used(
    tiny_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "weights"
    shutil.copytree(tiny_weights, folder)
    prompt = Prompt(1, box=WRONG)
    run(SAMPLES / "cat.mp4", tmp_path / "out", [prompt], OnnxRuntime(folder, 1), Options(end=7, style="outline"))
    made = open_result(tmp_path / "out")
    assert (made.weights_folder, made.style) == (folder, "outline")
    drawn = []
    monkeypatch.setattr(pipeline, "overlay", lambda image, labels, style: drawn.append(style) or image)
    corrected = correct(tmp_path / "out", [Prompt(1, 4, mask=truth(4))])
    assert (corrected.weights, corrected.weights_folder, corrected.style) == (made.weights, folder, "outline")
    assert set(drawn) == {"outline"}
    assert not caplog.text
    shutil.rmtree(folder)  # they cannot be had any more
    corrected = correct(tmp_path / "out", [Prompt(1, 5, mask=truth(5))], style="cutout")
    assert corrected.weights != made.weights
    assert (corrected.weights_folder, corrected.style) == (None, "cutout")
    assert "made with other weights" in caplog.text


def test_a_result_without_an_overlay_gets_none(runtime: OnnxRuntime, tmp_path: Path) -> None:
    run(SAMPLES / "cat.mp4", tmp_path / "out", [Prompt(1, box=WRONG)], runtime, Options(end=3, style=None))
    assert correct(tmp_path / "out", [Prompt(1, 2, mask=truth(2))], runtime).style is None
    assert not (tmp_path / "out" / "overlay.mp4").exists()


def test_what_could_be_tracked_of_a_damaged_video_can_be_corrected(runtime: OnnxRuntime, tmp_path: Path) -> None:
    short = media.cut(Path(shutil.copy(SAMPLES / "cat.mp4", tmp_path / "a.mp4")), 0.4)
    outcome = run(short, tmp_path / "out", [Prompt(1, box=WRONG)], runtime)
    assert outcome.error is not None
    assert 5 < outcome.frames < 48
    for index in (outcome.frames - 1, outcome.frames // 2):  # to the last frame, and in the middle
        corrected = correct(tmp_path / "out", [Prompt(1, index, mask=truth(index))], runtime)
        assert iou(corrected.masks(index) == 1, truth(index)) == 1
        assert (corrected.complete, corrected.reason) == (False, str(outcome.error))
        assert len(corrected.frames) == outcome.frames


def test_a_correction_may_name_its_frame_by_time(runtime: OnnxRuntime, result: Path) -> None:
    time = open_result(result).frames[7].time
    corrected = correct(result, [Prompt(1, np.float64(time), box=np.array([20, 119, 138, 104]))], runtime)
    assert corrected.prompts[-1] == {"object": 1, "frame": 7, "box": [20, 119, 138, 104]}
    for frame, words in ((None, "has no frame"), (900.5, "is not in this result"), ("7", "no place in a video")):
        with pytest.raises(PromptError, match=words):
            correct(result, [Prompt(1, frame, box=(20, 119, 138, 104))], runtime)


def test_what_follows_a_correction_is_tracked_twice(runtime: OnnxRuntime, result: Path) -> None:
    """On both sides of the prompts: between them from both, behind the last one forward and back."""
    corrected = correct(result, [Prompt(1, 8, mask=truth(8))], runtime)
    agreed = {frame.index: frame.objects[0].agreement for frame in corrected.frames}
    assert {frame for frame, agreement in agreed.items() if agreement is None} <= {0, 8, *range(17, 20)}
    assert all(agreed[frame] is not None for frame in (*range(1, 8), *range(9, 17)))


def test_progress_counts_what_is_tracked_in_both_passes(runtime: OnnxRuntime, result: Path) -> None:
    totals, count = [], 0

    def progress(total: int | None) -> Callable[[], None]:
        totals.append(total)
        return done

    def done() -> None:
        nonlocal count
        count += 1

    correct(result, [Prompt(1, 8, mask=truth(8)), Prompt(1, 11, mask=truth(11))], runtime, progress=progress)
    assert totals == [2 * (7 + 2 + 8)]  # frames 1 to 7, 9 and 10, 12 to 19
    assert count == totals[0]


def test_a_correction_that_has_nothing_in_common_with_the_mask_is_mentioned(
    runtime: OnnxRuntime, result: Path, caplog: pytest.LogCaptureFixture
) -> None:
    corner = np.zeros((360, 480), bool)
    corner[:20, :20] = True
    correct(result, [Prompt(1, 18, mask=corner)], runtime)
    assert "in frame 18 the mask of object 1 has nothing in common" in caplog.text
    caplog.clear()
    corner[:30, :30] = True
    correct(result, [Prompt(1, 18, mask=corner)], runtime)
    assert "nothing in common" not in caplog.text


def two_objects(folder: Path, runtime: OnnxRuntime) -> Path:
    """The cat, 1, and the woman, 2, painted in frame 0; 10 frames, one pass."""
    woman = np.zeros((360, 480), bool)
    woman[60:260, 220:360] = True
    prompts = [Prompt(1, 0, mask=truth(0)), Prompt(2, 0, mask=woman & ~truth(0))]
    run(SAMPLES / "cat.mp4", folder, prompts, runtime, Options(end=9, fast=True, style=None))
    return folder


def test_what_was_said_of_an_object_stays_whole_where_another_one_takes_of_it(
    runtime: OnnxRuntime, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The last word is shown; but the half that is left of the first one is not what the first one looks like."""
    out = two_objects(tmp_path / "out", runtime)
    before, cat = files(out), truth(0)
    half = cat.copy()
    half[:, : int(np.flatnonzero(cat.any(0)).mean())] = False
    corrected = correct(out, [Prompt(2, 0, mask=half)], runtime)
    assert f"object 2 now covers {half.sum():,} pixels of object 1 in frame 0" in caplog.text
    shown = corrected.masks(0)
    assert np.array_equal(shown, np.where(half, 2, cat))
    assert np.array_equal(references(corrected, 1)[0].mask, cat)
    again = correct(out, [Prompt(1, 5, mask=truth(5))], runtime)  # what is tracked now knows the whole cat
    assert np.array_equal(again.masks(0), shown)
    assert np.array_equal(references(again, 1)[0].mask, cat)
    undo(out)
    undo(out)
    assert files(out) == before
    correct(out, [Prompt(2, 0, mask=half)], runtime)
    caplog.clear()
    back = correct(out, [Prompt(1, 0, mask=cat)], runtime)  # the other way round
    assert np.array_equal(back.masks(0) == 1, cat)
    assert np.array_equal(references(back, 2)[0].mask, half)
    assert not list((out / "given" / "1").iterdir())
    assert "object 1 now covers" in caplog.text


def test_masks_that_overlap_from_the_start_are_both_known_whole(
    runtime: OnnxRuntime, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    wide = np.zeros((360, 480), bool)
    wide[100:260, 20:360] = True
    prompts = [Prompt(1, 0, mask=truth(0)), Prompt(2, 0, mask=wide)]
    run(SAMPLES / "cat.mp4", tmp_path / "out", prompts, runtime, Options(end=3, fast=True, style=None))
    result = open_result(tmp_path / "out")
    assert np.array_equal(result.masks(0) == 1, truth(0))
    assert np.array_equal(references(result, 2)[0].mask, wide)
    assert f"{(wide & truth(0)).sum():,} pixels of the mask of object 2 in frame 0" in caplog.text
    run(SAMPLES / "cat.mp4", tmp_path / "out", prompts[:1], runtime, Options(end=3, fast=True, overwrite=True))
    assert not (tmp_path / "out" / "given").exists()
