"""The doors that a stranger's file comes in by, each as a function that returns, or raises a TrackmaskError."""

import json
import os
import shutil
import stat
from collections.abc import Callable
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import cast

import numpy as np
from click.testing import CliRunner

from fuzz.seeds import SIZE
from trackmask.cli import main
from trackmask.correct import correct
from trackmask.data import State
from trackmask.errors import CallError, TrackmaskError, VideoError
from trackmask.export import Options, export
from trackmask.importing import import_edits, read_edits
from trackmask.prompts import Prompt, Target, files_behind, read_mask, read_prompt_file
from trackmask.report import write_report
from trackmask.result import ResultWriter, open_result, undo
from trackmask.runtime import Runtime
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
    [item.why for item in result.review]
    for frame in result.frames[:10]:
        result.masks(frame.index)


def use_result(path: Path) -> None:
    """Everything that only reads a result: the report, and every export that needs no video."""
    result = open_result(path)
    options = Options(
        images="none", states=frozenset(State), objects=tuple(str(item.id) for item in result.objects[:1])
    )
    with suppress(TrackmaskError):
        write_report(path, "out/report.html")
    for form in ("coco", "csv", "cvat", "cvat-images", "davis", "label-studio", "labelme", "mots", "via", "yolo-seg"):
        with suppress(TrackmaskError):
            export(path, form, f"out/{form}", options, partial=True)
    export(path, "supervision", "out/supervision", options, partial=True)


class NoRuntime:
    """For a correction that ends before anything is tracked: its video is not there."""

    weights_sha256 = "0" * 64


def use_strange(path: Path) -> None:
    """A result with links and special files in it: all that reads and changes it. The error is the last one's."""
    room = Path("out")
    result = Path(shutil.copytree(path.parent / "result", room / "r"))
    shutil.copytree(result / "masks", result / "history" / "001" / "masks")
    shutil.copy(result / "result.json", result / "history" / "001" / "result.json")
    shutil.copytree(result / "masks", room / "edited")
    for place, kind in json.loads(path.read_bytes()).items():
        lay(result / place, kind, path)
    deeds: tuple[Callable[[], object], ...] = (
        lambda: write_report(result),
        lambda: export(result, "davis", room / "e", Options(images="none")),
        lambda: import_edits(result, room / "edited", "davis", absent=True, overwrite=True),
        lambda: [edit.mask() for edit in read_edits(result)],
        lambda: half_corrected(result),
        lambda: undo(result),
        lambda: ResultWriter(result, overwrite=True, discard=True).__enter__().__exit__(),
    )
    refused = None
    for deed in deeds:
        try:
            deed()
        except TrackmaskError as error:
            refused = error
    if refused:
        raise refused


def half_corrected(result: Path) -> None:
    """A correction up to where the video, which is not there, is opened."""
    with suppress(VideoError):
        correct(result, [Prompt(1, 1, mask=np.zeros(SIZE, bool))], cast(Runtime, NoRuntime()))


def lay(place: Path, kind: str, elsewhere: Path) -> None:
    """Put something strange in the place of a file or folder; links lead to `elsewhere`, which must stay as it is."""
    if place.parent.is_symlink():
        return  # another one lies there already
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        return
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place)
    place.unlink(missing_ok=True)
    links = {"link": elsewhere, "dangling": elsewhere.with_name("new"), "up": elsewhere.parent, "loop": Path()}
    if kind in links:
        place.symlink_to(links[kind])
    elif kind == "zero":
        place.symlink_to("/dev/zero")
    elif kind == "pipe":
        os.mkfifo(place)
    elif kind == "socket":
        os.mknod(place, stat.S_IFSOCK | 0o600)
    elif kind == "folder":
        place.mkdir()
        (place / "mine.txt").write_text("mine")
    elif kind == "file":
        place.write_bytes(b"\xff{")


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
    "use": use_result,
    "strange": use_strange,
    "long": lambda path: all(frame.time >= 0 for frame in open_result(path).frames) and None,
    "import": read_import,
    "run": run,
}
