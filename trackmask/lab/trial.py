"""A network trained for a few minutes, and what came of it: what the ablation and the adversary's test are made of."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from statistics import fmean, median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from trackmask.evaluation.dataset import Clip
from trackmask.evaluation.measure import ClipScore, evaluate, mean
from trackmask.evaluation.methods import TrackmaskMethod
from trackmask.files import write_whole
from trackmask.lab.bench import Bench
from trackmask.metrics import quarters
from trackmask.network.model import NetworkConfig, TrackNet
from trackmask.runtime import CHECKPOINT, OnnxRuntime, export_graphs, given_shapes, save_checkpoint
from trackmask.training.bank import bank
from trackmask.training.samples import Recipe, Samples
from trackmask.training.state import read_state
from trackmask.training.train import Schedule, train

SIZE = 160  # of the crops, pixels: small, so that a short training gets far
FRAMES = 3  # of each clip at training
STEPS = 150  # a minute, on the 2 cores that the page's figures come from. A budget in steps is the same everywhere
WARMUP = 50  # steps
TENTHS = 10  # of a clip's length, for J over time
MEMORY = 2  # frames in memory while operations are counted and timed: the reference and a recent one
_SAVE = 200  # steps: what a killed training loses, at most
_TIMED = 100  # crops

Row = dict[str, Any]


@dataclass(frozen=True)
class Trial:
    """One training."""

    fusion: tuple[str, ...]
    seed: int
    drop: float = 0.0
    adversarial: bool = False

    @property
    def name(self) -> str:
        kind = ["adversarial"] if self.adversarial else ["dropped"] if self.drop else []
        return "-".join((*(self.fusion or ("none",)), *kind, str(self.seed)))


class Trials:
    """The trials of one experiment. What is done is kept under OUT/runs: a killed lab loses the steps since the last
    checkpoint. An experiment that is run anew begins with nothing.
    """

    def __init__(self, bench: Bench, experiment: str) -> None:
        self.bench, self.room = bench, bench.out / "runs" / experiment
        self.steps = max(round(bench.minutes * STEPS), 1)
        if bench.has(experiment):
            shutil.rmtree(self.room, ignore_errors=True)

    @cached_property
    def clips(self) -> list[Clip]:
        return self.bench.clips()

    @cached_property
    def samples(self) -> Samples:
        """Read once for all trials; the clips to measure on are never among them."""
        films = tuple(folder for folder in self.bench.data if (folder / "Annotations").is_dir())
        stills = tuple(folder for folder in self.bench.data if folder not in films)
        measured = frozenset(clip.name for clip in self.clips)
        return Samples(Recipe(stills, films, measured, size=SIZE, seed=self.bench.seed))

    def folder(self, trial: Trial) -> Path:
        """Of another budget, another one."""
        return self.room / f"{trial.name}-{self.steps}"

    def train(self, trial: Trial, until: int | None = None) -> Path:
        """The checkpoint of the trial after `until` steps, or after all."""
        samples = self.samples.seeded(trial.seed)
        return train(
            self.folder(trial),
            samples.recipe,
            Schedule(self.steps, warmup=WARMUP, frames=(FRAMES,), drop=trial.drop, adversarial=trial.adversarial),
            fusion=trial.fusion,
            samples=samples,
            resume=True,
            stop_after=until,
            save_every=_SAVE,
            half=True,
        )

    def row(self, trial: Trial) -> Row:
        """What is known of a trial, which is trained and measured if it was not before. Raises what these raise."""
        folder = self.folder(trial)
        path = folder / "row.json"
        if path.exists():
            self.bench.report(f"  {trial.name}: done before")
            return dict(json.loads(path.read_bytes()))
        checkpoint = self.train(trial)
        made = bank(checkpoint, folder)
        row: Row = {"fusion": list(trial.fusion), "seed": trial.seed, "steps": self.steps, "size": SIZE}
        row |= {"minutes": read_state(checkpoint)["seconds"] / 60, "curve": curve(folder / "log.csv")}
        row |= accuracy(list(evaluate(TrackmaskMethod(OnnxRuntime(folder), fast=True), self.clips, "mask")))
        write_whole(path, json.dumps(row).encode())
        for large in (*folder.glob("*.pt"), *made):
            large.unlink()
        self.bench.report(f"  {trial.name}: J&F {100 * row['jf']:.1f}, trained for {row['minutes']:.1f} minutes")
        return row


def curve(log: Path) -> dict[str, list[float]]:
    """The training's steps, loss and IoU (tracked frames) from its log."""
    with log.open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {name: [float(row[name]) for row in rows] for name in ("step", "loss", "iou")}


def accuracy(scores: list[ClipScore]) -> Row:
    """J and F of the clips, and J over their length: first and last quarter, and tenth by tenth."""
    over = mean(scores)
    series = [np.array([score.frame_j[index] for index in sorted(score.frame_j)]) for score in scores]
    first, last = (fmean(float(quarters(one)[end].mean()) for one in series) for end in (0, 1))
    tenths = [[float(part.mean()) for part in np.array_split(one, TENTHS) if len(part)] for one in series]
    return {
        "jf": over.jf,
        "j": over.j,
        "f": over.f,
        "j_first": first,
        "j_last": last,
        "j_tenths": [fmean(column) for column in zip(*tenths, strict=False)],
        "clips": {score.clip: score.jf for score in scores},
    }


def milliseconds(fusion: tuple[str, ...], size: int) -> float:
    """The network's time for a crop of one object, encoder and head: the median. Its weights are random ones, which
    take as long as any.
    """
    net = TrackNet(NetworkConfig(size, fusion))
    with TemporaryDirectory() as room:
        folder = Path(room)
        save_checkpoint(folder / CHECKPOINT, net.state_dict(), asdict(net.config))
        export_graphs(folder / CHECKPOINT, folder)
        runtime = OnnxRuntime(folder)
    crop = np.random.default_rng(0).integers(0, 256, (1, size, size, 3), np.uint8)
    given = [np.zeros((1, *shape), np.float32) for shape in given_shapes(size, MEMORY)]
    times = []
    for _ in range(_TIMED):
        began = perf_counter()
        runtime.decode(runtime.encode(crop), *given)
        times.append(1000 * (perf_counter() - began))
    return median(times)


def cost(fusion: tuple[str, ...], size: int) -> Row:
    """Parameters and multiply-adds a frame, of the fusion and of the whole network, for crops of `size` pixels.

    Counted on torch's meta device, where the largest layer takes no memory: products of convolutions and matrices.
    """
    with torch.device("meta"), torch.no_grad():
        net = TrackNet(NetworkConfig(size, fusion))
        given = (torch.zeros(1, *shape) for shape in given_shapes(size, MEMORY))
        with FlopCounterMode(display=False) as counter:
            net(net.encoder(torch.zeros(1, size, size, 3)), *given)
    flop = {name: sum(counts.values()) for name, counts in counter.get_flop_counts().items()}
    return {
        "parameters": sum(p.numel() for p in net.parameters()),
        "fusion_parameters": sum(p.numel() for p in net.fusion.parameters()),
        "multiply_adds": flop["Global"] // 2,
        "fusion_multiply_adds": flop.get("TrackNet.fusion", 0) // 2,
    }
