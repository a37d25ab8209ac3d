"""Optical flow of pictures of any size. OpenCV crashes on flat ones: the process itself would die."""

import subprocess
import sys
from pathlib import Path

import cv2
import media
import numpy as np
import pytest

from trackmask.tracking.flow import PRESETS, Flow

FLAT = """
import numpy as np
from trackmask.tracking.flow import Flow
for width, height in ((300, 20), (300, 16), (426, 30), (2000, 31), (20, 300), (5, 3)):
    picture = np.random.default_rng(0).integers(0, 255, (height, width)).astype(np.uint8)
    for preset in ("fast", "medium"):
        assert Flow(preset).between(picture, np.roll(picture, 1, 1)).shape == (height, width, 2)
"""


def test_flat_pictures() -> None:
    subprocess.run([sys.executable, "-c", FLAT], check=True)


@pytest.mark.parametrize("preset", PRESETS)
def test_others_are_as_opencv_has_them(preset) -> None:
    rng = np.random.default_rng(1)
    before = cv2.resize(rng.integers(0, 255, (12, 16)).astype(np.uint8), (160, 120))
    after = np.roll(before, 3, 1)
    expected = cv2.DISOpticalFlow.create(PRESETS[preset]).calc(before, after, None)
    found = Flow(preset).between(before, after)
    np.testing.assert_array_equal(found, expected)
    assert np.median(found[20:-20, 20:-20, 0]) == pytest.approx(3, abs=0.2)


def test_a_flat_clip_without_a_prompt(tmp_path: Path, tiny_weights: Path) -> None:
    media.write_clip(tmp_path / "flat.mp4", [np.roll(media.numbered(i, (20, 300)), 3 * i, 1) for i in range(20)])
    code = "from trackmask.cli import main; main()"
    call = [sys.executable, "-c", code, "run", "flat.mp4", "--weights", str(tiny_weights), "-q"]
    done = subprocess.run(call, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 2), done.stderr  # found or not, it is said in one line
    assert len(done.stderr.splitlines()) <= 1
