"""The conv encoder: one crop in, everything that fusion and decoder ever ask of it out.

A frame is encoded once: its features are the query now, and the memory later.
"""

from copy import deepcopy
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .backbone import CHANNELS, DEVIATION, EfficientNetLite0
from .constants import CONTEXT, FINE, KEY, LINEAR, LINEAR4


class Features(NamedTuple):
    """What is known of N crops of S x S pixels."""

    skip2: Tensor  # (N, FINE, S/2, S/2), at least 0
    skip4: Tensor  # (N, 16, S/4, S/4)
    skip8: Tensor  # (N, 32, S/8, S/8)
    skip16: Tensor  # (N, 64, S/16, S/16)
    key: Tensor  # (N, KEY, S/8, S/8), unit length at each place: asks the memory
    memory_key: Tensor  # (N, KEY, S/16, S/16), unit length at each place: is asked
    linear: Tensor  # (N, LINEAR, S/8, S/8), length sqrt(LINEAR) at each place
    linear4: Tensor  # (N, LINEAR4, S/4, S/4), at least 0
    context: Tensor  # (N, CONTEXT, S/16, S/16)
    objectness: Tensor  # (N, 1, S/16, S/16), logits: part of the main object, judged without any reference


class Encoder(nn.Module):
    """Images (N, S, S, 3), RGB in [0, 255] → Features. S is a multiple of 16."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = EfficientNetLite0()
        self.skip2 = nn.Conv2d(CHANNELS[2], FINE, 1)
        self.skip4 = nn.Conv2d(CHANNELS[4], 16, 1)
        self.skip8 = nn.Conv2d(CHANNELS[8], 32, 1)
        self.skip16 = nn.Conv2d(CHANNELS[16], 64, 1)
        self.fine = nn.Conv2d(CHANNELS[8], 64, 1)
        self.coarse = nn.Conv2d(CHANNELS[16], 64, 1)
        self.key = nn.Conv2d(64, KEY, 1)
        self.linear = nn.Conv2d(64, LINEAR, 1)
        self.sharp4 = nn.Conv2d(CHANNELS[4], LINEAR4, 1)
        self.deep4 = nn.Conv2d(64, LINEAR4, 1)
        self.context = nn.Conv2d(CHANNELS[16], CONTEXT, 1)
        # Wide kernels, since whether a place belongs to an object is not a matter of the place alone.
        self.objectness = nn.Sequential(
            nn.Conv2d(CHANNELS[16], 48, 1),
            nn.ReLU(),
            nn.Conv2d(48, 48, 7, padding=3, groups=48),
            nn.Conv2d(48, 48, 1),
            nn.ReLU(),
            nn.Conv2d(48, 1, 3, padding=1),
        )

    def forward(self, images: Tensor) -> Features:
        return self.project(self.backbone(images))

    def project(self, features: dict[int, Tensor]) -> Features:
        """The part behind the pretrained backbone, apart because training may freeze the backbone."""
        middle = F.relu(self.fine(features[8]) + twice(self.coarse(features[16])))  # (N, 64, S/8, S/8)
        key = unit(self.key(middle))
        return Features(
            skip2=F.relu(self.skip2(features[2])),
            skip4=F.relu(self.skip4(features[4])),
            skip8=F.relu(self.skip8(features[8])),
            skip16=F.relu(self.skip16(features[16])),
            key=key,
            memory_key=unit(F.avg_pool2d(key, 2)),
            linear=unit(self.linear(middle)) * LINEAR**0.5,
            linear4=F.relu(self.sharp4(features[4]) + twice(self.deep4(middle))),
            context=self.context(features[16]),
            objectness=self.objectness(features[16]),
        )


def folded(encoder: Encoder) -> Encoder:
    """A copy that computes the same without the divisions by the inputs' deviations: they are in the weights behind.

    For the runtime, where each would be a pass over a large map; in training the weights must be of about one size.
    """
    behind = {
        2: ("skip2",),
        4: ("skip4", "sharp4"),
        8: ("skip8", "fine"),
        16: ("skip16", "coarse", "context", "objectness.0"),
    }
    state = encoder.state_dict()
    state["backbone.stem.weight"] = state["backbone.stem.weight"] / encoder.backbone.std[:, None, None]
    for stride, names in behind.items():
        for name in names:
            state[f"{name}.weight"] = state[f"{name}.weight"] / DEVIATION[stride]
    copy = deepcopy(encoder)
    copy.load_state_dict(state)
    copy.backbone.scaled = False
    return copy


def unit(x: Tensor) -> Tensor:
    """x (N, C, h, w) with length 1 over C at each place."""
    return x * torch.rsqrt(x.float().square().sum(1, keepdim=True) + 1e-6)


def twice(x: Tensor) -> Tensor:
    """(N, C, h, w) → (N, C, 2 h, 2 w)"""
    return F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)
