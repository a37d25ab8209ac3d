"""ZIPs as CVAT and Label Studio export them, and as nobody should: nothing is written outside, nothing is too large."""

import stat
import zipfile
from pathlib import Path

import export_samples as samples
import numpy as np
import pytest
from test_import import exported, moved

from trackmask.cli import main
from trackmask.errors import DataError
from trackmask.formats import limits
from trackmask.importing import archive, import_edits
from trackmask.importing.archive import unpacked


@pytest.fixture
def result(tmp_path):
    return samples.make(tmp_path / "result", samples.film(tmp_path / "clip.mp4", audio=None))


def zipped(folder: Path, *, above: str = "") -> Path:
    """A folder as a ZIP, its files right in it or in the folder `above`."""
    path = folder.with_suffix(".zip")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*")):
            archive.write(file, Path(above) / file.relative_to(folder))
    return path


@pytest.mark.parametrize("above", ["", "project-7"])
@pytest.mark.parametrize("way", ["coco", "cvat masks", "davis", "label-studio", "labelme", "via", "yolo-seg"])
def test_a_zip_is_read_as_the_folder(result, tmp_path, way, above):
    exported(tmp_path, moved, way)
    tally = import_edits(result, zipped(tmp_path / "export", above=above), way.split()[0])
    assert tally.changed == 2


def test_a_zip_of_cvat_s_video_task(result, tmp_path):
    file = exported(tmp_path, moved, "cvat")
    path = tmp_path / "task_1_annotations.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(file, "annotations.xml")
        archive.writestr("images/frame_000000.png", b"not looked at")
    assert import_edits(result, path, "cvat").changed == 2


def made(path, *entries):
    """A ZIP of (name or ZipInfo, content)."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return path


def link(name, target):
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    return info, target


def test_what_leads_out_is_left_in_the_zip(tmp_path):
    path = made(
        tmp_path / "a.zip",
        ("../out.json", "{}"),
        ("/abs.json", "{}"),
        ("a/../../up.json", "{}"),
        ("..\\back.json", "{}"),
        ("C:/drive.json", "{}"),
        link("link.json", "/etc/passwd"),
        (".hidden.json", "{}"),
        ("__MACOSX/._a.json", "{}"),
        ("picture.jpg", "x"),
        ("kept/a.json", "{}"),
        ("b.json", "{}"),
    )
    before = sorted(tmp_path.rglob("*"))
    with unpacked(path, (".json",)) as folder:
        assert sorted(str(file.relative_to(folder)) for file in folder.rglob("*.json")) == ["b.json", "kept/a.json"]
    assert not folder.exists()
    assert sorted(tmp_path.rglob("*")) == before


def refused(path, message):
    with pytest.raises(DataError, match=message) as caught, unpacked(path, (".json",)):
        pass
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 400


def test_zips_that_are_none(tmp_path, monkeypatch):
    refused(made(tmp_path / "empty.zip"), "holds no file of this format")
    refused(made(tmp_path / "twice.zip", ("a.json", "{}"), ("a.json/b.json", "{}")), "is a damaged zip")
    refused(made(tmp_path / "long.zip", (f"{'a' * 300}.json", "{}")), "is a damaged zip")
    bomb = made(tmp_path / "bomb.zip", ("a.json", bytes(limits.MAX_BYTES + 1)))
    refused(bomb, "larger than 128 MB")
    monkeypatch.setattr(archive, "_TOTAL", 1000)
    refused(made(tmp_path / "sum.zip", ("a.json", bytes(600)), ("b.json", bytes(600))), "more than 200000 files or")
    whole = made(tmp_path / "whole.zip", ("a.json", bytes(np.random.default_rng(0).bytes(900))))
    raw = bytearray(whole.read_bytes())
    raw[100] ^= 1
    (tmp_path / "flipped.zip").write_bytes(raw)
    refused(tmp_path / "flipped.zip", "is a damaged zip")


def test_command(result, tmp_path, capsys):
    with pytest.raises(SystemExit) as caught:
        main(["import", str(result), str(made(tmp_path / "e.zip")), "--from", "cvat"])
    assert caught.value.code == 1
    assert "holds no file of this format" in capsys.readouterr().err
