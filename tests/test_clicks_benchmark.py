"""benchmarks/clicks.py: it clicks as it says, and holds out the same stills each time."""

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from conftest import ROOT
from networks import write_data

from trackmask.training.stills import Stills

BENCHMARKS = ROOT / "benchmarks"


@pytest.fixture
def clicks(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    import clicks

    return clicks


def write_pairs(folder, count):
    """Stills with two things each, and one with a single thing."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count + 1):
        mask = np.zeros((60, 100), np.uint8)
        mask[15:45, 10:40] = 255
        mask[15:45, 60:90] = 255 * (number < count)
        cv2.imwrite(str(folder / f"pair{number}.png"), mask)
        cv2.imwrite(str(folder / f"pair{number}.jpg"), cv2.merge([mask // 2] * 3))
    return folder


def test_whoever_does_as_told_needs_few_clicks(clicks, monkeypatch):
    """A tool that gives the whole part that was clicked, and takes away what was clicked away."""
    truth = np.zeros((60, 100), bool)
    truth[15:45, 10:40] = True
    other = np.roll(truth, 50, 1)

    def found(runtime, image, positive, negative):
        mask = truth | other
        return mask & ~other if negative else mask

    monkeypatch.setattr(clicks, "found", found)
    told = clicks.told(None, clicks.Target("two", np.zeros((60, 100, 3), np.uint8), truth))
    assert told.iou == (0.5, 1, 1, 1, 1, 1)
    assert told.inside == told.outside == (1,) * 6
    monkeypatch.setattr(clicks, "found", lambda *_: truth | other)
    deaf = clicks.told(None, clicks.Target("two", np.zeros((60, 100, 3), np.uint8), truth))
    assert deaf.iou == (0.5,) * 6
    assert deaf.inside == (1,) * 6
    assert deaf.outside == (1, 0, 0, 0, 0, 0)


def test_the_same_stills_are_held_out(clicks, monkeypatch, tmp_path):
    stills = Stills(write_pairs(tmp_path, 6))
    monkeypatch.setattr(clicks, "HELD_OUT", 4)
    kept = [stills.paths[index].stem for index in clicks.held_out(stills)]
    assert len(kept) == 4
    assert "pair6" not in kept  # it shows one thing
    fewer = Stills(tmp_path, leave_out=frozenset({"pair6"}))
    assert [fewer.paths[index].stem for index in clicks.held_out(fewer)] == kept
    targets = list(clicks.from_stills(stills, 1))
    assert [target.name for target in targets] == kept
    assert all(np.count_nonzero(target.truth) == 900 for target in targets)


def test_it_prints_a_line_a_set(clicks, monkeypatch, tiny_weights, tmp_path):
    _, clips = write_data(tmp_path)
    write_pairs(tmp_path / "images" / "duts", 2)
    for name in ("dev", "dev_sparse"):
        (tmp_path / name).symlink_to(clips, target_is_directory=True)
    monkeypatch.setattr(clicks, "CAT_FRAMES", 47)  # the first and the last

    def said(*words):
        done = CliRunner().invoke(clicks.main, [str(tmp_path), *words])
        assert done.exit_code == 0, done.output
        return done.stdout.splitlines()

    assert said("--names") == ["pair0,pair1"]
    printed = said("--weights", str(tiny_weights), "--threads", "1", "--every", "30")
    assert printed[-1].startswith("cat (18): ")
    assert [text.split(" (")[0] for text in printed[1:]] == ["split", "dev_sparse", "stills", "cat"]
