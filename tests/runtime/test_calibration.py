"""The confidence's calibration: monotone, verified before anything runs, and that of the weights beside it."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from conftest import ROOT

from trackmask.data import Doubt, Evidence
from trackmask.errors import WeightsError
from trackmask.runtime import CALIBRATION, Calibration, OnnxRuntime, fingerprint, read_calibration, write_sums
from trackmask.runtime.weights import CHECKPOINT, shipped_folder

BETTER = {"quality": 1, "iou": 1, "same": 1, "sharp": 1, "scattered": -1, "grown": -1, "shrunk": -1, "leapt": -1}
FITTED = {
    "checkpoint": "ab",
    "alone": {"how": {"bias": -1.0, "sharp": 1.0}, "whose": {"bias": 1.0, "steady": 2.0, "same": 1.5}},
    "agreed": {"how": {"bias": -1.0, "sharp": 1.0, "agreed": 3.0}},
    "empty": {"absence": {"bias": 0.5, "absence": 1.0}},
    "both_empty": {"absence": {"bias": 0.5, "agreed": 1.0}},
}


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def written(folder, **changes):
    path = folder / CALIBRATION
    path.write_text(json.dumps({**FITTED, **changes}))
    return path


@pytest.fixture(scope="module")
def shipped():
    folder = shipped_folder()
    return read_calibration(folder / CALIBRATION, fingerprint(folder / CHECKPOINT))


def test_a_product_of_logistic_factors(tmp_path):
    calibration = read_calibration(written(tmp_path), "ab")
    known = Evidence(quality=0.6, sharp=0.9, grown=0.6, same=0.5)
    sharp = sigmoid(-1 + np.log(9))
    assert calibration.confidence(known, empty=False) == pytest.approx(sharp * sigmoid(1.75))
    assert calibration.confidence(replace(known, grown=0), empty=False) == pytest.approx(sharp * sigmoid(3.75))
    agreed = sigmoid(-1 + np.log(9) + 3 * 0.4)
    assert calibration.confidence(replace(known, agreed=0.56), empty=False) == pytest.approx(agreed)
    assert calibration.confidence(known, empty=True) == pytest.approx(sigmoid(0.5 + np.log(1.5)))


def test_without_a_calibration_it_is_what_the_network_says(tmp_path):
    assert read_calibration(tmp_path / CALIBRATION, "ab") == Calibration()
    for empty in (False, True):
        assert Calibration().confidence(Evidence(quality=0.37, sharp=0.1, agreed=0.5), empty=empty) == 0.37


def better(known, rng):
    """Evidence of which nothing is worse."""
    steps = {name: sign * rng.random() * rng.integers(0, 2) * 0.5 for name, sign in BETTER.items()}
    moved = {name: getattr(known, name) + step for name, step in steps.items()}
    high = {"grown": 9.0, "shrunk": 9.0}
    return replace(known, **{name: min(max(value, 0.0), high.get(name, 1.0)) for name, value in moved.items()})


def test_what_is_better_in_everything_never_has_the_lower_confidence(shipped):
    rng = np.random.default_rng(0)
    rose = 0
    for _ in range(2000):
        known = Evidence(**dict(zip(BETTER, rng.random(len(BETTER)), strict=True)))
        agreed = None if rng.random() < 0.5 else rng.random()
        more = None if agreed is None else min(agreed + rng.random() * 0.3, 1.0)
        for empty in (False, True):
            before = shipped.confidence(replace(known, agreed=agreed), empty=empty)
            after = shipped.confidence(replace(better(known, rng), agreed=more), empty=empty)
            assert 0 <= before <= after + 1e-12 <= 1 + 1e-9
            rose += after > before + 1e-3
    assert rose > 1000


def test_the_shipped_one_tells_good_masks_from_bad_ones(shipped):
    good = Evidence(quality=0.95, iou=0.95, sharp=0.97)
    bad = Evidence(quality=0.95, iou=0.95, sharp=0.85, scattered=0.4, grown=0.8, leapt=0.7)
    assert shipped.confidence(good, empty=False) > 0.85
    assert shipped.confidence(bad, empty=False) < 0.7


def test_what_lowers_it_most_is_told(tmp_path):
    calibration = read_calibration(written(tmp_path), "ab")
    assert calibration.doubt(Evidence(), empty=False) is None
    assert calibration.doubt(Evidence(sharp=0.7, grown=0.15), empty=False) == Doubt.OUTLINE
    assert calibration.doubt(Evidence(sharp=0.97, grown=0.6), empty=False) == Doubt.GREW
    assert calibration.doubt(Evidence(sharp=0.97, grown=0.2, same=0.0), empty=False) == Doubt.OTHER
    assert calibration.doubt(Evidence(sharp=0.97, grown=0.6, agreed=0.3), empty=False) == Doubt.APART
    assert calibration.doubt(Evidence(quality=0.5), empty=True) == Doubt.AWAY
    assert Calibration().doubt(Evidence(), empty=False) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"alone": {"how": {"bias": 0.0, "sharp": -0.1}}},
        {"alone": {"how": {"bias": 0.0, "dreamt": 0.1}}},
        {"alone": {"how": {"sharp": 0.1}}},
        {"alone": {"how": {"bias": float("nan"), "sharp": 0.1}}},
        {"agreed": [1]},
        {"empty": None},
    ],
)
def test_what_is_no_calibration_is_refused(tmp_path, changes):
    with pytest.raises(WeightsError, match="is no calibration"):
        read_calibration(written(tmp_path, **changes), "ab")


def test_that_of_other_weights_is_refused(tmp_path):
    with pytest.raises(WeightsError, match="was fitted with other weights"):
        read_calibration(written(tmp_path), "cd")
    (tmp_path / CALIBRATION).write_text("{")
    with pytest.raises(WeightsError, match="is no calibration"):
        read_calibration(tmp_path / CALIBRATION, "ab")


@pytest.fixture
def calibrated(tmp_path, tiny_weights):
    """The small network's weights with a calibration."""
    folder = tmp_path / "weights"
    shutil.copytree(tiny_weights, folder)
    written(folder, checkpoint=fingerprint(folder / CHECKPOINT))
    write_sums(folder)
    return folder


def test_it_is_verified_before_anything_runs(calibrated):
    runtime = OnnxRuntime(calibrated)
    assert runtime.calibration.alone
    assert runtime.files[CALIBRATION] == fingerprint(calibrated / CALIBRATION)
    path = calibrated / CALIBRATION
    content = path.read_bytes()
    path.write_bytes(content.replace(b"1.0", b"9.0", 1))
    with pytest.raises(WeightsError, match=f"{CALIBRATION} is damaged"):
        OnnxRuntime(calibrated)
    path.unlink()
    with pytest.raises(WeightsError, match=f"{CALIBRATION} cannot be read"):
        OnnxRuntime(calibrated)


def test_it_ships_and_is_of_the_weights_that_ship():
    project = (ROOT / "pyproject.toml").read_text()
    assert f'"weights/{CALIBRATION}" = "trackmask/model/{CALIBRATION}"' in project
    runtime = OnnxRuntime()
    assert CALIBRATION in runtime.files
    assert runtime.calibration.alone
    assert runtime.calibration.empty
