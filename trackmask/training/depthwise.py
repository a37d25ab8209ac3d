"""A quicker way back through depthwise convolutions on a CPU.

oneDNN has no fast kernels for some of their gradients in bfloat16: through a stride of two, and of kernels wider than
3 x 3, which took a third of a training step. In float32 it has some for the first; the second are put together from
gradients of 3 x 3 kernels. The sums are the same, up to the numbers' precision; a test holds them to torch's own.
"""

from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

SMALL = 3  # the side of a kernel whose gradient is fast


def quicken(net: nn.Module) -> None:
    """Let the depthwise convolutions of `net` learn by the quicker way where they run on a CPU in bfloat16."""
    for module in net.modules():
        if isinstance(module, nn.Conv2d) and module.groups == module.in_channels > 1:
            module._conv_forward = partial(convolve, module)  # type: ignore[method-assign]


def convolve(layer: nn.Conv2d, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """What the layer does, forward as ever."""
    device = x.device.type
    if device == "cpu" and torch.is_autocast_enabled(device) and torch.get_autocast_dtype(device) == torch.bfloat16:
        x, weight = x.bfloat16(), weight.bfloat16()
        bias = None if bias is None else bias.bfloat16()
        result: Tensor = Depthwise.apply(x, weight, bias, layer.stride[0], layer.padding[0])  # type: ignore[no-untyped-call]
        return result
    return F.conv2d(x, weight, bias, layer.stride, layer.padding, groups=layer.groups)


class Depthwise(torch.autograd.Function):
    """x (N, C, H, W), weight (C, 1, k, k), bias (C,) or None, all bfloat16; stride and padding the same both ways."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, stride: int, padding: int) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.stride, ctx.padding = stride, padding
        return F.conv2d(x, weight, bias, stride, padding, groups=len(weight))

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None, None, None]:
        (grad,), (x, weight) = grads, ctx.saved_tensors
        dx = towards_input(grad, x, weight, ctx.stride, ctx.padding) if ctx.needs_input_grad[0] else None
        dw = towards_weight(grad, x, weight, ctx.stride, ctx.padding) if ctx.needs_input_grad[1] else None
        db = grad.sum((0, 2, 3)) if ctx.needs_input_grad[2] else None
        return dx, dw, db, None, None


def towards_input(grad: Tensor, x: Tensor, weight: Tensor, stride: int, padding: int) -> Tensor:
    """The gradient of x, (N, C, H, W)."""
    if stride == 1:
        return backward(grad, x, weight, stride, padding, 0)
    return backward(grad.float(), x.float(), weight.float(), stride, padding, 0).to(x.dtype)


def towards_weight(grad: Tensor, x: Tensor, weight: Tensor, stride: int, padding: int) -> Tensor:
    """The gradient of the weight, (C, 1, k, k): of a large kernel part by part, each by an input that is moved."""
    side = weight.shape[-1]
    if side <= SMALL:
        return backward(grad, x, weight, stride, padding, 1)
    x = F.pad(x, (padding,) * 4)
    result = torch.empty_like(weight)
    height, width = (stride * (n - 1) + SMALL for n in grad.shape[-2:])
    starts = [*range(0, side - SMALL, SMALL), side - SMALL]  # the last part may overlap the one before
    for top in starts:
        for left in starts:
            part = x[..., top : top + height, left : left + width].contiguous(memory_format=torch.channels_last)
            place = np.s_[..., top : top + SMALL, left : left + SMALL]
            result[place] = backward(grad, part, weight[place], stride, 0, 1)
    return result


def backward(grad: Tensor, x: Tensor, weight: Tensor, stride: int, padding: int, which: int) -> Tensor:
    """torch's own gradient of x (which = 0) or of the weight (1)."""
    wanted = [which == 0, which == 1, False]
    twice = ([stride] * 2, [padding] * 2, [1] * 2)
    result: Tensor = torch.ops.aten.convolution_backward(
        grad, x, weight, None, *twice, False, [0, 0], len(weight), wanted
    )[which]
    return result
