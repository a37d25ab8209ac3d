import csv
import dataclasses
import os
from itertools import islice

import numpy as np
import pytest
import torch
from networks import SIZE, random_net, write_data

from trackmask.errors import CallError, DataError, OutputError, WeightsError
from trackmask.network.model import NetworkConfig
from trackmask.runtime import CHECKPOINT, load_network
from trackmask.training.bank import bank
from trackmask.training.curve import draw_curve
from trackmask.training.films import read_films
from trackmask.training.losses import mask_loss, soft_iou, thin
from trackmask.training.mistakes import disturb
from trackmask.training.resize import resize
from trackmask.training.samples import Order, Recipe, Samples, batches
from trackmask.training.state import Training, read_state
from trackmask.training.stills import Stills
from trackmask.training.train import Log, Schedule, step, train

SCHEDULE = Schedule(steps=6, batch=2, warmup=2, frames=(2, 3))


@pytest.fixture(scope="module")
def recipe(tmp_path_factory):
    stills, clips = write_data(tmp_path_factory.mktemp("data"))
    return Recipe((stills,), (clips,), size=SIZE, gap=3)


@pytest.fixture(scope="module")
def start():
    """Weights to begin with, instead of ImageNet's."""
    return random_net().state_dict()


@pytest.fixture(scope="module")
def whole(tmp_path_factory, recipe, start):
    """A training in one go, in this process."""
    out = tmp_path_factory.mktemp("whole")
    train(out, recipe, SCHEDULE, weights=start, workers=0)
    return out


def rows(out):
    """The log without the times, which may differ."""
    with (out / "log.csv").open(newline="") as file:
        return [{k: v for k, v in row.items() if k != "seconds"} for row in csv.DictReader(file)]


def same_training(a, b):
    a, b = read_state(a / "checkpoint.pt"), read_state(b / "checkpoint.pt")
    assert a["step"] == b["step"]
    for part in ("net", "mean"):
        assert all(torch.equal(value, b[part][name]) for name, value in a[part].items())
    moments = [[s[key] for s in t["optimizer"]["state"].values() for key in ("exp_avg", "exp_avg_sq")] for t in (a, b)]
    assert all(torch.equal(x, y) for x, y in zip(*moments, strict=True))


# Python 3.12 on warns of forks beside other threads, which torch has.
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.parametrize("workers", [0, 1])
def test_resumed_equals_uninterrupted(tmp_path, monkeypatch, recipe, start, workers):
    """Also where a row of the log goes over the interruption."""
    monkeypatch.setattr(Log, "EVERY", 2)
    train(tmp_path / "whole", recipe, SCHEDULE, weights=start, workers=0)
    out = tmp_path / "parts"
    train(out, recipe, SCHEDULE, weights=start, workers=workers, stop_after=3)
    assert read_state(out / "checkpoint.pt")["step"] == 3
    train(out, recipe, SCHEDULE, weights=start, workers=workers, resume=True)
    same_training(out, tmp_path / "whole")
    assert rows(out) == rows(tmp_path / "whole")
    assert [row["step"] for row in rows(out)] == ["2", "4", "6"]
    assert [row["frames"] for row in rows(out)] == ["2.0", "2.5", "3.0"]


def test_killed_between_checkpoints(tmp_path, monkeypatch, recipe, start, whole):
    """What happened behind the last checkpoint happens again."""

    class Killed(Exception):
        pass

    def stop(line):
        raise Killed

    monkeypatch.setattr(Log, "EVERY", 5)
    with pytest.raises(Killed):
        train(tmp_path, recipe, SCHEDULE, weights=start, workers=0, save_every=2, report=stop)
    assert read_state(tmp_path / "checkpoint.pt")["step"] == 4
    monkeypatch.undo()
    train(tmp_path, recipe, SCHEDULE, weights=start, workers=0, resume=True)
    same_training(tmp_path, whole)
    assert rows(tmp_path) == rows(whole)


def test_the_end_is_logged_and_drawn(tmp_path, whole):
    assert [row["step"] for row in rows(whole)] == ["6"]
    pytest.importorskip("matplotlib")
    draw_curve(whole / "log.csv", tmp_path / "curve.png")
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")


def test_a_log_without_rows_is_drawn(tmp_path, recipe, start):
    pytest.importorskip("matplotlib")
    train(tmp_path, recipe, SCHEDULE, weights=start, workers=0, stop_after=1)
    draw_curve(tmp_path / "log.csv", tmp_path / "curve.png")
    assert (tmp_path / "curve.png").exists()


def test_weights_move_and_the_backbone_does_not(whole, start):
    net, mean = (read_state(whole / "checkpoint.pt")[part] for part in ("net", "mean"))
    for name, before in start.items():
        assert torch.equal(net[name], before) == name.startswith("encoder.backbone.")
    assert not torch.equal(net["decoder.mask.weight"], mean["decoder.mask.weight"])


def test_finetune_moves_the_last_blocks_alone(tmp_path, recipe, start):
    train(tmp_path, recipe, dataclasses.replace(SCHEDULE, finetune=2), weights=start, workers=0, stop_after=2)
    net = read_state(tmp_path / "checkpoint.pt")["net"]
    moved = {name for name, before in start.items() if not torch.equal(net[name], before)}
    blocks = {name.split(".")[3] for name in moved if name.startswith("encoder.backbone.blocks.")}
    assert blocks == {"9", "10"}
    assert "encoder.backbone.stem.weight" not in moved


def test_one_batch_is_learned_by_heart(recipe, start):
    schedule = Schedule(steps=40, batch=2, warmup=1, frames=(3,), rate=3e-3)
    training = Training.start(NetworkConfig(SIZE), schedule.rate, finetune=0, seed=0, weights=start)
    (batch,) = islice(batches(Samples(recipe), Order(0, 1, 2, [3]), 0), 1)
    losses = [step(training, batch, schedule, 0, "cpu", torch.float32)["loss"] for _ in range(35)]
    assert np.mean(losses[-5:]) < 0.7 * np.mean(losses[:5])


def test_a_bad_batch_changes_nothing(recipe, start):
    training = Training.start(NetworkConfig(SIZE), 1e-3, finetune=0, seed=0, weights=start)
    (batch,) = islice(batches(Samples(recipe), Order(0, 1, 2, [3]), 0), 1)
    row = step(training, batch._replace(prompts=batch.prompts * torch.nan), SCHEDULE, 0, "cpu", torch.float32)
    assert not np.isfinite(row["norm"])
    assert all(torch.equal(value, start[name]) for name, value in training.net.state_dict().items())


def test_saving_keeps_the_old_checkpoint_until_the_new_one_is_whole(tmp_path, monkeypatch, recipe, start):
    train(tmp_path, recipe, SCHEDULE, weights=start, workers=0, stop_after=1)
    checkpoint = tmp_path / "checkpoint.pt"
    before = checkpoint.read_bytes()

    def interrupted(descriptor):
        raise KeyboardInterrupt

    training = Training.start(NetworkConfig(SIZE), 1e-3, finetune=0, seed=1, weights=start)
    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        training.save(checkpoint)
    assert checkpoint.read_bytes() == before
    monkeypatch.undo()
    train(tmp_path, recipe, SCHEDULE, weights=start, workers=0, resume=True, stop_after=2)
    assert read_state(checkpoint)["step"] == 2
    assert {path.name for path in tmp_path.iterdir()} == {"checkpoint.pt", "log.csv"}


def test_a_training_is_not_overwritten(whole, recipe, start):
    before = (whole / "checkpoint.pt").read_bytes()
    with pytest.raises(CallError, match="holds a training already"):
        train(whole, recipe, SCHEDULE, weights=start, workers=0)
    assert (whole / "checkpoint.pt").read_bytes() == before


@pytest.mark.parametrize("other", [{"fusion": ("solved",)}, {"finetune": 3}, {"size": 96}])
def test_resuming_with_other_options(tmp_path, recipe, start, whole, other):
    (tmp_path / "checkpoint.pt").write_bytes((whole / "checkpoint.pt").read_bytes())
    schedule = dataclasses.replace(SCHEDULE, finetune=other.get("finetune", 0))
    fusion, size = other.get("fusion", NetworkConfig.fusion), other.get("size", SIZE)
    with pytest.raises(CallError, match="trained with other options"):
        train(
            tmp_path,
            dataclasses.replace(recipe, size=size),
            schedule,
            fusion=fusion,
            weights=random_net(fusion, size=size).state_dict(),
            workers=0,
            resume=True,
        )


def test_another_schedule_is_told(tmp_path, recipe, start):
    told = []
    train(tmp_path, recipe, SCHEDULE, weights=start, workers=0, stop_after=2, report=told.append)
    train(tmp_path, recipe, SCHEDULE, weights=start, workers=0, stop_after=3, resume=True, report=told.append)
    assert told == []
    longer = dataclasses.replace(SCHEDULE, steps=8, frames=(2,))
    train(tmp_path, recipe, longer, weights=start, workers=0, stop_after=4, resume=True, report=told.append)
    assert told == ["from step 3 on another schedule: steps 6 → 8, frames (2, 3) → (2,)"]


def test_checkpoints_from_before_the_log_was_in_them(tmp_path, whole):
    state = read_state(whole / "checkpoint.pt")
    del state["pending"]
    torch.save(state, tmp_path / "old.pt")
    training = Training.start(NetworkConfig(SIZE), 1e-3, finetune=0, seed=0, weights=state["net"])
    training.load(tmp_path / "old.pt")
    assert training.step == 6
    assert training.pending == []


@pytest.mark.parametrize("content", [b"", b"noise" * 50, b"PK\x03\x04" + b"\0" * 200])
def test_broken_checkpoints(tmp_path, recipe, start, content):
    (tmp_path / "checkpoint.pt").write_bytes(content)
    with pytest.raises(WeightsError, match="cannot be read as a checkpoint"):
        train(tmp_path, recipe, SCHEDULE, weights=start, workers=0, resume=True)


@pytest.mark.parametrize("wrong", [{"size": 70}, {"fusion": ("guessed",)}])
def test_networks_that_cannot_be(tmp_path, recipe, start, wrong):
    with pytest.raises(CallError, match="give"):
        train(
            tmp_path / "out",
            dataclasses.replace(recipe, size=wrong.get("size", SIZE)),
            SCHEDULE,
            fusion=wrong.get("fusion", ()),
            weights=start,
        )
    assert not (tmp_path / "out").exists()


def test_weights_of_another_network(tmp_path, recipe, start):
    with pytest.raises(WeightsError, match="another size or fusion"):
        train(tmp_path, recipe, SCHEDULE, fusion=("solved",), weights=start)


def test_out_cannot_be_written(tmp_path, recipe, start):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot write"):
        train(tmp_path / "file" / "out", recipe, SCHEDULE, weights=start)


def test_samples_depend_on_their_number_alone(recipe):
    one, other = Samples(recipe), Samples(recipe)
    wanted = [one[i, 3] for i in range(8)]
    for i in (5, 2, 7, 0):
        assert all((x == y).all() for x, y in zip(other[i, 3], wanted[i], strict=True))
    different = Samples(dataclasses.replace(recipe, seed=1))[0, 3]
    assert not (different[0] == wanted[0][0]).all()


def test_samples(recipe):
    samples = Samples(recipe)
    for i in range(12):
        images, masks, rivals, shifts, prompts = samples[i, 4]
        assert images.shape == (4, SIZE, SIZE, 3)
        assert images.dtype == masks.dtype == np.uint8
        assert masks.shape == (4, SIZE, SIZE)
        assert set(np.unique(masks)) <= {0, 1}
        assert rivals.shape == masks.shape
        assert not (rivals & masks).mean() > 0.01  # but for soft edges, each pixel is one's alone
        assert shifts.shape == (4, 4)
        assert (shifts[0] == (1, 1, 0, 0)).all()
        assert prompts.shape == (2, SIZE // 4, SIZE // 4)
        assert 0 <= prompts.min() <= prompts.max() <= 1
    shares = [samples[i, 2][1].mean() for i in range(12)]
    assert 0.05 < np.median(shares) < 0.7  # the object fills a good part of its crop


def test_clips_left_out(recipe):
    folder = recipe.films[0]
    assert [film.name for film in read_films(folder, frozenset())] == ["ball", "disc"]
    assert [film.name for film in read_films(folder, frozenset({"ball"}))] == ["disc"]
    with pytest.raises(DataError, match="has no clips to train on"):
        read_films(folder, frozenset({"ball", "disc"}))


def test_stills_left_out(recipe):
    folder = recipe.stills[0]
    assert [path.stem for path in Stills(folder, frozenset({"1", "4"})).paths] == ["0", "2", "3", "5"]
    without = Samples(dataclasses.replace(recipe, leave_out=frozenset({"0", "ball"})))
    assert len(without.stills[0].paths) == 5
    assert [film.name for film in without.films] == ["disc"]


def test_frames_without_a_mask_are_left_out(tmp_path):
    _, clips = write_data(tmp_path)
    (clips / "Annotations" / "disc" / "00002.png").unlink()
    (clips / "JPEGImages" / "ball" / "00003.jpg").write_bytes(b"noise")
    assert len(read_films(clips, frozenset({"ball"}))[0].images) == 5
    with pytest.raises(DataError, match="cannot be read as an image"):
        read_films(clips, frozenset({"disc"}))


def test_bad_stills(tmp_path, recipe):
    with pytest.raises(DataError, match="holds no pictures with masks"):
        Stills(tmp_path)
    with pytest.raises(DataError, match="give at least one folder"):
        Samples(dataclasses.replace(recipe, stills=()))
    stills, _ = write_data(tmp_path)
    (stills / "0.png").write_bytes((stills / "1.jpg").read_bytes()[:100])
    with pytest.raises(DataError, match="cannot be read as an image"):
        Stills(stills)[0]


def test_bank_takes_the_averaged_weights(tmp_path, whole):
    paths = bank(whole / "checkpoint.pt", tmp_path / "a")
    assert [path.name for path in paths] == [CHECKPOINT, "trackmask-encoder.onnx", "trackmask-head.onnx", "SHA256SUMS"]
    mean = read_state(whole / "checkpoint.pt")["mean"]
    banked = load_network(paths[0])
    assert banked.config == NetworkConfig(SIZE)
    assert all(torch.equal(value, mean[name]) for name, value in banked.state_dict().items())
    again = bank(paths[0], tmp_path / "b")
    assert again[0].read_bytes() == paths[0].read_bytes()


def test_bank_refuses_what_is_no_checkpoint(tmp_path, tiny_weights):
    for name in ("a.pt", "a.safetensors"):
        (tmp_path / name).write_bytes(b"noise" * 100)
        (tmp_path / CHECKPOINT).write_bytes((tiny_weights / CHECKPOINT).read_bytes())
        with pytest.raises(WeightsError, match="cannot be read"):
            bank(tmp_path / name, tmp_path)
        assert (tmp_path / CHECKPOINT).read_bytes() == (tiny_weights / CHECKPOINT).read_bytes()


def test_schedule():
    schedule = Schedule(steps=100, warmup=10, rate=1.0, frames=(3, 4, 6), teacher=0.3)
    assert [schedule.frames_at(s) for s in (0, 33, 34, 66, 67, 99)] == [3, 3, 4, 4, 6, 6]
    assert schedule.rate_at(0) == pytest.approx(0.1)
    assert schedule.rate_at(10) == pytest.approx(1)
    assert schedule.rate_at(55) == pytest.approx(0.51)
    assert schedule.rate_at(100) == pytest.approx(0.02)
    assert schedule.teacher_at(0) == 0.3
    assert schedule.teacher_at(25) == pytest.approx(0.15)
    assert schedule.teacher_at(80) == 0


def test_thin_parts_and_gaps():
    """A square with a rope, and a gap that a rope's width leaves between it and another square."""
    truth = torch.zeros(1, 1, 96, 96)
    truth[..., 30:60, 20:44] = 1
    truth[..., :30, 30:32] = 1  # the rope
    truth[..., 30:60, 48:80] = 1
    found = thin(truth)[0, 0]
    assert found[:28, 30:32].all()
    assert found[34:56, 45:47].all()
    assert not found[34:56, 24:40].any()
    assert not found[70:].any()
    assert found.mean() < 0.06
    assert not thin(torch.zeros(1, 1, 96, 96)).any()


def test_losses():
    truth = torch.zeros(2, 1, 32, 32)
    truth[:, :, 8:24, 8:24] = 1
    right, wrong = 20 * (2 * truth - 1), -20 * (2 * truth - 1)
    assert mask_loss(right, truth).max() < 0.01
    assert mask_loss(wrong, truth).min() > 10
    assert soft_iou(truth, truth).tolist() == [1, 1]
    assert soft_iou(torch.zeros_like(truth), torch.zeros_like(truth)).tolist() == [1, 1]
    assert soft_iou(1 - truth, truth).max() < 0.02


def test_disturb():
    random = torch.Generator().manual_seed(0)
    masks = torch.zeros(400, 1, 48, 48)
    masks[:, :, 12:36, 12:36] = 0.75
    before = masks.clone()
    found = disturb(masks, random)
    assert torch.equal(masks, before)
    changed = (found != masks).flatten(1).any(1)
    assert 0.4 < changed.float().mean() < 0.6
    assert 0.05 < (found.flatten(1).sum(1) == 0).float().mean() < 0.2
    assert set(found.unique().tolist()) == {0, 0.75, 1}


def test_resize_keeps_what_fits(start):
    """Sums over the places stay the same; the network of the new size takes the weights."""
    larger = resize(start, SIZE, 2 * SIZE)
    random_net(size=2 * SIZE).load_state_dict(larger)
    assert resize(start, SIZE, SIZE) is start
    name = "fusion.learned.squeeze.weight"
    old, new = (torch.unflatten(state[name], 1, (4, -1)).sum(2) for state in (start, larger))
    assert torch.allclose(old, new, atol=0.02)
    assert torch.equal(larger["decoder.mask.weight"], start["decoder.mask.weight"])
