"""The README's promises: its commands do what they say, word for word; its figures are those that were measured."""

import json
import re
import shlex
import shutil

import click
import numpy as np
import pytest
from click.testing import CliRunner
from conftest import ROOT
from PIL import Image

from trackmask.cli import main
from trackmask.result import open_result

README = (ROOT / "README.md").read_text()
LAST = 31  # frame of the runs: the README corrects frame 24, edits frame 30 and prompts 1.2 s
PLACEHOLDER = re.compile(r"\b[A-Z]{4,}\b|runs/")  # DAVIS, STILLS: data that the reader brings


def blocks(text):
    """The fenced blocks: the language, which may be empty, and the lines."""
    return re.findall(r"^```(\w*)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def commands():
    lines = [line for _, block in blocks(README) for line in block.splitlines() if line.startswith("trackmask ")]
    return [shlex.split(line, comments=True)[1:] for line in lines]


def ends(call):
    """The studio goes on until somebody ends it; it has tests of its own."""
    return call[0] != "studio"


RUN = [call for call in commands() if ends(call) and not PLACEHOLDER.search(" ".join(call))]
READ = [call for call in commands() if call not in RUN]


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    """A folder in which every command was called, in the README's order; with what each printed."""
    room = tmp_path_factory.mktemp("readme")
    shutil.copytree(ROOT / "samples", room / "samples")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(room)
        for call in RUN:
            if call[0] == "import":
                edit(room)
            result = CliRunner().invoke(main, shortened(call))
            assert result.exit_code == 0, f"trackmask {' '.join(call)}: {result.output}"
    return room


def shortened(call):
    """The same on a video's first frames alone: fewer of them where every prompt is in the first."""
    if call[0] == "batch":
        return [*call, "--end", "3"]
    if call[0] != "run":
        return call
    return [*call, "--end", str(16 if set(call) & {"by/mask", "by/box", "by/clicks", "by/nothing"} else LAST)]


def edit(room):
    """What a person does in the other tool: move a mask, by 8 pixels."""
    (file,) = room.glob("labelme/*/00030.json")
    content = json.loads(file.read_text())
    (shape,) = content["shapes"]
    shape["points"] = [[x - 8, y] for x, y in shape["points"]]
    file.write_text(json.dumps(content))


def test_the_commands_lead_to_masks(room):
    assert len(RUN) > 12
    for name in ("cat.mp4.trackmask", "by/mask", "by/box", "results/cat.mp4.trackmask", "results/bunny.mp4.trackmask"):
        result = open_result(room / name)
        assert result.complete
        assert result.masks(0).any()
    assert [one.name for one in open_result(room / "by/two").objects] == ["cat", "face"]
    for name in ("cat.mp4.trackmask/report.html", "24.png", "cat.mp4.explain-24.png", "cutout.mp4"):
        assert (room / name).stat().st_size > 1000, name


@pytest.mark.parametrize("prompt", ["mask", "box", "clicks"])
def test_prompts_are_worth_what_is_said(room, prompt):
    result = open_result(room / "by" / prompt)
    truth = read_truth()
    shares = [overlap(result.masks(frame.index) == 1, truth[frame.index]) for frame in result.frames[1:]]
    assert len(shares) == 16
    assert np.mean(shares) > 0.9


def read_truth():
    return [np.asarray(Image.open(path)) > 0 for path in sorted((ROOT / "samples/cat.truth").iterdir())]


def overlap(a, b):
    return (a & b).sum() / (a | b).sum()


@pytest.mark.parametrize("call", READ, ids=" ".join)
def test_commands_on_other_data_are_understood(tmp_path, monkeypatch, call):
    monkeypatch.chdir(tmp_path)
    for word in call[1:]:
        if PLACEHOLDER.search(word):
            (tmp_path / word).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / word).touch() if "." in word else (tmp_path / word).mkdir(exist_ok=True)
    command, arguments = main, call
    while isinstance(command, click.Group):
        command, arguments = command.commands[arguments[0]], arguments[1:]
    command.make_context(call[0], list(arguments))


def test_python():
    for language, block in blocks(README):
        if language == "python":
            compile(block, "README.md", "exec")
            assert "trackmask.track(" in block


def test_links_lead_somewhere():
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", README)
    assert len(targets) > 10
    for target in targets:
        assert (ROOT / target).exists(), target


@pytest.mark.parametrize("picture", ["samples/in-and-out.jpg", "docs/studio.jpg"])
def test_the_pictures_are_small(picture):
    assert (ROOT / picture).stat().st_size < 300_000


def test_figures_are_those_that_were_measured():
    measured = (ROOT / "docs/performance.md").read_text()
    rate = re.search(r"480p, (?:one pass, )?masks and overlay, frames/s \|[^|]*\| ([\d.]+)", measured)
    memory = re.search(r"peak memory at 480p, MB \|[^|]*\| ([\d.]+)", measured)
    assert f"{float(rate[1]):.0f} frames a second on 2 cores in one pass" in README
    assert f"{round(float(memory[1]), -1):.0f} MB" in README
    card = (ROOT / "weights/README.md").read_text()
    rows = ("first mask", "box around it", "none")
    figures = [re.search(rf"^\| {row} \| ([\d.]+)", card, re.MULTILINE)[1] for row in rows]
    said = re.search(r"([\d.]+) with the first mask, ([\d.]+) with a\s+box, ([\d.]+) with nothing", README)
    assert list(said.groups()) == figures
