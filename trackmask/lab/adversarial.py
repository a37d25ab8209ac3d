"""VITAL's idea on this network: trained while an adversary hides the cells that it relies on, beside hiding as many by
chance, and none.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from trackmask.data import box_of
from trackmask.evaluation.dataset import Clip
from trackmask.lab.ablation import NAME as ABLATION
from trackmask.lab.bench import Bench
from trackmask.lab.trial import SIZE, Row, Trial, Trials
from trackmask.network.fusion import PARTS
from trackmask.network.model import NetworkConfig, TrackNet
from trackmask.tracking import crop as crops
from trackmask.training.adversary import SHARE, Adversary, without_lowest
from trackmask.training.state import read_state

NAME = "adversarial"
EARLY = 0.1  # of the training: when the first look at the adversary's masks is taken
CLIPS = 6  # that the picture shows
_DARK = 0.25  # of the light: what is left of a hidden cell in the picture


def run(bench: Bench) -> None:
    """adversarial.json and a picture of the hidden cells. Raises what training and measuring raise."""
    trials = Trials(bench, NAME)
    against = Trial(PARTS, bench.seed, SHARE, adversarial=True)
    masks = looks(trials, against)
    rows = {
        "nothing": whole(bench, trials),
        "by chance": trials.row(Trial(PARTS, bench.seed, SHARE)),
        "by the adversary": trials.row(against),
    }
    found = {"kinds": rows, "share": SHARE, "size": SIZE, "steps": trials.steps}
    draw(bench, trials.clips, masks)
    bench.write(NAME, found | {"on_object": on_object(trials.clips, masks)})


def whole(bench: Bench, trials: Trials) -> Row:
    """The run without hiding: the ablation's, where that had the same seed and budget."""
    if bench.has(ABLATION):
        for row in bench.read(ABLATION)["kinds"]["all"]["runs"]:
            if (row["seed"], row["steps"], row["size"]) == (bench.seed, trials.steps, SIZE):
                return dict(row)
    return trials.row(Trial(PARTS, bench.seed))


def looks(trials: Trials, trial: Trial) -> np.ndarray:
    """The cells that the adversary keeps, early and at the end: (2, clips, g, g), of one frame of each shown clip."""
    masks = []
    for step in (max(round(EARLY * trials.steps), 1), trials.steps):
        path = trials.folder(trial) / f"masks-{step}.npy"
        if not path.exists():
            np.save(path, kept(trials.train(trial, step), trials.clips[:CLIPS]))
        masks.append(np.load(path))
    return np.stack(masks)


def kept(checkpoint: Path, clips: list[Clip]) -> np.ndarray:
    """1 at the cells that the checkpoint's adversary would keep, 0 at those that it would hide: (clips, g, g)."""
    state = read_state(checkpoint)
    config = state["config"]
    net = TrackNet(NetworkConfig(config["size"], tuple(config["fusion"])))
    net.load_state_dict(state["net"])
    grid = config["size"] // 16
    adversary = Adversary(grid)
    adversary.load_state_dict(state["adversary"])
    shots = [shot(clip) for clip in clips]
    with torch.inference_mode():
        features = net.encoder(torch.from_numpy(np.stack([image for image, _ in shots])))
        masks = torch.from_numpy(np.stack([mask for _, mask in shots]))[:, None].float()
        worth = adversary(features, F.avg_pool2d(masks, 2))
        return without_lowest(worth, SHARE).view(-1, grid, grid).numpy()


def shot(clip: Clip) -> tuple[np.ndarray, np.ndarray]:
    """The crop of a clip's middle frame, (SIZE, SIZE, 3) uint8 RGB, and its true mask, (SIZE, SIZE) 0 or 1."""
    middle = sorted(clip.truths)[len(clip.truths) // 2]
    image = next(frame.image for frame in clip.frames() if frame.index == middle)
    mask = (clip.truth(middle) > 0).astype(np.uint8)
    box = box_of(mask)
    crop = crops.whole_frame(mask.shape) if box is None else crops.around(box, mask.shape)
    return crops.cut(image, crop, SIZE), crops.cut(mask, crop, SIZE, 0)


def on_object(clips: list[Clip], masks: np.ndarray) -> dict[str, float]:
    """The share of the hidden cells that lie on the object, and that of all cells."""
    grid = masks.shape[-1]
    truths = np.stack([shot(clip)[1] for clip in clips[: masks.shape[1]]])
    inside = truths.reshape(len(truths), grid, -1, grid, SIZE // grid).mean((2, 4)) > 0.5
    early, late = (float(inside[mask == 0].mean()) for mask in masks)
    return {"early": early, "late": late, "of_all_cells": float(inside.mean())}


def draw(bench: Bench, clips: list[Clip], masks: np.ndarray) -> None:
    """adversarial.png: what was hidden in some crops, dark; early above, late below."""
    with bench.figure(NAME, 1.7 * masks.shape[1] + 0.6, 3.8) as figure:
        panels = figure.subplots(2, masks.shape[1], squeeze=False)
        for row, when, named in zip(panels, masks, ("early", "at the end"), strict=True):
            for axes, clip, mask in zip(row, clips, when, strict=False):
                image, truth = shot(clip)
                light = mask.repeat(SIZE // len(mask), 0).repeat(SIZE // len(mask), 1)[..., None]
                axes.imshow((image * (_DARK + (1 - _DARK) * light)).astype(np.uint8))
                axes.contour(truth, [0.5], colors="white", linewidths=1)
                axes.set(xticks=[], yticks=[])
                axes.spines[:].set_visible(False)
            row[0].set_ylabel(named)
        for axes, clip in zip(panels[0], clips, strict=False):
            axes.set_title(clip.name, fontsize=9)
