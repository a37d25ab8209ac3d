"""Does the review list name the frames that are worth correcting? J&F after 0 to 3 corrections, against random frames.

    python benchmarks/corrections.py DATA [--worst 5] [--seeds 3] [--out docs]

DATA has DAVIS's layout. A correction is the true mask of a frame. Writes corrections.md and corrections.png.
"""

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from trackmask.correct import correct
from trackmask.evaluation.dataset import Clip, read_dataset
from trackmask.evaluation.measure import ClipScore, score_clip
from trackmask.pipeline import Options, run
from trackmask.prompts import Prompt
from trackmask.result import Result, open_result
from trackmask.runtime import OnnxRuntime, Runtime

STEPS = 3
Choice = Callable[[Result, set[int]], int]


def score(result: Result, clip: Clip) -> float:
    scored: ClipScore = score_clip((result.masks(index) for index in range(len(clip))), clip)
    return scored.jf


def reviewed(result: Result, done: set[int]) -> int:
    """The least sure frame of the first range to review that holds no correction yet, else of the whole clip."""
    confidence = {frame.index: min(o.confidence for o in frame.objects) for frame in result.frames}
    for item in result.review:
        inside = [index for index in range(item.first, item.last + 1) if index not in done]
        if inside:
            return min(inside, key=lambda index: (confidence[index], index))
    return next(index for index in result.least_sure(len(done) + 1 + STEPS) if index not in done)


def at_random(seed: int) -> Choice:
    random = np.random.default_rng(seed)
    return lambda result, done: int(random.choice([f.index for f in result.frames if f.index not in done]))


def curve(clip: Clip, runtime: Runtime, folder: Path, choose: Choice) -> list[float]:
    """J&F after 0, 1, ... corrections."""
    first = clip.truth(0) > 0
    prompts = [Prompt(1, 0, mask=first)]
    run(clip.images[0].parent, folder, prompts, runtime, Options(style=None, overwrite=True))
    result, done, values = open_result(folder), {0}, []
    for _ in range(STEPS):
        values.append(score(result, clip))
        index = choose(result, done)
        done.add(index)
        result = correct(folder, [Prompt(1, index, mask=clip.truth(index) > 0)], runtime)
    return [*values, score(result, clip)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--worst", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("docs"))
    options = parser.parse_args()
    runtime = OnnxRuntime()
    with tempfile.TemporaryDirectory() as room:
        folder = Path(room) / "result"
        clips = read_dataset(options.data)
        start = {clip.name: curve_start(clip, runtime, folder) for clip in clips}
        clips = sorted(clips, key=lambda clip: start[clip.name])[: options.worst]
        ours = np.array([curve(clip, runtime, folder, reviewed) for clip in clips])
        random = np.array(
            [[curve(clip, runtime, folder, at_random(seed)) for clip in clips] for seed in range(options.seeds)]
        ).mean(0)
    write(options.out, [clip.name for clip in clips], ours * 100, random * 100, options.seeds)


def curve_start(clip: Clip, runtime: Runtime, folder: Path) -> float:
    prompts = [Prompt(1, 0, mask=clip.truth(0) > 0)]
    run(clip.images[0].parent, folder, prompts, runtime, Options(style=None, overwrite=True))
    return score(open_result(folder), clip)


def write(out: Path, names: list[str], ours: np.ndarray, random: np.ndarray, seeds: int) -> None:
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    heads = " | ".join(f"{n} corrected" for n in range(STEPS + 1))
    lines = [
        "# What a correction is worth",
        "",
        f"| clip | frames chosen by | {heads} |",
        "|---|---|" + "---|" * (STEPS + 1),
    ]
    for label, values in (("review list", ours), (f"chance (mean of {seeds})", random)):
        rows = [*zip(names, values, strict=True), ("**mean**", values.mean(0))]
        lines += [f"| {name} | {label} | " + " | ".join(f"{v:.1f}" for v in row) + " |" for name, row in rows]
    lines += ["", "J&F of the worst clips; a correction is the true mask of one frame.", "", "![](corrections.png)", ""]
    (out / "corrections.md").write_text("\n".join(lines))
    figure, axes = pyplot.subplots(figsize=(6, 4), layout="constrained")
    axes.plot(ours.mean(0), marker="o", label="frames that the review list names first")
    axes.plot(random.mean(0), marker="o", label="random frames")
    axes.set(xlabel="corrections", ylabel="J&F", xticks=range(STEPS + 1))
    axes.legend(frameon=False)
    figure.savefig(out / "corrections.png", dpi=120)


if __name__ == "__main__":
    main()
