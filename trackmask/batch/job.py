"""One clip of a batch, in whatever process it is tracked."""

import os
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from trackmask.batch.manifest import DONE, FAILED, PARTIAL, WAITING
from trackmask.batch.stopped import Stopped
from trackmask.errors import CallError, OutputError, PromptError, TrackmaskError, WeightsError
from trackmask.files import brief
from trackmask.pipeline import Options
from trackmask.pipeline import run as track
from trackmask.prompts import Prompt, PromptSet, Target, parse_box, read_prompt_file
from trackmask.result import StagedFolder, open_result
from trackmask.runtime import Runtime
from trackmask.video import open_video
from trackmask.video.folder import list_images

_LONGEST_NAME = 235  # bytes: with ".", ".replaced" and the like around it 255, what file systems take


@dataclass(frozen=True)
class ClipJob:
    key: str  # the clip's path relative to IN
    video: Path
    out: Path  # nothing is written outside of it
    output: str  # the result's folder, relative to `out`
    prompt: Path | str | None  # a file, a box, or nothing
    options: Options

    @property
    def folder(self) -> Path:
        return self.out / self.output


@dataclass(frozen=True)
class Verdict:
    """What became of a job."""

    state: str  # DONE; PARTIAL: a result that the clip's damage cut short; FAILED: none; WAITING: stopped halfway
    error: str = ""  # one sentence
    frames: int = 0
    seconds: float = 0.0
    sha256: str = ""  # of the clip
    fatal: int = 0  # the exit code where no other clip can succeed either
    trace: str = ""  # where an unexpected error came from: for the log


def do(job: ClipJob, runtime: Runtime, tick: Callable[[int, int | None], None]) -> Verdict:
    """Track one clip; every error becomes part of the verdict. `tick` hears frames done and expected after each one.

    A `tick` that raises Stopped ends it: nothing is left behind, and the verdict is WAITING.
    """
    began = time.monotonic()
    try:
        verdict = _do(job, runtime, tick)
    except Stopped:
        return Verdict(WAITING)
    except WeightsError as error:
        return Verdict(FAILED, str(error), fatal=error.exit_code)
    except TrackmaskError as error:
        verdict = Verdict(FAILED, str(error))
    except MemoryError:
        verdict = Verdict(FAILED, "the memory is not enough for it; give fewer --jobs")
    except Exception as error:  # noqa: BLE001  # a fault of ours in one clip must not end the night's work
        verdict = unexpected(error)
    return replace(verdict, error=brief(verdict.error), seconds=round(time.monotonic() - began, 3))


def unexpected(error: Exception, fatal: int = 0) -> Verdict:
    """For a fault of ours: what it says, and where it came from, which the worker cannot print."""
    trace = "".join(traceback.format_exception(error))
    return Verdict(FAILED, f"unexpected {type(error).__name__}: {error}", fatal=fatal, trace=trace)


def clear(folder: Path) -> None:
    """Take away what a killed process left of a result; a whole result stays."""
    with suppress(TrackmaskError), StagedFolder(folder, lambda _: None):
        pass


def _do(job: ClipJob, runtime: Runtime, tick: Callable[[int, int | None], None]) -> Verdict:
    _check_place(job)
    given = _prompts(job)
    outcome = track(job.video, job.folder, given.prompts, runtime, job.options, given.names, _counter(tick))
    sha256 = open_result(job.folder).source.sha256
    if outcome.error is not None:
        return Verdict(PARTIAL, str(outcome.error), outcome.frames, sha256=sha256)
    return Verdict(DONE, "", outcome.frames, sha256=sha256)


def _check_place(job: ClipJob) -> None:
    """Links in OUT must not lead out of it, and names must leave room for the hidden ones beside them."""
    if not is_below(job.out, job.output):
        raise OutputError(f"{job.output} is a link that leads out of the output folder; remove the link")
    if any(len(os.fsencode(part)) > _LONGEST_NAME for part in Path(job.output).parts):
        raise CallError(f"the name {job.output} is too long for a file system; rename the clip")


def is_below(out: Path, output: str) -> bool:
    """Whether a result would lie in OUT, wherever links lead."""
    return Path(os.path.realpath(out / output)).is_relative_to(os.path.realpath(out))


def _prompts(job: ClipJob) -> PromptSet:
    if job.prompt is None:
        return PromptSet((), {})
    if isinstance(job.prompt, str):
        return PromptSet((Prompt(1, box=parse_box(job.prompt)),), {})
    if not job.prompt.is_file():  # a pipe would be waited for
        raise PromptError(f"there is no file {job.prompt}; check the clip's prompts")
    images = tuple(image.name for image in list_images(job.video)) if job.video.is_dir() else ()
    with open_video(job.video) as reader:
        target = Target(job.video.name, job.key, images, reader.info.size)
    return read_prompt_file(job.prompt, target)


def _counter(tick: Callable[[int, int | None], None]) -> Callable[[int | None], Callable[[], None]]:
    """The way in which the pipeline tells of its progress."""

    def start(total: int | None) -> Callable[[], None]:
        count = 0

        def done() -> None:
            nonlocal count
            count += 1
            tick(count, total)

        return done

    return start
