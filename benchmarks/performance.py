"""How fast trackmask is on this machine, and where its limit is: writes docs/performance.md and its pictures.

    python benchmarks/performance.py            about six minutes on 2 cores; stop everything else before
    python benchmarks/performance.py --quick    seconds, for a look and for the tests: too short to be quoted

Needs the package with its extra [train] (onnx counts the arithmetic, matplotlib draws).
"""

import tempfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import click
from clips import Clip, Sample, looped
from measure import command, decode_alone, dis_flow, end_to_end, end_to_end_twice, others, stages
from page import Facts, page
from pictures import draw
from roofline import machine, network_seconds, work

from trackmask.data import box_of
from trackmask.runtime import Runtime, cores, open_runtime
from trackmask.runtime.weights import ENCODER, HEAD, shipped_folder

PAGE = Path(__file__).parent.parent / "docs" / "performance.md"
SIZES = {"480p": (480, 854), "1080p": (1080, 1920)}


@dataclass(frozen=True)
class Plan:
    """How much is measured."""

    frames: dict[int, int] = field(default_factory=lambda: {1: 40, 5: 18})  # of a clip, by its objects
    warm: int = 8  # frames before the memory is full and the clock starts
    runs: int = 3
    lengths: tuple[int, ...] = (300, 1500)  # frames of the runs whose memory is measured
    calls: int = 40  # of the network alone
    side: int = 3072  # of the matrices that show the machine's peak


QUICK = Plan({1: 4, 3: 4}, warm=2, runs=1, lengths=(4, 8), calls=3, side=512)


@click.command()
@click.option("--quick", is_flag=True, help="A small version, in seconds.")
@click.option("-o", "--out", type=click.Path(path_type=Path), default=PAGE, help="The page. [docs/performance.md]")
@click.option("--weights", type=click.Path(path_type=Path), help="Folder of other weights than the shipped ones.")
def main(quick: bool, out: Path, weights: Path | None) -> None:
    """Measure trackmask on this machine, and write the page and its pictures."""
    plan = QUICK if quick else Plan()
    if quick and out == PAGE:
        raise click.UsageError("--quick is too short for docs/performance.md; say with --out where its page goes")
    with tempfile.TemporaryDirectory() as room:
        facts = Measuring(plan, weights or shipped_folder(), Path(room)).all()
    out.parent.mkdir(parents=True, exist_ok=True)
    draw(facts, out.with_suffix(""))
    out.write_text(page(facts, out.stem), encoding="utf-8")
    click.echo(f"written: {out}")


class Measuring:
    """One go."""

    def __init__(self, plan: Plan, weights: Path, room: Path) -> None:
        self.plan, self.weights, self.room = plan, weights, room
        self.runtime: Runtime = open_runtime(weights)
        self.facts = Facts(others(), plan.runs, machine(plan.side), SIZES)
        self.sample = Sample()

    def all(self) -> Facts:
        clips = dict(self.clips())
        for step in (self.network, self.commands):
            step(clips["480p", 1])
        self.repeat(clips)
        return self.facts

    def clips(self) -> Iterator[tuple[tuple[str, int], Clip]]:
        for name, size in self.facts.sizes.items():
            for objects, frames in self.plan.frames.items():
                click.echo(f"making the clip: {name}, {objects} objects")
                yield (name, objects), self.sample.clip(self.room, size, objects, frames)

    def network(self, _: Clip) -> None:
        click.echo("the network alone")
        facts, plan = self.facts, self.plan
        facts.work = {"encoder": work(self.weights / ENCODER), "head": work(self.weights / HEAD)}
        facts.network = {n: network_seconds(self.runtime, n, max(plan.calls // n, 3)) for n in plan.frames}
        for threads in sorted({1, 2, 4, 8, 16, cores()}):
            if threads <= cores():
                alone = open_runtime(self.weights, threads=threads)
                facts.threads[threads] = 1 / sum(network_seconds(alone, 1, plan.calls))

    def commands(self, clip: Clip) -> None:
        """Start-up, and memory by length, of whole processes."""
        x, y, w, h = box_of_first(clip)
        out = ["-o", str(self.room / "result"), "--overwrite", "--weights", str(self.weights), "-q"]
        start = {"--help": ["--help"], "run": ["run", str(clip.path), "--box", f"{x},{y},{w},{h}", "--end", "0", *out]}
        for name, words in start.items():
            click.echo(f"start-up: {name}")
            self.facts.start[name] = median(command(*words).seconds for _ in range(self.plan.runs))
        longest = max(self.plan.lengths)
        cycle = self.sample.clip(self.room, clip.size, 1, min(len(self.sample), longest))
        film = looped(cycle.path, longest, self.room / "long.mp4")
        for frames in self.plan.lengths:
            click.echo(f"memory: {frames} frames")
            mask = ["--mask", str(cycle.mask), "--end", str(frames - 1)]
            self.facts.runs[frames] = command("run", str(film), *mask, *out)

    def baselines(self, clip: Clip) -> dict[str, float]:
        return {
            "DIS flow, medium": dis_flow(clip),
            "the bare encoder": 1 / network_seconds(self.runtime, 1, self.plan.calls)[0],
            "decoding alone": decode_alone(clip),
        }

    def repeat(self, clips: dict[tuple[str, int], Clip]) -> None:
        """End to end, by stage, and the other programs: in turn, so that a slow minute spoils no case's median."""
        rates: defaultdict[tuple[str, int, bool], list[float]] = defaultdict(list)
        twice: defaultdict[tuple[str, int], list[float]] = defaultdict(list)
        parts: defaultdict[tuple[str, int], list[dict[str, float]]] = defaultdict(list)
        beside: list[dict[str, float]] = []
        warm = self.plan.warm
        for run in range(self.plan.runs):
            click.echo(f"run {run + 1} of {self.plan.runs}: the other programs")
            beside.append(self.baselines(clips["480p", 1]))
            for key, clip in clips.items():
                click.echo(f"run {run + 1} of {self.plan.runs}: {key[0]}, {key[1]} objects")
                for drawn in (True, False):
                    rates[*key, drawn].append(end_to_end(self.runtime, clip, warm, with_overlay=drawn))
                twice[key].append(end_to_end_twice(self.runtime, clip, warm))
                parts[key].append(stages(self.runtime, clip, warm))
        self.facts.rates = {key: median(values) for key, values in rates.items()}
        self.facts.twice = {key: median(values) for key, values in twice.items()}
        self.facts.beside = {name: median(one[name] for one in beside) for name in beside[0]}
        for key, spent in parts.items():
            self.facts.stages[key] = {stage: median(one[stage] for one in spent) for stage in spent[0]}


def box_of_first(clip: Clip) -> tuple[int, int, int, int]:
    mask = clip.prompts[0].mask
    box = None if mask is None else box_of(mask)
    if box is None:
        raise ValueError(f"{clip.mask} holds no object")
    return box


if __name__ == "__main__":
    main()
