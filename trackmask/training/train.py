"""The training loop. Everything counts in steps, so that a resumed run gives the curve of an uninterrupted one."""

import csv
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from io import StringIO
from pathlib import Path

import torch
from torch import Tensor, nn

from trackmask.errors import CallError
from trackmask.files import write_whole, writing
from trackmask.network.model import NetworkConfig
from trackmask.training.adversary import Dropping
from trackmask.training.depthwise import quicken
from trackmask.training.rollout import rollout
from trackmask.training.samples import Batch, Order, Recipe, Samples, batches
from trackmask.training.state import Training

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
    finetune: int = 0  # so many of the backbone's last blocks learn, too, at a tenth of the rate
    decay: float = 0.998  # of the exponential moving average of the weights, which is what is kept for use
    drop: float = 0.0  # share of the current frame's cells that do not reach the fusion, in half of the clips
    adversarial: bool = False  # an adversary chooses those cells, not chance

    def frames_at(self, step: int) -> int:
        return self.frames[min(step * len(self.frames) // self.steps, len(self.frames) - 1)]

    def rate_at(self, step: int) -> float:
        if step < self.warmup:
            return self.rate * (step + 1) / self.warmup
        progress = (step - self.warmup) / max(self.steps - self.warmup, 1)
        return self.rate * (0.02 + 0.98 * (1 + math.cos(math.pi * progress)) / 2)

    def teacher_at(self, step: int) -> float:
        return self.teacher * max(1 - 2 * step / self.steps, 0)


def train(
    out: Path,
    recipe: Recipe,
    schedule: Schedule,
    *,
    fusion: tuple[str, ...] = NetworkConfig.fusion,
    weights: dict[str, Tensor] | None = None,
    samples: Samples | None = None,
    resume: bool = False,
    stop_after: int | None = None,
    save_every: int = 250,
    device: str = "cpu",
    half: bool = False,
    workers: int = 1,
    report: Callable[[str], None] = lambda line: None,
) -> Path:
    """Train and return the checkpoint's path, `out`/checkpoint.pt; beside it, log.csv grows by a row each 50 steps.

    `samples`: the recipe's, where they have been read before. `half`: bfloat16 where it is safe (fast on GPUs, and on
    processors with AVX512-BF16). `stop_after`: end this call at that step, to go on later. Raises CallError where `out`
    holds a training that was not asked to be resumed, or there is no such network; DataError, WeightsError and
    OutputError for files.
    """
    checkpoint = out / "checkpoint.pt"
    if checkpoint.exists() and not resume:
        raise CallError(f"{out} holds a training already; go on with it by --resume, or choose another folder")
    training = Training.start(
        configure(recipe.size, fusion),
        schedule.rate,
        finetune=schedule.finetune,
        seed=recipe.seed,
        weights=weights,
        adversarial=schedule.adversarial,
    )
    training.to(device)
    quicken(training.net.encoder.backbone)  # the decoder's layers of this kind, 7 x 7 and small, gain nothing by it
    if resume and checkpoint.exists():
        training.load(checkpoint)
        report_changes(training, schedule, report)
    training.schedule = asdict(schedule)
    last = min(schedule.steps, stop_after or schedule.steps)
    order = Order(training.step, last, schedule.batch, [schedule.frames_at(s) for s in range(schedule.steps)])
    samples = samples or Samples(recipe)
    with writing(out):
        out.mkdir(parents=True, exist_ok=True)
    log = Log(out / "log.csv", training.step, report)
    began = time.monotonic() - training.seconds
    for batch in batches(samples, order, workers):
        row = step(training, batch, schedule, recipe.seed, device, torch.bfloat16 if half else torch.float32)
        training.seconds = time.monotonic() - began
        log.add(training, row, final=training.step == schedule.steps)
        if training.step % save_every == 0 or training.step == last:
            log.write()  # first: rows from behind the checkpoint are dropped at --resume, missing ones stay missing
            training.save(checkpoint)
    return checkpoint


def report_changes(training: Training, schedule: Schedule, report: Callable[[str], None]) -> None:
    """Say where a resumed training leaves the way it was on: it may, but then its curve is not one run's."""
    old = training.schedule
    changes = [f"{name} {old[name]} → {now}" for name, now in asdict(schedule).items() if old.get(name, now) != now]
    if changes:
        report(f"from step {training.step} on another schedule: {', '.join(changes)}")


def configure(size: int, fusion: tuple[str, ...]) -> NetworkConfig:
    """The network's configuration; CallError where there is no such network."""
    try:
        return NetworkConfig(size, fusion)
    except ValueError as error:
        raise CallError(str(error)) from error


def step(
    training: Training, batch: Batch, schedule: Schedule, seed: int, device: str, dtype: torch.dtype
) -> dict[str, float]:
    """One step of the optimizer; its row of the log. The random numbers depend on the seed and the step alone."""
    number = training.step
    for group in training.optimizer.param_groups:
        group["lr"] = schedule.rate_at(number) * group["share"]
    random = torch.Generator().manual_seed(seed * 1_000_003 + number)
    # Its own random numbers: with and without it, all else happens alike.
    chance = torch.Generator().manual_seed((1 << 40) + seed * 1_000_003 + number)
    dropping = Dropping(schedule.drop, chance, training.adversary) if schedule.drop else None
    batch = Batch(*(x.to(device, non_blocking=True) for x in batch))
    teacher = schedule.teacher_at(number)
    outcome = rollout(training.net, batch, random, dtype=dtype, teacher=teacher, dropping=dropping)
    training.optimizer.zero_grad(set_to_none=True)
    outcome.loss.backward()  # type: ignore[no-untyped-call]
    if dropping is not None and training.adversary is not None:
        dropping.lesson().backward()  # type: ignore[no-untyped-call]
    norm = nn.utils.clip_grad_norm_(training.net.parameters(), CLIP_NORM)
    if torch.isfinite(norm):  # one bad batch must not ruin hours
        training.optimizer.step()
    decay = min(schedule.decay, (number + 1) / (number + 10))
    with torch.no_grad():
        for mean, now in zip(training.mean.parameters(), training.net.parameters(), strict=True):
            mean.lerp_(now, 1 - decay)
    training.step += 1
    return {
        "loss": float(outcome.loss.detach()),
        "iou": outcome.iou,
        "iou_prompted": outcome.iou_prompted,
        "norm": float(norm),
        "rate": schedule.rate_at(number),
        "frames": schedule.frames_at(number),
    }


class Log:
    """log.csv: means over 50 steps. Written with the checkpoint, so that both always tell of the same step."""

    EVERY = 50
    COLUMNS = ("step", "seconds", "loss", "iou", "iou_prompted", "norm", "rate", "frames")

    def __init__(self, path: Path, step: int, report: Callable[[str], None]) -> None:
        self.path, self.report = path, report
        self.rows: list[dict[str, object]] = []
        if step and path.exists():
            with path.open(newline="") as file:
                self.rows = [dict(row) for row in csv.DictReader(file) if int(row["step"]) <= step]

    def add(self, training: Training, row: dict[str, float], *, final: bool) -> None:
        """Count one step; `final` for the schedule's last one, which ends a row in any case."""
        training.pending.append(row)
        if training.step % self.EVERY and not final:
            return
        means = {key: sum(r[key] for r in training.pending) / len(training.pending) for key in row}
        training.pending.clear()
        counts: dict[str, float] = {"step": training.step, "seconds": round(training.seconds)}
        self.rows.append({**counts, **means})
        self.report(" ".join(f"{name} {value:.4g}" for name, value in (counts | means).items()))

    def write(self) -> None:
        """All rows so far, in one piece. Raises OutputError."""
        text = StringIO(newline="")
        writer = csv.DictWriter(text, self.COLUMNS)
        writer.writeheader()
        writer.writerows(self.rows)
        write_whole(self.path, text.getvalue().encode())
