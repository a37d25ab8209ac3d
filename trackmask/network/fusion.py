"""TemporalFusion: how the mask of a reference frame reaches the current frame. The project's question lives here.

A fully connected layer connects every place of one map with every place of another. Where do its weights come from?

- `Computed`: from the content. An affinity softmax(tau q k + position) is a fully connected layer from the memory's
  places to the current ones whose weights are made anew for each frame (Vaswani et al. 2017; as the memory read of
  STM, Oh et al. 2019).
- `Solved`: from the object. A linear layer from features to the mask, fitted in closed form to the memory frames: at
  stride 8, where features know what they see, at stride 2, where they know little but exactly where, and between: the
  online-trained classifier of MDNet and VITAL (Song et al. 2018) without its gradient descent; ridge regression
  as in R2D2 (Bertinetto et al. 2019).
- `Learned`: from the training. Dense layers over the places of the canonical crop, through a bottleneck (low rank).
- `Pairwise`: none of it. A 1x1 convolution over the pair at each place: no place sees another. The control.
- `Full`: from the training, without the bottleneck: the same pair as `Pairwise`, every channel of every place connected
  with every other. It shows what the question's "too many weights" means, and is in no network for use.

h = w = S/8 and g = S/16 below; a memory holds M frames of G = g * g cells.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .constants import CELLS, CONTEXT, FINE, LINEAR, LINEAR4, POSITION, VALUE
from .encoder import Features
from .memory import exact, places, whole

PARTS = ("learned", "computed", "solved")  # of the network for use
CHOICES = (*PARTS, "full")
MIXED = 32  # channels of what is made of a pair


class Computed(nn.Module):
    """features, memory → readout (N, VALUE, h, w) and likeness to object and background (N, 2, h, w).

    The likeness is tau's soft maximum of the cells' similarity, place by place: 1 for one cell that is the same, more
    where there are many, FAR where there is none.
    """

    FAR, LEAST = -3.0, 1e-30  # cells that are together connected less than that are none

    def __init__(self, grid: int) -> None:
        super().__init__()
        self.sharpness = nn.Parameter(torch.tensor(2.5))  # tau = exp of it
        self.query_place = nn.Parameter(torch.randn(4 * grid * grid, POSITION) * 0.1)
        self.memory_place = nn.Parameter(torch.randn(grid * grid, POSITION) * 0.1)
        # One more cell that is always there: what to read where nothing fits, or where there is no reference at all.
        self.nothing = nn.Parameter(torch.zeros(VALUE))
        self.nothing_score = nn.Parameter(torch.zeros(1))

    def forward(self, features: Features, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        size, tau = features.key.shape[-2:], self.sharpness.exp()
        cells = values.flatten(1, 2)  # (N, M G, VALUE)
        inside = cells[..., :CELLS].mean(-1, keepdim=True)
        always = torch.cat((self.nothing, self.nothing.new_tensor((0.0, 0.0, 1.0))))  # neither, and yet it counts
        read = torch.cat((cells, inside, 1 - inside, torch.ones_like(inside)), 2)
        read = torch.cat((read, always.to(read.dtype).expand(values.shape[0], 1, -1)), 1)
        strengths = self.connect(features, keys)
        # What is read, what of it is object and background, and the sum that a softmax divides by, all in one product.
        sums = whole(strengths @ read.to(strengths.dtype)).transpose(1, 2)
        readout, parts, total = sums[:, :VALUE], sums[:, VALUE:-1], sums[:, -1:]
        likeness = 1 + torch.log(parts.clamp_min(self.LEAST)) / tau
        likeness = likeness.masked_fill(parts <= self.LEAST, self.FAR)
        return torch.unflatten(readout / total, 2, size), torch.unflatten(likeness, 2, size)

    def connect(self, features: Features, keys: Tensor) -> Tensor:
        """How strongly each current place is connected with each of the memory's cells and the one that is always
        there: exp(tau (similarity - 1) + place), (N, h w, M G + 1). What is read is the mean of the cells, weighted so.
        """
        n, frames, cells, channels = keys.shape
        # The cell that is always there joins the memory's cells: like nothing.
        key = F.pad(keys.reshape(n, frames * cells, channels), (0, 0, 0, 1))  # (N, M G + 1, KEY)
        query = self.sharpness.exp() * places(features.key)
        # The learned part as more channels of the same product: a sum of two maps of this size would cost as much.
        here, there = (x.expand(n, -1, -1).to(query.dtype) for x in self.place(frames))
        return (torch.cat((query, here), 2) @ torch.cat((key.to(query.dtype), there), 2).transpose(1, 2)).exp()

    def place(self, frames: int) -> tuple[Tensor, Tensor]:
        """The learned part of the affinity, place to place, the same for each of the M frames, as a product: of the
        current places' channels (h w, POSITION + 1) and the cells' (M G + 1, POSITION + 1). The last channel holds the
        score of the cell that is always there, and -tau, so that no exponential overflows.
        """
        always = F.pad(self.nothing_score[None], (POSITION, 0))
        cells = torch.cat((F.pad(self.memory_place.repeat(frames, 1), (0, 1)), always))
        return F.pad(self.query_place, (0, 1), value=1.0), cells - F.pad(self.sharpness.exp()[None], (POSITION, 0))


class Solved(nn.Module):
    """features, weights (N, WEIGHTS) → scores (N, 1, h, w), (N, 1, S/4, S/4) and (N, 1, S/2, S/2): -1 is background,
    1 is object.
    """

    def forward(self, features: Features, weights: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        coarse, middle, fine = apart(weights)
        return apply(features.linear, coarse), apply(features.linear4, middle), apply(features.skip2, fine)


def apart(weights: Tensor) -> tuple[Tensor, ...]:
    """(N, WEIGHTS) → the solved layer's at strides 8, 4 and 2: (N, LINEAR + 1), (N, LINEAR4 + 1) and (N, FINE + 1)"""
    return torch.split(weights, [LINEAR + 1, LINEAR4 + 1, FINE + 1], 1)


@exact
def apply(look: Tensor, weights: Tensor) -> Tensor:
    """A linear layer with a bias of each sample's own: (N, C, h, w), (N, C + 1) → (N, 1, h, w)"""
    score = weights[:, None, :-1] @ look.flatten(2) + weights[:, None, -1:]
    return torch.unflatten(score, 2, look.shape[-2:])


class Learned(nn.Module):
    """Maps (N, C, g, g) → one map (N, 1, g, g) in which every place has seen every place of every map."""

    def __init__(self, maps: int, grid: int, rank: int = 256) -> None:
        super().__init__()
        self.squeeze = nn.Linear(maps * grid * grid, rank)
        self.spread = nn.Linear(rank, grid * grid)

    def forward(self, maps: Tensor) -> Tensor:
        spread: Tensor = self.spread(F.relu(self.squeeze(maps.flatten(1))))
        return spread.view(-1, 1, *maps.shape[-2:])


class Pairwise(nn.Module):
    """The control: 1x1 convolution over the pair (first memory frame, current frame) → (N, MIXED, g, g)."""

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Conv2d(VALUE + CONTEXT, MIXED, 1)

    def forward(self, features: Features, values: Tensor) -> Tensor:
        return F.relu(self.mix(pair(features, values)))


class Full(nn.Module):
    """What `Pairwise` does, by a layer without limits: every place sees every place, at G * G times the weights."""

    def __init__(self, grid: int) -> None:
        super().__init__()
        self.mix = nn.Linear((VALUE + CONTEXT) * grid * grid, MIXED * grid * grid)

    def forward(self, features: Features, values: Tensor) -> Tensor:
        both = pair(features, values)
        return torch.unflatten(F.relu(self.mix(both.flatten(1))), 1, (MIXED, *both.shape[-2:]))


def pair(features: Features, values: Tensor) -> Tensor:
    """What the first memory frame says, beside what the current frame says: (N, VALUE + CONTEXT, g, g)."""
    # Padded by one empty frame, so that the pair exists without a reference, too.
    first = F.pad(values, (0, 0, 0, 0, 0, 1))[:, 0].transpose(1, 2)
    first = torch.unflatten(first, 2, features.context.shape[-2:])
    return torch.cat((first, features.context), 1)


class TemporalFusion(nn.Module):
    """The fully connected layers between encoder and decoder.

    `parts` says which are there: any of CHOICES; none of them = pairwise alone.
    The result is four maps: (N, channels16, g, g), (N, channels8, h, w), (N, channels4, S/4, S/4) and
    (N, channels2, S/2, S/2).
    """

    def __init__(self, parts: tuple[str, ...], grid: int) -> None:
        super().__init__()
        self.computed = Computed(grid) if "computed" in parts else None
        self.solved = Solved() if "solved" in parts else None
        self.pairwise = None if parts else Pairwise()
        self.full = Full(grid) if "full" in parts else None
        maps = 2 + ("computed" in parts) + ("solved" in parts)
        self.learned = Learned(maps, grid) if "learned" in parts else None
        # previous mask, prompts, objectness; then what each part adds
        self.channels8 = 3 + (CELLS + 2 if self.computed else 0) + (3 if self.solved else 0)
        self.channels16 = 4 + (VALUE + 2 if self.computed else 0) + (1 if self.solved else 0)
        self.channels4, self.channels2 = (5, 1) if self.solved else (0, 0)
        self.channels16 += (1 if self.learned else 0) + MIXED * ((self.pairwise is not None) + (self.full is not None))

    def forward(
        self, features: Features, previous: Tensor, prompts: Tensor, keys: Tensor, values: Tensor, weights: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        previous8, prompts8 = F.avg_pool2d(previous, 4), F.avg_pool2d(prompts, 2)
        objectness = features.objectness.sigmoid()
        at8, at16 = [previous8, prompts8], [F.avg_pool2d(previous8, 2), F.avg_pool2d(prompts8, 2), objectness]
        seen = [at16[0], objectness]
        if self.computed is not None:
            readout, likeness = self.computed(features, keys, values)
            at8 += [readout[:, :CELLS], likeness]
            at16 += [F.avg_pool2d(torch.cat((readout, likeness), 1), 2)]
            seen += [at16[-1][:, :CELLS].mean(1, keepdim=True)]
        at4, at2 = prompts[:, :0], previous[:, :0]
        if self.solved is not None:
            score, score4, at2 = self.solved(features, weights)
            at4 = torch.cat((score4, F.pixel_unshuffle(at2, 2)), 1)  # four places as four channels: no detail is lost
            at8 += [score, F.avg_pool2d(score4, 2), F.avg_pool2d(at2, 4)]
            at16 += [F.avg_pool2d(score, 2)]
            seen += [at16[-1]]
        if self.learned is not None:
            at16 += [self.learned(torch.cat(seen, 1))]
        if self.pairwise is not None:
            at16 += [self.pairwise(features, values)]
        if self.full is not None:
            at16 += [self.full(features, values)]
        return torch.cat(at16, 1), torch.cat(at8, 1), at4, at2
