"""The Python loop, as the documentation shows it."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import trackmask
from trackmask.errors import CallError, PromptError
from trackmask.prompts import Prompt, read_mask

SAMPLES = Path(__file__).parent.parent / "samples"
DOCS = Path(__file__).parent.parent / "docs" / "python.md"


def test_the_loop_tracks_a_mask() -> None:
    truth = read_mask(SAMPLES / "cat.mask.png")[1]
    frames = list(trackmask.track(SAMPLES / "cat.mp4", mask=truth))
    assert [frame.index for frame in frames] == list(range(48))
    np.testing.assert_array_equal(frames[0].masks == 1, truth)
    later = read_mask(SAMPLES / "cat.truth" / "00015.png")[1]
    found = frames[15].masks == 1
    assert (found & later).sum() / (found | later).sum() > 0.8
    assert 0 < frames[15].confidence <= 1


def test_a_later_object_joins() -> None:
    prompts = [Prompt(1, 0, box=(20, 119, 138, 104)), Prompt(2, 3, box=(220, 60, 140, 200))]
    counts = []
    for frame in trackmask.track(SAMPLES / "cat.mp4", prompts=prompts):
        counts.append(len(frame.objects))
        if frame.index == 5:
            break
    assert counts == [1, 1, 1, 2, 2, 2]


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
    with pytest.raises(PromptError, match="shorter"):
        list(
            trackmask.track(
                SAMPLES / "cat.mp4", prompts=[Prompt(1, 0, box=(20, 119, 138, 104)), Prompt(1, 70, box=(1, 1, 9, 9))]
            )
        )


def test_the_documentation_s_examples_run(tmp_path: Path) -> None:
    blocks = DOCS.read_text().split("```python\n")[1:]
    assert len(blocks) >= 3
    (tmp_path / "clip.mp4").write_bytes((SAMPLES / "cat.mp4").read_bytes())
    code = "\n".join(block.split("```")[0] for block in blocks)
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))  # where trackmask was installed
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, env=os.environ | {"PATH": path})
