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
from trackmask.tracking.prompt_maps import blobs
from trackmask.training.adversary import Dropping
from trackmask.training.clicks import next_click
from trackmask.training.losses import map_loss, mask_loss, quality_loss, shrink, soft_iou
from trackmask.training.mistakes import disturb, leak, misremember
from trackmask.training.samples import Batch

RECENT = 3  # of its own predictions in memory, beside the reference, at most
TOLD_TWICE = 0.2  # of the steps know the mask of the last frame as well, as after a correction
LEAKS, LEAKS_KEPT = 0.4, 0.3  # of the last masks and of the remembered ones hold a piece of a rival, where one is known
MORE_CLICKS = (0.5, 0.68, 0.86, 1.0)  # share of the steps with at most 0 to 3 more clicks, each on the last error


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
        prompts = batch.prompts
        for _ in range(further_clicks(random)):
            prompts = click_again(net, features[0], prompts, truth[:, 0])
        loss, found = start(net, features[0], prompts, truth[:, 0])
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
    small_truth, rivals = (halve(x) for x in (truths, batch.rivals.unsqueeze(2).float()))
    references = [remember(features[0], first)]
    most = int(torch.randint(1, RECENT + 1, (1,), generator=random))
    tracked = range(1, len(features))
    if len(features) > 3 and float(torch.rand(1, generator=random)) < TOLD_TWICE:
        references.append(remember(features[-1], truths[:, -1]))
        tracked = range(1, len(features) - 1)
    recent: list[Memory] = []
    previous = F.adaptive_avg_pool2d(first, half)
    ious = []
    loss = first.new_zeros(len(first))
    for t in tracked:
        truth = truths[:, t]
        previous = leak(previous, small_truth[:, t - 1], rivals[:, t - 1], LEAKS, random)
        previous = disturb(carry(previous, batch.shifts[:, t]), random)
        memory = join(references, recent)
        weights = solve(memory)
        nobody = torch.zeros_like(batch.prompts)
        seen = features[t] if dropping is None else dropping.thin(features[t], previous)
        logits, quality = net(seen, previous, nobody, memory.keys, memory.values, weights)
        loss = loss + mask_loss(logits, truth) + 0.1 * quality_loss(quality, logits, truth)
        loss = loss + 0.1 * solved_loss(features[t], weights, truth) + 0.1 * objectness[:, t]
        previous = logits.detach().float().sigmoid()
        small = small_truth[:, t]
        ious.append(soft_iou((previous > 0.5).float(), (small > 0.5).float()))
        told = torch.rand(len(first), generator=random).to(first.device) < teacher
        previous = torch.where(told[:, None, None, None], small, previous)
        kept = leak(misremember(previous, random), small, rivals[:, t], LEAKS_KEPT, random)
        recent = [*recent, remember(features[t], kept)][-most:]
    return loss, torch.stack(ious).mean()


def halve(maps: Tensor) -> Tensor:
    """(B, T, 1, S, S) → (B, T, 1, S/2, S/2)"""
    return torch.unflatten(F.avg_pool2d(maps.flatten(0, 1), 2), 0, maps.shape[:2])


def further_clicks(random: torch.Generator) -> int:
    """How many more clicks this step's first frames get."""
    chance = float(torch.rand(1, generator=random))
    return next(count for count, share in enumerate(MORE_CLICKS) if chance <= share)


@torch.no_grad()
def click_again(net: TrackNet, features: Features, prompts: Tensor, truth: Tensor) -> Tensor:
    """The prompts (N, 2, S/4, S/4) and one click more for each, in the largest error of what they give now."""
    half = (truth.shape[-1] // 2,) * 2
    logits, _ = net(features, truth.new_zeros(len(truth), 1, *half), prompts, *empty_memory(features))
    found = (logits[:, 0] > 0).cpu().numpy()
    right = (F.adaptive_avg_pool2d(truth, half)[:, 0] > 0.5).cpu().numpy()
    result = prompts.clone()
    for i, (mask, object_) in enumerate(zip(found, right, strict=True)):
        click = next_click(mask, object_)
        if click is not None:
            bell = blobs([(2 * click.x + 1, 2 * click.y + 1)], prompts.shape[-1])
            channel = result[i, 0 if click.positive else 1]
            torch.maximum(channel, torch.from_numpy(bell).to(channel.device), out=channel)
    return result


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
