"""What one place of the fused map depends on, by the gradient: which places of the reference, of the previous mask
and of the current frame change it at all, for each kind of fusion.
"""

from typing import NamedTuple

import cv2
import numpy as np
import torch
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from torch import Tensor
from torch.nn import functional as F

from trackmask.data import Image, box_of
from trackmask.errors import DataError
from trackmask.evaluation.dataset import VOID, Clip
from trackmask.lab.bench import Bench
from trackmask.network.encoder import Features
from trackmask.network.fusion import TemporalFusion
from trackmask.network.memory import join, remember, solve
from trackmask.network.model import TrackNet
from trackmask.runtime import CHECKPOINT, load_network, shipped_folder
from trackmask.tracking import crop as crops

NAME = "receptive"
FUSIONS: dict[str, tuple[str, ...]] = {
    "none (1x1)": (),
    "learned": ("learned",),
    "computed": ("computed",),
    "solved": ("solved",),
    "all three": ("learned", "computed", "solved"),
}
SOURCES = ("reference", "previous mask", "current frame")
LATER = 10  # frames from the reference to the current frame
MOST = 0.9  # of the gradient: how few places carry so much of it
FAINT = 1e-4  # of the largest gradient: anything below is drawn alike


class Pair(NamedTuple):
    """A reference and a current frame as crops, and what the network knows of them, in float64."""

    pictures: tuple[Image, Image]
    masks: tuple[Tensor, Tensor]  # of the reference, and the previous one moved to the current crop: (1, 1, S/2, S/2)
    features: tuple[Features, Features]
    place: tuple[int, int]  # row and column at stride 16: in the middle of the object


def run(bench: Bench) -> None:
    """receptive.json and receptive.png. Raises DataError where no clip is long enough."""
    net = load_network(shipped_folder() / CHECKPOINT).double()
    pair = look(net, long_enough(bench.clips()))
    figures, maps = [], {}
    for name, parts in FUSIONS.items():
        fusion, origin = like(net, parts, bench.seed)
        maps[name] = dependence(fusion, pair, bench.seed)
        figures.append(
            {"fusion": name, "weights": origin} | {source: count(heat) for source, heat in maps[name].items()}
        )
    with bench.figure(NAME, 10, 6.4) as figure:
        draw(figure, pair, maps)
    bench.write(NAME, {"places": (net.config.size // 16) ** 2, "most": MOST, "fusions": figures})


def long_enough(clips: list[Clip]) -> Clip:
    for clip in clips:
        if {0, LATER - 1, LATER} <= set(clip.truths):
            return clip
    raise DataError(f"no clip has truth for its frames 0, {LATER - 1} and {LATER}; give longer ones")


def look(net: TrackNet, clip: Clip) -> Pair:
    """The clip's first frame as the reference, a later one as the current frame, and the mask before that one."""
    size = net.config.size
    pictures, masks = [], []
    images = {frame.index: frame.image for frame in clip.frames() if frame.index in (0, LATER)}
    for shown, masked in ((0, 0), (LATER, LATER - 1)):
        mask = object_mask(clip, masked)
        crop = crops.around(box_of(mask) or (0, 0, *mask.shape[::-1]), mask.shape)
        pictures.append(crops.cut(images[shown], crop, size))
        masks.append(crops.cut(mask, crop, size // 2, 0))
    deep = cv2.distanceTransform(cv2.resize(masks[1], (size // 16,) * 2, interpolation=cv2.INTER_AREA), cv2.DIST_L2, 3)
    row, column = np.unravel_index(int(deep.argmax()), deep.shape)
    with torch.no_grad():
        features = [net.encoder(torch.from_numpy(picture)[None].double()) for picture in pictures]
    soft = [torch.from_numpy(mask).double()[None, None] / 255 for mask in masks]
    return Pair((pictures[0], pictures[1]), (soft[0], soft[1]), (features[0], features[1]), (int(row), int(column)))


def object_mask(clip: Clip, index: int) -> np.ndarray:
    """All objects of a frame, (H, W) uint8: 0 and 255."""
    labels = clip.truth(index)
    mask: np.ndarray = ((labels > 0) & (labels != VOID)).astype(np.uint8) * 255
    return mask


def like(net: TrackNet, parts: tuple[str, ...], seed: int) -> tuple[TemporalFusion, str]:
    """A fusion of these parts, with the network's own weights where it has them all, else with random ones."""
    with torch.random.fork_rng([]):
        torch.manual_seed(seed)
        fusion = TemporalFusion(parts, net.config.size // 16).double()
    own, theirs = fusion.state_dict(), net.fusion.state_dict()
    fits = all(name in theirs and theirs[name].shape == own[name].shape for name in own)
    if fits:
        fusion.load_state_dict({name: theirs[name] for name in own})
    return fusion, ("shipped" if fits else "random") if own else "solved"


def dependence(fusion: TemporalFusion, pair: Pair, seed: int) -> dict[str, np.ndarray]:
    """How much the fused maps at the pair's place depend on each place of each source: (g, g), 0 = not at all."""
    masks = [mask.clone().requires_grad_() for mask in pair.masks]
    reference, current = (Features(*(x.clone().requires_grad_() for x in features)) for features in pair.features)
    memory = join([remember(reference, masks[0])], [])
    weights = solve(memory)
    prompts = torch.zeros(1, 2, *(side // 2 for side in masks[1].shape[-2:]), dtype=torch.float64)
    fused16, fused8, fused4, fused2 = fusion(current, masks[1], prompts, memory.keys, memory.values, weights)
    row, column = pair.place
    # And how many of their places make one of the first's.
    maps = (fused16[0], 1), (fused8[0], 2), (fused4[0], 4), (fused2[0], 8)
    there = torch.cat([m[:, row * n : (row + 1) * n, column * n : (column + 1) * n].flatten() for m, n in maps])
    # Any direction would do; a random one is orthogonal to no dependence that there is.
    direction = torch.randn(len(there), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    inputs = {SOURCES[0]: (*reference, masks[0]), SOURCES[1]: (masks[1],), SOURCES[2]: tuple(current)}
    flat = [x for given in inputs.values() for x in given]
    slopes = dict(zip(map(id, flat), torch.autograd.grad(there @ direction, flat, allow_unused=True), strict=True))
    grid = fused16.shape[-1]
    return {
        source: sum(strength(x, slopes[id(x)], grid) for x in given).numpy()  # type: ignore[union-attr]
        for source, given in inputs.items()
    }


def strength(x: Tensor, slope: Tensor | None, grid: int) -> Tensor:
    """What a change of each place of x (1, C, h, w) by its usual size does, summed over channels and within a place of
    the grid: (grid, grid)."""
    if slope is None:
        return torch.zeros(grid, grid, dtype=torch.float64)
    usual = x.detach().square().mean().sqrt()
    return F.adaptive_avg_pool2d((slope.abs() * usual).sum(1), grid)[0] * (x.shape[-1] / grid) ** 2


def count(heat: np.ndarray) -> dict:
    """How many places matter at all, and the share of all that they are; how few carry most of the gradient."""
    down = np.sort(heat.ravel())[::-1]
    reached = np.cumsum(down) >= MOST * down.sum()
    return {
        "places": int(np.count_nonzero(heat)),
        "share": float(np.count_nonzero(heat) / heat.size),
        "most": int(reached.argmax()) + 1 if down[0] > 0 else 0,
    }


def draw(figure: Figure, pair: Pair, maps: dict[str, dict[str, np.ndarray]]) -> None:
    """A column a fusion, a row a source; coloured is what the marked place depends on."""
    axes = figure.subplots(len(SOURCES), len(maps))
    size = len(pair.pictures[0])
    at = [16 * (place + 0.5) for place in pair.place]
    for column, (name, heats) in enumerate(maps.items()):
        for row, (source, heat) in enumerate(heats.items()):
            one = axes[row, column]
            picture = pair.pictures[0] if source == SOURCES[0] else pair.pictures[1]
            one.imshow(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), "gray", vmin=-120, vmax=320)
            seen = np.ma.masked_equal(heat / max(heat.max(), np.finfo(float).tiny), 0)
            one.imshow(seen.clip(FAINT, 1), "inferno", norm=LogNorm(FAINT, 1), alpha=0.65, extent=(0, size, size, 0))
            one.plot(at[1], at[0], "+", color="cyan", markersize=9, markeredgewidth=1.5)
            one.set(xticks=[], yticks=[], xlabel=f"{np.count_nonzero(heat)} of {heat.size} places")
            if row == 0:
                one.set_title(name)
            if column == 0:
                one.set_ylabel(source)
    figure.suptitle("What the fused maps at the cross depend on (bright: strongly; grey: not at all)")
