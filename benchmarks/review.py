"""Does the review list hold the bad masks, and how much of the video does it name?

    python benchmarks/review.py DATA [--weights FOLDER] [--cache FOLDER] [--jobs 2] [--page docs/review.md]

As benchmarks/confidence.py, whose --cache it shares. Writes the part of the page that is called "What it holds".
"""

import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import click
from confidence import BAD
from sections import put_section
from told import Told, asks, calibration_of, of_identity, of_the_split, told, with_walls

from trackmask.data import ObjectRecord, State
from trackmask.result import FrameRecord
from trackmask.result.review import Range, review
from trackmask.runtime import Calibration
from trackmask.tracking import Settings, judged

HEADING = "## What it holds"


def listed(frames: Sequence[Told], calibration: Calibration) -> list[Range]:
    """The review list of a clip that was tracked from a mask in frame 0."""
    given = FrameRecord(0, 0.0, (ObjectRecord(1, State.TRACKED, 1.0, 0, None),))
    records = [FrameRecord(f.frame, f.frame / 24, (judged(f.record, calibration, Settings().certain),)) for f in frames]
    return review([given, *records], {1: [0]}, {f.frame for f in frames if f.cut})


def row(name: str, clips: Sequence[Sequence[Told]], calibration: Calibration) -> tuple[str, Counter[str]]:
    """A line of the table; and how many frames, and how many bad ones, are listed for each reason."""
    bad = held = named = ranges = 0
    reasons: Counter[str] = Counter()
    for frames in clips:
        found = listed(frames, calibration)
        inside = {i for item in found for i in range(item.first, item.last + 1)}
        wrong = {f.frame for f in frames if f.iou < BAD}
        bad, held, ranges = bad + len(wrong), held + len(wrong & inside), ranges + len(found)
        named += len(inside & {f.frame for f in frames})
        for item in found:
            own = set(range(item.first, item.last + 1))
            reasons[item.reason] += len(own)
            reasons[f"{item.reason}, bad"] += len(own & wrong)
    count = sum(map(len, clips))
    share = f"{100 * held / bad:.0f} %" if bad else "–"
    line = f"| {name} | {count:,} | {ranges} | {100 * named / count:.0f} % | {bad:,} | {share} |"
    return line, reasons


@click.command(help=__doc__)
@asks
@click.option("--page", type=click.Path(path_type=Path), default=Path("docs/review.md"))
def main(data: Path, weights: Path | None, cache: Path | None, jobs: int, page: Path) -> None:
    split, walls, identity = of_the_split(data), with_walls(data), of_identity(data)
    with tempfile.TemporaryDirectory() as room:
        found = told([*split, *walls, *identity], weights, cache or Path(room), jobs)
    calibration = calibration_of(weights)
    sets = {"split, every and every 4th frame": split, "walls, every 2nd frame": walls, "identity": identity}
    sets["all"] = [*split, *walls, *identity]
    lines, reasons = [], Counter[str]()
    for passes, words in ((1, "one pass"), (2, "two passes")):
        for name, situations in sets.items():
            line, reasons = row(f"{name}, {words}", [found[one.name][passes - 1] for one in situations], calibration)
            lines.append(line)
    click.echo("\n".join(lines))
    for name, count in reasons.most_common():
        click.echo(f"{count:6} {name}")
    put_section(page, "\n".join([HEADING, "", *HEAD, *lines, "", *TAIL]))


HEAD = (
    "Of clips tracked from their first mask: how much of them the list names, and how many of the bad masks it holds.",
    "",
    f"| | frames | ranges | frames listed | masks with an IoU below {BAD} | of these listed |",
    "|---|---|---|---|---|---|",
)
TAIL = (
    "`python benchmarks/review.py DATA` makes this part. The situations: benchmarks/identity.py, benchmarks/walls.py.",
    "",
)

if __name__ == "__main__":
    main()
