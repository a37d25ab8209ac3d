"""What is measured on clips and commands. Every function measures once; the caller repeats and takes medians."""

import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from time import perf_counter, sleep
from typing import NamedTuple, ParamSpec, TypeVar
from unittest.mock import patch

import av
import cv2
import numpy as np
from clips import Clip

from trackmask import pipeline, video
from trackmask.data import Frame
from trackmask.draw import overlay
from trackmask.formats.png import write_labels
from trackmask.runtime import Runtime
from trackmask.tracking import crop, memory, tracker
from trackmask.video import open_video
from trackmask.video.writer import FilmWriter

P = ParamSpec("P")
R = TypeVar("R")
STAGES = ("decode", "crop", "encoder", "head", "memory", "paste", "rest of the tracker", "write PNG", "draw", "film")

# Run by a small process: a child's peak on Linux counts what its parent held when it was born.
_LAUNCH = """
import resource, subprocess, sys, time
began = time.perf_counter()
done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL)
print(done.returncode, time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


class Command(NamedTuple):
    """A whole `trackmask` process."""

    seconds: float  # from its start to its exit
    peak: float  # resident memory in MB


def end_to_end(runtime: Runtime, clip: Clip, warm: int, *, with_overlay: bool) -> float:
    """Frames per second of one pass of `trackmask run`'s pipeline, from frame `warm` to the last."""
    stamps, _ = whole_run(runtime, clip, pipeline.Options(style="fill" if with_overlay else None, fast=True))
    return (len(stamps) - warm) / (stamps[-1] - stamps[warm - 1])


def end_to_end_twice(runtime: Runtime, clip: Clip, warm: int) -> float:
    """Frames of the clip per second of both passes, with overlay, from frame `warm` of the first pass until the last
    one is written: that is done once both have gone through the clip.
    """
    stamps, written = whole_run(runtime, clip, pipeline.Options())
    return (len(stamps) - warm) / 2 / (written - stamps[warm - 1])


def whole_run(runtime: Runtime, clip: Clip, options: pipeline.Options) -> tuple[list[float], float]:
    """When each frame of each pass was tracked, and when all frames were written: seconds of `perf_counter`."""
    stamps: list[float] = []
    written = 0.0

    def hash_source(path: Path) -> tuple[int, str]:  # what the pipeline does next
        nonlocal written
        written = perf_counter()
        return video.hash_source(path)

    def progress(total: int | None) -> Callable[[], None]:
        return lambda: stamps.append(perf_counter())

    with tempfile.TemporaryDirectory() as room, patch.object(pipeline, "hash_source", hash_source):
        pipeline.run(clip.path, Path(room) / "result", clip.prompts, runtime, options, progress=progress)
    return stamps, written


class Stopwatch:
    """Seconds by stage."""

    def __init__(self) -> None:
        self.spent: defaultdict[str, float] = defaultdict(float)

    def timed(self, stage: str, function: Callable[P, R]) -> Callable[P, R]:
        """The function, with the time that it takes added to the stage's."""

        def run(*args: P.args, **kwargs: P.kwargs) -> R:
            began = perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                self.spent[stage] += perf_counter() - began

        return run


def stages(runtime: Runtime, clip: Clip, warm: int) -> dict[str, float]:
    """Milliseconds a frame of each of STAGES, one after the other, nothing beside them, from frame `warm` on."""
    watch = Stopwatch()
    parts = (
        (runtime, "encode", "encoder"),
        (runtime, "decode", "head"),
        (crop, "cut", "crop"),
        (crop, "move", "crop"),
        (crop, "paste", "paste"),
        (tracker.Tracker, "_merge", "paste"),
        (memory, "join", "memory"),
        (memory, "known", "memory"),
        (tracker, "remember", "memory"),
    )
    with ExitStack() as stack:
        for owner, name, stage in parts:
            stack.enter_context(patch.object(owner, name, watch.timed(stage, getattr(owner, name))))
        room = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        source = stack.enter_context(open_video(clip.path, threads=1))
        film = stack.enter_context(FilmWriter(room / "overlay.mp4", clip.size, source.info.fps))
        count = _one_by_one(watch, runtime, clip, warm, source.frames(), film, room / "mask.png")
    spent = watch.spent  # nothing where a short clip's memory did not change
    spent["rest of the tracker"] = spent.pop("step") - sum(
        spent[part] for part in ("crop", "encoder", "head", "memory", "paste")
    )
    return {stage: 1000 * spent[stage] / count for stage in STAGES}


def _one_by_one(
    watch: Stopwatch, runtime: Runtime, clip: Clip, warm: int, frames: Iterator[Frame], film: FilmWriter, mask: Path
) -> int:
    """All of a run's work in one thread; returns the number of frames that the watch has timed."""
    follow = tracker.Tracker(runtime, clip.size)
    step = watch.timed("step", follow.step)
    draw, encode = watch.timed("draw", overlay), watch.timed("film", film.write)
    take, write = watch.timed("decode", lambda: next(frames, None)), watch.timed("write PNG", write_labels)
    count = 0
    while (frame := take()) is not None:
        masks = step(frame.image, clip.prompts if count == 0 else ())
        write(mask, masks.labels)
        encode(draw(frame.image, masks.labels), frame.time)
        count += 1
        if count == warm:
            watch.spent.clear()
    return count - warm


def command(*words: str) -> Command:
    """Run `trackmask` with these words as a process of its own. CalledProcessError where it fails."""
    line = [sys.executable, "-c", _LAUNCH, sys.executable, "-m", "trackmask", *words]
    done = subprocess.run(line, capture_output=True, text=True, check=True)
    code, seconds, peak = done.stdout.split()
    if int(code):
        raise subprocess.CalledProcessError(int(code), line, done.stdout, done.stderr)
    unit = 1e6 if sys.platform == "darwin" else 1e6 / 1024  # bytes there, kilobytes elsewhere
    return Command(float(seconds), float(peak) / unit)


def dis_flow(clip: Clip) -> float:
    """Frames per second of OpenCV's DIS optical flow, preset medium, from each frame of the clip to the next."""
    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    with open_video(clip.path) as source:
        grey = [cv2.cvtColor(frame.image, cv2.COLOR_RGB2GRAY) for frame in source]
    began = perf_counter()
    for before, after in pairwise(grey):
        flow.calc(before, after, np.zeros((*clip.size, 2), np.float32))
    return (len(grey) - 1) / (perf_counter() - began)


def decode_alone(clip: Clip) -> float:
    """Frames per second of FFmpeg's decoder with all its threads, as `ffmpeg -i clip -f null -`: no RGB."""
    began, count = perf_counter(), 0
    with av.open(str(clip.path)) as container:
        container.streams.video[0].thread_type = "AUTO"
        for _ in container.decode(video=0):
            count += 1
    return count / (perf_counter() - began)


def others() -> float:
    """How many other processes want a core just now: the mean over a second."""
    if sys.platform != "linux":
        return os.getloadavg()[0]
    seen = []
    for _ in range(20):
        sleep(0.05)
        seen.append(int(Path("/proc/loadavg").read_text().split()[3].split("/")[0]) - 1)  # ourselves
    return sum(seen) / len(seen)
