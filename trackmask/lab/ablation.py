"""The same network with each kind of fusion, trained alike: what do the fully connected layers in the middle do?"""

from __future__ import annotations

from collections.abc import Mapping
from statistics import fmean
from typing import TYPE_CHECKING, Any

import numpy as np

from trackmask.lab.bench import Bench
from trackmask.lab.trial import SIZE, Row, Trial, Trials, cost, milliseconds
from trackmask.network.fusion import PARTS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NAME = "ablation"
KINDS: Mapping[str, tuple[str, ...]] = {
    "none": (),
    "learned": ("learned",),
    "computed": ("computed",),
    "solved": ("solved",),
    "full": ("full",),
    "all": PARTS,
}
REPEATED = ("none", "all")
SEEDS = 3  # of those
PAPER = 352  # pixels of the crop at which costs are given on paper: the shipped network's


def run(bench: Bench) -> None:
    """ablation.json and its two pictures. Raises what training and measuring raise."""
    trials = Trials(bench, NAME)
    order = [(kind, 0) for kind in KINDS] + [(kind, n) for n in range(1, SEEDS) for kind in REPEATED]
    rows: dict[str, list[Row]] = {kind: [] for kind in KINDS}
    for kind, number in order:
        rows[kind].append(trials.row(Trial(KINDS[kind], bench.seed + number)))
    found = figures(rows, trials.steps)
    draw(bench, found["kinds"])
    bench.write(NAME, found)


def figures(rows: Mapping[str, list[Row]], steps: int) -> dict[str, Any]:
    """What ablation.json holds."""
    kinds = {}
    for kind, runs in rows.items():
        means = {name: fmean(run[name] for run in runs) for name in ("jf", "j", "f", "j_first", "j_last")}
        paper = {name: value for name, value in cost(KINDS[kind], PAPER).items() if name.startswith("fusion")}
        expense = cost(KINDS[kind], SIZE) | {"ms": milliseconds(KINDS[kind], SIZE)}
        kinds[kind] = means | expense | {"runs": runs, "paper": paper}
    minutes = sum(run["minutes"] for runs in rows.values() for run in runs)
    return {"kinds": kinds, "size": SIZE, "paper_size": PAPER, "steps": steps, "minutes": minutes}


def draw(bench: Bench, kinds: Mapping[str, Any]) -> None:
    """ablation.png: J&F of every run, and J over the clips' length; ablation-curves.png: the trainings."""
    with bench.figure(NAME, 11, 4.2) as figure:
        left, right = figure.subplots(1, 2)
        for place, kind in enumerate(KINDS):
            one = kinds[kind]
            scores = [100 * run["jf"] for run in one["runs"]]
            left.plot([place] * len(scores), scores, "o", color=f"C{place}", alpha=0.7)
            left.plot([place - 0.3, place + 0.3], [100 * one["jf"]] * 2, color=f"C{place}")
            tenths = 100 * np.mean([run["j_tenths"] for run in one["runs"]], 0)
            right.plot(np.linspace(5, 95, len(tenths)), tenths, color=f"C{place}", label=kind)
        left.set(title="Each run, and the mean", ylabel="J&F, development split", xticks=range(len(KINDS)))
        left.set_xticklabels(KINDS)
        right.set(title="How long it holds", xlabel="place in the clip, per cent", ylabel="J")
        right.legend(frameon=False, ncols=2)
    with bench.figure(f"{NAME}-curves", 11, 4.2) as figure:
        for axes, name, title in zip(figure.subplots(1, 2), ("iou", "loss"), ("IoU", "loss"), strict=True):
            _curves(axes, kinds, name)
            axes.set(title=f"{title} at training", xlabel="step", ylabel=title)
        axes.legend(frameon=False)


def _curves(axes: Axes, kinds: Mapping[str, Any], name: str) -> None:
    for place, kind in enumerate(KINDS):
        one = kinds[kind]
        curve = one["runs"][0]["curve"]
        millions = one["fusion_parameters"] / 1e6
        label = f"{kind}: {millions:.2f} M" if millions < 1 else f"{kind}: {millions:.0f} M parameters"
        axes.plot(curve["step"], curve[name], color=f"C{place}", label=label)
