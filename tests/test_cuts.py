"""A film with cuts, from the command line to the result and its correction, with the shipped weights."""

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from conftest import ROOT
from media import write_clip

from trackmask import track
from trackmask.cli import main
from trackmask.correct import correct
from trackmask.data import State
from trackmask.prompts import Prompt, read_mask
from trackmask.result import Result, Shot, open_result
from trackmask.runtime import OnnxRuntime
from trackmask.video import open_video

SAMPLES = ROOT / "samples"
CAT, BUNNY, AGAIN = range(8), range(8, 14), range(14, 20)  # frames of the three shots
BACK = 14  # the first frame of the last one


@pytest.fixture(scope="module")
def runtime() -> OnnxRuntime:
    return OnnxRuntime(threads=2)


@pytest.fixture(scope="module")
def bunny_mask() -> np.ndarray:
    mask = read_mask(SAMPLES / "bunny.mask.png")[1].astype(np.uint8)
    return cv2.resize(mask, (480, 360), interpolation=cv2.INTER_NEAREST) > 0


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cat, the bunny, and the cat again."""
    cat, bunny = (pictures(SAMPLES / f"{name}.mp4") for name in ("cat", "bunny"))
    shots = [*cat[: len(CAT)], *bunny[: len(BUNNY)], *cat[len(CAT) : len(CAT) + len(AGAIN)]]
    return write_clip(tmp_path_factory.mktemp("film") / "film.mp4", shots, crf=12)


def pictures(path: Path) -> list[np.ndarray]:
    with open_video(path) as video:
        return [cv2.resize(frame.image, (480, 360), interpolation=cv2.INTER_AREA) for frame in video]


@pytest.fixture(scope="module")
def ran(film: Path) -> tuple[str, Result]:
    """What `trackmask run` said, and its result."""
    out = film.parent / "out"
    mask = str(SAMPLES / "cat.mask.png")
    done = CliRunner().invoke(main, ["run", str(film), "--mask", mask, "-o", str(out), "--no-overlay"])
    assert done.exit_code == 0, done.output
    return done.output, open_result(out)


def there(result: Result, object_id: int) -> set[int]:
    """The frames in which an object has a mask."""
    return {
        frame.index for frame in result.frames for record in frame.objects if record.id == object_id and record.area
    }


def test_run_says_where_the_cuts_are_and_the_result_lists_them(ran: tuple[str, Result]) -> None:
    said, result = ran
    assert "; cuts at frames 8, 14; look first at" in said
    assert result.shots == (Shot(0, 7), Shot(8, 13), Shot(14, 19))
    listed = {(item.first, item.reason) for item in result.review}
    assert listed >= {(8, "cut"), (BACK, "found again")}


def test_there_is_no_mask_on_what_was_not_prompted(ran: tuple[str, Result]) -> None:
    _, result = ran
    assert there(result, 1) == {*CAT, *AGAIN}
    assert all(frame.objects[0].state == State.ABSENT for frame in result.frames if frame.index in BUNNY)


def test_a_correction_stops_at_a_cut_on_both_its_sides(
    film: Path, ran: tuple[str, Result], runtime: OnnxRuntime, bunny_mask: np.ndarray, tmp_path: Path
) -> None:
    """The bunny, prompted in the first frame of its shot, is in none before it; the cat, corrected in the last frame of
    its first shot, is not in the bunny's.
    """
    folder = Path(shutil.copytree(ran[1].folder, tmp_path / "out"))
    corrected = correct(folder, [Prompt(2, BUNNY[0], mask=bunny_mask)], runtime, video=film)
    assert there(corrected, 2) == {*BUNNY}
    again = correct(folder, [Prompt(1, CAT[-1], mask=corrected.masks(CAT[-1]) == 1)], runtime, video=film)
    assert there(again, 1) == {*CAT, *AGAIN}
    assert again.shots == ran[1].shots


def test_late_prompts_and_the_way_back_stop_at_cuts_too(film: Path, tmp_path: Path, bunny_mask: np.ndarray) -> None:
    """The bunny is prompted in the first frame of its shot: the way to the film's start begins with the cut."""
    x, y, w, h = cv2.boundingRect(bunny_mask.astype(np.uint8))
    out = tmp_path / "out"
    line = ["run", str(film), "--box", f"{x},{y},{w},{h}@{BUNNY[0]}", "-o", str(out), "--no-overlay", "-q"]
    assert CliRunner().invoke(main, line).exit_code == 0
    result = open_result(out)
    assert there(result, 1) == {*BUNNY}
    assert result.cuts == (BUNNY[0], BACK)


def test_from_python_it_is_the_same(film: Path, ran: tuple[str, Result], runtime: OnnxRuntime) -> None:
    mask = read_mask(SAMPLES / "cat.mask.png")[1]
    frames = list(track(film, mask=mask, runtime=runtime))
    assert [frame.objects[0] for frame in frames] == [frame.objects[0] for frame in ran[1].frames]
