"""The pictures of docs/performance.md."""

from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from measure import STAGES
from page import OVERLAY, Facts


def draw(facts: Facts, stem: Path) -> list[Path]:
    """Write `stem`-rates.png and its siblings, and return their paths."""
    written = []
    for plot in (rates, stages, memory, roofline):
        figure = Figure(figsize=(8, 4), layout="constrained")
        plot(facts, figure.subplots())
        written.append(stem.with_name(f"{stem.name}-{plot.__name__}.png"))
        figure.savefig(written[-1], dpi=110, metadata={"Software": None})
    return written


def rates(facts: Facts, axes: Axes) -> None:
    groups = [(n, drawn) for n in sorted({n for _, n in facts.stages}) for drawn in OVERLAY]
    places, width = np.arange(len(facts.sizes)), 0.8 / len(groups)
    for number, (objects, drawn) in enumerate(groups):
        heights = [facts.rates[name, objects, drawn] for name in facts.sizes]
        axes.bar(places + (number + 0.5) * width - 0.4, heights, width, label=f"{objects} obj., {OVERLAY[drawn]}")
    axes.axhline(25, color="black", linewidth=0.8, linestyle="--", label="real time, 25")
    axes.set(xticks=places, xticklabels=list(facts.sizes), ylabel="frames/s", title="End to end")
    axes.legend(fontsize="small")


def stages(facts: Facts, axes: Axes) -> None:
    names = [f"{name}, {objects}" for name, objects in facts.stages]
    left = np.zeros(len(names))
    for number, stage in enumerate(STAGES):
        widths = np.array([spent[stage] for spent in facts.stages.values()])
        axes.barh(names, widths, left=left, label=stage, color=mpl.colormaps["tab10"](number))
        left += widths
    axes.invert_yaxis()
    axes.set(xlabel="ms a frame, each stage alone", title="Stages, by size and number of objects")
    axes.legend(fontsize="small")


def memory(facts: Facts, axes: Axes) -> None:
    lengths = sorted(facts.runs)
    axes.plot(lengths, [facts.runs[n].peak for n in lengths], "o-")
    axes.axhline(700, color="black", linewidth=0.8, linestyle="--", label="bar: 700 MB")
    axes.set(xlabel="frames at 480p", ylabel="peak, MB", ylim=(0, None), title="Memory")
    axes.legend()


def roofline(facts: Facts, axes: Axes) -> None:
    reach = np.geomspace(0.1, 1000, 200)
    axes.loglog(reach, np.minimum(facts.peak.gflops, facts.peak.bandwidth * reach), "k-", label="the machine's limit")
    for (name, work), seconds in zip(facts.work.items(), facts.network[1], strict=True):
        axes.plot(work.intensity, work.gflop / seconds, "o", label=f"{name}, {1000 * seconds:.1f} ms")
    axes.set(xlabel="FLOP a byte moved", ylabel="GFLOP/s", title="Roofline, one object")
    axes.legend()
