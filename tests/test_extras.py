"""An install without extras: everything on a CPU works without torch, and what does not says which extra it needs."""

import json
import subprocess
import sys

import pytest
from conftest import ROOT

CAT = str(ROOT / "samples" / "cat.mp4")

# Commands of one process that has no torch: exit code and output of each.
PROCESS = """
import json, sys
class NoTorch:
    def find_spec(name, path=None, target=None):
        if name == "torch":
            raise ModuleNotFoundError(name=name)
sys.meta_path.insert(0, NoTorch)
from click.testing import CliRunner
from trackmask.cli import main
done = [CliRunner().invoke(main, call) for call in json.load(sys.stdin)]
json.dump([(one.exit_code, one.output) for one in done], sys.stdout)
"""


def without_torch(folder, *calls):
    done = subprocess.run(
        [sys.executable, "-c", PROCESS],
        input=json.dumps(calls),
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def test_what_a_cpu_does_needs_no_torch(tmp_path):
    result = "cat.mp4.trackmask"
    outcomes = without_torch(
        tmp_path,
        ["--help"],
        ["run", CAT, "--box", "20,119,138,104", "--end", "4"],
        ["correct", result, "--frame", "2", "--box", "24,119,138,104"],
        ["report", result],
        ["export", result, "--to", "davis", "-o", "davis"],
        ["weights", "show"],
    )
    for code, output in outcomes:
        assert code == 0, output
    assert len(list((tmp_path / result / "masks").iterdir())) == 5


NEEDS_TORCH = {
    "torch": [
        ["explain", "some.trackmask", "--frame", "3"],
        ["run", CAT, "--device", "cuda"],
        ["run", CAT, "--device", "mps"],
        ["eval", "--data", "data", "--method", "features"],
    ],
    "train": [
        ["train", "--data", "data", "--out", "out", "--steps", "3"],
        ["weights", "export", "weights.safetensors", "-o", "out"],
    ],
    "lab": [["lab", "--data", "data", "--dev", "data", "--out", "out"]],
}


@pytest.mark.parametrize("extra", NEEDS_TORCH)
def test_what_needs_torch_says_which_extra(tmp_path, extra):
    (tmp_path / "data/videos").mkdir(parents=True)
    (tmp_path / "data/videos/cat.mp4").symlink_to(CAT)
    (tmp_path / "data/Annotations").mkdir()
    (tmp_path / "data/Annotations/cat").symlink_to(ROOT / "samples" / "cat.truth")
    (tmp_path / "weights.safetensors").touch()
    before = sorted(tmp_path.iterdir())
    for code, output in without_torch(tmp_path, *NEEDS_TORCH[extra]):
        assert code == 1
        assert output.startswith("trackmask: ")
        assert output.endswith(
            f"needs the package torch, which is not installed; run: pip install 'trackmask[{extra}]'\n"
        )
    assert sorted(tmp_path.iterdir()) == before
