"""The training loop. Everything counts in steps, so that a resumed run gives the curve of an uninterrupted one."""

import csv
import math
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from ..errors import CallError
from ..network.model import NetworkConfig, TrackNet
from .imagenet import load_imagenet
from .rollout import rollout
from .samples import Batch, Order, Recipe, Samples, batches

CLIP_NORM = 1.0


@dataclass(frozen=True)
class Schedule:
    """How long, how fast, and through how many frames."""

    steps: int
    batch: int = 8  # clips a step
    rate: float = 1.2e-3  # of AdamW, at the top of the cosine
    warmup: int = 200  # steps
    frames: tuple[int, ...] = (3, 4, 6)  # frames a clip, in as many equal stages
    teacher: float = 0.3  # share of true last masks at the beginning; falls to 0 at half of the steps
    finetune: bool = False  # the backbone learns, too, at a tenth of the rate
    decay: float = 0.998  # of the running mean of the weights, which is what is kept for use

    def frames_at(self, step: int) -> int:
        return self.frames[min(step * len(self.frames) // self.steps, len(self.frames) - 1)]

    def rate_at(self, step: int) -> float:
        if step < self.warmup:
            return self.rate * (step + 1) / self.warmup
        progress = (step - self.warmup) / max(self.steps - self.warmup, 1)
        return self.rate * (0.02 + 0.98 * (1 + math.cos(math.pi * progress)) / 2)

    def teacher_at(self, step: int) -> float:
        return self.teacher * max(1 - 2 * step / self.steps, 0)


@dataclass
class Training:
    """All that a resumed run needs: saved whole."""

    net: TrackNet
    mean: TrackNet  # the running mean of the weights
    optimizer: torch.optim.AdamW
    step: int = 0
    seconds: float = 0.0

    @classmethod
    def start(cls, config: NetworkConfig, schedule: Schedule, seed: int, weights: dict[str, Tensor] | None) -> "Training":
        torch.manual_seed(seed)
        net, mean = TrackNet(config), TrackNet(config)
        if weights is None:
            load_imagenet(net.encoder.backbone)
        else:
            net.load_state_dict(weights)
        mean.load_state_dict(net.state_dict())
        backbone = list(net.encoder.backbone.parameters())
        known = {id(p) for p in backbone}
        rest = [p for p in net.parameters() if id(p) not in known]
        groups = [{"params": rest, "share": 1.0}]
        if schedule.finetune:
            groups.append({"params": backbone, "share": 0.1})
        return cls(net, mean.requires_grad_(False), torch.optim.AdamW(groups, schedule.rate, weight_decay=1e-4))

    def to(self, device: str) -> None:
        for net in (self.net, self.mean):
            net.to(device, memory_format=torch.channels_last)

    def save(self, path: Path) -> None:
        state = {
            "net": self.net.state_dict(),
            "mean": self.mean.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "seconds": self.seconds,
            "config": asdict(self.net.config),
        }
        partial = path.with_suffix(".partial")
        with partial.open("wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)

    def load(self, path: Path) -> None:
        state = torch.load(path, map_location="cpu", weights_only=True)
        self.net.load_state_dict(state["net"])
        self.mean.load_state_dict(state["mean"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.seconds = state["step"], state["seconds"]


def train(
    out: Path,
    recipe: Recipe,
    schedule: Schedule,
    *,
    fusion: tuple[str, ...] = NetworkConfig.fusion,
    weights: dict[str, Tensor] | None = None,
    resume: bool = False,
    stop_after: int | None = None,
    save_every: int = 250,
    device: str = "cpu",
    half: bool = False,
    workers: int = 1,
    report: Callable[[str], None] = lambda line: None,
) -> Path:
    """Train and return the checkpoint's path, `out`/checkpoint.pt; beside it, log.csv grows by a row each 50 steps.

    `half`: bfloat16 where it is safe (fast on GPUs, and on processors with AVX512-BF16). `stop_after`: end this call
    at that step, to go on later. Raises CallError where `out` holds a training that was not asked to be resumed.
    """
    checkpoint = out / "checkpoint.pt"
    if checkpoint.exists() and not resume:
        raise CallError(f"{out} holds a training already: go on with it by --resume, or choose another folder.")
    out.mkdir(parents=True, exist_ok=True)
    training = Training.start(NetworkConfig(recipe.size, fusion), schedule, recipe.seed, weights)
    training.to(device)
    if resume and checkpoint.exists():
        training.load(checkpoint)
    last = min(schedule.steps, stop_after or schedule.steps)
    order = Order(training.step, last, schedule.batch, [schedule.frames_at(s) for s in range(schedule.steps)])
    log = Log(out / "log.csv", training.step, report)
    began = time.monotonic() - training.seconds
    for batch in batches(Samples(recipe), order, workers):
        row = step(training, batch, schedule, recipe.seed, device, torch.bfloat16 if half else torch.float32)
        training.step += 1
        training.seconds = time.monotonic() - began
        log.add(training, row)
        if training.step % save_every == 0 or training.step == last:
            training.save(checkpoint)
            log.write()
    return checkpoint


def step(
    training: Training, batch: Batch, schedule: Schedule, seed: int, device: str, dtype: torch.dtype
) -> dict[str, float]:
    number = training.step
    for group in training.optimizer.param_groups:
        group["lr"] = schedule.rate_at(number) * group["share"]
    random = torch.Generator().manual_seed(seed * 1_000_003 + number)
    batch = Batch(*(x.to(device, non_blocking=True) for x in batch))
    outcome = rollout(
        training.net,
        batch,
        random,
        frozen=not schedule.finetune,
        dtype=dtype,
        teacher=schedule.teacher_at(number),
    )
    training.optimizer.zero_grad(set_to_none=True)
    outcome.loss.backward()
    norm = nn.utils.clip_grad_norm_(training.net.parameters(), CLIP_NORM)
    if torch.isfinite(norm):  # one bad batch must not ruin hours
        training.optimizer.step()
    decay = min(schedule.decay, (number + 1) / (number + 10))
    with torch.no_grad():
        for mean, now in zip(training.mean.parameters(), training.net.parameters(), strict=True):
            mean.lerp_(now, 1 - decay)
    return {
        "loss": float(outcome.loss),
        "iou": outcome.iou,
        "iou_prompted": outcome.iou_prompted,
        "norm": float(norm),
        "rate": schedule.rate_at(number),
        "frames": schedule.frames_at(number),
    }


class Log:
    """log.csv: means over 50 steps. Written with the checkpoint, so that both always tell of the same step."""

    EVERY = 50

    def __init__(self, path: Path, step: int, report: Callable[[str], None]) -> None:
        self.path, self.report = path, report
        self.rows: list[dict] = []
        self.pending: list[dict[str, float]] = []
        if step and path.exists():
            with path.open(newline="") as file:
                self.rows = [row for row in csv.DictReader(file) if int(row["step"]) <= step]

    def add(self, training: Training, row: dict[str, float]) -> None:
        self.pending.append(row)
        if training.step % self.EVERY:
            return
        means = {key: sum(r[key] for r in self.pending) / len(self.pending) for key in row}
        self.pending.clear()
        self.rows.append({"step": training.step, "seconds": round(training.seconds)} | means)
        self.report(" ".join(f"{k} {v:.4g}" for k, v in self.rows[-1].items()))

    def write(self) -> None:
        if not self.rows:
            return
        partial = self.path.with_suffix(".partial")
        with partial.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(self.rows[0]))
            writer.writeheader()
            writer.writerows(self.rows)
        partial.replace(self.path)
