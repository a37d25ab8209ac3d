"""Does the review list name the frames that are worth correcting? J&F after 0 to 3 corrections, against random frames.

    python benchmarks/corrections.py DATA [--worst 5] [--seeds 4] [--jobs 2] [--out docs]

DATA has DAVIS's layout. A correction is the true mask of a frame. Writes corrections.md and corrections.png.
"""

import argparse
import shutil
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from trackmask.correct import correct
from trackmask.evaluation.dataset import Clip, read_dataset
from trackmask.evaluation.measure import score_clip
from trackmask.pipeline import Options, run
from trackmask.prompts import Prompt
from trackmask.result import Result, open_result, prompted
from trackmask.result.review import most_worth
from trackmask.runtime import OnnxRuntime

STEPS = 3
OURS = -1  # in place of a seed: the frames that the review list names
Choice = Callable[[Result, set[int]], int]


@dataclass(frozen=True)
class Start:
    """A clip tracked from its first mask."""

    clip: Clip
    folder: Path
    jf: float


def begin(clip: Clip, folder: Path) -> Start:
    prompts = [Prompt(1, 0, mask=clip.truth(0) > 0)]
    run(clip.images[0].parent, folder, prompts, OnnxRuntime(threads=1), Options(style=None))
    return Start(clip, folder, score(open_result(folder), clip))


def score(result: Result, clip: Clip) -> float:
    return score_clip((result.masks(index) for index in range(len(clip))), clip).jf


def reviewed(result: Result, done: set[int]) -> int:
    named = most_worth(result.frames, prompted(result.prompts))
    return next(index for index in named if index not in done)


def at_random(*seed: int) -> Choice:
    random = np.random.default_rng(seed)
    return lambda result, done: int(random.choice([f.index for f in result.frames if f.index not in done]))


def curve(start: Start, number: int, seed: int) -> list[float]:
    """J&F after 0, 1, ... corrections; `number` of the clip."""
    clip, folder = start.clip, start.folder.with_name(f"{start.clip.name}.{seed}")
    choose = reviewed if seed == OURS else at_random(number, seed)
    shutil.copytree(start.folder, folder)
    result, done, values = open_result(folder), {0}, [start.jf]
    runtime = OnnxRuntime(threads=1)
    for _ in range(STEPS):
        index = choose(result, done)
        done.add(index)
        result = correct(folder, [Prompt(1, index, mask=clip.truth(index) > 0)], runtime)
        values.append(score(result, clip))
    return values


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--worst", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("docs"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as room, ProcessPoolExecutor(options.jobs) as pool:
        clips = read_dataset(options.data)
        starts = list(pool.map(begin, clips, [Path(room) / clip.name for clip in clips]))
        starts = sorted(starts, key=lambda start: start.jf)[: options.worst]
        seeds = (OURS, *range(options.seeds))
        tasks = [(start, number, seed) for seed in seeds for number, start in enumerate(starts)]
        values = np.array(list(pool.map(curve, *zip(*tasks, strict=True)))).reshape(len(seeds), len(starts), -1)
    write(options.out, [start.clip.name for start in starts], values[0] * 100, values[1:] * 100)


def write(out: Path, names: list[str], ours: np.ndarray, seeds: np.ndarray) -> None:
    """`ours` (clips, corrections), `seeds` (seeds, clips, corrections), in per cent."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    random = seeds.mean(0)
    heads = " | ".join(f"{n} corrected" for n in range(STEPS + 1))
    lines = [
        "# What a correction is worth",
        "",
        f"| clip | frames chosen by | {heads} |",
        "|---|---|" + "---|" * (STEPS + 1),
    ]
    for label, values in (("review list", ours), (f"chance (mean of {len(seeds)})", random)):
        rows = [*zip(names, values, strict=True), ("**mean**", values.mean(0))]
        lines += [f"| {name} | {label} | " + " | ".join(f"{v:.1f}" for v in row) + " |" for name, row in rows]
    best, worst = seeds.mean(1).max(0), seeds.mean(1).min(0)
    spread = ", ".join(f"{low:.1f} to {high:.1f}" for low, high in zip(worst[1:], best[1:], strict=True))
    lines += [
        "",
        "J&F of the worst clips; a correction is the true mask of one frame. "
        f"Chance's means after each correction lie, by seed, at {spread}.",
        "",
        "![](corrections.png)",
        "",
        "`python benchmarks/corrections.py DATA` makes this page; how the frames are chosen: [review.md](review.md).",
        "",
    ]
    (out / "corrections.md").write_text("\n".join(lines))
    figure, axes = pyplot.subplots(figsize=(6, 4), layout="constrained")
    axes.plot(ours.mean(0), marker="o", label="frames that the review list names first")
    axes.plot(random.mean(0), marker="o", label="random frames: mean, and all seeds")
    axes.fill_between(range(STEPS + 1), worst, best, alpha=0.2, color="C1", linewidth=0)
    axes.set(xlabel="corrections", ylabel="J&F", xticks=range(STEPS + 1))
    axes.legend(frameon=False)
    figure.savefig(out / "corrections.png", dpi=120)


if __name__ == "__main__":
    main()
