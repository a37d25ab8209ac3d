"""The pretrained part of the encoder: EfficientNet-Lite0 up to stride 16.

Architecture: Tan and Le, "EfficientNet" (ICML 2019), in its Lite variant (no squeeze-and-excitation, ReLU6),
cut after the eleventh block. The batch norms of the ImageNet weights are folded into the convolutions when they
are imported (`trackmask.training.imagenet`), so that nothing here depends on a training or an evaluation mode.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

#: One row a block: kernel, stride, expansion, channels in, channels out.
BLOCKS = (
    (3, 1, 1, 32, 16),
    (3, 2, 6, 16, 24),
    (3, 1, 6, 24, 24),
    (5, 2, 6, 24, 40),
    (5, 1, 6, 40, 40),
    (3, 2, 6, 40, 80),
    (3, 1, 6, 80, 80),
    (3, 1, 6, 80, 80),
    (5, 1, 6, 80, 112),
    (5, 1, 6, 112, 112),
    (5, 1, 6, 112, 112),
)
#: Feature strides and channels, and the block after which each is taken.
CHANNELS = {2: 16, 4: 24, 8: 40, 16: 112}
TAPS = {0: 2, 2: 4, 4: 8, 10: 16}
#: Standard deviation of the pretrained features: dividing by it gives every later layer inputs of unit scale.
DEVIATION = {2: 14.0, 4: 14.0, 8: 8.0, 16: 4.0}


class SameConv(nn.Conv2d):
    """A convolution with TensorFlow's 'same' padding for even inputs: at stride 2 the odd pixel goes bottom right.

    A symmetric padding would shift the features against the pretrained weights by half a pixel a stage.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        padding = (kernel - 1) // 2 if stride == 1 else 0
        super().__init__(inputs, outputs, kernel, stride, padding, groups=groups)
        before = (kernel - stride) // 2
        self.extra = (before, kernel - stride - before) if stride > 1 else None

    def forward(self, x: Tensor) -> Tensor:
        if self.extra is None:
            return super().forward(x)
        if torch.onnx.is_in_onnx_export():
            exported: Tensor = PaddedConv.apply(x, self.weight, self.bias, self.extra, self.stride[0], self.groups)  # type: ignore[no-untyped-call]
            return exported
        return super().forward(F.pad(x, self.extra * 2))


class PaddedConv(torch.autograd.Function):
    """For the export alone: ONNX's convolution pads by itself, unevenly too, which saves a copy of the whole map."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, extra: tuple[int, int], stride: int, groups: int
    ) -> Tensor:
        return F.conv2d(F.pad(x, extra * 2), weight, bias, stride, groups=groups)

    @staticmethod
    def symbolic(g: Any, x: Any, weight: Any, bias: Any, extra: tuple[int, int], stride: int, groups: int) -> Any:
        before, after = extra
        pads = [before, before, after, after]
        return g.op("Conv", x, weight, bias, pads_i=pads, strides_i=[stride, stride], group_i=groups)


class InvertedResidual(nn.Module):
    """MobileNetV2's block: expand 1x1, depthwise k x k, project 1x1; with a shortcut where the shape stays."""

    def __init__(self, kernel: int, stride: int, expansion: int, inputs: int, outputs: int) -> None:
        super().__init__()
        hidden = inputs * expansion
        self.expand = SameConv(inputs, hidden, 1) if expansion > 1 else None
        self.depthwise = SameConv(hidden, hidden, kernel, stride, groups=hidden)
        self.project = SameConv(hidden, outputs, 1)
        self.shortcut = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = x if self.expand is None else F.relu6(self.expand(x))
        y = self.project(F.relu6(self.depthwise(y)))
        return x + y if self.shortcut else y


class EfficientNetLite0(nn.Module):
    """Images (N, S, S, 3), RGB in [0, 255], uint8 or float; S a multiple of 16 → features {2: (N, 16, S/2, S/2),
    4: (N, 24, S/4, S/4), 8: (N, 40, S/8, S/8), 16: (N, 112, S/16, S/16)} of about unit scale.
    """

    mean: Tensor
    std: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.stem = SameConv(3, 32, 3, 2)
        self.blocks = nn.ModuleList(InvertedResidual(*row) for row in BLOCKS)
        self.register_buffer("mean", 255 * torch.tensor(IMAGENET_MEAN), persistent=False)
        self.register_buffer("std", 255 * torch.tensor(IMAGENET_STD), persistent=False)
        self.scaled = True  # whether images and features are divided by their deviation; see encoder.folded

    def forward(self, images: Tensor) -> dict[int, Tensor]:
        x = images.permute(0, 3, 1, 2).float()  # turned while it is small
        x = x - self.mean[:, None, None]
        x = F.relu6(self.stem(x / self.std[:, None, None] if self.scaled else x))
        features = {}
        for index, block in enumerate(self.blocks):
            x = block(x)
            if index in TAPS:
                features[TAPS[index]] = x / DEVIATION[TAPS[index]] if self.scaled else x
        return features
