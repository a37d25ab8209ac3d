"""The conv decoder: from the fused maps back to a mask, with the encoder's skips at strides 16, 8, 4 and 2."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .constants import FINE
from .encoder import Features, twice


def block(inputs: int, outputs: int) -> nn.Sequential:
    """3x3 convolution, norm, ReLU: (N, inputs, h, w) → (N, outputs, h, w)"""
    # Group norm: the same in training and at run time, and no batch statistics to drift while a clip is rolled out.
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, padding=1), nn.GroupNorm(8, outputs), nn.ReLU())


class Residual(nn.Module):
    """Wide view at little cost: depthwise k x k, then 1x1 out and back. (N, channels, h, w) → the same shape"""

    def __init__(self, channels: int, kernel: int = 7, norm: bool = True) -> None:
        super().__init__()
        self.look = nn.Conv2d(channels, channels, kernel, padding=kernel // 2, groups=channels)
        self.norm = nn.GroupNorm(8, channels) if norm else nn.Identity()
        self.widen = nn.Conv2d(channels, 2 * channels, 1)
        self.narrow = nn.Conv2d(2 * channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.narrow(F.relu(self.widen(self.norm(self.look(x)))))
        return x + y


class Decoder(nn.Module):
    """features, fused maps at strides 16, 8, 4 and 2, previous mask (N, 1, S/2, S/2), prompts (N, 2, S/4, S/4)
    → logits (N, 1, S/2, S/2) and quality (N, 2): logits of the predicted IoU and of 'the object is visible'.
    """

    def __init__(self, channels16: int, channels8: int, channels4: int, channels2: int) -> None:
        super().__init__()
        # Multiples of 16 channels at strides 4 and 2: processors compute as many anyway. Inputs in multiples of 4, with
        # those of the fusion for use: ONNX Runtime's fast convolutions take no others.
        self.enter16 = block(64 + channels16, 64)
        self.stay16 = nn.Sequential(Residual(64), Residual(64), Residual(64))
        self.down16 = nn.Conv2d(64, 40, 1)
        self.enter8 = block(40 + 32 + channels8, 40)
        self.stay8 = nn.Sequential(Residual(40), Residual(40), nn.Conv2d(40, 24, 1))
        self.enter4 = nn.Conv2d(24 + 16 + 3 + channels4, 32, 3, padding=1)
        self.stay4 = Residual(32)
        self.down4 = nn.Conv2d(32, 16 - channels2, 1)
        self.enter2 = nn.Conv2d(16 + FINE, 16, 3, padding=1)
        self.stay2 = Residual(16, kernel=5, norm=False)  # at this size a norm costs as much as the rest
        self.mask = nn.Conv2d(16, 1, 1)
        self.quality = nn.Sequential(nn.Linear(64 + 64 + 40 + 2, 48), nn.ReLU(), nn.Linear(48, 2))

    def forward(
        self,
        features: Features,
        fused16: Tensor,
        fused8: Tensor,
        fused4: Tensor,
        fused2: Tensor,
        previous: Tensor,
        prompts: Tensor,
    ) -> tuple[Tensor, Tensor]:
        x16 = self.stay16(self.enter16(torch.cat((features.skip16, fused16), 1)))
        x8 = self.enter8(torch.cat((twice(self.down16(x16)), features.skip8, fused8), 1))
        x4 = torch.cat((twice(self.stay8(x8)), features.skip4, F.avg_pool2d(previous, 2), prompts, fused4), 1)
        x4 = self.down4(self.stay4(F.relu(self.enter4(x4))))
        x2 = self.stay2(F.relu(self.enter2(torch.cat((twice(x4), fused2, features.skip2), 1))))
        logits = self.mask(x2)
        return logits, self.judge(x16, x8, logits)

    def judge(self, x16: Tensor, x8: Tensor, logits: Tensor) -> Tensor:
        """How good the mask is, from what lies under it. It must not teach the mask to look good: hence detached."""
        prob = logits.detach().sigmoid()
        prob8 = F.avg_pool2d(prob, 4)
        prob16 = F.avg_pool2d(prob8, 2)
        area = prob.mean((1, 2, 3))
        sure = (2 * prob - 1).abs().mean((1, 2, 3))
        under16 = (x16 * prob16).mean((2, 3)) / (prob16.mean((2, 3)) + 1e-2)
        under8 = (x8 * prob8).mean((2, 3)) / (prob8.mean((2, 3)) + 1e-2)
        seen = torch.cat((x16.mean((2, 3)), under16, under8, area[:, None], sure[:, None]), 1)
        quality: Tensor = self.quality(seen)
        return quality
