"""What holds for the command line as a whole: help, completion, logging, interruptions."""

import logging
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from conftest import ROOT

from trackmask.cli import main

CAT = str(ROOT / "samples" / "cat.mp4")
#: One meaning each, wherever they stand.
SHARED = (
    "--object",
    "--json",
    "--split",
    "--video",
    "--device",
    "--threads",
    "--weights",
    "--style",
    "--frame",
    "--seed",
)


@pytest.fixture(autouse=True)
def _inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def _quiet_again() -> Iterator[None]:
    """Whatever -v has set is as before for the next test."""
    root, ours = logging.getLogger(), logging.getLogger("trackmask")
    handlers, level = root.handlers[:], ours.level
    yield
    root.handlers[:] = handlers
    ours.setLevel(level)


def commands(group: click.Group = main) -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command)
        else:
            yield name, command


def options() -> Iterator[tuple[str, click.Option]]:
    for name, command in commands():
        yield from ((name, param) for param in command.params if isinstance(param, click.Option))


def test_every_option_has_a_whole_sentence() -> None:
    for name, option in options():
        assert option.help, (name, option.opts)
        assert option.help.endswith((".", "]")), (name, option.help)
        assert not option.help.startswith(("Of ", "Its ", "For ")), (name, option.help)


def test_an_option_is_of_one_kind_wherever_it_stands() -> None:
    kinds: dict[str, set[str]] = {}
    for _, option in options():
        for word in set(option.opts) & set(SHARED):
            kinds.setdefault(word, set()).add(f"{type(option.type).__name__} {option.is_flag} {option.metavar}")
    kinds["--object"].discard("StringParamType False NAME")  # run's names objects that are to come
    assert {word: kind for word, kind in kinds.items() if len(kind) > 1} == {}


def test_help_says_a_command_s_purpose_in_one_sentence() -> None:
    for name, command in commands():
        said = command.get_short_help_str(1000)
        assert 20 < len(said) < 120, (name, said)
        assert said.endswith("."), (name, said)


def test_the_documentation_s_options_are_there() -> None:
    page = (ROOT / "docs" / "command-line.md").read_text()
    known = {word for _, option in options() for word in option.opts}
    assert set(re.findall(r"`(--[a-z-]+)", page)) - {"--help"} <= known


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("trackmask ex", {"export", "explain"}),
        ("trackmask export r --to co", {"coco"}),
        ("trackmask run --neg", {"--negative"}),
    ],
)
def test_the_shell_completes(words: str, expected: set[str]) -> None:
    parts = words.split()
    asked = {"_TRACKMASK_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(len(parts) - 1)}
    said = CliRunner().invoke(main, [], env=asked, prog_name="trackmask")
    assert {line.partition(",")[2] for line in said.stdout.splitlines()} == expected


@pytest.mark.usefixtures("_quiet_again")
def test_verbose_tells_what_is_done_and_only_then() -> None:
    line = ["run", CAT, "--box", "20,119,138,104", "--end", "1", "-o"]
    assert CliRunner().invoke(main, [*line, "a"]).stderr == ""
    said = CliRunner().invoke(main, [*line, "b", "-v"])
    assert "opened" in said.stderr
    assert "weights" in said.stderr
    assert "wrote" in said.stderr


def test_a_library_that_the_system_lacks_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object) -> None:
        raise ImportError("libGL.so.1: cannot open shared object file: No such file or directory")

    monkeypatch.setattr("trackmask.video.open_video", missing)
    result = CliRunner().invoke(main, ["info", str(ROOT / "samples" / "cat.mp4")])
    assert result.exit_code == 1
    assert result.stderr.startswith("trackmask: libGL.so.1: cannot open")
    assert "opencv-python-headless" in result.stderr


def test_interrupted_a_training_says_what_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("trackmask.training.train.train", interrupted)
    Path("data").mkdir()
    said = CliRunner().invoke(main, ["train", "--data", "data", "--out", "run", "--steps", "5"])
    assert said.exit_code == 130
    assert "--resume" in said.stderr
    assert "nothing" not in said.stderr
    assert len(said.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize("frames", ["3,x", " ", "0", "3,,4", "-1"])
def test_frames_of_a_training_are_numbers(frames: str) -> None:
    Path("data").mkdir()
    said = CliRunner().invoke(main, ["train", "--data", "data", "--out", "run", "--steps", "5", "--frames", frames])
    assert said.exit_code == 2
    assert "write 3,4,6" in said.stderr
    assert len(said.stderr.strip().splitlines()) == 1
