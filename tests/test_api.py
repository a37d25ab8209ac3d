"""The Python loop, as the documentation shows it."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import media
import numpy as np
import pytest

import trackmask
from trackmask import errors
from trackmask.errors import CallError, OutputExistsError, PromptError, VideoError
from trackmask.pipeline import Options, run
from trackmask.prompts import Prompt, read_mask

SAMPLES = Path(__file__).parent.parent / "samples"
DOCS = Path(__file__).parent.parent / "docs" / "python.md"


def test_the_loop_tracks_a_mask() -> None:
    truth = read_mask(SAMPLES / "cat.mask.png")[1]
    frames = list(trackmask.track(SAMPLES / "cat.mp4", mask=truth, end=15))
    assert [frame.index for frame in frames] == list(range(16))
    np.testing.assert_array_equal(frames[0].masks == 1, truth)
    later = read_mask(SAMPLES / "cat.truth" / "00015.png")[1]
    found = frames[15].masks == 1
    assert (found & later).sum() / (found | later).sum() > 0.8
    assert 0 < frames[15].confidence <= 1


def test_the_frames_and_masks_are_those_of_run(tmp_path: Path) -> None:
    """All of them, those before a late prompt, too; times, numpy's integers and boxes over the edge mean the same."""
    prompts = [
        Prompt(np.int64(1), np.int32(5), box=np.array([-30, 119, 188, 104])),
        Prompt(2, 0.28, box=(220, 60, 140, 200)),
    ]
    runtime = trackmask.open_runtime(threads=1)
    run(SAMPLES / "cat.mp4", tmp_path / "out", prompts, runtime, Options(start=2, end=9, style=None))
    result = trackmask.open_result(tmp_path / "out")
    frames = list(trackmask.track(SAMPLES / "cat.mp4", prompts=prompts, start=2, end=9, runtime=runtime))
    assert [frame.index for frame in frames] == list(range(2, 10))
    for frame, record in zip(frames, result.frames, strict=True):
        np.testing.assert_array_equal(frame.masks, result.masks(frame.index))
        assert [o.id for o in frame.objects] == [o.id for o in record.objects] == [1, 2]
        assert frame.objects == record.objects
    assert [(prompt["object"], prompt["frame"]) for prompt in result.prompts] == [(1, 5), (2, 7)]


def test_masks_of_any_kind_of_number_are_masks() -> None:
    truth = read_mask(SAMPLES / "cat.mask.png")[1]
    one, other = (next(trackmask.track(SAMPLES / "cat.mp4", mask=mask)) for mask in (truth, truth * np.uint8(255)))
    np.testing.assert_array_equal(one.masks, other.masks)


def test_a_mask_is_read_by_its_name_and_one_prompt_needs_no_list() -> None:
    prompt = Prompt(1, mask=read_mask(str(SAMPLES / "cat.mask.png"))[1])
    first = next(trackmask.track(SAMPLES / "cat.mp4", prompts=prompt))
    assert [record.id for record in first.objects] == [1]


@pytest.mark.parametrize(
    "wrong", [{"style": "foo"}, {"auto": 0}, {"auto": "x"}, {"names": {1: "a\nb"}}, {"names": {1: 7}}, {"prompts": 5}]
)
def test_what_cannot_be_is_said_before_anything_is_done(tmp_path: Path, wrong: dict) -> None:
    with pytest.raises(CallError) as caught:
        trackmask.run(SAMPLES / "cat.mp4", tmp_path / "out", **wrong)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_live_pictures_need_no_file() -> None:
    with trackmask.open_video(SAMPLES / "cat.mp4") as video:
        images = [frame.image for frame in video.frames(0, 4)]
    tracker = trackmask.Tracker(trackmask.open_runtime(), images[0].shape[:2])
    masks = tracker.step(images[0], [Prompt(1, 0, positive=((85, 170),), box=(20, 119, 138, 104))])
    assert masks.objects[0].area > 1000
    for image in images[1:]:
        masks = tracker.step(image)
    assert masks.objects[0].area > 1000
    with pytest.raises(CallError, match="must be"):
        tracker.step(images[0][:100])


def test_what_does_not_fit_is_said() -> None:
    with pytest.raises(PromptError, match="outside"):
        next(trackmask.track(SAMPLES / "cat.mp4", box=(900, 900, 10, 10)))
    with pytest.raises(PromptError, match="is shorter"):
        list(
            trackmask.track(
                SAMPLES / "cat.mp4", prompts=[Prompt(1, 0, box=(20, 119, 138, 104)), Prompt(1, 70, box=(1, 1, 9, 9))]
            )
        )


def test_a_damaged_video_gives_its_frames_and_then_says_so(tmp_path: Path) -> None:
    short = media.cut(Path(shutil.copy(SAMPLES / "cat.mp4", tmp_path / "a.mp4")), 0.7)
    frames: list[int] = []
    with pytest.raises(VideoError, match="damaged or cut off"):
        frames.extend(frame.index for frame in trackmask.track(short, box=(20, 119, 138, 104)))
    assert 10 < len(frames) < 48
    assert frames == list(range(len(frames)))


@pytest.mark.parametrize("first", ["trackmask.correct", "trackmask.export", "trackmask.cli", "trackmask.api"])
def test_functions_are_found_whatever_was_imported_first(first: str) -> None:
    """Rooms have the names of two of them."""
    code = f"import {first}, trackmask; print(callable(trackmask.correct), callable(trackmask.export))"
    code += "; import trackmask.export.job; print(trackmask.export.__name__, trackmask.correct.__name__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=SAMPLES.parent)
    assert done.stdout.split() == ["True", "True", "export", "correct"]


def test_a_damaged_video_leaves_a_result_that_says_so(tmp_path: Path) -> None:
    short = media.cut(Path(shutil.copy(SAMPLES / "cat.mp4", tmp_path / "a.mp4")), 0.5)
    result = trackmask.run(short, tmp_path / "out", box=(20, 119, 138, 104), style=None)
    assert not result.complete
    assert result.reason is not None
    assert "damaged or cut off" in result.reason
    assert 5 < len(result.frames) < 48
    with pytest.raises(OutputExistsError, match="exists already"):
        trackmask.run(short, tmp_path / "out", box=(20, 119, 138, 104))


def test_the_errors_of_the_documentation_are_there() -> None:
    names = re.findall(r"^\| `(\w+)` \|", DOCS.read_text(), re.MULTILINE)
    assert len(names) >= 7
    assert all(issubclass(getattr(errors, name), trackmask.TrackmaskError) for name in names)


def test_the_documentation_s_examples_run(tmp_path: Path) -> None:
    text = DOCS.read_text()
    assert "subprocess" not in text
    blocks = text.split("```python\n")[1:]
    assert len(blocks) >= 6
    with trackmask.open_video(SAMPLES / "cat.mp4") as video:
        media.write_clip(
            tmp_path / "clip.mp4", [frame.image for frame in video.frames(0, 20)]
        )  # the last that is named
    code = "\n".join(block.split("```")[0] for block in blocks)
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, stdout=subprocess.DEVNULL)
    assert (tmp_path / "cat" / "report.html").exists()
    assert (tmp_path / "cat.davis").is_dir()
