"""A few of the kills that `python -m fuzz.kill_batch` and `fuzz.kill_result` do by the hundred."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT
from fuzz.kill_batch import kills

SEED = 308  # the owner alone after 0.9 s and 1.6 s, then all after 1.2 s: while workers start, and at work


def test_a_batch_killed_at_random_moments_ends_as_if_nobody_had(tmp_path: Path) -> None:
    assert "3 kills" in list(kills(3, tmp_path, clips=3, seed=SEED))[-1]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_run_correct_undo_export_and_import_stopped_at_random_moments() -> None:
    """In a process of its own, which forks: that of the tests has threads."""
    paths = os.pathsep.join(map(str, (ROOT, ROOT / "tests")))
    command = [sys.executable, "-m", "fuzz.kill_result", "--kills", "6"]
    done = subprocess.run(command, env=os.environ | {"PYTHONPATH": paths}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("6 kills: ")
