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
from trackmask.tracking.crop import Crop, around, cut, rectangle, shift, within
from trackmask.training.clicks import first_prompt, prompt_kind
from trackmask.training.films import Film, read_films
from trackmask.training.looks import come_near, hide_a_part, relight
from trackmask.training.rivals import add_another, cut_to
from trackmask.training.scenes import Random, Scene
from trackmask.training.stills import Stills, drift, move_elsewhere, object_moves

ANOTHER = 0.45  # of the scenes have another object in them
CUTS = 0.12  # of the clips go on as another scene
WIDE = 0.3  # of the first frames that come without a box are seen whole
FAR = 0.1  # of the clips begin with the object far away
HIDDEN = 0.25  # of the references lack a part of the object, which comes into view later
LED = 0.3  # of the clips with another object have crops that it leads away, as when a mask has leaked


class Batch(NamedTuple):
    """B clips of T crops."""

    images: Tensor  # (B, T, S, S, 3) uint8
    masks: Tensor  # (B, T, S, S) uint8, 0 or 1
    rivals: Tensor  # (B, T, S, S) uint8, 0 or 1: what else is known, and could be taken for the object
    shifts: Tensor  # (B, T, 4) float32: crop.shift from the crop before
    prompts: Tensor  # (B, 2, S/4, S/4) float32, for the first frame


@dataclass(frozen=True)
class Recipe:
    """What the samples are made of."""

    stills: tuple[Path, ...]
    films: tuple[Path, ...]
    leave_out: frozenset[str] = frozenset()  # clips and stills that are kept for measuring
    size: int = 256
    real: float = 0.5  # share of the samples from real clips
    gap: int = 40  # frames between a reference and the run, at most
    seed: int = 0


class Samples(Dataset):
    """Sample i is the same whenever and wherever it is asked for, so that a resumed training sees the same data."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self.stills = [Stills(folder, recipe.leave_out) for folder in recipe.stills]
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
        kind = prompt_kind(rng, scene.alone)
        crops, shifts = crops_of(rng, scene, wide=kind != "box" and rng.random() < WIDE)
        size = self.recipe.size
        images = np.stack([cut(i, c, size) for i, c in zip(scene.images, crops, strict=True)])
        masks, rivals = (
            np.stack([cut(m, c, size, 0) for m, c in zip(maps, crops, strict=True)]) > 127
            for maps in (scene.masks, scene.rivals)
        )
        images = relight(rng, images)
        if rng.random() < FAR:
            come_near(rng, images)
        if rng.random() < HIDDEN:
            hide_a_part(rng, images[0], masks[0])
        prompts = first_prompt(rng, kind, masks[0], rivals[0])
        return images, masks.astype(np.uint8), rivals.astype(np.uint8), shifts, prompts

    def scene(self, rng: Random, frames: int) -> Scene:
        """A clip from any source, now and then with another object in it, or with a cut."""
        film = self.draw_film(rng)
        scene = self.plain(rng, frames, film)
        if rng.random() < ANOTHER:
            scene = add_another(rng, scene, self.draw_stills(rng).draw(rng))
        if rng.random() < CUTS:
            other = self.draw_film(rng)
            scene = cut_to(rng, scene, self.plain(rng, frames, None if other is film else other))
        return scene

    def plain(self, rng: Random, frames: int, film: Film | None) -> Scene:
        """A clip of one object: from a film, or made of stills."""
        stills = self.draw_stills(rng)
        if film is None:
            return stills.scene(rng, frames)
        return self.vary(rng, film.scene(rng, frames, self.recipe.gap), stills)

    def draw_film(self, rng: Random) -> Film | None:
        """A film, or none, as the recipe's share says."""
        if not self.films or rng.random() >= self.recipe.real:
            return None
        return self.films[int(rng.choice(len(self.films), p=self.shares))]

    def draw_stills(self, rng: Random) -> Stills:
        return self.stills[int(rng.integers(len(self.stills)))]

    def vary(self, rng: Random, scene: Scene, stills: Stills) -> Scene:
        """A real clip as it is, or its object elsewhere, or another object in it: 20 clips show few of each."""
        chance = rng.random()
        if chance < 0.2:
            ground = drift(rng, stills.draw(rng)[0], len(scene.images), scene.masks[0].shape)
            return move_elsewhere(scene, ground)
        if chance < 0.35:
            return object_moves(rng, *stills.draw(rng), scene.images)
        return scene


def crops_of(rng: Random, scene: Scene, wide: bool) -> tuple[list[Crop], np.ndarray]:
    """The crops that the tracker would take: each around the box of the frame before, never quite right.

    `wide`: the first one shows the whole picture, as when no more than a click is known yet.
    """
    size = scene.masks[0].shape
    crops: list[Crop] = []
    box: Box | None = box_of(scene.masks[0])
    led = bool(scene.others) and rng.random() < LED
    for t in range(len(scene.images)):
        box = box_of(scene.masks[max(t - 1, 0)]) or box
        if box is None:
            box = (size[1] // 4, size[0] // 4, size[1] // 2, size[0] // 2)
        if led and t > 1:
            box = lead(rng, box, box_of(scene.others[t - 1]))
        if wide and t == 0:  # made clips are square, videos are not
            stretch = float(np.exp(rng.uniform(-0.25, 0.25)))
            crop = rectangle(size[1] / 2, size[0] / 2, max(size) * stretch, max(size) / stretch)
            crops.append(within(crop, size))
        else:
            crops.append(around(disturb(rng, box), size, crops[-1] if t > 1 else None))
    shifts = [shift(old, new) for old, new in zip(crops[:1] + crops[:-1], crops, strict=True)]
    return crops, np.array(shifts, np.float32)


def lead(rng: Random, box: Box, theirs: Box | None) -> Box:
    """A box (x, y, w, h) on its way to another object's, or to one around both."""
    if theirs is None:
        return box
    own, other = (np.array((x, y, x + w, y + h), float) for x, y, w, h in (box, theirs))
    both = np.concatenate((np.minimum(own, other)[:2], np.maximum(own, other)[2:]))
    whole = rng.random() < 0.7
    target, share = (both, rng.uniform(0.2, 1.0)) if whole else (other, rng.uniform(0.1, 0.6))
    left, top, right, bottom = own + share * (target - own)
    return left, top, right - left, bottom - top


def disturb(rng: Random, box: Box) -> Box:
    """A box (x, y, w, h) as it might have been found: somewhat larger or smaller, and beside."""
    x, y, w, h = box
    grow = float(np.exp(rng.normal(0.05, 0.12)))
    dx, dy = rng.normal(0, 0.08 * math.sqrt(w * h), 2)
    return x + dx - (grow - 1) * w / 2, y + dy - (grow - 1) * h / 2, grow * w, grow * h


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
