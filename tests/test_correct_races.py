"""Corrections that meet each other: none is lost, none is half there."""

import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from media import write_clip

from trackmask.cli import main
from trackmask.correct import correct
from trackmask.errors import OutputExistsError, ResultError
from trackmask.pipeline import run
from trackmask.prompts import Prompt
from trackmask.result import StagedFolder, open_result, undo
from trackmask.runtime import CHECKPOINT, ENCODER, HEAD, OnnxRuntime, fingerprint


@pytest.fixture(scope="module")
def runtime(tiny_weights: Path) -> OnnxRuntime:
    return OnnxRuntime(tiny_weights, threads=1)


@pytest.fixture
def result(runtime: OnnxRuntime, tmp_path: Path) -> Path:
    images = np.random.default_rng(0).integers(0, 255, (6, 48, 64, 3), dtype=np.uint8)
    write_clip(tmp_path / "clip.mp4", list(images))
    run(tmp_path / "clip.mp4", tmp_path / "out", [prompt(0)], runtime)
    return tmp_path / "out"


def prompt(frame: int) -> Prompt:
    mask = np.zeros((48, 64), bool)
    mask[8:30, 5 + 3 * frame : 25 + 3 * frame] = True
    return Prompt(1, frame, mask=mask)


def prompted(folder: Path) -> list[int]:
    return sorted(entry["frame"] for entry in open_result(folder).prompts)


def areas_are_the_masks(folder: Path) -> bool:
    result = open_result(folder)
    return all(frame.objects[0].area == (result.masks(frame.index) == 1).sum() for frame in result.frames)


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch):
    """Lets something happen just before the next lock is taken: by then the other one has read what it reads early."""

    def happen(action) -> None:
        enter = StagedFolder.__enter__

        def late(staged):
            monkeypatch.setattr(StagedFolder, "__enter__", enter)
            action()
            return enter(staged)

        monkeypatch.setattr(StagedFolder, "__enter__", late)

    return happen


def test_a_correction_takes_in_the_one_that_ended_a_moment_before(runtime, result, meanwhile):
    meanwhile(lambda: correct(result, [prompt(2)], runtime))
    correct(result, [prompt(4)], runtime)
    assert prompted(result) == [0, 2, 4]
    assert areas_are_the_masks(result)


def test_a_correction_after_an_undo_does_not_bring_the_undone_one_back(runtime, result, meanwhile):
    correct(result, [prompt(2)], runtime)
    meanwhile(lambda: undo(result))
    correct(result, [prompt(4)], runtime)
    assert prompted(result) == [0, 4]
    assert areas_are_the_masks(result)


def test_two_undos_at_once(runtime, result, meanwhile):
    correct(result, [prompt(2)], runtime)
    correct(result, [prompt(4)], runtime)
    meanwhile(lambda: undo(result))
    undo(result)
    assert prompted(result) == [0]
    assert (result / "overlay.mp4").is_file()
    with pytest.raises(ResultError, match="nothing to undo"):
        undo(result)


def test_while_one_is_at_work_another_is_told_so(runtime, result):
    def second() -> None:
        with pytest.raises(OutputExistsError, match="another run is writing"):
            correct(result, [prompt(4)], runtime)

    correct(result, [prompt(2)], runtime, progress=lambda total: second)
    assert prompted(result) == [0, 2]


@pytest.mark.parametrize("late", [False, True])
def test_ctrl_c_says_whether_the_result_was_changed(runtime, result, monkeypatch, late):
    def interrupted(folder: Path) -> None:
        if late:
            undo(folder)
        raise KeyboardInterrupt

    correct(result, [prompt(2)], runtime)
    monkeypatch.setattr(sys.modules["trackmask.correct"], "undo_last", interrupted)
    done = CliRunner().invoke(main, ["undo", str(result)])
    assert done.exit_code == 130
    assert ("was changed already" if late else "nothing was left half done") in done.output
    assert prompted(result) == ([0] if late else [0, 2])


def test_the_result_says_which_files_ran(runtime, result):
    known = {name: fingerprint(runtime.weights_folder / name) for name in (CHECKPOINT, ENCODER, HEAD)}
    assert open_result(result).ran == known
    assert correct(result, [prompt(2)], runtime).ran == known


def test_a_gap_in_the_history_is_no_obstacle(runtime, result):
    for frame in (1, 2, 3):
        correct(result, [prompt(frame)], runtime)
    (result / "history" / "002").rename(result / "elsewhere")
    (result / "elsewhere").rename(result.parent / "elsewhere")
    correct(result, [prompt(4)], runtime)
    undo(result)
    assert prompted(result) == [0, 1, 2, 3]


def test_what_a_killed_import_left_is_no_obstacle(runtime, result):
    left = result / ".edits.partial"
    left.mkdir()
    (left / ".lock").touch()
    (left / "00001.png").write_bytes(b"half")
    correct(result, [prompt(2)], runtime)
    assert prompted(result) == [0, 2]
    assert not left.exists()
