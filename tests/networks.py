"""Small networks with random weights, and data sets, for the tests."""

from pathlib import Path

import cv2
import numpy as np
import torch
from torch import nn

from trackmask.network.backbone import BLOCKS
from trackmask.network.memory import join, remember, solve
from trackmask.network.model import NetworkConfig, TrackNet

torch.set_num_threads(1)  # small tensors: more threads only wait for each other, and sums keep their order

SIZE = 64  # of the small networks' crops, pixels


def random_net(fusion=NetworkConfig.fusion, seed=0, size=SIZE):
    """A TrackNet whose signals neither die out nor explode on their way, unlike those of torch's own random weights."""
    torch.manual_seed(seed)
    net = TrackNet(NetworkConfig(size, fusion))
    for layer in net.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(layer.weight)
            nn.init.normal_(layer.bias, std=0.1)
    return net.eval()


def random_crops(count, seed=0, size=SIZE):
    """(count, size, size, 3) uint8 with structure: coarse blocks and some noise."""
    rng = np.random.default_rng(seed)
    blocks = rng.integers(0, 256, (count, 8, 8, 3)).repeat(size // 8, 1).repeat(size // 8, 2)
    return np.clip(blocks + rng.normal(0, 10, blocks.shape), 0, 255).astype(np.uint8)


def half_masks(count, side):
    """(count, 1, side, side) float32: the left half, the top half, and so on in turn."""
    masks = torch.zeros(count, 1, side, side)
    for i in range(count):
        (masks[i, 0, :, : side // 2] if i % 2 == 0 else masks[i, 0, : side // 2]).fill_(1)
    return masks


def given(net, features, frames, masks=None):
    """What `net` needs beside the features: previous mask, prompts, and a memory of that many frames of these crops."""
    count, half, quarter = len(features.key), net.config.size // 2, net.config.size // 4
    masks = half_masks(count, half) if masks is None else masks
    memory = join([remember(features, masks)] * max(frames, 1), [])
    weights = solve(memory)
    if not frames:
        memory, weights = memory._replace(keys=memory.keys[:, :0], values=memory.values[:, :0]), 0 * weights
    return masks, torch.zeros(count, 2, quarter, quarter), memory.keys, memory.values, weights


def published_weights():
    """Weights for the published EfficientNet-Lite0 by its names, made up: golden values must not need a download."""
    rng = np.random.default_rng(7)
    state = {}

    def conv(name, outputs, inputs, kernel):
        spread = (6 / (inputs * kernel * kernel)) ** 0.5
        state[f"{name}.weight"] = spread * (2 * rng.random((outputs, inputs, kernel, kernel)) - 1)

    def norm(name, channels):
        state[f"{name}.weight"] = 0.8 + 0.4 * rng.random(channels)
        state[f"{name}.bias"] = 0.4 * rng.random(channels) - 0.1
        state[f"{name}.running_mean"] = 0.2 * rng.random(channels) - 0.1
        state[f"{name}.running_var"] = 0.5 + rng.random(channels)

    conv("_conv_stem", 32, 3, 3)
    norm("_bn0", 32)
    for index, (kernel, _, expansion, inputs, outputs) in enumerate(BLOCKS):
        block, hidden = f"_blocks.{index}", inputs * expansion
        if expansion > 1:
            conv(f"{block}._expand_conv", hidden, inputs, 1)
            norm(f"{block}._bn0", hidden)
        conv(f"{block}._depthwise_conv", hidden, 1, kernel)
        norm(f"{block}._bn1", hidden)
        conv(f"{block}._project_conv", outputs, hidden, 1)
        norm(f"{block}._bn2", outputs)
    return {name: torch.from_numpy(value).float() for name, value in state.items()}


def write_data(folder: Path):
    """A tiny data set: 6 pictures with masks in `stills`, 2 clips of 6 frames in `clips`, in DAVIS's layout."""
    rng = np.random.default_rng(0)
    stills, clips = folder / "stills", folder / "clips"
    stills.mkdir(parents=True)
    for number in range(6):
        image, mask = _scene(rng, (96, 128), 30 + 10 * number)
        cv2.imwrite(str(stills / f"{number}.jpg"), image)
        cv2.imwrite(str(stills / f"{number}.png"), mask)
    for clip in ("disc", "ball"):
        for part in ("JPEGImages", "Annotations"):
            (clips / part / clip).mkdir(parents=True)
        for frame in range(6):
            image, mask = _scene(np.random.default_rng(len(clip)), (96, 128), 40 + 6 * frame)
            cv2.imwrite(str(clips / "JPEGImages" / clip / f"{frame:05d}.jpg"), image)
            cv2.imwrite(str(clips / "Annotations" / clip / f"{frame:05d}.png"), mask)
    return stills, clips


def _scene(rng, size, x):
    """A bright disc at column x on a textured ground."""
    image = cv2.resize(rng.integers(0, 120, (6, 8, 3)).astype(np.uint8), size[::-1])
    mask = np.zeros(size, np.uint8)
    cv2.circle(mask, (x, size[0] // 2), 20, 255, -1)
    image[mask > 0] = rng.integers(150, 255, 3)
    return image, mask
