"""Clips and manifest → what there is to do. What is done and unchanged is not done again."""

import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path

from trackmask.batch.find import BatchClip
from trackmask.batch.job import ClipJob
from trackmask.batch.manifest import DONE, RUNNING, WAITING, Row
from trackmask.errors import CallError, TrackmaskError
from trackmask.pipeline import Options
from trackmask.prompts import files_behind
from trackmask.result import is_corrected
from trackmask.video import hash_source, stamp


@dataclass(frozen=True)
class Shard:
    """The `number`-th of `count` parts of all clips, from 1 on. Which clips that are depends on their keys alone."""

    number: int
    count: int

    def __contains__(self, clip: BatchClip) -> bool:
        digest = hashlib.sha256(os.fsencode(clip.key)).digest()
        return int.from_bytes(digest[:8], "big") % self.count == self.number - 1

    def __str__(self) -> str:
        return f"{self.number}-of-{self.count}"


def parse_shard(text: str) -> Shard:
    """ "3/10" → Shard(3, 10). Raises CallError."""
    number, _, count = text.partition("/")
    if number.isascii() and count.isascii() and number.isdigit() and count.isdigit() and 1 <= int(number) <= int(count):
        return Shard(int(number), int(count))
    raise CallError(f"{text!r} is not a shard; write 3/10 for the third of ten")


@dataclass(frozen=True)
class Work:
    """One clip that is to be tracked."""

    job: ClipJob
    row: Row


@dataclass(frozen=True)
class Plan:
    work: list[Work]  # longest first
    rows: list[Row]  # of all clips, those that are done, too
    reasons: Counter[str] = field(default_factory=Counter)  # why clips are tracked that have been before
    kept: Counter[str] = field(default_factory=Counter)  # why clips would be, had not a person corrected their results


def make_plan(clips: Iterable[BatchClip], known: dict[bytes, Row], out: Path, options: Options, weights: str) -> Plan:
    """`known`: the manifest's rows; `weights`: sha256. The size of a clip's file stands for its length."""
    plan = Plan([], [])
    settings = json.dumps(asdict(options) | {"overwrite": None, "discard": None}, sort_keys=True, default=str)
    digest = cache(_digest)  # one prompts file may serve thousands of clips
    for clip in clips:
        size, mark = stamp(clip.path)
        output = os.fsencode(clip.output)
        old = known.get(output)
        row = Row(
            output=output,
            clip=os.fsencode(clip.key),
            ours=options.overwrite or (old is not None and old.ours),
            stamp=mark,
            prompt=digest(clip.prompt),
            settings=settings,
            weights=weights,
            bytes=size,
            attempts=old.attempts if old else 0,
        )
        reason = _changed(clip, row, old, out)
        if reason and old is not None and not options.discard and is_corrected(out / clip.output):
            plan.kept[reason] += 1
            plan.rows.append(replace(old, listed=True))
            continue
        if reason is None and old is not None:
            plan.rows.append(replace(old, listed=True, stamp=mark))
            continue
        if reason:
            plan.reasons[reason] += 1
        plan.rows.append(row)
        job = ClipJob(clip.key, clip.path, out, clip.output, clip.prompt, replace(options, overwrite=row.ours))
        plan.work.append(Work(job, row))
    plan.work.sort(key=lambda work: (-work.row.bytes, work.row.output))
    return plan


def _changed(clip: BatchClip, row: Row, old: Row | None, out: Path) -> str | None:
    """Why the clip is tracked (again): "" where it never was; None where nothing is to be done."""
    if old is None or old.state == WAITING:
        return ""
    if old.state == RUNNING:
        return "interrupted"
    if old.state != DONE:
        return "failed before"
    if not (out / clip.output / "result.json").is_file():
        return "result is missing"
    if row.stamp != old.stamp and not _same_content(clip, old):
        return "clip changed"
    for kind in ("prompt", "settings", "weights"):
        if getattr(row, kind) != getattr(old, kind):
            return f"{kind} changed"
    return None


def _same_content(clip: BatchClip, old: Row) -> bool:
    """Whether a clip was only touched or copied."""
    try:
        return hash_source(clip.path)[1] == old.sha256
    except TrackmaskError:
        return False


def _digest(prompt: Path | str | None) -> str:
    """Of everything that the prompts depend on."""
    if not isinstance(prompt, Path):
        return prompt or ""
    total = hashlib.sha256()
    for path in files_behind(prompt) if prompt.is_file() else [prompt]:
        try:
            content = path.read_bytes() if path.is_file() else b"missing"
        except OSError:
            content = b"unreadable"  # told when the clip's turn comes
        total.update(hashlib.sha256(content).digest())
    return total.hexdigest()
