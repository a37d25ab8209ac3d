"""Cells dropped on purpose at training, by chance or by an adversary: VITAL's mask (Song et al., CVPR 2018).

VITAL asks a small network which cells of the target's feature map the classifier relies on, and trains the classifier
without those, so that it learns what lasts over a long span. Here the map is the current frame's at stride 16, as it
enters the fusion: a dropped cell is a part of the object whose look the memory does not know, which is how this tracker
loses parts. The decoder's skips stay: the part can still be seen, only not recognised.

VITAL finds the cell that hurts most by dropping each of its 9 in turn. With (S/16)^2 cells the loss's gradient says the
same to first order, in the backward pass that is made anyway.

g = S/16 and G = g * g below.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from trackmask.network.constants import CONTEXT
from trackmask.network.encoder import Features

SHARE = 0.1  # of the cells. VITAL's third of the object, which fills about a third of its crop
SPARED = 0.5  # of the clips stay whole, as the tracker will see them


class Adversary(nn.Module):
    """The current frame and its last mask → how well each cell can be spared (N, G): 1, or 0 where it hurts most.

    Fully connected layers, 256 in the middle, as in VITAL. It serves the training alone and is in no shipped file.
    """

    def __init__(self, grid: int) -> None:
        super().__init__()
        cells = grid * grid
        self.judge = nn.Sequential(nn.Linear((CONTEXT + 1) * cells, 256), nn.ReLU(), nn.Linear(256, cells))

    def forward(self, features: Features, previous: Tensor) -> Tensor:
        """previous (N, 1, S/2, S/2). Neither input learns from what is said here."""
        seen = torch.cat((features.context, F.avg_pool2d(previous, 8)), 1).detach()
        worth: Tensor = self.judge(seen.flatten(1))
        return worth.float()


class Dropping:
    """The cells that one training step drops, and what the adversary learns from it; without one, chance chooses."""

    def __init__(self, share: float, random: torch.Generator, adversary: Adversary | None) -> None:
        self.share, self.random, self.adversary = share, random, adversary
        self.tried: list[tuple[Tensor, Tensor]] = []  # what the adversary said, and what was kept: (N, G) each

    def thin(self, features: Features, previous: Tensor) -> Features:
        """The features without the chosen cells of some of the clips."""
        clips, _, height, width = features.context.shape
        chance = torch.rand(clips, height * width, generator=self.random).to(previous.device)
        spared = (torch.rand(clips, 1, generator=self.random) < SPARED).to(previous.device)
        worth = chance if self.adversary is None else self.adversary(features, previous)
        keep = without_lowest(worth.detach(), self.share).masked_fill(spared, 1).requires_grad_()
        self.tried.append((worth, keep))
        return drop(features, keep.view(clips, 1, height, width))

    def lesson(self) -> Tensor:
        """The adversary's loss, once the network's own has been sent back: it should have named the cells that hurt
        most, which are those whose presence lowers the loss most.
        """
        errors = []
        for said, keep in self.tried:
            assert keep.grad is not None
            errors.append((said - without_lowest(keep.grad, self.share)).square().mean())
        return torch.stack(errors).mean()


def without_lowest(worth: Tensor, share: float) -> Tensor:
    """(N, G) → 0 at that share of each row's cells, the lowest ones, and 1 elsewhere."""
    count = max(round(share * worth.shape[1]), 1)
    return torch.ones_like(worth).scatter(1, worth.topk(count, largest=False).indices, 0)


def drop(features: Features, keep: Tensor) -> Features:
    """What enters the fusion, times `keep` (N, 1, g, g); what goes past it to the decoder stays."""
    keep8 = F.interpolate(keep, scale_factor=2.0, mode="nearest")
    return features._replace(
        key=features.key * keep8,
        linear=features.linear * keep8,
        context=features.context * keep,
        objectness=features.objectness * keep,
    )
