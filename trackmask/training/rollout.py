"""One training step's forward pass: the tracker lives through a clip on its own predictions."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from ..network.encoder import Features
from ..network.fusion import join, remember, solve
from ..network.model import TrackNet
from .losses import map_loss, mask_loss, quality_loss, soft_iou
from .samples import Batch

RECENT = 2  # of its own predictions in memory, beside the reference


@dataclass(frozen=True)
class Outcome:
    """Means over the batch; `iou` of the tracked frames without the loss's weights."""

    loss: Tensor
    iou: float
    iou_prompted: float  # the first frame, without a reference


def rollout(
    net: TrackNet, batch: Batch, random: torch.Generator, *, frozen: bool, dtype: torch.dtype, teacher: float
) -> Outcome:
    """`frozen`: the backbone learns nothing. `dtype`: of the convolutions. `teacher`: how often the true mask stands
    in for the tracker's own last one.
    """
    clips, frames = batch.images.shape[:2]
    device = batch.images.device
    truth = batch.masks.unsqueeze(2).float()  # (B, T, 1, S, S)
    with torch.autocast(device.type, dtype, enabled=dtype != torch.float32):
        with torch.set_grad_enabled(not frozen):
            pyramid = net.encoder.backbone(batch.images.flatten(0, 1))
        every = net.encoder.project(pyramid)
        objectness = map_loss(every.objectness, truth.flatten(0, 1)).unflatten(0, (clips, frames))
        features = [Features(*(x.unflatten(0, (clips, frames))[:, t] for x in every)) for t in range(frames)]

        # The first frame, from a prompt alone.
        half = (batch.images.shape[2] // 2,) * 2
        nothing = truth.new_zeros(clips, 1, *half)
        blank = empty_memory(features[0])
        logits, quality = net(features[0], nothing, batch.prompts, *blank)
        loss = mask_loss(logits, truth[:, 0]) + 0.1 * quality_loss(quality, logits, truth[:, 0])
        loss = 0.7 * loss + 0.2 * objectness[:, :1].mean(1)
        found = F.interpolate(logits.detach().float(), truth.shape[-2:], mode="bilinear").sigmoid()
        prompted_iou = soft_iou((found > 0.5).float(), truth[:, 0])

        # It becomes the reference: mostly the true mask, now and then the mask that the prompt gave.
        own = (prompted_iou > 0.6) & (torch.rand(clips, generator=random).to(device) < 0.2)
        first = torch.where(own[:, None, None, None], found, truth[:, 0])
        reference, recent = remember(features[0], first), []
        previous = F.adaptive_avg_pool2d(first, half)

        ious = []
        tracked = loss.new_zeros(clips)
        for t in range(1, frames):
            previous = disturb(carry(previous, batch.shifts[:, t]), random)
            memory = join([reference], recent)
            weights = solve(memory.gram, memory.target)
            logits, quality = net(features[t], previous, torch.zeros_like(batch.prompts), memory.keys, memory.values, weights)
            tracked = tracked + mask_loss(logits, truth[:, t]) + 0.1 * quality_loss(quality, logits, truth[:, t])
            tracked = tracked + 0.1 * solved_loss(features[t], weights, truth[:, t]) + 0.1 * objectness[:, t]
            previous = logits.detach().float().sigmoid()
            small = F.adaptive_avg_pool2d(truth[:, t], half)
            ious.append(soft_iou((previous > 0.5).float(), (small > 0.5).float()))
            told = torch.rand(clips, generator=random).to(device) < teacher
            previous = torch.where(told[:, None, None, None], small, previous)
            recent = [*recent, remember(features[t], previous)][-RECENT:]
        loss = (loss + tracked).mean() / frames
    return Outcome(loss, float(torch.stack(ious).mean()), float(prompted_iou.mean()))


def empty_memory(features: Features) -> tuple[Tensor, Tensor, Tensor]:
    """keys, values and weights of no reference at all"""
    n, channels, side, _ = features.memory_key.shape
    like = features.memory_key
    memory = remember(Features(*(x[:1].detach() for x in features)), like.new_zeros(1, 1, 2 * side, 2 * side))
    keys, values = (x.new_zeros(n, 0, *x.shape[2:]) for x in memory[:2])
    return keys, values, memory.target.new_zeros(n, memory.target.shape[1])


def solved_loss(features: Features, weights: Tensor, truth: Tensor) -> Tensor:
    """Squared error of the solved layer's score at each place, object and background equally; targets -1 and 1. (N,)"""
    score = (features.linear.float() * weights[:, :-1, None, None]).sum(1, keepdim=True) + weights[:, -1, None, None, None]
    small = F.adaptive_avg_pool2d(truth, score.shape[-2:])
    error = (score.clamp(-3, 3) - (2 * small - 1)).square()
    inside, outside = ((error * w).sum((1, 2, 3)) / (w.sum((1, 2, 3)) + 1) for w in (small, 1 - small))
    return (inside + outside) / 2


def carry(prob: Tensor, shifts: Tensor) -> Tensor:
    """The last mask (N, 1, s, s), moved from its crop to the next one by crop.shift's numbers (N, 3)."""
    scale, x, y = shifts.unbind(1)
    zero = torch.zeros_like(scale)
    matrix = torch.stack((scale, zero, x, zero, scale, y), 1).view(-1, 2, 3)
    grid = F.affine_grid(matrix, list(prob.shape), align_corners=False)
    return F.grid_sample(prob.float(), grid, mode="bilinear", padding_mode="zeros", align_corners=False)


def disturb(previous: Tensor, random: torch.Generator) -> Tensor:
    """Half of the masks lose or win parts: whoever trusts its last mask blindly never finds again what it lost."""
    n, _, size, _ = previous.shape
    keep = torch.ones(n, 1, size, size)
    add = torch.zeros(n, 1, size, size)
    result = previous.clone()
    for i, chance in enumerate(torch.rand(n, generator=random).tolist()):
        if chance < 0.10:
            keep[i] = 0
        elif chance < 0.25:
            half = int(torch.randint(size // 4, 3 * size // 4, (1,), generator=random))
            side = int(torch.randint(4, (1,), generator=random))
            rows, columns = [(slice(half), slice(None)), (slice(half, None), slice(None)), (slice(None), slice(half)),
                             (slice(None), slice(half, None))][side]  # fmt: skip
            keep[i, 0, rows, columns] = 0
        elif chance < 0.42:
            for _ in range(int(torch.randint(1, 4, (1,), generator=random))):
                y, x = torch.randint(size // 8, 7 * size // 8, (2,), generator=random).tolist()
                h, w = torch.randint(size // 16, size // 4, (2,), generator=random).tolist()
                target = keep if torch.rand(1, generator=random) < 0.6 else add
                target[i, 0, y : y + h, x : x + w] = 0 if target is keep else 1
        elif chance < 0.50:
            dy, dx = torch.randint(-size // 12, size // 12 + 1, (2,), generator=random).tolist()
            result[i] = previous[i].roll((dy, dx), (1, 2))
    return torch.maximum(result * keep.to(previous.device), add.to(previous.device))

