"""One training step's forward pass: the tracker lives through a clip on its own predictions."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from trackmask.network.encoder import Features
from trackmask.network.fusion import apart, apply
from trackmask.network.memory import Memory, join, remember, solve
from trackmask.network.model import TrackNet
from trackmask.runtime import given_shapes
from trackmask.training.adversary import Dropping
from trackmask.training.losses import map_loss, mask_loss, quality_loss, shrink, soft_iou
from trackmask.training.samples import Batch

RECENT = 2  # of its own predictions in memory, beside the reference


@dataclass(frozen=True)
class Outcome:
    """Means over the batch; `iou` of the tracked frames without the loss's weights."""

    loss: Tensor
    iou: float
    iou_prompted: float  # the first frame, without a reference


def rollout(
    net: TrackNet,
    batch: Batch,
    random: torch.Generator,
    *,
    dtype: torch.dtype,
    teacher: float,
    dropping: Dropping | None = None,
) -> Outcome:
    """`dtype`: of the convolutions. `teacher`: how often the true mask stands in for the tracker's own last one."""
    clips, frames = batch.images.shape[:2]
    truth = batch.masks.unsqueeze(2).float()  # (B, T, 1, S, S)
    with torch.autocast(batch.images.device.type, dtype, enabled=dtype != torch.float32):
        every = net.encoder(batch.images.flatten(0, 1))
        objectness = torch.unflatten(map_loss(every.objectness, truth.flatten(0, 1)), 0, (clips, frames))
        features = [Features(*(torch.unflatten(x, 0, (clips, frames))[:, t] for x in every)) for t in range(frames)]
        loss, found = start(net, features[0], batch.prompts, truth[:, 0])
        loss = loss + 0.2 * objectness[:, 0]
        prompted_iou = soft_iou((found > 0.5).float(), truth[:, 0])
        # What a prompt gave becomes the reference now and then, where it is good; mostly it is the true mask.
        own = (prompted_iou > 0.6) & (torch.rand(clips, generator=random).to(found.device) < 0.2)
        first = torch.where(own[:, None, None, None], found, truth[:, 0])
        tracked, iou = follow(net, batch, features, truth, first, objectness, random, teacher, dropping)
        loss = (loss + tracked).mean() / frames
    return Outcome(loss, float(iou), float(prompted_iou.mean()))


def start(net: TrackNet, features: Features, prompts: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
    """The first frame, from a prompt alone: the loss (B,), and the probability that was found, (B, 1, S, S)."""
    half = (truth.shape[-1] // 2,) * 2
    logits, quality = net(features, truth.new_zeros(len(truth), 1, *half), prompts, *empty_memory(features))
    loss = mask_loss(logits, truth) + 0.1 * quality_loss(quality, logits, truth)
    found = F.interpolate(logits.detach().float(), truth.shape[-2:], mode="bilinear").sigmoid()
    return loss, found


def follow(
    net: TrackNet,
    batch: Batch,
    features: list[Features],
    truths: Tensor,
    first: Tensor,
    objectness: Tensor,
    random: torch.Generator,
    teacher: float,
    dropping: Dropping | None,
) -> tuple[Tensor, Tensor]:
    """The frames after the first, whose mask `first` (B, 1, S, S) is the reference: the loss (B,) and the mean IoU.

    truths (B, T, 1, S, S), objectness (B, T): its loss.
    """
    half = (first.shape[-1] // 2,) * 2
    reference = remember(features[0], first)
    recent: list[Memory] = []
    previous = F.adaptive_avg_pool2d(first, half)
    ious = []
    loss = first.new_zeros(len(first))
    for t in range(1, len(features)):
        truth = truths[:, t]
        previous = disturb(carry(previous, batch.shifts[:, t]), random)
        memory = join([reference], recent)
        weights = solve(memory)
        nobody = torch.zeros_like(batch.prompts)
        seen = features[t] if dropping is None else dropping.thin(features[t], previous)
        logits, quality = net(seen, previous, nobody, memory.keys, memory.values, weights)
        loss = loss + mask_loss(logits, truth) + 0.1 * quality_loss(quality, logits, truth)
        loss = loss + 0.1 * solved_loss(features[t], weights, truth) + 0.1 * objectness[:, t]
        previous = logits.detach().float().sigmoid()
        small = F.adaptive_avg_pool2d(truth, half)
        ious.append(soft_iou((previous > 0.5).float(), (small > 0.5).float()))
        told = torch.rand(len(first), generator=random).to(first.device) < teacher
        previous = torch.where(told[:, None, None, None], small, previous)
        recent = [*recent, remember(features[t], misremember(previous, random))][-RECENT:]
    return loss, torch.stack(ious).mean()


def empty_memory(features: Features) -> tuple[Tensor, Tensor, Tensor]:
    """Keys, values and weights of no reference at all."""
    like = features.memory_key
    _, _, *shapes = given_shapes(16 * like.shape[-1], 0)
    keys, values, weights = (like.new_zeros(len(like), *shape, dtype=torch.float32) for shape in shapes)
    return keys, values, weights


def solved_loss(features: Features, weights: Tensor, truth: Tensor) -> Tensor:
    """Squared error of the solved layer's scores at strides 8 and 4 against -1 and 1. (N,)"""
    coarse, middle, _ = apart(weights)
    return score_loss(apply(features.linear, coarse), truth) + score_loss(apply(features.linear4, middle), truth)


def score_loss(score: Tensor, truth: Tensor) -> Tensor:
    """Both sides weighted equally: (N, 1, h, w), (N, 1, S, S) → (N,)"""
    small = shrink(truth, score)
    error = (score.clamp(-3, 3) - (2 * small - 1)).square()
    inside, outside = ((error * w).sum((1, 2, 3)) / (w.sum((1, 2, 3)) + 1) for w in (small, 1 - small))
    return (inside + outside) / 2


def carry(prob: Tensor, shifts: Tensor) -> Tensor:
    """The last mask (N, 1, s, s), moved from its crop to the next one by crop.shift's numbers (N, 4)."""
    width, height, x, y = shifts.unbind(1)
    zero = torch.zeros_like(x)
    matrix = torch.stack((width, zero, x, zero, height, y), 1).view(-1, 2, 3)
    grid = F.affine_grid(matrix, list(prob.shape), align_corners=False)
    return F.grid_sample(prob.float(), grid, mode="bilinear", padding_mode="zeros", align_corners=False)


def disturb(previous: Tensor, random: torch.Generator) -> Tensor:
    """Half of the masks (N, 1, s, s) lose or win parts: whoever trusts its last mask blindly never finds again what
    it lost. The random numbers come from the processor, so that every device sees the same ones.
    """
    result = previous.clone()
    for i, chance in enumerate(torch.rand(len(previous), generator=random).tolist()):
        if chance < 0.10:
            result[i] = 0
        elif chance < 0.25:
            cut_off(result[i, 0], random)
        elif chance < 0.42:
            add_and_erase(result[i, 0], random)
        elif chance < 0.50:
            size = previous.shape[-1]
            dy, dx = torch.randint(-size // 12, size // 12 + 1, (2,), generator=random).tolist()
            result[i] = previous[i].roll((dy, dx), (1, 2))
    return result


def misremember(masks: Tensor, random: torch.Generator) -> Tensor:
    """A quarter of the masks (N, 1, s, s) that go into the memory lack a part or hold something else, as after many
    frames: a clip of training is too short for such errors to come by themselves, and the reference must outvote them.
    """
    result = masks.clone()
    for i, chance in enumerate(torch.rand(len(masks), generator=random).tolist()):
        if chance < 0.08:
            cut_off(result[i, 0], random)
        elif chance < 0.25:
            add_and_erase(result[i, 0], random)
    return result


def cut_off(mask: Tensor, random: torch.Generator) -> None:
    """Empty one side of a mask (s, s)."""
    size = len(mask)
    half = int(torch.randint(size // 4, 3 * size // 4, (1,), generator=random))
    side = int(torch.randint(4, (1,), generator=random))
    (mask[:half], mask[half:], mask[:, :half], mask[:, half:])[side].zero_()


def add_and_erase(mask: Tensor, random: torch.Generator) -> None:
    """Up to three blocks of a mask (s, s) become background or object; where they overlap, object."""
    size = len(mask)
    added = torch.zeros_like(mask, dtype=torch.bool)
    for _ in range(int(torch.randint(1, 4, (1,), generator=random))):
        y, x = torch.randint(size // 8, 7 * size // 8, (2,), generator=random).tolist()
        h, w = torch.randint(size // 16, size // 4, (2,), generator=random).tolist()
        erase = torch.rand(1, generator=random) < 0.6
        (mask if erase else added)[y : y + h, x : x + w] = 0 if erase else 1
    mask[added] = 1
