"""The whole way of a video, with the shipped weights and the sample clips."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from trackmask.evaluation.baselines import copy_first_mask, dis_flow
from trackmask.evaluation.dataset import Clip, read_truth
from trackmask.evaluation.measure import evaluate, score_folder
from trackmask.evaluation.methods import TrackmaskMethod
from trackmask.pipeline import Options, run
from trackmask.prompts import Prompt, read_mask
from trackmask.result import open_result
from trackmask.runtime import OnnxRuntime

SAMPLES = Path(__file__).parent.parent / "samples"
CAT_BOX = (20.0, 119.0, 138.0, 104.0)


@pytest.fixture(scope="module")
def runtime() -> OnnxRuntime:
    return OnnxRuntime(threads=2)


@pytest.fixture(scope="module")
def cat_truth() -> Path:
    return SAMPLES / "cat.truth"


def cat_clip(truth: Path) -> Clip:
    (clip,) = read_truth(truth)
    return Clip("cat", clip.truths, film=SAMPLES / "cat.mp4")


def test_the_sample_is_tracked_far_better_than_by_the_baselines(runtime: OnnxRuntime, cat_truth: Path) -> None:
    clip = cat_clip(cat_truth)
    ours, copied, flowed = (
        next(evaluate(method, [clip], "mask")).j for method in (TrackmaskMethod(runtime), copy_first_mask, dis_flow)
    )
    assert ours > 0.85
    assert copied < 0.5
    assert flowed < ours - 0.05


def test_a_box_is_enough(runtime: OnnxRuntime, cat_truth: Path, tmp_path: Path) -> None:
    outcome = run(SAMPLES / "cat.mp4", tmp_path / "cat", [Prompt(1, box=CAT_BOX)], runtime, Options(style=None))
    assert outcome.frames == 48
    (score,) = score_folder(tmp_path / "cat", cat_truth)
    assert score.j > 0.8
    assert not (tmp_path / "cat" / "overlay.mp4").exists()


def test_without_a_prompt_every_frame_has_a_mask_and_the_overlay_is_whole(runtime: OnnxRuntime, tmp_path: Path) -> None:
    outcome = run(SAMPLES / "bunny.mp4", tmp_path / "bunny", [], runtime, Options(end=39))
    result = open_result(tmp_path / "bunny")
    assert outcome.frames == len(result.frames) == 40
    assert [frame.index for frame in result.frames] == list(range(40))
    truth = read_mask(SAMPLES / "bunny.mask.png")[1]
    found = result.masks(0) == 1
    assert (found & truth).sum() / (found | truth).sum() > 0.6
    with av.open(str(tmp_path / "bunny" / "overlay.mp4")) as film:
        assert sum(1 for _ in film.decode(video=0)) == 40
        assert film.streams.video[0].average_rate == Fraction(25)
        assert len(film.streams.audio) == 1


def test_two_objects_keep_their_ids_and_never_overlap_themselves(runtime: OnnxRuntime, tmp_path: Path) -> None:
    prompts = [Prompt(3, box=CAT_BOX), Prompt(9, box=(220.0, 60.0, 140.0, 200.0))]
    run(SAMPLES / "cat.mp4", tmp_path / "two", prompts, runtime, Options(style=None, end=9, soft=True))
    result = open_result(tmp_path / "two")
    assert [o.id for o in result.objects] == [3, 9]
    for frame in result.frames:
        labels = result.masks(frame.index)
        assert set(np.unique(labels)) == {0, 3, 9}
        for record in frame.objects:
            assert record.area == (labels == record.id).sum()
            soft = result.soft(record.id, frame.index)
            assert (soft[labels == record.id] > 127).all()


def test_the_range_is_kept(runtime: OnnxRuntime, tmp_path: Path) -> None:
    prompt = Prompt(1, box=CAT_BOX)
    outcome = run(SAMPLES / "cat.mp4", tmp_path / "part", [prompt], runtime, Options(start=2, end=0.2))
    result = open_result(tmp_path / "part")
    assert outcome.frames == 4
    assert [frame.index for frame in result.frames] == [2, 3, 4, 5]
    assert result.prompts[0]["frame"] == 2


def test_the_same_run_gives_the_same_bytes(runtime: OnnxRuntime, tmp_path: Path) -> None:
    for name in ("a", "b"):
        run(SAMPLES / "cat.mp4", tmp_path / name, [Prompt(1, box=CAT_BOX)], runtime, Options(style=None, end=12))
    files = sorted(p.relative_to(tmp_path / "a") for p in (tmp_path / "a").rglob("*") if p.is_file())
    assert len(files) == 14
    for file in files:
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_a_prompt_in_the_middle_is_tracked_both_ways_and_joins_what_is_there(
    runtime: OnnxRuntime, cat_truth: Path, tmp_path: Path
) -> None:
    (clip,) = read_truth(cat_truth)
    late = Prompt(2, 10, mask=clip.truth(10) > 0)
    early = Prompt(5, box=(220.0, 60.0, 140.0, 200.0))
    outcome = run(SAMPLES / "cat.mp4", tmp_path / "out", [late, early], runtime, Options(end=14), {2: "cat"})
    assert outcome.frames == 15
    result = open_result(tmp_path / "out")
    assert [(o.id, o.name, o.first_prompt) for o in result.objects] == [(2, "cat", 10), (5, "object 5", 0)]
    for frame in result.frames:
        labels = result.masks(frame.index)
        assert [record.id for record in frame.objects] == [2, 5]
        assert [record.area for record in frame.objects] == [(labels == 2).sum(), (labels == 5).sum()]
        found, truth = labels == 2, clip.truth(frame.index) > 0
        assert (found & truth).sum() / (found | truth).sum() > 0.7, frame.index
    with av.open(str(tmp_path / "out" / "overlay.mp4")) as film:
        assert sum(1 for _ in film.decode(video=0)) == 15


def test_a_time_is_a_frame(runtime: OnnxRuntime, tmp_path: Path) -> None:
    run(SAMPLES / "cat.mp4", tmp_path / "out", [Prompt(1, 0.12, box=CAT_BOX)], runtime, Options(style=None, end=5))
    result = open_result(tmp_path / "out")
    assert result.prompts[0]["frame"] == 3
    assert len(result.frames) == 6


def test_between_two_prompts_both_count(runtime: OnnxRuntime, cat_truth: Path, tmp_path: Path) -> None:
    (clip,) = read_truth(cat_truth)
    # The first prompt is wrong (the woman): forward alone stays with her, from both sides the cat takes over.
    prompts = [Prompt(1, 0, box=(220.0, 60.0, 140.0, 200.0)), Prompt(1, 12, mask=clip.truth(12) > 0)]
    ious = {}
    for fast in (False, True):
        run(SAMPLES / "cat.mp4", tmp_path / str(fast), prompts, runtime, Options(style=None, end=12, fast=fast))
        result = open_result(tmp_path / str(fast))
        found, truth = result.masks(10) == 1, clip.truth(10) > 0
        ious[fast] = (found & truth).sum() / (found | truth).sum()
    assert ious[True] < 0.3
    assert ious[False] > 0.6


def test_several_main_objects_are_found_apart(runtime: OnnxRuntime, tmp_path: Path) -> None:
    run(SAMPLES / "cat.mp4", tmp_path / "out", [], runtime, Options(style=None, end=14, auto=3))
    result = open_result(tmp_path / "out")
    assert 2 <= len(result.objects) <= 3
    frame = result.objects[0].first_prompt
    assert {o.first_prompt for o in result.objects} == {frame}
    areas = [record.area for record in result.frames[frame].objects]
    assert min(areas) > 300
    assert all(name.startswith(f"object {number}, ") for number, name in enumerate((o.name for o in result.objects), 1))
