"""Links that a stranger laid where trackmask writes: nothing outside is made or changed."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from media import numbered_images, write_clip

from trackmask.batch.manifest import FOLDER
from trackmask.cli import main
from trackmask.files import write_whole


def call(*words: str | Path) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A file of somebody else, and its folder, which must stay as they are."""
    (tmp_path / "outside").mkdir()
    path = tmp_path / "outside" / "precious.txt"
    path.write_text("mine")
    return path


@pytest.fixture
def result(tmp_path: Path) -> Path:
    write_clip(tmp_path / "a.mp4", numbered_images(4))
    done = call("run", tmp_path / "a.mp4", "--box", "10,10,20,20", "-o", tmp_path / "r", "--soft", "-q")
    assert done.exit_code == 0, done.output
    return tmp_path / "r"


def untouched(outside: Path) -> bool:
    return outside.read_text() == "mine" and [path.name for path in outside.parent.iterdir()] == [outside.name]


@pytest.mark.parametrize("leads", ["precious.txt", "new.txt"])
def test_a_partial_file_is_never_written_through_a_link(tmp_path: Path, outside: Path, leads: str) -> None:
    (tmp_path / ".page.html.partial").symlink_to(outside.parent / leads)
    write_whole(tmp_path / "page.html", b"page")
    assert (tmp_path / "page.html").read_bytes() == b"page"
    assert not (tmp_path / "page.html").is_symlink()
    assert untouched(outside)


def test_the_report_of_a_strangers_result(result: Path, outside: Path) -> None:
    (result / ".report.html.partial").symlink_to(outside)
    assert call("report", result).exit_code == 0
    assert untouched(outside)


@pytest.mark.parametrize("name", ["masks", "soft", "history", "edits", "masks/00001.png", "soft/1/00001.png"])
def test_a_correction_of_a_strangers_result(result: Path, outside: Path, name: str) -> None:
    place = result / name
    if place.exists():
        place.rename(result.parent / "moved")
    place.symlink_to(outside if "." in name else outside.parent)
    done = call("correct", result, "--frame", "1", "--box", "12,12,20,20")
    assert done.exit_code == 1, done.output
    assert "link" in done.output
    assert done.output.count("\n") == 1
    assert untouched(outside)


def test_folders_that_lead_into_each_other_end(result: Path) -> None:
    (result / "masks" / "a").symlink_to(".")
    (result / "masks" / "b").symlink_to(".")
    done = call("correct", result, "--frame", "1", "--box", "12,12,20,20")
    assert done.exit_code in (1, 2), done.output
    assert sorted(path.name for path in result.parent.iterdir()) == ["a.mp4", "r"]


@pytest.mark.parametrize("name", [FOLDER, f"{FOLDER}/all.sqlite", f"{FOLDER}/all.lock", ".failures.csv.partial"])
def test_a_batch_into_a_strangers_folder(tmp_path: Path, outside: Path, name: str) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "broken.mp4").write_bytes(b"nothing")
    place = tmp_path / "out" / name
    place.parent.mkdir(parents=True)
    place.symlink_to(outside.parent if name == FOLDER else outside)
    done = call("batch", tmp_path / "in", "-o", tmp_path / "out", "--jobs", "1")
    assert done.exit_code == (3 if name.startswith(".failures") else 1), done.output
    assert untouched(outside)


@pytest.mark.parametrize("leads", ["precious.txt", "new.txt"])
def test_locks_that_are_links_make_nothing_elsewhere(tmp_path: Path, outside: Path, leads: str) -> None:
    write_clip(tmp_path / "a.mp4", numbered_images(2))
    (tmp_path / ".r.partial").mkdir()
    (tmp_path / ".r.partial" / ".lock").symlink_to(outside.parent / leads)
    done = call("run", tmp_path / "a.mp4", "--box", "10,10,20,20", "-o", tmp_path / "r", "-q")
    assert done.exit_code in (1, 2), done.output
    assert untouched(outside)


@pytest.mark.parametrize("leads", ["precious.txt", "new.txt"])
def test_a_folder_whose_lock_is_a_link_is_nobody_s_old_result(tmp_path: Path, outside: Path, leads: str) -> None:
    (tmp_path / ".r.replaced").mkdir()
    (tmp_path / ".r.replaced" / ".lock").symlink_to(outside.parent / leads)
    write_clip(tmp_path / "a.mp4", numbered_images(2))
    assert call("report", tmp_path / "r").exit_code == 1
    assert call("run", tmp_path / "a.mp4", "--box", "10,10,20,20", "-o", tmp_path / "r", "-q").exit_code == 0
    assert (tmp_path / ".r.replaced" / ".lock").is_symlink()
    assert untouched(outside)


@pytest.mark.parametrize("leads", ["precious.txt", "new.txt"])
def test_another_shard_s_manifest_is_no_link(tmp_path: Path, outside: Path, leads: str) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "broken.mp4").write_bytes(b"nothing")
    (tmp_path / "out" / FOLDER).mkdir(parents=True)
    (tmp_path / "out" / FOLDER / "1-of-2.sqlite").symlink_to(outside.parent / leads)
    assert call("batch", tmp_path / "in", "-o", tmp_path / "out", "--jobs", "1").exit_code == 3
    assert call("batch-status", tmp_path / "out").exit_code == 0
    assert untouched(outside)
