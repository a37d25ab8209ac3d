"""The ladder: from no features to learned ones, and from a classifier to a fusion, each rung as a tracker."""

from collections.abc import Iterator
from dataclasses import dataclass

from matplotlib.figure import Figure

from trackmask.data import Frame
from trackmask.evaluation.baselines import Method, copy_first_mask, dis_flow
from trackmask.evaluation.dataset import Clip
from trackmask.evaluation.measure import ClipScore, evaluate, mean
from trackmask.evaluation.methods import TrackmaskMethod
from trackmask.evaluation.places import PlaceTracker
from trackmask.lab.bench import Bench
from trackmask.lab.classifiers import Descended, Solved, Svm
from trackmask.lab.hog_svm import HogSvm
from trackmask.runtime import open_runtime

NAME = "ladder"


def run(bench: Bench) -> None:
    """ladder.json and ladder.png: J, F, J&F and ms a frame of every rung, without the decoding of the pictures."""
    methods = rungs(bench.seed)
    scores: dict[str, list[ClipScore]] = {name: [] for name in methods}
    for clip in bench.clips():
        held = Held(**vars(clip), kept=tuple(clip.frames()))
        for name, method in methods.items():
            scores[name] += evaluate(method, [held], "mask")
        bench.report(f"  {clip.name}: " + ", ".join(f"{name} {100 * of[-1].jf:.1f}" for name, of in scores.items()))
    figures = [row(name, of) for name, of in scores.items()]
    with bench.figure(NAME) as figure:
        draw(figure, figures)
    bench.write(NAME, {"rungs": figures})


def rungs(seed: int) -> dict[str, Method]:
    """By name, in their order."""
    runtime = open_runtime()
    return {
        "copy": copy_first_mask,
        "flow": dis_flow,
        "HOG + SVM": HogSvm(seed),
        "conv + nearest": PlaceTracker(runtime),
        "conv + SVM": PlaceTracker(runtime, Svm, "linear", seed),
        "conv + solved FC": PlaceTracker(runtime, Solved, "linear", seed),
        "conv + FC by SGD": PlaceTracker(runtime, Descended, "linear", seed),
        "trackmask": TrackmaskMethod(runtime, fast=True),
    }


@dataclass(frozen=True)
class Held(Clip):
    """A clip whose pictures are decoded already, so that the time is the method's own."""

    kept: tuple[Frame, ...] = ()

    def frames(self) -> Iterator[Frame]:
        return iter(self.kept)


def row(name: str, scores: list[ClipScore]) -> dict:
    all_clips = mean(scores)
    return {
        "name": name,
        "jf": all_clips.jf,
        "j": all_clips.j,
        "f": all_clips.f,
        "ms": 1000 / all_clips.fps if all_clips.fps else None,
        "clips": {score.clip: score.jf for score in scores},
    }


def draw(figure: Figure, rows: list[dict]) -> None:
    """J&F against the time a frame takes."""
    axes = figure.subplots()
    for one in rows:
        ours = one["name"] == "trackmask"
        axes.plot(one["ms"], 100 * one["jf"], "o", color="tab:red" if ours else "tab:blue", markersize=8)
        # To the left where another one stands close on the right.
        near = any(0 < other["ms"] - one["ms"] < 5 and abs(other["jf"] - one["jf"]) < 0.05 for other in rows)
        axes.annotate(
            one["name"],
            (one["ms"], 100 * one["jf"]),
            (-8, 4) if near else (8, -4),
            textcoords="offset points",
            ha="right" if near else "left",
        )
    axes.set(xlabel="ms a frame", ylabel="J&F", ylim=(0, 100), title="Accuracy against time")
    axes.margins(x=0.2)
    axes.grid(alpha=0.3)
