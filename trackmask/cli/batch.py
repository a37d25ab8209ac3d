"""trackmask batch, trackmask batch-status"""

import json
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import click

from .mistakes import Clips, ManyClips
from .options import NewFile, discard_option, json_option, pipeline_options, quiet_option, track_options

if TYPE_CHECKING:
    from trackmask.batch.batch import Batch, Summary
    from trackmask.batch.manifest import Row
    from trackmask.batch.owner import Event

SHOWN = 20  # failures in the table at the end; failures.csv has all
FAILED, INTERRUPTED = 3, 130


@click.command(cls=ManyClips)
@click.argument("source", metavar="IN", type=Clips())
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FOLDER",
    help="Where the results go, and the list of what is done.",
)
@click.option(
    "--prompts",
    type=click.Path(path_type=Path, exists=True),
    metavar="FILE",
    help="Prompts for the clips that have none of their own.",
)
@click.option("--include", multiple=True, metavar="PATTERN", help="Track only clips that match. Repeat for more.")
@click.option("--exclude", multiple=True, metavar="PATTERN", help="Leave out clips that match. Repeat for more.")
@click.option("--jobs", default="auto", show_default=True, metavar="N", help="Clips at a time; they share the cores.")
@click.option(
    "--retries",
    type=click.IntRange(0),
    default=2,
    show_default=True,
    metavar="N",
    help="How often a clip is tried again whose process died.",
)
@click.option(
    "--timeout", type=click.FloatRange(0, min_open=True), metavar="SECONDS", help="Give a clip up after that time."
)
@click.option("--shard", metavar="I/N", help="Track only the I-th of N parts of the clips, for many machines: 1/4.")
@click.option("--ray", metavar="ADDRESS", help="Track on this Ray cluster, which shares the folders.")
@track_options
@click.option("--overwrite", is_flag=True, help="Replace results that this batch did not write.")
@discard_option
@click.option(
    "--json-log", type=NewFile(), metavar="FILE", help="Append what happens to this file, a JSON object a line."
)
@quiet_option
def batch(
    source: str,
    out: Path,
    prompts: Path | None,
    include: tuple[str, ...],
    exclude: tuple[str, ...],
    jobs: str,
    retries: int,
    timeout: float | None,
    shard: str | None,
    ray: str | None,
    start: str | None,
    end: str | None,
    style: str,
    no_overlay: bool,
    soft: bool,
    mask_names: str,
    fast: bool,
    overwrite: bool,
    discard: bool,
    weights: Path | None,
    device: str,
    json_log: Path | None,
    quiet: bool,
) -> None:
    """Track many clips, side by side; called again, go on where it stopped.

    IN is a folder, a pattern ("clips/*.mov"), a text file with a clip a line, or a CSV with the columns clip, prompt,
    output. What is done and unchanged is not done again. A clip's prompts lie beside it (clip.prompts.json,
    clip.mask.png, or LabelMe's clip.json); without any, its main object is found.
    """
    from trackmask.batch.batch import Batch
    from trackmask.batch.find import Selection
    from trackmask.batch.owner import Rules
    from trackmask.batch.plan import parse_shard

    call = Batch(
        source=source,
        out=out,
        options=pipeline_options(
            start=start,
            end=end,
            style=style,
            no_overlay=no_overlay,
            soft=soft,
            mask_names=mask_names,
            fast=fast,
            overwrite=overwrite,
            discard=discard,
        ),
        prompts=prompts,
        select=Selection(include, exclude),
        shard=parse_shard(shard) if shard else None,
        rules=Rules(retries, timeout),
        jobs=number_of_jobs(jobs),
        weights=weights,
        device=device,
        ray=ray,
    )
    summary = run(call, json_log, quiet=quiet)
    if summary.interrupted:
        click.get_current_context().exit(INTERRUPTED)
    if summary.failures:
        click.get_current_context().exit(FAILED)


@click.command("batch-status")
@click.argument("out", type=click.Path(path_type=Path))
@json_option
def batch_status(out: Path, as_json: bool) -> None:
    """Say how far a batch is, at any time, whoever is at work on it.

    OUT is the batch's folder of results.
    """
    from trackmask.batch.status import STATES, failures, in_all, read_status
    from trackmask.files import counted, shown

    shards = read_status(out)
    whole = in_all(shards)
    if as_json:
        listed = [{"name": s.name, "holder": s.holder, **{k: s.counts[k] for k in STATES}} for s in (*shards, whole)]
        click.echo(json.dumps(listed))
        return
    for status in (*shards, whole):
        counts = ", ".join(f"{status.counts[state]} {state}" for state in STATES if status.counts[state]) or "no clips"
        at_work = f"; at work: {status.holder}" if status.holder else ""
        click.echo(shown(f"{status.name}: {counts}{at_work}"))
    frames, seconds = sum(row.frames for row in whole.rows), sum(row.seconds for row in whole.rows)
    click.echo(f"{counted(frames, 'frame')} in {seconds:.0f} s of work")
    table(failures(whole.rows))


def number_of_jobs(text: str) -> int:
    if text == "auto":
        return 0
    if text.isascii() and text.isdigit() and int(text) > 0:
        return int(text)
    raise click.BadParameter(f"{text!r} is neither a number from 1 on nor auto", param_hint="--jobs")


def run(call: "Batch", json_log: Path | None, *, quiet: bool) -> "Summary":
    from trackmask.batch.batch import run_batch
    from trackmask.cli.batch_display import Display, log

    with ExitStack() as stack:
        hearers: list[Callable[[Event], None]] = [] if quiet else [stack.enter_context(Display()).hear]
        if json_log is not None:
            hearers.append(stack.enter_context(log(json_log)))

        def tell(event: "Event") -> None:
            for hear in hearers:
                hear(event)

        summary = run_batch(call, tell, stack.enter_context(interrupts()))
    if not quiet:
        report(summary, call.out)
    return summary


def report(summary: "Summary", out: Path) -> None:
    from trackmask.files import counted, shown

    parts = [
        f"{counted(summary.tracked, 'clip')} tracked",
        f"{summary.skipped} {'was' if summary.skipped == 1 else 'were'} done before",
    ]
    parts += [f"{summary.kept} kept with a person's corrections"] if summary.kept else []
    parts += [f"{len(summary.failures)} failed"] if summary.failures else []
    parts += [f"{summary.left} left"] if summary.left else []
    click.echo(f"{shown(out)}: {', '.join(parts)}; {counted(summary.frames, 'frame')}")
    table(summary.failures)


def table(rows: "list[Row]") -> None:
    from trackmask.files import brief, shown

    for row in rows[:SHOWN]:
        click.echo(f"  {shown(row.state)}  {shown(row.clip)}: {brief(row.error)}")
    if len(rows) > SHOWN:
        click.echo(f"  and {len(rows) - SHOWN} more; failures.csv has them all")


@contextmanager
def interrupts() -> Iterator[Callable[[], int]]:
    """How often Ctrl-C was pressed so far, or the process was asked to end, as Slurm does when time is up."""
    count = 0

    def heard(number: int, frame: FrameType | None) -> None:
        nonlocal count
        count += 1

    if threading.current_thread() is not threading.main_thread():  # signals are the main thread's
        yield lambda: 0
        return
    before = {number: signal.signal(number, heard) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: count
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
