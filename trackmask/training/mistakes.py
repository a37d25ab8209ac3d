"""The mistakes that a tracker lives through, made on purpose: its masks lose a part, or win what is not the object."""

import torch
from torch import Tensor


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


def leak(masks: Tensor, truth: Tensor, rivals: Tensor, share: float, random: torch.Generator) -> Tensor:
    """That share of the masks (N, 1, s, s) win a piece of what is known not to be the object, next to where it touches
    the object or is nearest to it: such a leak must shrink from frame to frame, not grow.

    truth and rivals (N, 1, s, s), 0 to 1: where the object and the others are.
    """
    result = masks.clone()
    for i, chance in enumerate(torch.rand(len(masks), generator=random).tolist()):
        if chance < share:
            result[i, 0] = torch.maximum(result[i, 0], piece(truth[i, 0], rivals[i, 0], random))
    return result


def piece(truth: Tensor, rival: Tensor, random: torch.Generator) -> Tensor:
    """What lies of a rival (s, s) around its place that is nearest to some place of the object (s, s)."""
    size = len(rival)
    inside, theirs = (truth > 0.5).nonzero(), (rival > 0.5).nonzero()  # (n, 2): y, x
    some = torch.rand(2, generator=random).tolist()
    if not len(theirs):
        return torch.zeros_like(rival)
    start = inside[int(some[0] * len(inside))] if len(inside) else theirs[int(some[0] * len(theirs))]
    centre = theirs[(theirs - start).square().sum(1).argmin()]
    radius = size * (0.04 + 0.26 * some[1])
    y, x = (torch.arange(size, device=rival.device) - c for c in centre)
    near: Tensor = rival * ((y[:, None].square() + x.square()) < radius**2)
    return near
