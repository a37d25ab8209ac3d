"""Every command through click's runner, and the whole as a process: exit codes, one clear line, nothing left behind."""

import fcntl
import json
import os
import pty
import re
import resource
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import av
import media
import numpy as np
import pytest
from click.testing import CliRunner, Result
from conftest import ROOT
from PIL import Image
from waiting import PATIENCE, until

from trackmask.cli import main
from trackmask.cli.correct import tracked_again
from trackmask.cli.run import look_first
from trackmask.result import Range, open_result
from trackmask.result.review import PROMPT
from trackmask.video import open_video

SAMPLES = ROOT / "samples"
CAT = str(SAMPLES / "cat.mp4")
BOX = ("--box", "20,119,138,104")
COMMAND = [sys.executable, "-m", "trackmask"]


@pytest.fixture(autouse=True)
def _inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def call(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def refused(code: int, *arguments: str) -> str:
    """The one line that a wrong call prints."""
    before = sorted(Path().iterdir())
    result = call(*arguments)
    assert result.exit_code == code, result.output
    assert len(result.stderr.strip().splitlines()) == 1, result.stderr
    assert result.stderr.startswith("trackmask: ")
    assert sorted(Path().iterdir()) == before
    return result.stderr


def png(name: str, values: np.ndarray) -> str:
    Image.fromarray(values).save(name)
    return name


def test_run_writes_the_result_folder_and_says_where() -> None:
    result = call("run", CAT, *BOX, "--end", "9")
    assert result.exit_code == 0, result.output
    assert re.fullmatch(r"cat\.mp4\.trackmask: 10 frames at [\d.]+ frames/s in two passes\n", result.stdout)
    folder = Path("cat.mp4.trackmask")
    assert sorted(p.name for p in folder.iterdir()) == ["masks", "overlay.mp4", "result.json"]
    assert len(list((folder / "masks").iterdir())) == 10
    about = json.loads((folder / "result.json").read_text())
    assert about["complete"] is True
    assert about["source"]["path"] == os.path.relpath(CAT, folder.resolve())


def test_look_first_names_what_the_review_lists_and_nothing_else(losing_weights: Path) -> None:
    sure = call("run", CAT, *BOX, "--end", "9", "-o", "sure")
    assert (open_result("sure").review, "look first" in sure.stdout) == ((), False)
    unsure = call("run", CAT, *BOX, "--end", "30", "-o", "unsure", "--weights", str(losing_weights))
    first = open_result("unsure").review[0]
    assert re.search(r"look first at frames? (\d+ \([^)]+\))", unsure.stdout)[1] == f"{first.frame} ({first.why})"


def test_of_several_objects_the_one_to_look_at_is_named(losing_weights: Path) -> None:
    two = ["--object", "cat", *BOX, "--object", "face", "--box", "170,0,110,115"]
    said = call("run", CAT, *two, "--end", "30", "-o", "two", "--weights", str(losing_weights)).stdout
    result = open_result("two")
    first = result.review[0]
    name = {item.id: item.name for item in result.objects}[first.object_id]
    assert re.search(r"look first at frames? (\d+ \([^)]+\))", said)[1] == f"{first.frame} ({name}: {first.why})"


def test_a_prompt_that_was_not_understood_is_told_by_the_same_name() -> None:
    unsure = Range(2, 0, 0, PROMPT, 0.4, 0)
    objects = [SimpleNamespace(id=1, name="cat"), SimpleNamespace(id=2, name="face")]
    result = SimpleNamespace(objects=objects, review=[unsure])
    said = look_first(result)
    assert said.startswith("; look first at frame 0 (face: unsure of the prompt)\n")
    assert "unsure what the prompt means: face in frame 0;" in said


def test_the_places_that_the_line_does_not_name_are_counted() -> None:
    """Near ones, too: they are other objects'."""
    ranges = [Range(1 + place % 2, place, place, "lost", 0.4, place) for place in range(5)]
    result = SimpleNamespace(
        objects=[SimpleNamespace(id=1, name="cat"), SimpleNamespace(id=2, name="dog")], review=ranges
    )
    named = "0 (cat: lost), 1 (dog: lost), 2 (cat: lost)"
    assert look_first(result) == f"; look first at frames {named}; 2 places more in the review list"
    result.review = ranges[:3]
    assert look_first(result) == f"; look first at frames {named}"


def test_a_correction_says_what_it_changed_and_what_is_left() -> None:
    call("run", CAT, *BOX, "--end", "9", "--fast", "--no-overlay", "-o", "out")
    said = call("correct", "out", "--frame", "4", "--absent").stdout
    assert said.startswith("out: corrected, frames 1 to 9 tracked again; look first at frame")
    said = call("correct", "out", "--frame", "9", "--absent").stdout
    assert said.startswith("out: corrected, frames 5 to 9 tracked again; ")
    call("run", CAT, *BOX, "--end", "9", "--fast", "--no-overlay", "-o", "sure")
    said = call("correct", "sure", "--frame", "0", *BOX).stdout
    assert said == "sure: corrected, frames 0 to 9 tracked again; nothing is left to look at\n"


def test_of_several_objects_it_is_said_whose_frames_a_correction_changed() -> None:
    objects = [SimpleNamespace(id=id_, name=name) for id_, name in ((1, "cat"), (2, "dog"), (3, "cow"))]
    spans = {2: [(3, 3)], 1: [(0, 4), (6, 9)], 3: [(1, 2)]}
    said = tracked_again(spans, SimpleNamespace(objects=objects))
    assert said == "frames 0 to 4 of cat, frames 6 to 9 of cat, frame 3 of dog and 1 more range tracked again"


def test_what_was_found_without_a_prompt_is_said() -> None:
    said = call("run", CAT, "--end", "9", "--fast", "-o", "found").stdout
    result = open_result("found")
    where, names = result.objects[0].first_prompt, [item.name for item in result.objects]
    assert re.fullmatch(rf"found: 10 frames at [\d.]+ frames/s\nfound in frame {where}: {names[0]}\n", said)


def test_quiet_says_nothing_and_options_are_heard() -> None:
    result = call("run", CAT, *BOX, "--end", "3", "-q", "-o", "out", "--soft", "--no-overlay")
    assert (result.exit_code, result.output) == (0, "")
    assert sorted(p.name for p in Path("out").iterdir()) == ["masks", "result.json", "soft"]


def test_an_existing_result_stays_unless_told() -> None:
    assert call("run", CAT, *BOX, "--end", "3", "-o", "out").exit_code == 0
    first = Path("out/result.json").read_bytes()
    assert "--overwrite" in refused(2, "run", CAT, *BOX, "--end", "5", "-o", "out")
    assert Path("out/result.json").read_bytes() == first
    assert call("run", CAT, *BOX, "--end", "5", "-o", "out", "--overwrite").exit_code == 0
    assert Path("out/result.json").read_bytes() != first


def test_a_folder_that_is_no_result_is_never_overwritten() -> None:
    Path("mine").mkdir()
    Path("mine/diary.txt").write_text("dear diary")
    refused(2, "run", CAT, *BOX, "-o", "mine", "--overwrite")
    assert Path("mine/diary.txt").read_text() == "dear diary"


def test_prompts_that_do_not_fit() -> None:
    small = png("small.png", np.full((20, 30), 255, np.uint8))
    message = refused(2, "run", CAT, "--mask", small)
    assert "30x20" in message
    assert "480x360" in message
    assert "empty" in refused(2, "run", CAT, "--mask", png("empty.png", np.zeros((360, 480), np.uint8)))
    assert "outside" in refused(2, "run", CAT, "--box", "600,10,50,50")
    assert "X,Y,W,H" in refused(2, "run", CAT, "--box", "1,2,3")
    assert "no file" in refused(2, "run", CAT, "--mask", "nowhere.png")
    assert "45" in refused(2, "run", CAT, *BOX, "--start", "soon")
    assert "48 frames" in refused(2, "run", CAT, *BOX, "--start", "500")
    assert "behind the end" in refused(2, "run", CAT, *BOX, "--box", "1,2,30,40@20", "--end", "10")
    assert "behind the end" in refused(2, "run", CAT, "--box", "1,2,30,40@0.8s", "--end", "0.4s")
    assert "48 frames" in refused(2, "run", CAT, *BOX, "--box", "1,2,30,40@48")
    assert "is empty" in refused(2, "run", CAT, "--object", "", *BOX)
    assert "no name" in refused(2, "run", CAT, "--object", "a\nb", *BOX)
    assert "twice in frame 0" in refused(2, "run", CAT, "--object", "a", *BOX, "--point", "50,150@0")
    assert "leave all but one out" in refused(2, "run", CAT, *BOX, "--auto", "2")
    assert "beside it" in refused(2, "run", CAT, "--point", "50,150", "--negative", "50,150")


def test_videos_that_are_none() -> None:
    assert "does not exist" in refused(1, "run", "nowhere.mp4", *BOX)
    Path("text.mp4").write_text("not a video")
    assert "not a video" in refused(1, "run", "text.mp4", *BOX)
    Path("nothing.mp4").touch()
    refused(1, "run", "nothing.mp4", *BOX)
    Path("folder").mkdir()
    refused(1, "run", "folder", *BOX)
    refused(1, "info", "text.mp4")


def test_wrong_calls_are_click_s() -> None:
    assert call("run").exit_code == 2
    assert call("run", CAT, "--no-such-option").exit_code == 2
    assert call("run", CAT, "--style", "sparkle").exit_code == 2


def test_a_truncated_video_leaves_a_marked_partial_result() -> None:
    subprocess.run(
        [sys.executable, "-c", REMUX, CAT, "whole.mkv"],
        check=True,
    )
    blob = Path("whole.mkv").read_bytes()
    Path("cut.mkv").write_bytes(blob[: len(blob) * 6 // 10])
    result = call("run", "cut.mkv", *BOX, "-o", "out")
    assert result.exit_code == 1
    assert len(result.stderr.strip().splitlines()) == 1
    about = json.loads(Path("out/result.json").read_text())
    assert about["complete"] is False
    count = len(about["frames"])
    assert 10 < count < 48
    assert str(count) in about["reason"]
    assert len(list(Path("out/masks").iterdir())) == count


REMUX = """
import sys, av
with av.open(sys.argv[1]) as source, av.open(sys.argv[2], "w") as target:
    stream = target.add_stream_from_template(source.streams.video[0])
    for packet in source.demux(video=0):
        if packet.dts is not None:
            packet.stream = stream
            target.mux(packet)
"""


def test_a_disk_that_fills_up_leaves_nothing() -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))

    done = subprocess.run(
        [*COMMAND, "run", CAT, *BOX, "-o", "out"], capture_output=True, text=True, preexec_fn=limit, check=False
    )
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert "room" in done.stderr
    assert list(Path().iterdir()) == []


def test_an_output_that_cannot_be_written() -> None:
    Path("file").touch()
    refused(1, "run", CAT, *BOX, "-o", "file/out")


@pytest.fixture
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator["subprocess.Popen[str]"]:
    """`run`, in the middle of a clip, whose result will be in out."""
    # What a shell starts in the background ignores interrupts, and so does all that it starts.
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "benchmarks")
        from clips import looped
    # So many frames that it cannot end in the meantime.
    long = looped(SAMPLES / "cat.mp4", 5000, tmp_path_factory.mktemp("long") / "long.mp4")
    with subprocess.Popen(
        [*COMMAND, "run", long, *BOX, "--fast", "-o", "out"],
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        try:
            until(lambda: process.poll() is not None or Path(".out.partial/masks/00005.png").exists(), "masks")
            assert process.poll() is None, process.communicate()
            yield process
        finally:
            process.kill()


def test_killed_in_the_middle_and_run_again(running: "subprocess.Popen[str]") -> None:
    running.kill()
    running.communicate()
    assert not Path("out").exists()
    assert call("run", CAT, *BOX, "-o", "out", "--end", "9").exit_code == 0
    assert [p.name for p in Path().iterdir()] == ["out"]
    assert json.loads(Path("out/result.json").read_text())["complete"] is True
    assert len(list(Path("out/masks").iterdir())) == 10


def test_interrupted(running: "subprocess.Popen[str]") -> None:
    running.send_signal(signal.SIGINT)
    _, stderr = running.communicate(timeout=PATIENCE)
    assert running.returncode == 130
    assert len(stderr.strip().splitlines()) == 1
    assert list(Path().iterdir()) == []


def test_info() -> None:
    text = call("info", CAT)
    assert text.exit_code == 0
    assert "480x360, 25 frames/s (25)" in text.stdout
    about = json.loads(call("info", CAT, "--json").stdout)
    assert (about["width"], about["height"], about["fps"], about["codec"]) == (480, 360, "25", "h264")
    assert about["frames"] == 48


def test_info_says_how_well_the_number_of_frames_is_known() -> None:
    media.write_clip(Path("a.mp4"), media.numbered_images(3))
    media.write_clip(Path("a.mkv"), media.numbered_images(3))
    Path("images").mkdir()
    png("images/1.png", np.zeros((20, 20, 3), np.uint8))
    for name, words in (
        ("a.mp4", ", 3 frames by its header\n"),
        ("a.mkv", ", about 3 frames by its length\n"),
        ("images", ", 1 frame\n"),
    ):
        assert words in call("info", name).stdout


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_info_tells_the_rotation_as_ffprobe_does(turn: int) -> None:
    media.write_clip(Path("turned.mp4"), media.numbered_images(2), rotation=turn)
    with av.open("turned.mp4") as film:
        theirs = next(film.decode(video=0)).rotation  # FFmpeg's own, which ffprobe prints
    assert json.loads(call("info", "turned.mp4", "--json").stdout)["rotation"] == theirs
    assert (f"rotation {theirs} degrees" if turn else "no rotation") in call("info", "turned.mp4").stdout


def test_frame_writes_a_picture_to_paint_on() -> None:
    done = call("frame", CAT, "--at", "0.4s")
    assert (done.exit_code, done.stdout) == (0, "cat.mp4.frame-10.png: frame 10, 0.40 s\n")
    with open_video(CAT) as reader:
        frames = list(reader.frames(10, 11))
    np.testing.assert_array_equal(np.asarray(Image.open("cat.mp4.frame-10.png")), frames[0].image)
    assert "--overwrite" in refused(2, "frame", CAT, "--at", "11", "-o", "cat.mp4.frame-10.png")
    assert call("frame", CAT, "--at", "11", "-o", "cat.mp4.frame-10.png", "--overwrite").exit_code == 0
    np.testing.assert_array_equal(np.asarray(Image.open("cat.mp4.frame-10.png")), frames[1].image)
    assert "48 frames" in refused(2, "frame", CAT, "--at", "75")
    assert "PNG" in refused(2, "frame", CAT, "-o", "f.jpg")
    assert "no folder" in refused(2, "frame", CAT, "-o", "no/such/folder/f.png")


def test_score_of_the_truth_against_itself_is_perfect() -> None:
    truth = str(SAMPLES / "cat.truth")
    result = call("score", truth, truth)
    assert result.exit_code == 0, result.output
    assert "100.0" in result.stdout
    assert json.loads(call("score", truth, truth, "--json").stdout)
    assert "no folder" in refused(2, "score", truth, truth, "--sheet", "no/dir/x.png")


def test_eval_compares_methods(tmp_path: Path) -> None:
    (tmp_path / "data/videos").mkdir(parents=True)
    (tmp_path / "data/videos/cat.mp4").write_bytes(Path(CAT).read_bytes())
    (tmp_path / "data/Annotations").mkdir()
    (tmp_path / "data/Annotations/cat").symlink_to(SAMPLES / "cat.truth")
    result = call("eval", "--data", "data", "--method", "trackmask", "--method", "copy", "--sheet", "sheet.png")
    assert result.exit_code == 0, result.output
    assert "copy, prompt: mask" in result.stdout
    assert Path("sheet-trackmask.png").exists()
    assert Path("sheet-copy.png").exists()


def test_help_is_fast_and_does_without_the_heavy_libraries() -> None:
    code = "import sys, trackmask.cli; print({'torch', 'cv2', 'onnxruntime', 'numpy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_tracking_on_the_cpu_never_imports_torch() -> None:
    code = (
        "import sys\nfrom trackmask.cli import main\n"
        f"main(['run', {CAT!r}, '--box', '20,119,138,104', '--end', '2', '-q'], standalone_mode=False)\n"
        "print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_every_command_has_help_and_stands_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text()
    for name, command in main.commands.items():
        assert command.help, name
        assert f"trackmask {name}" in readme, name


def test_prompts_from_a_file() -> None:
    Path("p.json").write_text(
        json.dumps({"objects": [{"name": "cat", "prompts": [{"frame": 2, "box": [20, 119, 138, 104]}]}]})
    )
    assert call("run", CAT, "--prompts", "p.json", "--end", "4", "-o", "out", "--no-overlay").exit_code == 0
    about = json.loads(Path("out/result.json").read_text())
    assert about["objects"] == [{"id": 1, "name": "cat", "first_prompt": 2, "last_prompt": 2}]
    assert len(about["frames"]) == 5
    assert "leave all but one out" in refused(2, "run", CAT, "--prompts", "p.json", *BOX)
    Path("p.json").write_text('{"objects": [{"prompts": [{"frame": 2, "box": [1, 2, 3]}]}]}')
    message = refused(2, "run", CAT, "--prompts", "p.json")
    assert "p.json" in message
    assert "box" in message


def test_who_looks_for_the_window_is_shown_the_studio() -> None:
    assert "trackmask studio" in refused(2, "run", CAT, "--interactive")


def test_a_note_does_not_stand_in_the_progress_bar() -> None:
    assert call("run", CAT, *BOX, "--end", "5", "-q", "-o", "out", "--no-overlay").exit_code == 0
    corner = np.zeros((360, 480), np.uint8)
    corner[300:340, 400:460] = 255
    shown = on_a_terminal("correct", "out", "--frame", "3", "--mask", png("corner.png", corner))
    assert "/8 [" in shown  # frames 1 and 2, 4 and 5, twice each
    assert re.search(r"\rnote: in frame 3 the mask", shown)


def on_a_terminal(*line: str) -> str:
    """What a command writes on a terminal of 80 columns."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    process = subprocess.Popen([*COMMAND, *line], stdout=theirs, stderr=theirs)
    os.close(theirs)
    shown = b""
    with suppress(OSError):  # the end, as Linux tells it
        while more := os.read(ours, 1024):
            shown += more
    os.close(ours)
    assert process.wait() == 0
    return shown.decode()
