import numpy as np
import pytest
import torch
from conftest import ROOT
from networks import SIZE, given, half_masks, random_crops, random_net
from torch.nn import functional as F

from trackmask.network.constants import LINEAR, LINEAR4, RIDGE, VALUE
from trackmask.network.encoder import Features
from trackmask.network.fusion import Computed, Full, Learned, Pairwise, Solved
from trackmask.network.memory import join, normal_equations, remember, ridge, solve
from trackmask.runtime import load_network

SHIPPED = ROOT / "weights" / "trackmask.safetensors"
GRID = SIZE // 16
EVERY = ("learned", "computed", "solved")


@pytest.fixture(scope="module")
def net():
    return random_net()


@pytest.fixture(scope="module")
def features(net):
    with torch.no_grad():
        return net.encoder(torch.from_numpy(random_crops(2)))


def small_features(seed=0, grid=GRID):
    """Random features of one crop, with a gradient."""
    rng = torch.Generator().manual_seed(seed)

    def maps(channels, side):
        return torch.randn(1, channels, side, side, generator=rng).requires_grad_()

    key, memory_key = maps(48, 2 * grid), maps(48, grid)
    return Features(
        maps(8, 8 * grid),
        maps(16, 4 * grid),
        maps(32, 2 * grid),
        maps(64, grid),
        key,
        memory_key,
        maps(32, 2 * grid),
        maps(LINEAR4, 4 * grid),
        maps(16, grid),
        maps(1, grid),
    )


@pytest.mark.parametrize(
    "parts",
    [(), ("learned",), ("computed",), ("solved",), ("learned", "computed"), ("computed", "solved"), ("full",), EVERY],
)
@pytest.mark.parametrize("frames", [0, 2])
def test_every_choice_runs(parts, frames):
    net = random_net(parts)
    with torch.no_grad():
        features = net.encoder(torch.from_numpy(random_crops(2)))
        inputs = given(net, features, frames)
        fused16, fused8, fused4, fused2 = net.fusion(features, *inputs)
        logits, _ = net(features, *inputs)
    assert fused16.shape == (2, net.fusion.channels16, GRID, GRID)
    assert fused8.shape == (2, net.fusion.channels8, 2 * GRID, 2 * GRID)
    assert fused4.shape == (2, net.fusion.channels4, SIZE // 4, SIZE // 4)
    assert fused2.shape == (2, net.fusion.channels2, SIZE // 2, SIZE // 2)
    assert torch.isfinite(logits).all()
    assert (net.fusion.pairwise is not None) == (parts == ())


def test_a_wrong_reference_changes_what_is_read(net, features):
    """The same picture in memory, once with the left half of it as the object and once with the right half."""
    left = half_masks(1, SIZE // 2).expand(2, -1, -1, -1)
    with torch.no_grad():
        right, wrong = remember(features, left), remember(features, 1 - left)
        for memory, other in ((right, wrong), (wrong, right)):
            readout, likeness = net.fusion.computed(features, memory.keys, memory.values)
            mask, background = readout[:, 0], likeness[:, 1] - likeness[:, 0]
            against, _ = net.fusion.computed(features, other.keys, other.values)
            assert (mask - against[:, 0]).abs().mean() > 0.05
            # Each place of the picture itself is closest to its own cell.
            own = memory_mask(memory)[:, 0] > 0.5
            assert (background[own] < 0).float().mean() > 0.8
            assert (background[~own] > 0).float().mean() > 0.8
            coarse, middle, fine = net.fusion.solved(features, solve(memory))
            for score in (coarse[:, 0], F.avg_pool2d(middle, 2)[:, 0], F.avg_pool2d(fine, 4)[:, 0]):
                assert score[own].mean() > score[~own].mean() + 0.3


def memory_mask(memory):
    """The mask that a memory of one frame carries, (N, 1, h, w)."""
    cells = memory.values[:, 0, :, :4].transpose(1, 2).unflatten(2, (GRID, GRID))
    return torch.nn.functional.pixel_shuffle(cells, 2)


@pytest.mark.skipif(not SHIPPED.exists(), reason="this checkout has no weights yet")
def test_a_wrong_reference_gives_a_wrong_mask():
    """The shipped network follows what its reference says: one half of a picture, or the other."""
    net = load_network(SHIPPED)
    size = net.config.size
    image = np.zeros((1, size, size, 3), np.uint8)
    rng = np.random.default_rng(0)
    image[:, :, : size // 2] = rng.integers(120, 255, 3)
    image[:, :, size // 2 :] = rng.integers(0, 110, 3)
    image += rng.integers(0, 20, image.shape, np.uint8).clip(0, 255 - image)
    left = half_masks(1, size // 2)
    with torch.no_grad():
        features = net.encoder(torch.from_numpy(image))
        found = []
        for mask in (left, 1 - left):
            _, prompts, keys, values, weights = given(net, features, 1, mask)
            logits, _ = net(features, torch.zeros_like(mask), prompts, keys, values, weights)
            found.append((logits > 0).float())
    for mask, answer in zip((left, 1 - left), found, strict=True):
        assert (answer * mask).sum() / torch.maximum(answer, mask).sum() > 0.8


def test_solved_is_the_weighted_least_squares_solution():
    """Ridge regression as an ordinary system: sqrt(D) X stacked on sqrt(price) I."""
    torch.manual_seed(0)
    linear, mask = torch.randn(1, LINEAR, 8, 8), torch.rand(1, 1, 8, 8)
    found = ridge(*normal_equations(linear, mask), RIDGE)[0].numpy()
    x = np.concatenate((linear[0].flatten(1).T.numpy(), np.ones((64, 1))), 1).astype(np.float64)
    y = mask.flatten().numpy().astype(np.float64)
    weight = np.sqrt(y / (y.sum() + 1) + (1 - y) / ((1 - y).sum() + 1))
    price = RIDGE * (np.mean((weight**2) @ x**2) + 1e-3)
    system = np.concatenate((x * weight[:, None], np.sqrt(price) * np.eye(LINEAR + 1)))
    wanted = np.linalg.lstsq(system, np.concatenate(((2 * y - 1) * weight, np.zeros(LINEAR + 1))))[0]
    assert np.abs(wanted).max() > 0.1
    np.testing.assert_allclose(found, wanted, atol=1e-4)


def test_references_outweigh_recent_frames(features):
    left = half_masks(1, SIZE // 2).expand(2, -1, -1, -1)
    said, believed = remember(features, left), remember(features, 1 - left)
    memory = join([said], [believed, believed])
    for part in ("coarse", "fine"):
        for found, first, last in zip(*(getattr(m, part) for m in (memory, said, believed)), strict=True):
            assert torch.allclose(found, first + 0.5 * last, rtol=1e-4, atol=1e-5)
    assert memory.keys.shape[1] == memory.values.shape[1] == 3
    assert torch.equal(memory.values[:, 0], said.values[:, 0])


def test_the_empty_mask_and_the_full_one_can_be_solved(features):
    for value in (0.0, 1.0):
        weights = solve(remember(features, torch.full((2, 1, SIZE // 4, SIZE // 4), value)))
        for score in Solved()(features, weights):
            assert ((score > 0) == (value > 0.5)).all()


def sees(result, source):
    """Which places of `source` (1, C, h, w) the result's first place depends on: (h, w) bool."""
    (gradient,) = torch.autograd.grad(result[0, :, 0, 0].sum(), source, retain_graph=True)
    return gradient[0].abs().sum(0) > 0


def memory_values(seed=1):
    """A memory of one frame whose values carry a gradient, as a map (1, VALUE, g, g) and as (1, 1, G, VALUE)."""
    torch.manual_seed(seed)
    maps = torch.rand(1, VALUE, GRID, GRID).requires_grad_()
    return maps, maps.flatten(2).transpose(1, 2)[:, None]


def test_pairwise_sees_one_place():
    """The control: no place of one frame sees another place of the other."""
    features, (maps, values) = small_features(), memory_values()
    layer = Pairwise()
    torch.nn.init.uniform_(layer.mix.weight, 0.1, 1)
    result = layer(features, values.abs() + 1)
    only = torch.zeros(GRID, GRID, dtype=torch.bool)
    only[0, 0] = True
    assert torch.equal(sees(result, maps), only)
    assert torch.equal(sees(result, features.context), only)


def test_full_sees_every_place():
    torch.manual_seed(0)
    features, (maps, values) = small_features(), memory_values()
    layer = Full(GRID)
    torch.nn.init.uniform_(layer.mix.weight, 0.1, 1)
    result = layer(features, values.abs() + 1)
    assert sees(result, maps).all()
    assert sees(result, features.context).all()


def test_pairwise_is_full_with_equal_blocks_on_the_diagonal():
    """A 1x1 convolution over N cells is a fully connected layer whose cells share one block and see no other cell."""
    torch.manual_seed(0)
    features, (_, values) = small_features(), memory_values()
    one, other = Pairwise(), Full(GRID)
    block, cells = one.mix.weight.detach()[:, :, 0, 0], GRID * GRID  # (out, in)
    with torch.no_grad():
        other.mix.weight.zero_()
        weights = other.mix.weight.view(len(block), cells, block.shape[1], cells)
        for cell in range(cells):
            weights[:, cell, :, cell] = block
        other.mix.bias.copy_(one.mix.bias.repeat_interleave(cells))
        assert torch.allclose(one(features, values), other(features, values), atol=1e-5)
        assert one(features, values).abs().max() > 0.1


def test_computed_sees_every_place():
    torch.manual_seed(0)
    features, (maps, values) = small_features(), memory_values()
    keys = features.memory_key.flatten(2).transpose(1, 2)[:, None]
    readout, _ = Computed(GRID)(features, keys * 0.01, values)
    assert sees(readout, maps).all()
    assert sees(readout, features.memory_key).all()


def test_learned_sees_every_place():
    torch.manual_seed(0)
    maps = torch.randn(1, 3, GRID, GRID).requires_grad_()
    assert sees(Learned(3, GRID)(maps), maps).all()
