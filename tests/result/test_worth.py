"""What a correction is worth, against its definition spelled out."""

import numpy as np
import pytest

from trackmask.result.worth import FAR, NEAR, NEW, STEADY, UNSEEN, new, plain, worth, wrong


def spelled_out(frames, confidence, prompts, cuts):
    value = np.zeros(len(frames))
    for place, k in enumerate(frames):
        before, behind = any(p <= k for p in prompts), any(p > k for p in prompts)
        back, ahead = FAR if before or not behind else NEAR, FAR if behind or not before else NEAR
        for t, sure in zip(frames, confidence, strict=True):
            apart = any(min(t, k) < border <= max(t, k) for border in (*prompts, *cuts))
            if not apart and t not in prompts:
                value[place] += (1 - sure) * max(1 - (k - t) / back if t <= k else 1 - (t - k) / ahead, 0)
    return value


@pytest.mark.parametrize("prompts", [[0], [5], [139], [0, 70], [57, 3, 99], [150], []])
@pytest.mark.parametrize("cuts", [[], [61, 62]])
def test_as_it_is_defined(prompts, cuts):
    frames = np.delete(np.arange(140), [7, 8, 20])  # some are missing
    confidence = np.random.default_rng(1).random(len(frames))
    found = wrong(frames, confidence, prompts, cuts)
    np.testing.assert_allclose(found, spelled_out(frames, confidence, prompts, cuts), atol=1e-9)


def worst(count, bad, prompts):
    confidence = np.full(count, 1.0)
    confidence[bad] = 0.4
    return int(worth(np.arange(count), confidence, np.full(count, 400.0), prompts).argmax())


def test_behind_three_quarters_of_a_bad_stretch_as_seen_from_the_prompt():
    """There what disturbed the object at its beginning is over; between two prompts it is the middle."""
    assert worst(100, slice(40, 60), [0]) == pytest.approx(55, abs=1)
    assert worst(100, slice(40, 60), [99]) == pytest.approx(44, abs=1)
    assert worst(100, slice(40, 60), [0, 99]) == pytest.approx(50, abs=1)


def test_a_prompt_has_said_what_is_near_it():
    frames = np.arange(40)
    assert new(frames, [0, 30])[[0, 6, NEW, 18, 24, 30, 36]] == pytest.approx([0, 0.5, 1, 1, 0.5, 0, 0.5])
    assert worth(frames, np.full(40, 0.5), np.full(40, 9.0), [20])[20] == 0


def test_plainly_seen_is_what_is_as_large_as_usual_for_a_while():
    sure, area = np.full(90, 0.9), np.full(90, 400.0)
    area[:5] = 900  # it came near once; no more than whole is seen
    area[30:40], area[89] = 200, 0
    sure[60] = 0.4
    value = plain(sure, area)
    assert value[: 30 - STEADY] == pytest.approx(1)
    assert value[30 - STEADY : 40 + STEADY] == pytest.approx(0.5)
    assert value[40 + STEADY : 89 - STEADY] == pytest.approx(1)
    assert value[89 - STEADY :] == pytest.approx(UNSEEN)
    assert plain(sure, np.zeros(90)) == pytest.approx(UNSEEN)
