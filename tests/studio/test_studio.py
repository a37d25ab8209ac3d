"""Click, see the mask, track, correct: through the server, with the shipped weights, on the sample with known truth."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from studio_samples import Studio, cat, inside, iou, studio, truth

from trackmask.result import open_result


@pytest.fixture
def clip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return cat(tmp_path)


@pytest.fixture
def one(clip: Path) -> Iterator[Studio]:
    with studio(clip) as found:
        yield found


def click(one: Studio, frame: int = 0, on: bool = True, who: int | None = None) -> dict:
    x, y = inside(truth(frame))
    return one.post("click", object=who, frame=frame, x=x, y=y, on=on)


def test_a_click_shows_its_mask_and_tracking_makes_the_result(one: Studio, clip: Path) -> None:
    state = click(one)
    assert (state["object"], state["frame"], state["undo"]) == (1, 0, "click on object 1 in frame 0")
    assert iou(one.mask(0) == 1, truth(0)) > 0.8
    state = one.wait()
    assert state["stale"] == {"1": [[1, 47]]}
    assert state["tracked"] == {"1": [[0, 0]]}
    state = one.track()
    assert state["stale"] == {"1": []}
    assert state["saved"]
    result = open_result(clip.parent / "cat.mp4.trackmask")
    assert result.complete
    assert len(result.frames) == 48
    assert result.prompts == ({"object": 1, "frame": 0, "positive": [list(inside(truth(0)))]},)
    for frame in (0, 20, 47):
        assert np.array_equal(result.masks(frame), one.mask(frame))
        assert iou(result.masks(frame) == 1, truth(frame)) > 0.7
    line = one.get("/timeline?object=1")
    assert set(line["states"]) <= set("tu")
    assert len(line["confidence"]) == 48
