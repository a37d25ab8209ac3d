"""The quicker way back through depthwise convolutions gives torch's own gradients."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from trackmask.network.backbone import EfficientNetLite0, SameConv
from trackmask.training import depthwise
from trackmask.training.depthwise import quicken

CHANNELS = 6


@pytest.mark.parametrize(
    ("kernel", "stride", "side"), [(3, 1, 9), (3, 2, 10), (5, 1, 9), (5, 2, 10), (7, 1, 8), (7, 2, 12)]
)
def test_gradients(kernel, stride, side):
    """Against float32 and torch's automatic ones, from the same numbers."""
    torch.manual_seed(0)
    layer = SameConv(CHANNELS, CHANNELS, kernel, stride, groups=CHANNELS)
    layer.requires_grad_().load_state_dict({name: p.bfloat16().float() for name, p in layer.state_dict().items()})
    x = torch.randn(3, CHANNELS, side, side).bfloat16().float().requires_grad_()
    plain = layer(x)
    grad = torch.randn_like(plain).bfloat16().float()
    wanted = torch.autograd.grad(plain, (x, layer.weight, layer.bias), grad)
    quicken(layer)
    with torch.autocast("cpu", torch.bfloat16):
        result = layer(x)
    assert result.dtype == torch.bfloat16
    torch.testing.assert_close(result.float(), plain, rtol=0.01, atol=0.01)
    for ours, theirs in zip(
        torch.autograd.grad(result, (x, layer.weight, layer.bias), grad.bfloat16()), wanted, strict=True
    ):
        assert ours.dtype == torch.float32
        assert (ours - theirs).norm() < 0.005 * theirs.norm()


def test_only_where_it_is_meant_for(monkeypatch):
    """The backbone's depthwise layers in bfloat16; in float32, and in all other layers, torch's own way."""
    taken = []

    def apply(*given):
        taken.append(given[1].shape)
        return F.conv2d(*given, groups=len(given[1]))

    monkeypatch.setattr(depthwise.Depthwise, "apply", apply)
    backbone = EfficientNetLite0()
    quicken(backbone)
    images = torch.zeros(1, 32, 32, 3)
    plain = backbone(images)
    assert taken == []
    with torch.autocast("cpu", torch.bfloat16):
        backbone(images)
    assert len(taken) == len(backbone.blocks)
    assert all(shape[1] == 1 for shape in taken)
    assert plain[16].shape == (1, 112, 2, 2)


def test_frozen_layers_get_no_gradient():
    layer = nn.Conv2d(CHANNELS, CHANNELS, 5, padding=2, groups=CHANNELS).requires_grad_(False)
    quicken(layer)
    x = torch.randn(1, CHANNELS, 8, 8, requires_grad=True)
    with torch.autocast("cpu", torch.bfloat16):
        layer(x).sum().backward()
    assert x.grad is not None
    assert layer.weight.grad is None
    assert layer.bias.grad is None
