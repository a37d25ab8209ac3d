"""benchmarks/confidence.py and calibrate.py: the figures are counted right, and the fit finds what is there."""

import numpy as np
import pytest
from conftest import ROOT

from trackmask.data import Evidence, ObjectRecord, State

BENCHMARKS = ROOT / "benchmarks"


@pytest.fixture(autouse=True)
def benchmarks(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)


def test_rank_correlation_with_ties():
    from confidence import rank_correlation

    one, other = np.array([0.1, 0.4, 0.4, 0.9]), np.array([1, 2, 3, 4])
    assert rank_correlation(one, one**3) == pytest.approx(1)
    assert rank_correlation(one, -other) == pytest.approx(-4.5 / np.sqrt(4.5 * 5))  # by hand: ranks 0, 1.5, 1.5, 3
    assert np.isnan(rank_correlation(np.ones(4), other))


def test_calibration_error_is_that_of_tenths():
    from confidence import calibration_error

    confidence = np.array([0.91, 0.93, 0.55, 1.0])
    assert calibration_error(confidence, np.array([0.93, 0.91, 0.55, 1.0])) == pytest.approx(0)
    assert calibration_error(confidence, np.array([0.93, 0.91, 0.15, 0.9])) == pytest.approx((0.4 + 0.1) / 4)


def test_auroc_counts_pairs():
    from confidence import auroc

    confidence, bad = np.array([0.2, 0.5, 0.5, 0.9]), np.array([True, True, False, False])
    assert auroc(confidence, bad) == pytest.approx((2 + 1.5) / 4)
    assert auroc(1 - confidence, bad) == pytest.approx(0.5 / 4)
    assert np.isnan(auroc(confidence, np.zeros(4, bool)))


def test_the_fit_finds_a_product_of_factors_and_no_weight_below_zero():
    from calibrate import fit

    rng = np.random.default_rng(0)
    x = rng.normal(size=(4000, 3))

    def sigmoid(z):
        return 1 / (1 + np.exp(-z))

    y = sigmoid(1 + 2 * x[:, 0]) * sigmoid(3 + 1.5 * x[:, 1])  # and the third, which speaks the wrong way, is noise
    y = np.clip(y - 0.02 * x[:, 2], 0, 1)
    allowed = np.array([[True, False, True], [False, True, True]])
    weights, biases = fit(x, y, np.ones(len(x)), allowed)
    assert weights.min() >= 0
    assert (weights[~allowed] == 0).all()
    assert (weights[0, 0], weights[1, 1]) == (pytest.approx(2, rel=0.15), pytest.approx(1.5, rel=0.25))
    assert weights[:, 2].max() < 0.05
    assert biases == pytest.approx([1, 3], rel=0.25)


def test_review_counts_the_bad_masks_that_it_lists():
    from review import row
    from told import Told

    from trackmask.runtime import Calibration

    def frame(index, quality, iou):
        record = ObjectRecord(1, State.TRACKED, quality, 400, (50, 50, 20, 20), evidence=Evidence(quality))
        return Told(index, record, iou, away=False, cut=False)

    clip = [frame(index, 0.4 if index in range(10, 20) else 0.95, 0.5 if index > 14 else 0.9) for index in range(1, 21)]
    line, reasons = row("a", [clip], Calibration())
    assert line == "| a | 20 | 1 | 50 % | 6 | 83 % |"
    assert (reasons["low confidence"], reasons["low confidence, bad"]) == (10, 5)
