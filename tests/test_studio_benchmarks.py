"""benchmarks/studio_use.py: who is simulated does as it is told; a page keeps what others have written."""

import re

import pytest
from click.testing import CliRunner
from conftest import ROOT
from networks import write_data

pytest.importorskip("uvicorn")
httpx = pytest.importorskip("httpx2")


@pytest.fixture(autouse=True)
def benchmarks(monkeypatch):
    """The scripts can be imported."""
    monkeypatch.syspath_prepend(ROOT / "benchmarks")


def test_a_person_goes_through_a_clip(tmp_path):
    from studio_use import CORRECTIONS, HEADING, main

    _, clips = write_data(tmp_path)
    page = tmp_path / "page.md"
    page.write_text(f"# Page\n\n{HEADING}\n\nold\n\n## Behind\n\nstays\n")
    done = CliRunner().invoke(main, [str(clips), "--clip", "disc", "--page", str(page)])
    assert done.exit_code == 0, done.output
    text = page.read_text(encoding="utf-8")
    assert re.findall("^#+ .*", text, re.MULTILINE) == ["# Page", HEADING, "## Behind"]
    assert "old" not in text
    (row,) = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| disc")]
    first, last, clicks, drawn, corrections = map(float, row[2:7])
    assert last >= min(first, 95.0)
    assert 1 <= clicks <= 7 * (1 + corrections)
    assert drawn <= 1 + corrections <= 1 + CORRECTIONS
    assert last >= 95 or corrections >= 5  # all others of six frames
    assert float(row[-1]) == round(6 * 79.2)


def test_a_section_takes_the_place_of_the_one_before(tmp_path):
    from sections import put_section

    page = tmp_path / "page.md"
    for text in ("## A\n\n1\n", "## A b\n\n2\n", "## A\n\n3\n"):
        put_section(page, text)
    assert page.read_text() == "## A\n\n3\n\n## A b\n\n2\n"
    for text in ("### C\n\n4\n", "### D\n\n5\n", "### C\n\n6\n"):
        put_section(page, text)
    assert page.read_text() == "## A\n\n3\n\n## A b\n\n2\n\n### C\n\n6\n\n### D\n\n5\n"
    put_section(page, "## A b\n\n7\n")
    assert page.read_text() == "## A\n\n3\n\n## A b\n\n7\n"


def test_a_watch_stands_still_while_its_process_is_held(monkeypatch):
    import studio

    told = iter([0.0, 0.2, 0.4, 90.4, 90.5])
    monkeypatch.setattr(studio, "TICK", 1000)  # nobody else asks
    watch = studio.Watch(lambda: next(told))
    assert [round(watch.now(), 6) for _ in range(4)] == [0.2, 0.4, 0.4, 0.5]
