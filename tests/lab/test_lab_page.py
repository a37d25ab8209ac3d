"""docs/why-fully-connected.md: its tables are what the lab wrote, its links and pictures lead somewhere."""

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from conftest import ROOT

from trackmask.cli import main
from trackmask.errors import DataError
from trackmask.lab.page import BLOCK, TABLES, fill, missing, short, table, update

PAGE = ROOT / "docs" / "why-fully-connected.md"
LAB = PAGE.parent / "lab"
TEXT = PAGE.read_text(encoding="utf-8")


def test_the_page_has_every_experiment_once():
    assert sorted(match[2] for match in BLOCK.finditer(TEXT)) == sorted(TABLES)
    assert TEXT.count("<!-- lab:") == TEXT.count("<!-- /lab:") == len(TABLES)


@pytest.mark.parametrize("name", TABLES)
def test_each_table_is_what_its_file_says(name):
    """Where the experiment was not run the page says so: numbers come from files alone."""
    (said,) = (match[3].strip() for match in BLOCK.finditer(TEXT) if match[2] == name)
    file = LAB / f"{name}.json"
    assert said == (TABLES[name](json.loads(file.read_text())) if file.exists() else missing(name))


def test_filling_is_done_once_and_for_all():
    assert fill(TEXT, LAB) == TEXT


def test_links_and_headings():
    headings = {re.sub(r"[^a-z0-9 -]", "", h.lower()).replace(" ", "-") for h in re.findall(r"^#+ (.+)$", TEXT, re.M)}
    assert set(re.findall(r"\]\(#(.+?)\)", TEXT)) <= headings
    written = {path.stem for path in LAB.glob("*.json")}
    for target in re.findall(r"\]\(([^#)]+)\)", TEXT):
        experiment = Path(target).stem.split("-")[0]
        # Pictures come with the figures; of an experiment that was not run there are none yet.
        assert (PAGE.parent / target).exists() or (experiment in TABLES and experiment not in written), target


def test_update(tmp_path):
    page, out = tmp_path / "page.md", tmp_path / "lab"
    out.mkdir()
    (out / "ladder.json").write_text(
        json.dumps({"rungs": [{"name": "copy", "jf": 0.5, "j": 0.25, "f": 0.75, "ms": 2}]})
    )
    page.write_text(
        "a\n<!-- lab:ladder -->\nold\n<!-- /lab:ladder -->\n<!-- lab:ablation -->\nb\n<!-- /lab:ablation -->\n"
    )
    update(page, out)
    wanted = table(("method", "J&F", "J", "F", "ms a frame"), [("copy", "**50.0**", "25.0", "75.0", "2.0")])
    assert page.read_text() == (
        f"a\n<!-- lab:ladder -->\n{wanted}\n<!-- /lab:ladder -->\n"
        f"<!-- lab:ablation -->\n{missing('ablation')}\n<!-- /lab:ablation -->\n"
    )


def test_pages_that_cannot_be_filled(tmp_path):
    with pytest.raises(DataError, match="'rope', which no experiment is"):
        fill("<!-- lab:rope -->\n<!-- /lab:rope -->", tmp_path)
    (tmp_path / "ladder.json").write_text("{")
    with pytest.raises(DataError, match="run that experiment again"):
        fill("<!-- lab:ladder -->\n<!-- /lab:ladder -->", tmp_path)
    (tmp_path / "binary.md").write_bytes(b"\xff\xfe")
    with pytest.raises(DataError, match="give a Markdown file"):
        update(tmp_path / "binary.md", tmp_path)


def test_counts():
    assert [short(count) for count in (0, 999, 1696, 16643200, 389817472)] == ["0", "999", "1.7 k", "17 M", "390 M"]


def test_the_command_names_its_wrong_arguments(tmp_path):
    done = CliRunner().invoke(main, ["lab", "--dev", str(tmp_path), "--out", "x", "--page", str(tmp_path / "none.md")])
    assert done.exit_code == 2
    assert "none.md" in done.output
