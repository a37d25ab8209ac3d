"""What the training asks of a mask."""

import torch
from torch import Tensor
from torch.nn import functional as F

THIN = 5  # twice as many pixels of the crop: what is narrower is thin
THIN_WEIGHT = 5.0  # of the cross-entropy there, beside 1 to 4


def mask_loss(logits: Tensor, truth: Tensor) -> Tensor:
    """Of each sample: cross-entropy, weighted up to 4 at the boundary and more at thin parts, plus soft IoU.

    (N, 1, s, s) and (N, 1, S, S) → (N,)
    """
    logits = F.interpolate(logits.float(), truth.shape[-2:], mode="bilinear", align_corners=False)
    near = (blur(truth) - truth).abs()
    weight = 1 + 3 * near + THIN_WEIGHT * thin(truth)
    entropy = F.binary_cross_entropy_with_logits(logits, truth, reduction="none") * weight
    return entropy.mean((1, 2, 3)) + 1 - soft_iou(logits.sigmoid(), truth)


def blur(truth: Tensor) -> Tensor:
    """The mean over 15 x 15 pixels around each, as far as there are any: rows, then columns, which costs a seventh."""
    rows = F.avg_pool2d(truth, (1, 15), 1, (0, 7), count_include_pad=False)
    return F.avg_pool2d(rows, (15, 1), 1, (7, 0), count_include_pad=False)


def thin(truth: Tensor) -> Tensor:
    """1 around narrow parts (ropes, legs) and narrow gaps of the masks (N, 1, S, S), else 0; of the same shape.

    They are what a morphological opening takes away. They hold few pixels, so that a loss by pixels hardly sees them;
    but in F, which counts the outline's, a rope weighs as much as a leg.
    """
    sides = F.max_pool2d(torch.cat((truth, 1 - truth), 1), 2)  # object and background, half as large: a quarter's work
    kept = grow(1 - grow(1 - sides, THIN), THIN)
    return F.interpolate(grow((sides - kept).amax(1, keepdim=True), 3), scale_factor=2.0)


def grow(truth: Tensor, side: int) -> Tensor:
    """The maximum over squares of `side` pixels around each: rows, then columns."""
    rows = F.max_pool2d(truth, (1, side), 1, (0, side // 2))
    return F.max_pool2d(rows, (side, 1), 1, (side // 2, 0))


def shrink(truth: Tensor, like: Tensor) -> Tensor:
    """The truth (N, 1, S, S), averaged to the size of another map (N, C, h, w): (N, 1, h, w)."""
    height, width = like.shape[-2:]
    return F.adaptive_avg_pool2d(truth, (height, width))


def soft_iou(prob: Tensor, truth: Tensor) -> Tensor:
    """(N, 1, S, S) in [0, 1] each → (N,); 1 where both are empty."""
    both = (prob * truth).sum((1, 2, 3))
    either = (prob + truth - prob * truth).sum((1, 2, 3))
    return (both + 10) / (either + 10)


def true_quality(logits: Tensor, truth: Tensor) -> Tensor:
    """What the network's quality output should say: the IoU of its mask, and whether the object is visible. (N, 2)"""
    small = shrink(truth, logits)
    iou = soft_iou((logits.detach() > 0).float(), (small > 0.5).float())
    return torch.stack((iou, (small > 0.5).any(3).any(2)[:, 0].float()), 1)


def quality_loss(quality: Tensor, logits: Tensor, truth: Tensor) -> Tensor:
    """(N, 2), (N, 1, s, s), (N, 1, S, S) → (N,)"""
    return F.binary_cross_entropy_with_logits(quality.float(), true_quality(logits, truth), reduction="none").sum(1)


def map_loss(prob_logits: Tensor, truth: Tensor) -> Tensor:
    """Cross-entropy of a small map of logits (N, 1, g, g) against the truth (N, 1, S, S) averaged to its size. (N,)"""
    small = shrink(truth, prob_logits)
    return F.binary_cross_entropy_with_logits(prob_logits.float(), small, reduction="none").mean((1, 2, 3))
