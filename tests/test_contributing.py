"""CONTRIBUTING.md shows the house as it is, and CHANGELOG.md keeps its form."""

import re
from pathlib import Path

import pytest

import trackmask

ROOT = Path(__file__).parent.parent
GUIDE = (ROOT / "CONTRIBUTING.md").read_text()
PACKAGE = Path(trackmask.__file__).parent
ROWS = re.findall(r"^\| `(trackmask/[^`]+)` \| (.+) \|$", GUIDE, re.MULTILINE)


def test_every_room_is_named_once_and_every_name_is_a_room() -> None:
    rooms = [f"trackmask/{path.name}/" for path in PACKAGE.iterdir() if (path / "__init__.py").exists()]
    files = [f"trackmask/{path.name}" for path in PACKAGE.glob("*.py") if not path.name.startswith("__")]
    assert sorted(name for name, _ in ROWS) == sorted(rooms + files)
    assert all(len(sentence.split()) > 3 for _, sentence in ROWS)


def test_the_rooms_stand_in_the_order_of_their_floors() -> None:
    from test_layers import FLOOR

    floors = [FLOOR[name.split("/")[1].removesuffix(".py")] for name, _ in ROWS]
    assert floors == sorted(floors)


@pytest.mark.parametrize(
    "name", sorted(set(re.findall(r"`((?:tests|benchmarks|samples|weights|docs)/[\w./]*)`", GUIDE)))
)
def test_what_it_points_to_is_there(name: str) -> None:
    assert (ROOT / name).exists()


def test_the_homes_that_it_names_are_there() -> None:
    from trackmask import files, result
    from trackmask.export import FORMATS
    from trackmask.importing import READERS

    assert callable(files.write_whole)
    assert callable(result.StagedFolder)
    assert FORMATS
    assert READERS
    for path in ("tracking/loop.py", "formats/png.py", "export/davis.py", "export/pictures.py"):
        assert (PACKAGE / path).exists()
        assert path in GUIDE


def test_the_changelog_keeps_its_form() -> None:
    lines = (ROOT / "CHANGELOG.md").read_text().splitlines()
    assert lines[0] == "# Changelog"
    versions = [line for line in lines if line.startswith("## ")]
    assert versions[0] == "## [Unreleased]"
    assert all(re.fullmatch(r"## \[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d", line) for line in versions[1:])
    kinds = {line for line in lines if line.startswith("### ")}
    assert kinds <= {f"### {kind}" for kind in ("Added", "Changed", "Deprecated", "Removed", "Fixed", "Security")}
