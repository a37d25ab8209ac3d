"""What a correction is worth, against its definition spelled out."""

import numpy as np
import pytest

from trackmask.result.worth import STEADY, UNSEEN, plain, worth


def spelled_out(frames, confidence, prompts):
    value = np.zeros(len(frames))
    for place, k in enumerate(frames):
        for t, sure in zip(frames, confidence, strict=True):
            way = min(abs(t - prompt) for prompt in prompts)
            if k not in prompts and way and abs(t - k) < way:
                value[place] += (1 - sure) * (1 - abs(t - k) / way)
    return value


@pytest.mark.parametrize("prompts", [[0], [5], [39], [0, 30], [17, 3, 29], [50]])
def test_as_it_is_defined(prompts):
    frames = np.delete(np.arange(40), [7, 8, 20])  # some are missing
    confidence = np.random.default_rng(1).random(len(frames))
    np.testing.assert_allclose(worth(frames, confidence, prompts), spelled_out(frames, confidence, prompts), atol=1e-9)


def test_where_all_are_alike_it_is_the_middle():
    frames, alike = np.arange(61), np.full(61, 0.8)
    for prompts in ([0, 60], [0], [60]):
        assert worth(frames, alike, prompts).argmax() == pytest.approx(30, abs=2)
    assert 20 < worth(frames, alike, [0, 10]).argmax() < 45  # the widest gap


def test_a_bad_stretch_draws_it_near():
    frames, confidence = np.arange(61), np.full(61, 0.9)
    confidence[10:20] = 0.1
    assert 10 <= worth(frames, confidence, [0, 60]).argmax() < 20


def test_without_a_prompt_any_frame_helps_all():
    np.testing.assert_allclose(worth(np.arange(5), np.full(5, 0.5), []), 2.5)


def test_plainly_seen_is_what_is_sure_and_as_large_as_usual_for_a_while():
    sure, area = np.full(90, 0.9), np.full(90, 400.0)
    area[:5] = 900  # it came near once; no more than whole is seen
    area[20:30], sure[60], area[89] = 200, 0.4, 0
    value = 0.9 * np.sqrt(plain(sure, area))
    assert value[: 20 - STEADY] == pytest.approx(0.9)
    assert value[20 - STEADY : 30 + STEADY] == pytest.approx(0.45)
    assert value[[59 - STEADY, 60 - STEADY, 60 + STEADY, 61 + STEADY]] == pytest.approx([0.9, 0.4, 0.4, 0.9])
    assert value[89 - STEADY :] == pytest.approx(UNSEEN)
