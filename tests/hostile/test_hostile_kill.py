"""Three of the kills that `python -m fuzz.kill_batch` does by the hundred."""

from pathlib import Path

from fuzz.kill_batch import kills

SEED = 308  # the owner alone after 0.9 s and 1.6 s, then all after 1.2 s: while workers start, and at work


def test_a_batch_killed_at_random_moments_ends_as_if_nobody_had(tmp_path: Path) -> None:
    assert "3 kills" in list(kills(3, tmp_path, clips=3, seed=SEED))[-1]
