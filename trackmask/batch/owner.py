"""The one process that owns a batch: it hands clips to workers, writes the manifest, and tells what happens."""

import logging
import os
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from trackmask.batch.job import Verdict, clear
from trackmask.batch.manifest import FAILED, PARTIAL, RUNNING, WAITING, Manifest
from trackmask.batch.pace import Pace
from trackmask.batch.plan import Work
from trackmask.batch.pool import Died, Ended, News, Pool, Progress
from trackmask.errors import TrackmaskError
from trackmask.files import shown

log = logging.getLogger(__name__)

_BEAT = 0.2  # seconds between two looks at interrupts and timeouts


@dataclass(frozen=True)
class Event:
    """Something to tell. `about` holds plain values only."""

    kind: str  # plan, note, start, retry, clip (ended), progress, end
    clip: str = ""  # fit to be shown
    about: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Rules:
    retries: int = 2  # of a clip whose process died
    timeout: float | None = None  # seconds a clip


class Fatal(TrackmaskError):
    """No clip can succeed: the weights do not open, say."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.error)
        self.exit_code = verdict.fatal


@dataclass
class Run:
    """A clip that is with a worker."""

    work: Work
    since: float


class Owner:
    """`tell` hears every event; `interrupts` gives how often the user has asked to stop: once, then at once."""

    def __init__(
        self, manifest: Manifest, pool: Pool, rules: Rules, tell: Callable[[Event], None], interrupts: Callable[[], int]
    ) -> None:
        self._manifest, self._pool, self._rules, self._tell, self._interrupts = manifest, pool, rules, tell, interrupts
        self._waiting: deque[Work] = deque()
        self._running: dict[str, Run] = {}  # by output
        self._deaths: Counter[str] = Counter()
        self._counts: Counter[str] = Counter()  # ended clips, by state
        self._total = 0
        self._stopping = False

    def run(self, work: list[Work]) -> None:
        """Do all of it, or what is possible until interrupted; nothing runs when this returns."""
        self._waiting.extend(work)
        self._total = len(work)
        self._pace = Pace({item.job.output: item.row.bytes for item in work})
        try:
            while self._running or (self._waiting and not self._stopping):
                self._fill()
                for news in self._pool.poll(_BEAT):
                    self._hear(news)
                self._watch()
                self._tell(Event("progress", about=self._progress()))
        finally:
            self._give_up()

    def _fill(self) -> None:
        while self._waiting and len(self._running) < self._pool.slots and not self._stopping:
            self._start(self._waiting.popleft())

    def _start(self, work: Work) -> None:
        # A result that stood there before we came is not ours to replace; one that comes from now on is.
        ours = work.row.ours or not os.path.lexists(work.job.folder)
        row = replace(work.row, state=RUNNING, ours=ours, attempts=work.row.attempts + 1)
        job = replace(work.job, options=replace(work.job.options, overwrite=ours))
        self._manifest.put(row)
        self._running[job.output] = Run(Work(job, row), time.monotonic())
        self._tell(Event("start", shown(job.key), {"attempt": row.attempts}))
        self._pool.submit(job)

    def _hear(self, news: News) -> None:
        run = self._running.get(news.job.output)
        if run is None:
            return
        if isinstance(news, Progress):
            self._pace.tick(news.job.output, news.frames, news.expected)
        elif isinstance(news, Ended):
            if news.verdict.fatal:
                log.info("no clip can succeed: %s", news.verdict.trace or news.verdict.error)
                raise Fatal(news.verdict)
            self._end(run, news.verdict)
        else:
            self._died(run, news)

    def _end(self, run: Run, verdict: Verdict) -> None:
        if verdict.trace:
            log.info("%s failed unexpectedly\n%s", run.work.job.key, verdict.trace)
        job, row = run.work.job, run.work.row
        del self._running[job.output]
        self._manifest.put(
            replace(
                row,
                state=verdict.state,
                error=verdict.error,
                frames=verdict.frames,
                seconds=verdict.seconds,
                sha256=verdict.sha256,
            )
        )
        if verdict.state == WAITING:
            return
        self._counts[verdict.state] += 1
        self._pace.end(job.output, verdict.frames)
        about = {"state": verdict.state, "frames": verdict.frames, "seconds": verdict.seconds, "error": verdict.error}
        self._tell(Event("clip", shown(job.key), about | {"attempts": row.attempts}))

    def _died(self, run: Run, news: Died) -> None:
        job = run.work.job
        clear(job.folder)
        self._deaths[job.output] += 1
        tries = self._deaths[job.output]
        if tries > self._rules.retries:
            times = "once" if tries == 1 else f"{tries} times"
            error = f"{news.reason}, {times}; set aside (out of memory? give fewer --jobs)"
            self._end(run, Verdict(FAILED, error, seconds=round(time.monotonic() - run.since, 3)))
            return
        del self._running[job.output]
        self._pace.again(job.output)
        self._tell(Event("retry", shown(job.key), {"reason": news.reason, "deaths": tries}))
        row = replace(run.work.row, state=WAITING, error=news.reason)
        self._manifest.put(row)
        if not self._stopping:
            self._waiting.append(Work(job, row))  # behind the others: it may have been their memory that was missing

    def _watch(self) -> None:
        """Interrupts and timeouts."""
        asked = self._interrupts()
        if asked and not self._stopping:
            self._stopping = True
            self._tell(Event("note", about={"text": "stopping after the running frames; once more to stop now"}))
            self._pool.stop()
        if asked > 1:
            self._give_up()
        limit = self._rules.timeout
        for run in list(self._running.values()) if limit else ():
            if limit and time.monotonic() - run.since > limit:
                self._pool.kill(run.work.job)
                clear(run.work.job.folder)
                error = f"not done after {limit:g} seconds; give a longer --timeout, or leave it out"
                self._end(run, Verdict(FAILED, error, seconds=limit))

    def _give_up(self) -> None:
        for run in list(self._running.values()):
            self._pool.kill(run.work.job)
            clear(run.work.job.folder)
            self._end(run, Verdict(WAITING))

    def _progress(self) -> dict[str, Any]:
        failed = self._counts[FAILED] + self._counts[PARTIAL]
        left = self._pace.left()
        return {
            "ended": sum(self._counts.values()),
            "total": self._total,
            "failed": failed,
            "running": len(self._running),
            "frames_per_second": round(self._pace.rate(), 1),
            "seconds_left": None if left is None else round(left),
        }
