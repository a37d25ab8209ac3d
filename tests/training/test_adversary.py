"""Cells dropped at training: by chance, and by the adversary that learns which ones hurt most."""

import dataclasses

import pytest
import torch
from click.testing import CliRunner
from networks import SIZE, half_masks, random_crops, random_net, write_data

from trackmask.cli import main
from trackmask.errors import CallError
from trackmask.training.adversary import Adversary, Dropping, drop, without_lowest
from trackmask.training.samples import Recipe
from trackmask.training.state import Training, read_state
from trackmask.training.train import Schedule, train

GRID = SIZE // 16
SCHEDULE = Schedule(steps=4, batch=2, warmup=2, frames=(2, 3), drop=0.2, adversarial=True)


@pytest.fixture(scope="module")
def features():
    with torch.no_grad():
        return random_net().encoder(torch.from_numpy(random_crops(4)))


@pytest.fixture(scope="module")
def recipe(tmp_path_factory):
    stills, clips = write_data(tmp_path_factory.mktemp("data"))
    return Recipe((stills,), (clips,), size=SIZE, gap=3)


def chance(seed=0):
    return torch.Generator().manual_seed(seed)


def test_a_dropped_cell_reaches_the_decoder_alone(features):
    keep = torch.ones(4, 1, GRID, GRID)
    keep[:, :, 1, 2] = 0
    thinned = drop(features, keep)
    for name in ("context", "objectness"):
        now, before = getattr(thinned, name), getattr(features, name)
        assert not now[:, :, 1, 2].any()
        assert torch.equal(now[:, :, 2:], before[:, :, 2:])
    for name in ("key", "linear"):
        now, before = getattr(thinned, name), getattr(features, name)
        assert not now[:, :, 2:4, 4:6].any()
        assert torch.equal(now[:, :, 4:], before[:, :, 4:])
    for name in ("skip2", "skip4", "skip8", "skip16", "memory_key"):
        assert getattr(thinned, name) is getattr(features, name)


def test_the_lowest_go():
    kept = without_lowest(torch.tensor([[3.0, 1.0, 2.0, 4.0], [0.0, 9.0, 9.0, 9.0]]), 0.5)
    assert kept[0].tolist() == [1, 0, 0, 1]
    assert kept[1, 0] == 0
    assert without_lowest(torch.rand(2, 16), 0.001).sum().item() == 30  # at least one of each


def test_half_of_the_clips_stay_whole():
    with torch.no_grad():
        many = random_net().encoder(torch.from_numpy(random_crops(60)))
    dropping = Dropping(0.25, chance(), None)
    whole = [bool(one.any(0).all()) for one in dropping.thin(many, half_masks(60, SIZE // 2)).context]
    assert 20 < sum(whole) < 40


def test_the_adversary_learns_which_cell_hurts(features):
    """A loss that hangs on one cell, another one for each kind of mask: after some lessons the adversary names it."""
    torch.manual_seed(0)
    adversary = Adversary(GRID)
    optimizer = torch.optim.AdamW(adversary.parameters(), 1e-3)
    previous, vital = half_masks(4, SIZE // 2), torch.tensor([3, 7, 3, 7])
    alike = features._replace(context=torch.ones_like(features.context))
    for number in range(60):
        dropping = Dropping(1 / GRID**2, chance(number), adversary)
        seen = dropping.thin(alike, previous).context.flatten(2)
        (-seen[torch.arange(4), :, vital].sum()).backward()
        optimizer.zero_grad()
        dropping.lesson().backward()
        optimizer.step()
    assert torch.equal(adversary(alike, previous).argmin(1), vital)


def test_nothing_but_the_adversary_learns_from_its_lesson(features):
    adversary = Adversary(GRID)
    context = features.context.clone().requires_grad_()
    dropping = Dropping(0.2, chance(), adversary)
    seen = dropping.thin(features._replace(context=context), half_masks(4, SIZE // 2))
    seen.context.square().sum().backward()
    before = context.grad.clone()
    dropping.lesson().backward()
    assert torch.equal(context.grad, before)
    assert all(p.grad is not None for p in adversary.parameters())


def test_resumed_equals_uninterrupted(tmp_path, recipe):
    start = random_net().state_dict()
    train(tmp_path / "whole", recipe, SCHEDULE, weights=start, workers=0)
    train(tmp_path / "parts", recipe, SCHEDULE, weights=start, workers=0, stop_after=2)
    train(tmp_path / "parts", recipe, SCHEDULE, weights=start, workers=0, resume=True)
    one, other = (read_state(tmp_path / name / "checkpoint.pt") for name in ("whole", "parts"))
    for part in ("net", "mean", "adversary"):
        assert all(torch.equal(value, other[part][name]) for name, value in one[part].items())
    before = Training.start(net_config(), 1e-3, finetune=0, seed=0, weights=start, adversarial=True).adversary
    assert not torch.equal(one["adversary"]["judge.0.weight"], before.judge[0].weight)
    without = dataclasses.replace(SCHEDULE, adversarial=False)
    with pytest.raises(CallError, match="--adversarial-mask"):
        train(tmp_path / "parts", recipe, without, weights=start, workers=0, resume=True)


def test_dropping_changes_the_training_and_not_its_start(tmp_path, recipe):
    start = random_net().state_dict()
    schedules = {"nothing": 0.0, "chance": 0.3}
    logs = {}
    for name, share in schedules.items():
        schedule = dataclasses.replace(SCHEDULE, drop=share, adversarial=False)
        train(tmp_path / name, recipe, schedule, weights=start, workers=0)
        logs[name] = read_state(tmp_path / name / "checkpoint.pt")["net"]["decoder.mask.weight"]
    assert not torch.equal(logs["nothing"], logs["chance"])


def net_config():
    return random_net().config


def test_an_adversary_with_nothing_to_drop(tmp_path):
    stills, _ = write_data(tmp_path)
    call = ["train", "--data", str(stills), "--out", str(tmp_path / "out"), "--steps", "1"]
    done = CliRunner().invoke(main, [*call, "--adversarial-mask", "--drop-cells", "0"])
    assert done.exit_code == 2
    assert "nothing to choose" in done.output
    assert not (tmp_path / "out").exists()
