"""Clips to read."""

from pathlib import Path

import media
import pytest
from PIL import Image as Pillow


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return media.write_clip(tmp_path / "clip.mp4", media.numbered_images(30), g=12, bf=2)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "shots"
    path.mkdir()
    for number in range(12):
        Pillow.fromarray(media.numbered(number)).save(path / f"shot{number}.png")
    return path
