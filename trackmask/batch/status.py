"""How a batch stands: from the manifests of all its shards, at any time."""

import csv
import io
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from trackmask.batch.lock import holder
from trackmask.batch.manifest import DONE, FAILED, FOLDER, PARTIAL, RUNNING, WAITING, Row, manifests, read_manifest
from trackmask.errors import ResultError
from trackmask.files import cell, shown, write_whole

STATES = (DONE, PARTIAL, FAILED, RUNNING, WAITING)


@dataclass(frozen=True)
class Status:
    """One manifest: a whole batch, or one shard."""

    name: str  # "all", or "3-of-10"
    holder: str | None  # who is at work on it
    rows: list[Row]  # the clips of its last call

    @property
    def counts(self) -> Counter[str]:
        """Clips by state."""
        return Counter(row.state for row in self.rows)


def read_status(out: Path) -> list[Status]:
    """Of every manifest in `out`, the one written last at the end.

    Raises ResultError where it is no batch's folder, or a manifest is damaged.
    """
    found = sorted(manifests(out), key=lambda path: path.stat().st_mtime_ns)
    if not found:
        raise ResultError(f"{shown(out)} holds no batch; give the folder of trackmask batch -o")
    return [_status(path) for path in found]


def in_all(shards: Iterable[Status]) -> Status:
    """Every clip once, as the last of them knows it."""
    rows = {row.output: row for status in shards for row in status.rows}
    return Status("in all", None, list(rows.values()))


def failures(rows: Iterable[Row]) -> list[Row]:
    return [row for row in rows if row.listed and row.state in (FAILED, PARTIAL)]


def write_failures(path: Path, rows: list[Row]) -> None:
    """clip,state,attempts,error: a row a failure. Where there is none, the file goes away. Raises OutputError."""
    if not rows:
        path.unlink(missing_ok=True)
        return
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(("clip", "state", "attempts", "error"))
    table.writerows((cell(row.clip), row.state, row.attempts, cell(row.error)) for row in rows)
    write_whole(path, text.getvalue().encode())


def manifest_name(shard: object | None) -> str:
    return "all" if shard is None else str(shard)


def paths(out: Path, name: str) -> tuple[Path, Path, Path]:
    """Manifest, lock and failures.csv of one shard, or of the whole."""
    folder = out / FOLDER
    table = "failures.csv" if name == "all" else f"failures-{name}.csv"
    return folder / f"{name}.sqlite", folder / f"{name}.lock", out / table


def _status(path: Path) -> Status:
    held_by = holder(path.with_suffix(".lock"))
    rows = [row for row in read_manifest(path) if row.listed]
    if held_by is None:  # what runs for nobody was killed
        rows = [replace(row, state=WAITING) if row.state == RUNNING else row for row in rows]
    return Status(path.stem, held_by, rows)
