"""The whole way of a batch, from the call to its end."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from trackmask.batch.find import Selection, find_clips
from trackmask.batch.job import clear, is_below
from trackmask.batch.lock import held
from trackmask.batch.manifest import DONE, RUNNING, Manifest, Row, manifests, read_manifest
from trackmask.batch.owner import Event, Owner, Rules
from trackmask.batch.plan import Plan, Shard, make_plan
from trackmask.batch.pool import LocalPool, Pool
from trackmask.batch.status import failures, manifest_name, paths, write_failures
from trackmask.errors import OutputError
from trackmask.files import absolute, shown, writing
from trackmask.pipeline import Options
from trackmask.runtime import cores, running_files

MEMORY = 1 << 30  # bytes a job may need: 4K video stays below


@dataclass(frozen=True)
class Batch:
    """A call of `trackmask batch`."""

    source: str  # IN: a folder, a glob, a list, a CSV
    out: Path
    options: Options = field(default_factory=Options)
    prompts: Path | None = None  # for every clip that has none of its own
    select: Selection = field(default_factory=Selection)
    shard: Shard | None = None
    rules: Rules = field(default_factory=Rules)
    jobs: int = 0  # 0: as many as cores and memory allow
    weights: Path | None = None
    device: str = "cpu"
    ray: str | None = None  # the address of a cluster


@dataclass(frozen=True)
class Summary:
    tracked: int  # clips that this call tracked to their end
    skipped: int  # that were done before, and need nothing
    kept: int  # that would be tracked again, had not a person corrected their results
    left: int  # that an interrupt left undone
    frames: int
    failures: list[Row]
    interrupted: bool


def run_batch(
    batch: Batch,
    tell: Callable[[Event], None] = lambda event: None,
    interrupts: Callable[[], int] = lambda: 0,
) -> Summary:
    """Track all clips of a batch that are not done yet.

    `tell` hears what happens. `interrupts` is asked all the time how often the user wants to stop: once = after the
    running frames, twice = now. Raises CallError where there are no clips or another process is at work on the same
    batch, WeightsError, OutputError where OUT cannot be written; a clip that fails is in the summary instead.
    """
    found = find_clips(batch.source, batch.out, batch.prompts, batch.select)
    clips = [clip for clip in found.clips if batch.shard is None or clip in batch.shard]
    for note in found.notes:
        tell(Event("note", about={"text": note}))
    weights = " ".join(running_files(batch.weights, batch.device).values())
    out = absolute(batch.out)
    manifest_path, lock, table = paths(out, manifest_name(batch.shard))
    with writing(out):
        manifest_path.parent.mkdir(parents=True, exist_ok=True)
    for path in (manifest_path.parent, manifest_path, lock):
        if path.is_symlink():
            raise OutputError(f"{shown(path)} is a link, which would lead the batch's own files elsewhere; remove it")
    with held(lock, shown(out)), Manifest(manifest_path) as manifest:
        known = manifest.rows()
        for row in known.values():
            if row.state == RUNNING and is_below(out, os.fsdecode(row.output)):
                clear(out / os.fsdecode(row.output))
        plan = make_plan(clips, _with_others(known, manifest_path), out, batch.options, weights)
        manifest.put(*plan.rows, only=True)
        tell(Event("plan", about=_about(plan)))
        _work(batch, plan, manifest, tell, interrupts)
        rows = [row for row in manifest.rows().values() if row.listed]
        write_failures(table, failures(rows))
    summary = _summary(plan, rows, interrupted=interrupts() > 0)
    tell(Event("end", about={"tracked": summary.tracked, "failed": len(summary.failures), "left": summary.left}))
    return summary


def _with_others(known: dict[bytes, Row], own: Path) -> dict[bytes, Row]:
    """Also what other shards have done: their number may change between two calls."""
    rows = dict(known)
    for path in manifests(own.parent.parent):
        for row in read_manifest(path) if path != own else ():
            if row.output not in rows or (row.state == DONE and rows[row.output].state != DONE):
                rows[row.output] = row
    return rows


def _work(
    batch: Batch, plan: Plan, manifest: Manifest, tell: Callable[[Event], None], interrupts: Callable[[], int]
) -> None:
    if not plan.work:
        return
    pool = _pool(batch, len(plan.work), tell)
    try:
        Owner(manifest, pool, batch.rules, tell, interrupts).run(plan.work)
    finally:
        pool.close()


def _pool(batch: Batch, clips: int, tell: Callable[[Event], None]) -> Pool:
    if batch.ray is not None:
        from trackmask.batch.ray_pool import RayPool

        return RayPool(batch.ray, batch.weights, batch.device)
    jobs, threads = share(batch.jobs, clips, cores(), memory())
    if batch.jobs > jobs and clips > jobs:
        tell(Event("note", about={"text": f"{jobs} jobs, since that is the number of cores"}))
    return LocalPool(jobs, threads, batch.weights, batch.device)


def share(jobs: int, clips: int, cores: int, memory: int) -> tuple[int, int]:
    """(processes, threads of each): at most `cores` in all. `jobs` 0: as many as cores and memory (bytes) allow."""
    wanted = min(jobs, cores) if jobs else min(cores, memory // MEMORY)
    count = max(min(wanted, clips), 1)
    return count, max(cores // count, 1)


def memory() -> int:
    """Bytes of this machine; where it does not say, enough for four jobs."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return 4 * MEMORY


def _about(plan: Plan) -> dict[str, object]:
    clips, work = len(plan.rows), len(plan.work)
    kept = plan.kept.total()
    return {"clips": clips, "done": clips - work - kept, "again": dict(plan.reasons), "kept": dict(plan.kept)}


def _summary(plan: Plan, rows: list[Row], *, interrupted: bool) -> Summary:
    mine = {work.row.output for work in plan.work}
    done = [row for row in rows if row.output in mine and row.state == DONE]
    failed = failures(rows)
    left = len(plan.work) - len(done) - sum(row.output in mine for row in failed)  # others failed before, and are kept
    frames = sum(row.frames for row in rows if row.output in mine)
    kept = plan.kept.total()
    skipped = len(plan.rows) - len(plan.work) - kept
    return Summary(len(done), skipped, kept, left, frames, failed, interrupted)
