"""What a 1x1 convolution and a fully connected layer are to each other: exactly, and measured by the gradient."""

import numpy as np
import pytest
import torch
from networks import SIZE, half_masks, random_crops, random_net
from torch import nn

from trackmask.lab.receptive import SOURCES, Pair, dependence
from trackmask.network.fusion import TemporalFusion

INPUTS, OUTPUTS, SIDE = 3, 5, 4  # channels in and out, places a side
GRID = SIZE // 16


def convolution() -> nn.Conv2d:
    torch.manual_seed(0)
    return nn.Conv2d(INPUTS, OUTPUTS, 1).double()


def matrix_of(layer: nn.Module, side: int) -> torch.Tensor:
    """The whole map's linear map: (places out x channels out, places in x channels in), places first."""
    count = INPUTS * side * side
    # One unit input a column; (columns, places, channels) → (columns, C, h, w) and back.
    units = torch.eye(count, dtype=torch.float64).view(count, side * side, INPUTS).transpose(1, 2)
    with torch.no_grad():
        there = layer(units.reshape(count, INPUTS, side, side)) - layer(
            torch.zeros(1, INPUTS, side, side, dtype=torch.float64)
        )
    return there.flatten(2).transpose(1, 2).reshape(count, -1).T


class TestOneByOneAndFullyConnected:
    def test_over_one_place_they_are_the_same(self):
        conv = convolution()
        full = nn.Linear(INPUTS, OUTPUTS).double()
        full.load_state_dict({"weight": conv.weight[:, :, 0, 0], "bias": conv.bias})
        x = torch.randn(7, INPUTS, dtype=torch.float64)
        torch.testing.assert_close(conv(x[:, :, None, None])[:, :, 0, 0], full(x), rtol=0, atol=1e-12)

    def test_over_many_places_the_convolution_is_a_block_diagonal_matrix_with_one_block(self):
        conv = convolution()
        expected = torch.block_diag(*[conv.weight[:, :, 0, 0].detach()] * SIDE**2)
        torch.testing.assert_close(matrix_of(conv, SIDE), expected, rtol=0, atol=1e-12)

    def test_the_same_map_as_one_big_layer_gives_the_same_output(self):
        conv = convolution()
        x = torch.randn(2, INPUTS, SIDE, SIDE, dtype=torch.float64)
        flat = x.flatten(2).transpose(1, 2).reshape(2, -1)
        out = flat @ matrix_of(conv, SIDE).T + conv.bias.repeat(SIDE**2)
        out = out.view(2, SIDE**2, OUTPUTS).transpose(1, 2).view(2, OUTPUTS, SIDE, SIDE)
        torch.testing.assert_close(conv(x), out, rtol=0, atol=1e-12)

    def test_a_wider_convolution_leaves_the_blocks(self):
        """So that the two tests above could fail."""
        wide = nn.Conv2d(INPUTS, OUTPUTS, 3, padding=1).double()
        blocks = torch.block_diag(*[torch.ones(OUTPUTS, INPUTS)] * SIDE**2)
        assert matrix_of(wide, SIDE)[blocks == 0].abs().max() > 0.01


@pytest.fixture(scope="module")
def pair() -> Pair:
    net = random_net().double()
    crops = random_crops(2)
    masks = half_masks(2, SIZE // 2).double()
    with torch.no_grad():
        seen = [net.encoder(torch.from_numpy(one)[None].double()) for one in crops]
    return Pair((crops[0], crops[1]), (masks[:1], masks[1:]), (seen[0], seen[1]), (1, 2))


class TestReceptiveField:
    """Of each fusion: how many of the places it sees in the reference, the previous mask and the current frame."""

    @pytest.mark.parametrize(
        ("parts", "reference", "previous", "current"),
        [
            ((), "own", "own", "own"),
            (("learned",), "none", "all", "all"),
            (("computed",), "all", "own", "own"),
            (("solved",), "all", "own", "own"),
            (("learned", "computed", "solved"), "all", "all", "all"),
        ],
    )
    def test_which_places_matter(self, pair, parts, reference, previous, current):
        torch.manual_seed(0)
        fusion = TemporalFusion(parts, GRID).double()
        seen = dependence(fusion, pair, seed=0)
        own = np.zeros((GRID, GRID), bool)
        own[pair.place] = True
        expected = {"none": np.zeros_like(own), "own": own, "all": np.ones_like(own)}
        for source, kind in zip(SOURCES, (reference, previous, current), strict=True):
            assert ((seen[source] > 0) == expected[kind]).all(), source
