"""Does the review list name the frames that are worth correcting? J&F after 0 to 3 corrections, against random frames.

    python benchmarks/corrections.py DATA [--weights FOLDER] [--worst 4] [--seeds 3] [--jobs 2] [--out docs]

DATA holds `dev`, in DAVIS's layout. A correction is the true mask of a frame. Measured are the worst of its clips, and
the worst of those in which a wall passes or a twin is met (benchmarks/walls.py, benchmarks/identity.py): in these whole
stretches are wrong. Writes corrections.md and corrections.png.
"""

import argparse
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path

import numpy as np
from PIL import Image
from told import Situation, calibration_of, of_identity, with_walls

from trackmask.correct import correct
from trackmask.evaluation.dataset import Clip, read_dataset
from trackmask.evaluation.measure import score_clip
from trackmask.pipeline import Options, run
from trackmask.prompts import Prompt
from trackmask.result import Result, open_result, prompted
from trackmask.result.review import most_worth
from trackmask.runtime import OnnxRuntime

STEPS = 3
TWINS = 6  # situations
MORE = 2  # times as many seeds where a wall passes or a twin is met: there much hangs on a single frame
OURS = -1  # in place of a seed: the frames that the review list names
Choice = Callable[[Result, set[int]], int]


@dataclass(frozen=True)
class Start:
    """A clip tracked from its first mask."""

    clip: Clip
    folder: Path
    weights: Path | None
    jf: float


def begin(clip: Clip, folder: Path, weights: Path | None) -> Start:
    prompts = [Prompt(1, 0, mask=clip.truth(0) > 0)]
    run(clip.images[0].parent, folder, prompts, opened(weights), Options(style=None))
    return Start(clip, folder, weights, score(open_result(folder), clip))


def opened(weights: Path | None) -> OnnxRuntime:
    runtime = OnnxRuntime(weights, threads=1)
    runtime.calibration = calibration_of(weights)
    return runtime


def score(result: Result, clip: Clip) -> float:
    return score_clip((result.masks(index) for index in range(len(clip))), clip).jf


def reviewed(result: Result, done: set[int]) -> int:
    """The frame that the list names first; of a clip without any, or all of whose are done, the one worth most."""
    named = (item.frame for item in result.review)
    rest = most_worth(result.frames, prompted(result.prompts), result.cuts)
    return next(index for index in (*named, *rest) if index not in done)


def at_random(*seed: int) -> Choice:
    random = np.random.default_rng(seed)
    return lambda result, done: int(random.choice([f.index for f in result.frames if f.index not in done]))


def curve(start: Start, number: int, seed: int) -> list[float]:
    """J&F after 0, 1, ... corrections; `number` of the clip."""
    clip, folder = start.clip, start.folder.with_name(f"{start.clip.name}.{seed}")
    choose = reviewed if seed == OURS else at_random(number, seed)
    shutil.copytree(start.folder, folder)
    result, done, values = open_result(folder), {0}, [start.jf]
    runtime = opened(start.weights)
    for _ in range(STEPS):
        index = choose(result, done)
        done.add(index)
        result = correct(folder, [Prompt(1, index, mask=clip.truth(index) > 0)], runtime)
        values.append(score(result, clip))
    return values


def made(situations: Sequence[Situation], folder: Path) -> list[Clip]:
    """Situations as clips on disk, in DAVIS's layout."""
    for one in situations:
        for index, moment in enumerate(one.make()):
            for kind, picture in (("JPEGImages", moment.image), ("Annotations", moment.truth)):
                path = folder / kind / one.name / f"{index:05d}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(picture).save(path, compress_level=1)
    return read_dataset(folder)


def curves(clips: Sequence[Clip], room: Path, seeds: int, asked: argparse.Namespace) -> tuple[list[str], np.ndarray]:
    """Names of the worst of the clips, and (1 + seeds, clips, 1 + STEPS) J&F: those of the review list come first."""
    with ProcessPoolExecutor(asked.jobs) as pool:
        starts = list(pool.map(begin, clips, [room / clip.name for clip in clips], repeat(asked.weights)))
        starts = sorted(starts, key=lambda start: start.jf)[: asked.worst]
        every = (OURS, *range(seeds))
        tasks = [(start, number, seed) for seed in every for number, start in enumerate(starts)]
        values = np.array(list(pool.map(curve, *zip(*tasks, strict=True))))
    return [start.clip.name for start in starts], values.reshape(len(every), len(starts), -1) * 100


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--weights", type=Path, help="folder of other weights than the shipped ones")
    parser.add_argument("--worst", type=int, default=4)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("docs"))
    options = parser.parse_args()
    found = {}
    with tempfile.TemporaryDirectory() as room:
        twins = [one for one in of_identity(options.data) if one.kind == "twins"][:TWINS]
        sets = {
            "clips of the split": (read_dataset(options.data / "dev"), options.seeds),
            "with walls and twins": (
                made([*with_walls(options.data), *twins], Path(room) / "made"),
                MORE * options.seeds,
            ),
        }
        for number, (name, (clips, seeds)) in enumerate(sets.items()):
            place = Path(room) / str(number)
            place.mkdir()
            found[name] = curves(clips, place, seeds, options)
    write(options.out, found)


def write(out: Path, found: Mapping[str, tuple[list[str], np.ndarray]]) -> None:
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    lines = ["# What a correction is worth", "", "J&F; a correction is the true mask of one frame.", ""]
    figure, axes = pyplot.subplots(1, len(found), figsize=(5 * len(found), 4), layout="constrained", squeeze=False)
    for (title, (names, values)), axis in zip(found.items(), axes[0], strict=True):
        lines += [f"## The worst {title}", "", *table(names, values[0], values[1:]), ""]
        ours, chance = values[0].mean(0), values[1:].mean(1)
        axis.plot(ours, marker="o", label="frames that the review list names first")
        axis.plot(chance.mean(0), marker="o", label="random frames: mean, and all seeds")
        axis.fill_between(range(STEPS + 1), chance.min(0), chance.max(0), alpha=0.2, color="C1", linewidth=0)
        axis.set(title=title, xlabel="corrections", ylabel="J&F", xticks=range(STEPS + 1))
        axis.legend(frameon=False)
    lines += ["![](corrections.png)", "", "`python benchmarks/corrections.py DATA` makes this page; how the frames are"]
    lines += ["chosen: [review.md](review.md).", ""]
    (out / "corrections.md").write_text("\n".join(lines))
    figure.savefig(out / "corrections.png", dpi=120)


def table(names: Sequence[str], ours: np.ndarray, seeds: np.ndarray) -> list[str]:
    """`ours` (clips, corrections), `seeds` (seeds, clips, corrections)."""
    heads = " | ".join(f"{n} corrected" for n in range(STEPS + 1))
    lines = [f"| clip | frames chosen by | {heads} |", "|---|---|" + "---|" * (STEPS + 1)]
    for label, values in (("review list", ours), (f"chance (mean of {len(seeds)})", seeds.mean(0))):
        rows = [*zip(names, values, strict=True), ("**mean**", values.mean(0))]
        lines += [f"| {name} | {label} | " + " | ".join(f"{v:.1f}" for v in row) + " |" for name, row in rows]
    low, high = seeds.mean(1).min(0), seeds.mean(1).max(0)
    spread = ", ".join(f"{a:.1f} to {b:.1f}" for a, b in zip(low[1:], high[1:], strict=True))
    return [*lines, "", f"Chance's means after each correction lie, by seed, at {spread}."]


if __name__ == "__main__":
    main()
