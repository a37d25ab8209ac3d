"""What people write when they mean something else: one line that helps, the right exit code, and nothing made."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from conftest import ROOT
from PIL import Image

from trackmask.cli import main
from trackmask.result import open_result

CAT = str(ROOT / "samples" / "cat.mp4")


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A result of a few frames."""
    folder = tmp_path_factory.mktemp("made") / "cat.mp4.trackmask"
    made = CliRunner().invoke(main, ["run", CAT, "--box", "20,119,138,104", "--end", "5", "-q", "-o", str(folder)])
    assert made.exit_code == 0, made.output
    return folder


@pytest.fixture(autouse=True)
def _desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, result: Path) -> None:
    """A folder as people have it: clips, a result, prompts, a file that begins with a dash."""
    monkeypatch.chdir(tmp_path)
    for name in ("a.mp4", "b.mp4", "-c.mp4", "clips/a.mp4"):
        Path(name).parent.mkdir(exist_ok=True)
        shutil.copyfile(CAT, name)
    shutil.copytree(result, "a.mp4.trackmask")
    Path("p.json").write_text("{}")
    Path("empty").mkdir()
    shutil.copytree("a.mp4.trackmask", "results/a.mp4.trackmask")
    Image.fromarray(np.zeros((360, 480, 3), np.uint8)).save("photo.png")


MISTAKES = [
    ("run clips", 2, "trackmask batch clips -o OUT"),
    ("info clips", 2, "trackmask batch clips -o OUT"),
    ("run empty", 1, "holds no images"),
    ("run a.mp4 b.mp4", 2, "trackmask batch FOLDER"),
    ("run https://example.org/a.mp4", 2, "download the video first"),
    ("run rtsp://camera/1", 2, "download the video first"),
    ("run p.json", 2, "trackmask run VIDEO --prompts p.json"),
    ("run a.mp4.trackmask", 2, "is a result, not a video"),
    ("run -c.mp4", 2, "write ./-c.mp4"),
    ("report -c.mp4", 2, "write ./-c.mp4"),
    ("run -- -c.mp4 a.mp4", 2, "trackmask batch FOLDER"),
    ("batch a.mp4 b.mp4 -o out", 2, 'trackmask batch "*.mp4" -o OUT'),
    ("run A.MP4", 1, "did you mean a.mp4?"),
    ("run a.mp5", 1, "did you mean a.mp4?"),
    ("run *.mp4", 2, "trackmask batch '*.mp4' -o OUT"),
    ("batch https://example.org/a.mp4 -o out", 2, "download the video first"),
    ("import a.mp4.trackmask a.mp4 --from coco", 1, "a.mp4 is not JSON"),
    ("batch nowhere -o out", 2, "does not exist"),
    ("info a.mp4 b.mp4", 2, "one at a time"),
    ("frame a.mp4 75", 2, "'75' is left over"),
    ("run a.mp4 \u2014box 20,119,138,104", 2, "options begin with two short ones"),
    ("run a.mp4 --frame 3 --box 20,119,138,104", 2, "--box X,Y,W,H@12"),
    ("help", 2, "write trackmask --help"),
    ("run a.mp4 --mask clips", 2, "clips is a folder; give one image"),
    ("run a.mp4 --prompts clips", 2, "clips is a folder; give one image"),
    ("correct a.mp4.trackmask --frame 2 --mask clips", 2, "clips is a folder; give one image"),
    ("export results --to davis -o davis", 1, "give results that are in it: results/*.trackmask"),
    ("report results", 1, "give results that are in it: results/*.trackmask"),
    ("help run", 2, "write trackmask run --help"),
    ("version", 2, "write trackmask --version"),
    ("run nowhere.mp4", 1, "does not exist"),
    ("run a.mp4 -o out.mp4", 2, "a result is a folder"),
    ("run a.mp4 -o masks.png", 2, "a result is a folder"),
    ("run a.mp4 --box 0.04,0.33,0.28,0.29", 2, "write it in pixels: 19,119,134,104"),
    ("run a.mp4 --point 0.2,0.5", 2, "write pixels: 96,180"),
    ("run a.mp4 --box 300,119,400,223", 2, "if it is two corners, write 300,119,100,104"),
    ("run a.mp4 --box 20 119 138 104", 2, "--box 20,119,138,104"),
    ("run a.mp4 --box 20, 119, 138, 104", 2, "--box 20,119,138,104"),
    ("run --point 90 170 a.mp4", 2, "--point 90,170"),
    ("run a.mp4 --point 90 170", 2, "--point 90,170"),
    ("run a.mp4 --box 158,223,-138,-104", 2, "has no area"),
    ("run a.mp4 --box 20,119,138", 2, "write X,Y,W,H in pixels"),
    ("run a.mp4 --box x=20,y=119,w=138,h=104", 2, "write X,Y,W,H in pixels"),
    ("run a.mp4 --box -500,10,50,50", 2, "outside of the frame"),
    ("run a.mp4 --point 170,900", 2, "outside of the frame"),
    ("run a.mp4 --box", 2, "requires an argument; see main run --help"),
    ("run a.mp4 --mask a.mp4", 2, "a.mp4"),
    ("run a.mp4 --mask photo.png", 2, "photo.png"),
    ("run a.mp4 --mask p.json", 2, "p.json"),
    ("run a.mp4 --prompts a.mp4", 2, "a.mp4"),
    ("run a.mp4 --prompts p.json", 2, "holds no prompts"),
    ("run b.mp4 --start 900", 2, "has no frame between"),
    ("run a.mp4 --start -3", 2, "neither a frame nor a time"),
    ("run b.mp4 --start 9 --end 3", 2, "swap them"),
    ("run b.mp4 --box 20,119,138,104@900", 2, "48 frames"),
    ("run a.mp4", 2, "exists already; choose another folder with -o, or say --overwrite"),
    ("run a.mp4 foo", 2, "'foo' is left over"),
    ("run a.mp4 --style sparkle", 2, "'fill', 'outline', 'cutout'"),
    ("run a.mp4 --auto 0", 2, "not in the range"),
    ("run a.mp4 --auto x", 2, "not a valid integer"),
    ("run a.mp4 --bax 1,2,3,4", 2, "Did you mean '--box'?"),
    ("run", 2, "missing argument 'VIDEO'"),
    ("export a.mp4.trackmask --to yolo -o x", 2, "did you mean yolo-seg?"),
    ("import a.mp4.trackmask x --from labelstudio", 2, "did you mean label-studio?"),
    ("track a.mp4", 2, "did you mean run?"),
    ("reprot a.mp4.trackmask", 2, "did you mean report?"),
    ("frobnicate", 2, "give one of batch,"),
    ("a.mp4", 2, "trackmask run a.mp4"),
    ("correct a.mp4.trackmask --frame -1 --absent", 2, "neither a frame nor a time"),
    ("correct a.mp4.trackmask --frame 9s --absent", 2, "it goes from 0 s to 0.2 s"),
    ("correct a.mp4.trackmask --frame 3 --object dog --absent", 2, "has no object 'dog'; it has 1 (object 1)"),
    ("explain a.mp4.trackmask --frame 3 --object dog", 2, "has no object 'dog'; it has 1 (object 1)"),
    ("export a.mp4.trackmask --to csv -o out --object dog", 2, "has no object 'dog'; it has 1 (object 1)"),
    ("report a.mp4", 1, "the result of this video is a.mp4.trackmask"),
    ("report clips", 1, "is not a trackmask result"),
    ("export a.mp4.trackmask --to foo -o out", 2, "'coco', 'yt-vis'"),
    ("export a.mp4.trackmask --to coco -o out.mp4", 2, "ends in .json"),
    ("export a.mp4.trackmask --to YT_VIS -o out.mp4", 2, "ends in .json"),
    ("export a.mp4.trackmask --to csv -o out --every 0", 2, "not in the range"),
    ("import a.mp4.trackmask p.json --from foo", 2, "'coco', 'cvat'"),
    ("run b.mp4 --device gpu", 2, "give cpu, cuda (an NVIDIA GPU) or mps"),
    ("correct a.mp4.trackmask --frame 900 --absent", 2, "it has frames 0 to 5"),
    ("correct a.mp4.trackmask --frame 3 --box 20 119 138 104", 2, "--box 20,119,138,104"),
    ("weights", 2, "missing command"),
    ("--frobnicate", 2, "no such option"),
]


@pytest.mark.parametrize(("line", "code", "words"), MISTAKES, ids=[line for line, _, _ in MISTAKES])
def test_a_natural_mistake_gets_the_sentence_that_helps(line: str, code: int, words: str) -> None:
    before = sorted(Path().rglob("*"))
    said = CliRunner().invoke(main, line.split(" "))
    assert said.exit_code == code, said.output
    assert words in said.stderr
    assert said.stderr.startswith("trackmask: ")
    assert len(said.stderr.strip().splitlines()) == 1, said.stderr
    assert said.stdout == ""
    assert sorted(Path().rglob("*")) == before


@pytest.mark.parametrize(
    "box",
    ["20, 119, 138, 104", "20 119 138 104", "(20,119,138,104)", "'[20, 119, 138, 104]'", "\u201c20,119,138,104\u201d"],
)
def test_numbers_in_one_word_are_understood(box: str) -> None:
    done = CliRunner().invoke(main, ["run", "a.mp4", "--box", box, "--end", "1", "-q", "-o", "out"])
    assert done.exit_code == 0, done.output


def test_a_file_that_begins_with_a_dash_is_tracked_where_it_is_written_so() -> None:
    done = CliRunner().invoke(main, ["run", "./-c.mp4", "--box", "20,119,138,104", "--end", "1", "-q", "-o", "out"])
    assert done.exit_code == 0, done.output


def test_objects_have_names_and_frames_times_everywhere() -> None:
    line = ["run", "b.mp4", "--object", "cat", "--box", "20,119,138,104", "--end", "5", "-q", "-o", "out"]
    assert CliRunner().invoke(main, line).exit_code == 0
    said = ["correct", "out", "--object", "cat", "--frame", "0.12s", "--absent"]
    assert CliRunner().invoke(main, said).exit_code == 0
    assert open_result("out").prompts[-1] == {"object": 1, "frame": 3, "mask": None}


@pytest.mark.parametrize("line", ["--debug run nowhere.mp4", "run --debug nowhere.mp4", "run nowhere.mp4 --debug"])
def test_debug_may_stand_anywhere(line: str) -> None:
    said = CliRunner().invoke(main, line.split())
    assert type(said.exception).__name__ == "VideoError"


def test_without_a_word_there_is_the_help_and_no_sentence_is_cut() -> None:
    said = CliRunner().invoke(main, [])
    assert said.exit_code == 0
    for title in ("Track:", "Look and correct:", "Many clips and other tools:", "Measure, train, study:"):
        assert f"\n{title}\n" in said.stdout
    assert "..." not in said.stdout.partition("Options:")[2]
    listed = [name for names in main.sections.values() for name in names]
    assert sorted(listed) == sorted(main.commands)


@pytest.mark.parametrize("line", [("run", ""), ("run", "a.mp4", "-o", ""), ("batch", "clips", "-o", ""), ("undo", "")])
def test_a_variable_without_a_value_is_not_this_folder(line: tuple[str, ...]) -> None:
    result = CliRunner().invoke(main, line)
    assert (result.exit_code, len(result.stderr.splitlines())) == (2, 1)
    assert "a word of the line is empty" in result.stderr


def test_one_is_not_told_of_as_many() -> None:
    result = CliRunner().invoke(main, ["run", "photo.png", "--box", "20,119,138,104", "--fast", "-o", "one"])
    assert result.stdout.startswith("one: 1 frame at ")
