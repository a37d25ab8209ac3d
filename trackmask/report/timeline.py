"""An object's timeline as SVG: x is the place of a frame among the result's, y runs down from 1 to 0 in hundredths."""

from bisect import bisect_left
from collections.abc import Sequence

import numpy as np

from trackmask.report.series import STATES, Series, bands, extremes

TICKS = 8  # at most, under a timeline

Run = Sequence[tuple[float, float]]  # (place, value in [0, 1])


def plot_svg(series: Series, marks: Sequence[tuple[int, int]], cuts: Sequence[int] = ()) -> str:
    """The area (as a part of its largest) under the line of confidence; `marks` are ranges (first, last) to look at,
    `cuts` the places at which a new shot begins.
    """
    largest = float(np.fmax.reduce(series.area, initial=1.0))
    areas = [[(place, value / largest) for place, value in run] for run in extremes(series.area)]
    filled = "".join(f"M{_points([(run[0][0], 0), *run, (run[-1][0], 0)])}Z" for run in map(_wide, areas))
    line = "".join(f"M{_points(run)}" for run in map(_wide, extremes(series.confidence)))
    spans = "".join(f'<rect class="mark" x="{a - 0.5}" y="0" width="{b - a + 1}" height="100"/>' for a, b in marks)
    return (
        f'<svg viewBox="-0.5 0 {len(series.state)} 100" preserveAspectRatio="none" aria-hidden="true">{spans}'
        f'<path class="grid" d="M-0.5 50h{len(series.state)}"/>{_cuts_svg(cuts)}<path class="area" d="{filled}"/>'
        f'<path class="line" d="{line}"/></svg>'
    )


def _cuts_svg(cuts: Sequence[int]) -> str:
    return f'<path class="cut" d="{"".join(f"M{place - 0.5} 0v100" for place in cuts)}"/>' if cuts else ""


def bands_svg(series: Series) -> str:
    """The states, as a strip of colours; what needs a look is drawn last, where it is too short for its neighbours."""
    strips = "".join(
        f'<rect class="{state}" x="{start - 0.5}" y="0" width="{end - start}" height="1"/>'
        for start, end, state in sorted(bands(series), key=lambda band: STATES.index(band[2]))
    )
    box = f'viewBox="-0.5 0 {len(series.state)} 1" preserveAspectRatio="none" aria-hidden="true"'
    return f'<svg class="states" {box}>{strips}</svg>'


def axis(frames: Sequence[int]) -> str:
    """Round frame numbers under a timeline; `frames` are the indices of all, rising."""
    step = _step(frames[-1] - frames[0] + 1)
    ticks = range(-(-frames[0] // step) * step, frames[-1] + 1, step)
    places = [(tick, (bisect_left(frames, tick) + 0.5) / len(frames)) for tick in ticks]
    labels = "".join(f'<span style="left:{at:.2%}">{tick}</span>' for tick, at in places)
    return f'<p class="axis">{labels}</p>'


def _step(span: int) -> int:
    """The smallest of 1, 2, 5, 10, 20, 50... that makes no more than TICKS steps."""
    power = 1
    while True:
        for step in (power, 2 * power, 5 * power):
            if span <= step * TICKS:
                return step
        power *= 10


def _wide(run: Run) -> Run:
    """A frame alone as wide as it is: a line needs two points to be seen."""
    if len(run) > 1:
        return run
    ((place, value),) = run
    return [(place - 0.4, value), (place + 0.4, value)]


def _points(run: Run) -> str:
    return " ".join(f"{place} {100 - 100 * value:.4g}" for place, value in run)
