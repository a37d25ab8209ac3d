"""benchmarks/identity.py: its situations show what they say, and its counting is right."""

import os
import subprocess
import sys

import numpy as np
import pytest
from conftest import ROOT
from networks import write_data

from trackmask.evaluation.dataset import read_dataset

BENCHMARKS = ROOT / "benchmarks"


@pytest.fixture
def shown(monkeypatch, tmp_path):
    """The disc and the ball."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    from situations import Shown

    write_data(tmp_path)
    return [Shown.of(clip) for clip in read_dataset(tmp_path / "clips")]


@pytest.mark.parametrize("kind", ["before", "behind", "touching"])
def test_a_twin_passes_and_the_truth_is_what_it_leaves(shown, kind):
    from situations import Meeting, with_twin

    moments = list(with_twin(shown[0], Meeting(kind, mirrored=False, side=1)))
    whole = shown[0].masks
    for moment, image, mask in zip(moments, shown[0].images, whole, strict=True):
        assert not (moment.truth & moment.other).any()
        assert (moment.truth <= mask).all()
        untouched = ~moment.other & ~moment.truth
        near = np.abs(moment.image.astype(int) - image).max(2) > 8  # the cut-out's soft edge
        assert np.count_nonzero(near & untouched) < 0.1 * mask.sum()
    hidden = [1 - moment.truth.sum() / mask.sum() for moment, mask in zip(moments, whole, strict=True)]
    assert {"before": max(hidden) > 0.5, "behind": max(hidden) == 0, "touching": max(hidden) < 0.3}[kind]
    assert any(moment.other.any() for moment in moments)


def test_the_object_is_away_while_the_other_walks_by(shown):
    from situations import CROSSING, PAUSE, visit

    place = np.full((96, 128, 3), 90, np.uint8)
    moments = list(visit(place, *shown))
    away = [index for index, moment in enumerate(moments) if moment.away]
    assert away == list(range(away[0], away[-1] + 1))  # in one go: it leaves once and comes back once
    assert len(away) >= 2 * CROSSING + 2 * PAUSE
    others = [index for index, moment in enumerate(moments) if moment.other.any()]
    assert set(others) < set(away)
    assert len(others) > CROSSING
    assert (moments[away[0]].image == place).all()
    assert moments[0].truth.any()
    assert moments[-1].truth.sum() == pytest.approx(moments[0].truth.sum(), rel=0.1)


def test_every_meeting_is_tried_and_the_same_each_time(shown):
    from situations import MEETINGS, twins

    names = [name for name, _ in twins(shown, 24)]
    assert len(set(names)) == 2 * len(MEETINGS)
    (_, first), (_, again) = (next(twins(shown, 1)) for _ in range(2))
    assert all((one.image == other.image).all() for one, other in zip(first, again, strict=True))


def test_foreign_is_what_is_sure_of_a_mask(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    from identity import Said, foreign

    said = {"j": 0.0, "other": 1.0, "away": True, "share": 0.0}
    frames = [
        Said(empty=False, sure=True, confidence=0.9, **said),
        Said(empty=False, sure=False, confidence=0.3, **said),
        Said(empty=True, sure=False, confidence=0.8, **said),
    ]
    assert foreign(frames) == (1, 3, 0.9)


def test_it_prints_a_line_a_part(tiny_weights, tmp_path):
    _, clips = write_data(tmp_path)
    for name in ("dev", "train", "dev_sparse"):
        (tmp_path / name).symlink_to(clips, target_is_directory=True)
    line = [sys.executable, "-W", "error", BENCHMARKS / "identity.py", tmp_path, "--quick", "--weights", tiny_weights]
    where = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [*line, "--part", "cuts", "--part", "twins"], env=where, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert [text.split(":")[0] for text in done.stdout.splitlines()] == ["cuts", "twins"]
