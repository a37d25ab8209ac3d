"""A tracker's mistakes, made on purpose, and the clicks that put mistakes right."""

import numpy as np
import torch
from networks import SIZE, random_crops, random_net

from trackmask.training.clicks import Click, next_click, simulated_clicks
from trackmask.training.looks import come_near
from trackmask.training.mistakes import leak
from trackmask.training.rollout import MORE_CLICKS, click_again, further_clicks
from trackmask.training.seams import hide_seams, restored
from trackmask.training.stills import large_parts, one_of_several


def test_a_leak_is_a_piece_of_the_rival_next_to_the_object():
    random = torch.Generator().manual_seed(0)
    truth, rival = torch.zeros(200, 1, 48, 48), torch.zeros(200, 1, 48, 48)
    truth[..., 20:30, 5:20] = 1
    rival[..., 20:30, 21:45] = 1
    found = leak(truth, truth, rival, 0.4, random)
    won = found - truth
    assert won.min() == 0
    assert (won * (1 - rival)).max() == 0
    leaked = won.flatten(1).any(1)
    assert 0.3 < leaked.float().mean() < 0.5
    assert won[leaked][..., 21].any(-1).all()  # at the contact
    assert (won.flatten(1).sum(1) < rival.flatten(1).sum(1)).float().mean() > 0.8  # a piece, hardly ever all of it
    assert torch.equal(leak(truth, truth, 0 * rival, 1.0, random), truth)
    assert leak(0 * truth, 0 * truth, rival, 1.0, random).flatten(1).any(1).all()  # as behind a cut


def test_next_click():
    truth = np.zeros((40, 60), bool)
    truth[10:31, 10:31] = True
    nothing = np.zeros_like(truth)
    assert next_click(nothing, truth) == Click(20, 20, positive=True)
    assert next_click(truth, truth) is None
    assert next_click(nothing, nothing) is None
    leaked = truth.copy()
    leaked[10:31, 31:50] = True
    click = next_click(leaked, truth)
    assert not click.positive
    assert 38 <= click.x <= 42
    assert 18 <= click.y <= 22
    missing = leaked.copy()
    missing[10:31, 10:31] = False
    assert next_click(missing, truth).positive  # the larger of two errors
    two = nothing.copy()
    two[10:31, 10:31] = two[0:5, 50:55] = True
    assert next_click(nothing, two) == Click(20, 20, positive=True)
    assert next_click(~nothing, ~nothing) is None


def test_clicks_beside_the_object_lie_on_its_rival():
    mask, rival = np.zeros((64, 64), bool), np.zeros((64, 64), bool)
    mask[10:50, 5:25], rival[10:50, 30:60] = True, True
    beside = []
    for seed in range(80):
        positive, negative = simulated_clicks(np.random.default_rng(seed), mask, rival)
        assert all(mask[y, x] for x, y in positive)
        assert not any(mask[y, x] for x, y in negative)
        beside += [rival[y, x] for x, y in negative]
    assert 0.6 < np.mean(beside) < 1


def test_a_click_more():
    """It stands on the largest error of what the prompt gives now, in the map that says of which kind it is."""
    net = random_net()
    with torch.no_grad():
        features = net.encoder(torch.from_numpy(random_crops(2)))
    prompts = torch.zeros(2, 2, SIZE // 4, SIZE // 4)
    for value, channel in ((1.0, 0), (0.0, 1)):
        with torch.no_grad():
            net.decoder.mask.bias.fill_(-50.0 if value else 50.0)  # nothing is found, or everything
        again = click_again(net, features, prompts, torch.full((2, 1, SIZE, SIZE), value))
        assert torch.equal(prompts, torch.zeros_like(prompts))
        assert (again[:, channel].flatten(1).max(1).values > 0.9).all()
        assert not again[:, 1 - channel].any()


def test_how_many_clicks_more():
    random = torch.Generator().manual_seed(0)
    counts = np.bincount([further_clicks(random) for _ in range(400)], minlength=4)
    assert np.abs(counts / 400 - np.diff((0, *MORE_CLICKS))).max() < 0.06


def test_restored_outlines():
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (40, 60, 3), np.uint8)
    shape = np.zeros((40, 60), np.uint8)
    shape[10:20, 10:30] = 255
    found = restored(image, shape)
    changed = (found != image).any(2)
    assert (found[shape > 0] == image[shape > 0] & 0xFE).all()
    assert changed[9, 9:31].mean() > 0.9
    assert not changed[:8].any()
    clip = hide_seams(np.random.default_rng(1), [image, image], [shape, shape])
    assert clip[0].shape == image.shape
    assert np.abs(np.diff(clip[0].astype(int), axis=1)).mean() < 0.7 * np.abs(np.diff(image.astype(int), axis=1)).mean()


def test_an_object_that_comes_near():
    """The first crop shows as much as 40 to 96 pixels can; no later one less."""
    noise = np.random.default_rng(0).integers(0, 256, (1, 192, 192, 3), np.uint8).repeat(4, 0)
    for seed in range(5):
        images = noise.copy()
        come_near(np.random.default_rng(seed), images)
        detail = np.abs(np.diff(images.astype(int), axis=2)).mean((1, 2, 3))
        assert detail[0] < 0.4 * np.abs(np.diff(noise.astype(int), axis=2)).mean()
        assert (np.diff(detail) >= 0).all()


def test_one_of_several():
    image, mask = np.zeros((100, 160, 3), np.uint8), np.zeros((100, 160), np.uint8)
    for number, x in enumerate((10, 60, 110)):
        mask[30:70, x : x + 40] = 255
        image[30:70, x : x + 40, number] = 250
    mask[0:5, 0:5] = 255  # a speck
    assert [np.count_nonzero(part) for part in large_parts(mask)] == [1600] * 3
    scene = one_of_several(np.random.default_rng(0), image, mask, 3)
    assert not scene.alone
    for picture, truth, other in zip(scene.images, scene.masks, scene.rivals, strict=True):
        assert not (truth & other).any()
        colour = int(picture[truth > 0].sum(0).argmax())
        assert picture[other > 0].sum(0)[colour] < 0.1 * picture[truth > 0].sum(0)[colour]
