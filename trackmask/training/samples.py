"""Training samples: scenes seen through the tracker's crops, with changing light, ready for the network."""

import math
from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from trackmask.data import box_of
from trackmask.errors import DataError
from trackmask.prompts import Box
from trackmask.tracking.crop import FILL, Crop, around, cut, rectangle, shift, within
from trackmask.tracking.prompt_maps import box_map, click_maps
from trackmask.training.films import Film, read_films
from trackmask.training.stills import Random, Scene, Stills, add_another, drift, move_elsewhere, object_moves, twin


class Batch(NamedTuple):
    """B clips of T crops."""

    images: Tensor  # (B, T, S, S, 3) uint8
    masks: Tensor  # (B, T, S, S) uint8, 0 or 1
    shifts: Tensor  # (B, T, 4) float32: crop.shift from the crop before
    prompts: Tensor  # (B, 2, S/4, S/4) float32, for the first frame


@dataclass(frozen=True)
class Recipe:
    """What the samples are made of."""

    stills: tuple[Path, ...]
    films: tuple[Path, ...]
    leave_out: frozenset[str] = frozenset()  # clips that are kept for measuring
    size: int = 256
    real: float = 0.5  # share of the samples from real clips
    gap: int = 40  # frames between a reference and the run, at most
    seed: int = 0


class Samples(Dataset):
    """Sample i is the same whenever and wherever it is asked for, so that a resumed training sees the same data."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self.stills = [Stills(folder) for folder in recipe.stills]
        self.films: list[Film] = [f for folder in recipe.films for f in read_films(folder, recipe.leave_out)]
        if not self.stills:
            raise DataError(
                "training has no pictures with masks; give at least one folder, for occluders and for motion"
            )
        # A long clip shows more than a short one, though not in proportion.
        weight = np.sqrt([len(f.images) for f in self.films])
        self.shares = weight / weight.sum() if self.films else weight

    def seeded(self, seed: int) -> "Samples":
        """Other samples of the same pictures and clips, which are not read again."""
        other = copy(self)
        other.recipe = replace(self.recipe, seed=seed)
        return other

    def __getitem__(self, key: tuple[int, int]) -> tuple[np.ndarray, ...]:
        """One row of a Batch; key = (number of the sample, frames of its clip)."""
        index, frames = key
        rng = np.random.default_rng((self.recipe.seed, index))
        scene = self.scene(rng, frames)
        crops, shifts = crops_of(rng, scene)
        size = self.recipe.size
        images = np.stack([cut(i, c, size) for i, c in zip(scene.images, crops, strict=True)])
        masks = np.stack([cut(m, c, size, 0) for m, c in zip(scene.masks, crops, strict=True)]) > 127
        images = relight(rng, images)
        if rng.random() < 0.15:
            hide_a_part(rng, images[0], masks[0])
        return images, masks.astype(np.uint8), shifts, first_prompt(rng, masks[0], scene.alone)

    def scene(self, rng: Random, frames: int) -> Scene:
        """A clip from any source, now and then with another object in it."""
        stills = self.stills[int(rng.integers(len(self.stills)))]
        if self.films and rng.random() < self.recipe.real:
            film = self.films[int(rng.choice(len(self.films), p=self.shares))]
            scene = self.vary(rng, film.scene(rng, frames, self.recipe.gap), stills)
            others = 0.25
        else:
            scene = stills.scene(rng, frames)
            others = 0.4
        if rng.random() < others:
            other = twin(rng, scene) if rng.random() < 0.35 else None
            scene = add_another(rng, scene, *(other or stills.draw(rng)))
        return scene

    def vary(self, rng: Random, scene: Scene, stills: Stills) -> Scene:
        """A real clip as it is, or its object elsewhere, or another object in it: 20 clips show few of each."""
        chance = rng.random()
        if chance < 0.2:
            ground = drift(rng, stills.draw(rng)[0], len(scene.images), scene.masks[0].shape)
            return move_elsewhere(scene, ground)
        if chance < 0.35:
            return object_moves(rng, *stills.draw(rng), scene.images)
        return scene


def crops_of(rng: Random, scene: Scene) -> tuple[list[Crop], np.ndarray]:
    """The crops that the tracker would take: each around the box of the frame before, never quite right."""
    size = scene.masks[0].shape
    crops: list[Crop] = []
    box = box_of(scene.masks[0])
    wide = scene.alone and rng.random() < 0.3  # as when nothing is known yet: the whole picture
    for t in range(len(scene.images)):
        box = box_of(scene.masks[max(t - 1, 0)]) or box
        if box is None:
            box = (size[1] // 4, size[0] // 4, size[1] // 2, size[0] // 2)
        if wide and t == 0:  # made clips are square, videos are not
            stretch = float(np.exp(rng.uniform(-0.25, 0.25)))
            crop = rectangle(size[1] / 2, size[0] / 2, max(size) * stretch, max(size) / stretch)
            crops.append(within(crop, size))
        else:
            crops.append(around(disturb(rng, box), size, crops[-1] if t > 1 else None))
    shifts = [shift(old, new) for old, new in zip(crops[:1] + crops[:-1], crops, strict=True)]
    return crops, np.array(shifts, np.float32)


def disturb(rng: Random, box: Box) -> Box:
    """A box (x, y, w, h) as it might have been found: somewhat larger or smaller, and beside."""
    x, y, w, h = box
    grow = float(np.exp(rng.normal(0.05, 0.12)))
    dx, dy = rng.normal(0, 0.08 * math.sqrt(w * h), 2)
    return x + dx - (grow - 1) * w / 2, y + dy - (grow - 1) * h / 2, grow * w, grow * h


def relight(rng: Random, images: np.ndarray) -> np.ndarray:
    """Colours of the clip, light that changes from frame to frame and from place to place, blur. (T, S, S, 3)"""
    frames, size = images.shape[:2]
    shade = rng.random() < 0.4
    field = rng.normal(0, 0.3, (4, 4, 1)) * np.ones(3) + rng.normal(0, 0.08, (4, 4, 3))
    drift = rng.normal(0, 0.12, (4, 4, 1)) * np.ones(3)
    gain, offset = np.exp(rng.normal(0, 0.12, 3)), rng.normal(0, 8, 3)
    blur = rng.uniform(0.4, 1.6) if rng.random() < 0.3 else 0
    grey = rng.random() < 0.05
    result = np.empty_like(images)
    for t in range(frames):
        light = gain * np.exp(rng.normal(0, 0.06)) * np.exp(rng.normal(0, 0.02, 3))
        level = (offset + rng.normal(0, 4)).astype(np.float32)
        if shade:
            small = np.exp(field + drift * t).astype(np.float32) * light.astype(np.float32)
            picture = images[t] * cv2.resize(small, (size, size), interpolation=cv2.INTER_LINEAR) + level
        else:
            picture = images[t] * light.astype(np.float32) + level
        if grey:
            picture = picture.mean(2, keepdims=True).repeat(3, 2)
        if blur and rng.random() < 0.7:
            picture = cv2.GaussianBlur(picture, (0, 0), blur)
        result[t] = np.clip(picture, 0, 255)
        result[t][cv2.inRange(images[t], FILL, FILL) > 0] = FILL  # beyond the frame's edge there is no light
    return result


def hide_a_part(rng: Random, image: np.ndarray, mask: np.ndarray) -> None:
    """Part of the object is covered in the reference, so that the network must know the whole by more than looks."""
    box = box_of(mask)
    if box is None:
        return
    x, y, w, h = box
    start, end = np.sort(rng.uniform(-0.1, 1.1, 2))
    part = np.zeros_like(mask)
    if rng.random() < 0.5:
        part[y + max(int(start * h), 0) : y + max(int(end * h), 0), x : x + w] = True
    else:
        part[y : y + h, x + max(int(start * w), 0) : x + max(int(end * w), 0)] = True
    if (mask & ~part).sum() < 0.3 * mask.sum():
        return
    other = np.roll(image, (int(rng.integers(image.shape[0])), int(rng.integers(image.shape[1]))), (0, 1))
    image[part] = other[part]
    mask &= ~part


def first_prompt(rng: Random, mask: np.ndarray, alone: bool) -> np.ndarray:
    """What the network is given in the first frame, without a reference: a box, clicks, or nothing."""
    size = mask.shape[0]
    box = box_of(mask)
    kind = rng.choice(("box", "clicks", "none"), p=(0.4, 0.2, 0.4) if alone else (0.65, 0.35, 0.0))
    if kind == "none" or box is None:
        return np.zeros((2, size // 4, size // 4), np.float32)
    if kind == "box":
        x, y, w, h = box
        left, right = rng.normal(0, 0.06, 2) * w
        top, bottom = rng.normal(0, 0.06, 2) * h
        return box_map((x + left, y + top, max(w - left + right, 4), max(h - top + bottom, 4)), size)
    return click_maps(*simulated_clicks(rng, mask), size)


def simulated_clicks(rng: Random, mask: np.ndarray) -> tuple[list, list]:
    """Clicks as people make them: well inside the object; now and then some beside it. (x, y) in pixels."""
    inside = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 3)
    near = cv2.dilate(mask.astype(np.uint8), np.ones((41, 41), np.uint8)).astype(bool) & ~mask

    def pick(where: np.ndarray, count: int) -> list:
        y, x = np.nonzero(where)
        return [(x[i], y[i]) for i in rng.integers(0, len(x), count)] if len(x) else []

    positive = pick(inside >= 0.5 * inside.max(), 1) + pick(mask, int(rng.integers(0, 4)))
    return positive, pick(near, int(rng.integers(0, 3)) if rng.random() < 0.5 else 0)


class Order(Sampler):
    """The keys of the samples, step by step, from one step to before another; `frames_at` says how long clips are."""

    def __init__(self, first_step: int, last_step: int, batch: int, frames_at: list[int]) -> None:
        self.keys = range(first_step, last_step), batch, frames_at

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        steps, batch, frames_at = self.keys
        for step in steps:
            yield [(step * batch + i, frames_at[step]) for i in range(batch)]


def batches(samples: Samples, order: Order, workers: int) -> Iterator[Batch]:
    """In the order's order, made ahead by `workers` processes."""
    loader = DataLoader(
        samples,
        batch_sampler=order,
        num_workers=workers,
        collate_fn=collate,
        prefetch_factor=4 if workers else None,
        worker_init_fn=one_thread,
    )
    threads = cv2.getNumThreads()
    if workers:
        # A fork has OpenCV's locks but not its threads, and would wait for them for ever: none may run at that moment.
        cv2.setNumThreads(1)
    made = iter(loader)
    cv2.setNumThreads(threads)
    yield from made


def one_thread(worker: int) -> None:
    """The workers share the machine with the network. (A named function: where processes are spawned it is pickled.)"""
    cv2.setNumThreads(1)


def collate(items: list[tuple[np.ndarray, ...]]) -> Batch:
    """Samples as one Batch."""
    return Batch(*(torch.from_numpy(np.stack(column)) for column in zip(*items, strict=True)))
