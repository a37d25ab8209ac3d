"""PYTHONPATH=tests python -m fuzz --count 10000"""

import sys
import tempfile
from collections import Counter
from pathlib import Path

import click

from fuzz.campaign import SECONDS, campaign
from fuzz.cases import kind_of
from fuzz.doors import DOORS


@click.command()
@click.option("--count", default=300, show_default=True, help="How many files.")
@click.option("--first", default=0, show_default=True, help="The number of the first one.")
@click.option("--seconds", default=SECONDS, show_default=True, help="How long a file may take.")
@click.option("--kind", "kinds", multiple=True, type=click.Choice(sorted(DOORS)), help="Only these. [all]")
@click.option("--room", type=click.Path(path_type=Path), help="A folder for the files; wrong ones stay in wrong/.")
def main(count: int, first: int, seconds: float, kinds: tuple[str, ...], room: Path | None) -> None:
    """Break files and hand them to trackmask: each must be read, or refused with one sentence."""
    room = (room or Path(tempfile.mkdtemp(prefix="fuzz-"))).absolute()
    tally: Counter[tuple[str, str]] = Counter()
    slowest, memory = 0.0, 0
    numbers = [number for number in range(first, first + count) if not kinds or kind_of(number) in kinds]
    for verdict in campaign(numbers, room, seconds):
        tally[verdict.case.kind, verdict.outcome] += 1
        slowest, memory = max(slowest, verdict.seconds), max(memory, verdict.memory)
        if verdict.outcome == "wrong":
            click.echo(f"{verdict.case.number} {verdict.case.kind} ({verdict.case.said}): {verdict.said}")
    for (kind, outcome), number in sorted(tally.items()):
        click.echo(f"{kind:9} {outcome:8} {number:6}")
    click.echo(f"slowest {slowest:.1f} s, most memory {memory >> 20} MB; room {room}")
    sys.exit(any(outcome == "wrong" for _, outcome in tally))


if __name__ == "__main__":
    main()
