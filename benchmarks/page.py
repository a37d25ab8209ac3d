"""docs/performance.md: the measured numbers as a page. Every sentence with a number in it is made from the numbers."""

import platform
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from measure import STAGES, Command
from roofline import FRAMES, Machine, Work

from trackmask.runtime import cores

OVERLAY = {True: "masks and overlay", False: "masks alone"}
# A graphics card on paper: figures of its kind, not of one that was measured.
GPU = Machine(gflops=30_000, bandwidth=600)
LAUNCH = 5e-6  # seconds to start one kernel
SERVER = 32  # cores


@dataclass
class Facts:
    """All that was measured; rates are frames per second. The keys are (size's name, objects)."""

    others: float  # processes that wanted a core before the measuring began
    repeats: int  # runs that a median is taken of
    peak: Machine
    sizes: dict[str, tuple[int, int]]
    rates: dict[tuple[str, int, bool], float] = field(default_factory=dict)  # of one pass; and whether with overlay
    twice: dict[tuple[str, int], float] = field(default_factory=dict)  # rates of both passes, with overlay
    stages: dict[tuple[str, int], dict[str, float]] = field(default_factory=dict)  # milliseconds a frame
    start: dict[str, float] = field(default_factory=dict)  # seconds, by command
    runs: dict[int, Command] = field(default_factory=dict)  # by the number of frames
    beside: dict[str, float] = field(default_factory=dict)  # other programs' rates
    work: dict[str, Work] = field(default_factory=dict)  # of "encoder" and "head", one object
    network: dict[int, tuple[float, float]] = field(default_factory=dict)  # seconds of both, by objects
    threads: dict[int, float] = field(default_factory=dict)  # the network's rate, by threads


def page(facts: Facts, stem: str) -> str:
    """The whole page, whose pictures lie beside it as `stem`-rates.png and so on."""
    parts = (machine, bars, rates, stages, beside, growth, limit, on_paper)
    return "\n\n".join(part(facts) for part in parts).replace("](PICTURE", f"]({stem}") + "\n"


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = (f"| {' | '.join(map(str, row))} |" for row in (head, ["---"] + ["--:"] * (len(head) - 1), *rows))
    return "\n".join(lines)


def machine(facts: Facts) -> str:
    # OpenCV marks with * what it chooses at run time, and with ? what this processor lacks.
    simd = " ".join(word.strip("*") for word in cv2.getCPUFeaturesLine().split() if not word.endswith("?"))
    busy = "Nothing else ran."
    if facts.others >= 0.5:
        busy = f"**{facts.others:.1f} other processes ran beside it: these figures are too low, measure again.**"
    return f"""# How fast it is, and why

Written by `python benchmarks/performance.py`, which measures all of this in one go; do not edit it by hand.

Machine: {cores()} cores, {platform.machine()}, {simd}, {platform.system()}; Python {platform.python_version()}.
It multiplies matrices at {facts.peak.gflops:.0f} GFLOP/s and copies memory at {facts.peak.bandwidth:.0f} GB/s. {busy}

The clips are `samples/bunny.mp4` scaled, tiled to show as many objects as are tracked, and run forth and back.
So the large ones hold less detail than a camera's, and decode and encode faster.
Rates, stages and start are medians of {facts.repeats} runs, the network's of many calls; memory is measured once."""


def bars(facts: Facts) -> str:
    """What issues 5 and 22 asked for."""
    with_overlay, without = facts.rates["480p", 1, True], facts.rates["480p", 1, False]
    short, *_, long = sorted(facts.runs)
    ratio = facts.runs[long].peak / facts.runs[short].peak
    several = min(n for key, n in facts.stages if key == "480p" and n > 1)  # 5, as the bar has it
    cost = with_overlay / facts.rates["480p", several, True]
    flow, both = facts.beside["DIS flow, medium"], facts.twice["480p", 1]
    checks: list[tuple[str, float, float, bool]] = [  # the last: whether more is better
        ("480p, two passes, masks and overlay, over the rate of DIS flow", 0.38, both / flow, True),
        ("the time of two passes over that of one", 2.1, with_overlay / both, False),
        ("480p, one pass, masks and overlay, frames/s", 25, with_overlay, True),
        ("the same over the rate of DIS flow", 0.75, with_overlay / flow, True),
        ("480p, one pass, masks alone, frames/s", 30, without, True),
        ("1080p over 480p, one pass, masks alone", 0.6, facts.rates["1080p", 1, False] / without, True),
        ("start to the first mask, whole command, s", 1.5, facts.start["run"], False),
        ("trackmask --help, s", 0.5, facts.start["--help"], False),
        ("peak memory at 480p, MB", 700, facts.runs[long].peak, False),
        (f"peak memory, {long} over {short} frames", 1.05, ratio, False),
        (f"a frame of {several} objects over one of 1", 0.8 * several, cost, False),
    ]
    rows = []
    for what, bar, value, at_least in checks:
        held = value >= bar if at_least else value <= bar
        rows.append((what, f"{'≥' if at_least else '≤'} {bar:.3g}", f"{value:.3g}", "yes" if held else "**no**"))
    return "## The bars\n\n" + table(("what", "bar", "measured", "held"), rows)


def rates(facts: Facts) -> str:
    objects = sorted({number for _, number in facts.stages})
    kinds = [f"one pass, {words}" for words in OVERLAY.values()]
    head = ["frames/s", *(f"{n} obj., {kind}" for kind in ("two passes, masks and overlay", *kinds) for n in objects)]
    rows = [
        [
            f"{name} ({size[1]} x {size[0]})",
            *(f"{facts.twice[name, n]:.1f}" for n in objects),
            *(f"{facts.rates[name, n, drawn]:.1f}" for drawn in OVERLAY for n in objects),
        ]
        for name, size in facts.sizes.items()
    ]
    return f"""## End to end

`trackmask run`'s pipeline from file to result folder, decoding, tracking and writing side by side, once it is under
way: two passes, which are the default, and one (`--fast`). The start is counted below.

{table(head, rows)}

![Frames per second by size and objects](PICTURE-rates.png)"""


def stages(facts: Facts) -> str:
    rows = [
        [f"{name}, {objects} obj.", *(f"{spent[stage]:.1f}" for stage in STAGES), f"{sum(spent.values()):.1f}"]
        for (name, objects), spent in facts.stages.items()
    ]
    return f"""## Stage by stage

Milliseconds a frame, each stage alone: FFmpeg with one thread, the network with all. In a run they overlap, so a
frame takes less than the sum. *encoder*: crop to features; *head*: fusion and decoder; *memory*: the solved layer
and what is remembered; *draw* and *film*: the overlay.

{table(["ms", *STAGES, "sum"], rows)}

![Milliseconds of each stage](PICTURE-stages.png)"""


def beside(facts: Facts) -> str:
    ours = facts.rates["480p", 1, True]
    both = facts.twice["480p", 1]
    rows = [("trackmask, two passes, masks and overlay", f"{both:.1f}", "1", f"{ours / both:.2f}")]
    rows += [("trackmask, one pass, masks and overlay", f"{ours:.1f}", f"{both / ours:.2f}", "1")]
    rows += [(name, f"{rate:.1f}", f"{both / rate:.2f}", f"{ours / rate:.2f}") for name, rate in facts.beside.items()]
    commands = [(f"`trackmask {name}`", f"{seconds:.2f}") for name, seconds in facts.start.items()]
    memory = [(n, f"{run.peak:.0f}", f"{n / run.seconds:.1f}") for n, run in sorted(facts.runs.items())]
    return f"""## Beside other programs

At 480p, in the same run on the same machine.

{table(("480p", "frames/s", "two passes over it", "one pass over it"), rows)}

## Start

Whole commands, from the process' start to its exit; `run` finds an object in a box, in one frame, and writes its
mask, overlay and result.

{table(("command", "s"), commands)}

## Memory

The process' peak at 480p with the overlay, one object, two passes.

{table(("frames", "MB", "frames/s with the start"), memory)}

![Peak memory by length](PICTURE-memory.png)"""


def growth(facts: Facts) -> str:
    small, *_, large = facts.sizes
    pixels = np.prod(facts.sizes[large]) / np.prod(facts.sizes[small])
    several = max(facts.network)
    one, many = sum(facts.network[1]), sum(facts.network[several])
    network = {key: spent["encoder"] + spent["head"] for key, spent in facts.stages.items()}
    rest = {key: sum(spent.values()) - network[key] for key, spent in facts.stages.items()}
    grown = network[large, 1] / network[small, 1], rest[large, 1] / rest[small, 1]
    rows = [(n, f"{rate:.1f}", f"{rate / facts.threads[1]:.2f}") for n, rate in facts.threads.items()]
    short, *_, long = sorted(facts.runs)
    return f"""## How the cost grows

- **Pixels.** {large} has {pixels:.0f} times the pixels of {small}. The network costs {grown[0]:.2f} times, since
  every object is seen through a crop of one size; all the rest (decode, crop, PNG, overlay) {grown[1]:.1f} times.
- **Objects.** The network costs {many / one:.1f} times as much for {several} objects as for 1,
  which it sees one after another.
- **Frames.** Each costs the same: memory holds a fixed number of frames. From {short} to {long} frames, the peak
  goes from {facts.runs[short].peak:.0f} to {facts.runs[long].peak:.0f} MB.
- **Cores.** The network alone, one object:

{table(("threads", "network, frames/s", "over 1 thread"), rows)}"""


def limit(facts: Facts) -> str:
    encoder, head = facts.network[1]
    rows = [
        (
            name,
            f"{facts.work[name].gflop:.2f}",
            f"{facts.work[name].intensity:.0f}",
            f"{1000 * seconds:.1f}",
            f"{facts.work[name].gflop / seconds:.0f}",
            f"{1000 * floor(facts.work[name], facts.peak):.1f}",
            f"{100 * floor(facts.work[name], facts.peak) / seconds:.0f} %",
        )
        for name, seconds in (("encoder", encoder), ("head", head))
    ]
    total = sum(work.gflop for work in facts.work.values())
    bound = sum(floor(work, facts.peak) for work in facts.work.values())
    return f"""## Where the limit is

A frame of one object asks the network for {total:.2f} GFLOP (a multiply-add is two; counted from the graphs, with
{FRAMES} frames in memory). At this machine's peak that is {1000 * bound:.1f} ms: no more than {1 / bound:.0f}
frames/s for one object, whatever the code. The network takes {1000 * (encoder + head):.1f} ms.
Most of the encoder computes in 8 bits, for which the processor's peak is higher than this one, of float32: its share of
the limit says how it compares with a perfect float32 encoder, not how much could still be gained.

{table(("graph", "GFLOP", "FLOP/byte", "ms", "GFLOP/s", "limit ms", "of the limit"), rows)}

![Roofline](PICTURE-roofline.png)"""


def on_paper(facts: Facts) -> str:
    spent, network = facts.stages["480p", 1], sum(facts.network[1])
    serial = sum(spent[s] for s in ("crop", "memory", "paste", "rest of the tracker"))
    write = sum(spent[s] for s in ("write PNG", "draw", "film"))
    steps = {"decoding": spent["decode"], "tracking": serial + 1000 * network * cores() / SERVER, "writing": write}
    slowest = max(steps, key=lambda step: steps[step])
    kernels = sum(work.nodes for work in facts.work.values())
    card = 1000 * max(sum(floor(work, GPU) for work in facts.work.values()), LAUNCH * kernels)
    ours, times = facts.rates["480p", 1, True], SERVER / cores()
    return f"""### On paper, not measured

- **{SERVER} such cores, one video.** Were the network to scale without loss, {
        slowest
    } would be the slowest of the three
  steps that run side by side: {steps[slowest]:.1f} ms a frame, so at most {1000 / steps[slowest]:.0f} frames/s at 480p.
- **{SERVER} such cores, many videos** (`trackmask batch`, a job for every {cores()} cores): {times:.0f} times this
  machine's {ours:.0f}, about {ours * times:.0f} frames/s, where the disk and the memory keep up.
- **A graphics card** of {GPU.gflops / 1000:.0f} TFLOP/s and {GPU.bandwidth:.0f} GB/s: {card:.1f} ms a frame for the
  network, which is the start of some {kernels} kernels at {
        1e6 * LAUNCH:.0f} µs each rather than their arithmetic. Crop,
  masks and films stay on the processor: with them, {serial + card:.1f} ms for tracking, {write:.1f} ms for writing."""


def floor(work: Work, machine: Machine) -> float:
    """The least seconds that a machine can take: its arithmetic or its memory is the limit."""
    return max(work.gflop / machine.gflops, work.megabytes / 1000 / machine.bandwidth)
