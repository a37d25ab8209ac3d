"""The doors that a stranger's file comes in by, each as a function that returns, or raises a TrackmaskError."""

import shutil
from collections.abc import Callable
from contextlib import suppress
from itertools import islice
from pathlib import Path

from click.testing import CliRunner

from fuzz.seeds import SIZE
from trackmask.cli import main
from trackmask.errors import CallError, TrackmaskError, VideoError
from trackmask.importing import import_edits, read_edits
from trackmask.prompts import Target, files_behind, read_mask, read_prompt_file
from trackmask.result import open_result
from trackmask.video import hash_source, open_video

FRAMES = 500  # of the seeds none has more than 12: splicing may double them
BACKWARD = 5


def read_film(path: Path) -> None:
    """Every frame forward, the first few backward; what is read is what was promised."""
    with open_video(path, threads=1) as video:
        hash_source(path)
        times = []
        try:
            for frame in islice(video.frames(), FRAMES):
                if frame.image.shape != (*video.info.size, 3):
                    raise AssertionError(f"a frame of {frame.image.shape} in a video of {video.info.size}")
                times.append(frame.time)
        finally:
            if times != sorted(set(times)) or times[:1] not in ([], [0.0]):
                raise AssertionError(f"times do not rise from 0: {times[:20]}")
            with suppress(VideoError, CallError):
                last = min(len(times), BACKWARD) - 1
                backward = [frame.index for frame in video.reversed(last)] if times else []
                if backward != list(range(last, -1, -1)):
                    raise AssertionError(f"backward the frames are {backward}")


def read_prompts(path: Path) -> None:
    files_behind(path)
    read_prompt_file(path, Target("clip.mp4", size=SIZE))


def read_result(path: Path) -> None:
    result = open_result(path)
    result.look_first(3)
    for frame in result.frames[:10]:
        result.masks(frame.index)


def read_import(path: Path) -> None:
    """A file or folder named after its format, into a copy of the result beside it."""
    result = Path(shutil.copytree(path.parent / "result", "out/r"))
    kind = path.name.removesuffix("-zip").removesuffix("-images")
    tally = import_edits(result, next(path.iterdir()) if path.name.endswith("-zip") else path, kind)
    edits = read_edits(result)
    if len(edits) != tally.changed + tally.new:
        raise AssertionError(f"{tally}, but {len(edits)} edits")
    for edit in edits:
        if edit.mask().shape != SIZE:
            raise AssertionError(f"a mask of {edit.mask().shape}")


def run(path: Path) -> None:
    """The whole command; its result, if any, goes into out/ in the current folder."""
    box = () if path.stat().st_size % 2 else ("--box", "9,9,20,20")
    done = CliRunner().invoke(main, ["run", str(path), "-o", "out/r", "--end", "3", "--threads", "1", *box])
    out = sorted(item.name for item in Path("out").iterdir()) if Path("out").is_dir() else []
    if done.exit_code not in (0, 1, 2) or "unexpected" in done.stderr or "Traceback" in done.output:
        raise AssertionError(f"exit code {done.exit_code}: {done.output}")
    if (done.exit_code == 0 and out != ["r"]) or out not in ([], ["r"]):
        raise AssertionError(f"exit code {done.exit_code}, and these files stay: {out}")
    if out:
        read_result(Path("out/r"))
    if done.exit_code:
        raise TrackmaskError(done.stderr.removesuffix("\n"))


DOORS: dict[str, Callable[[Path], None]] = {
    "film": read_film,
    "pictures": read_film,
    "mask": lambda path: read_mask(path) and None,
    "prompts": read_prompts,
    "result": read_result,
    "import": read_import,
    "run": run,
}
