"""YOLO's polygons by the rule of its reader, and the lists of names that tools write."""

import numpy as np
import pytest

from trackmask.errors import DataError
from trackmask.formats.polygons import Outlines, overlap
from trackmask.formats.yolo import paint, read, read_names, trace


def shapes():
    yy, xx = np.mgrid[:90, :121]
    rings = np.hypot(yy - 45, xx - 60)
    parts = (rings < 20) | (np.hypot(yy - 10, xx - 100) < 8)
    line = (yy == 40) & (xx > 10) & (xx < 90)
    return {"disc": rings < 30, "ring": (rings < 30) & (rings > 12), "pixel": rings < 0.5, "line": line, "parts": parts}


def ultralytics(ring, size):
    """What its reader does, in short: resampled to 1000 points, cut down to whole pixels, filled by OpenCV."""
    closed = np.concatenate([ring, ring[:1]])
    places = np.linspace(0, len(closed) - 1, 1000)
    points = np.stack([np.interp(places, np.arange(len(closed)), closed[:, axis]) for axis in (0, 1)], 1)
    return paint([points], size)


@pytest.mark.parametrize("name", shapes())
def test_polygons_are_filled_to_the_mask(name):
    mask = shapes()[name]
    least = 1 if name != "parts" else 0.97  # a line of a pixel's width leads over to the other part
    rings = Outlines(0, trace, paint).of(mask)
    assert len(rings) == 1
    assert len(rings[0]) >= 3
    assert overlap(paint(rings, mask.shape), mask) >= least
    assert overlap(ultralytics(rings[0], mask.shape), mask) >= min(least, 0.99)
    outlines = Outlines(1, trace, paint)
    assert overlap(paint(outlines.of(mask), mask.shape), mask) >= min(least, 0.98)
    assert "1 polygons keep an IoU of" in outlines.report()[0]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("data.yaml", 'train: images/train\nnames:\n  0: "a, b"\n  1: cat\n'),
        ("data.yaml", "names: ['a, b', cat]".replace("a, b", "a")),
        ("data.yaml", "nc: 2\nnames:\n- a\n- cat\ntrain: x\n"),
        ("data.yaml", "names: {0: a, 1: cat}\nval: y"),
        ("classes.txt", "\ufeffa\r\ncat\r\n"),
    ],
)
def test_names(tmp_path, name, text):
    (tmp_path / name).write_text(text, "utf-8")
    assert read_names(tmp_path / name) in (["a", "cat"], ["a, b", "cat"])


def test_lines(tmp_path):
    file = tmp_path / "1234abcd-clip_00012.txt"
    file.write_text("1 0.1 0.1 0.9 0.1 0.9 0.9\n\n")
    found = read(file, ["a", "cat"])
    assert found.pictures[0].name == "clip/00012"
    assert found.shapes[0].label == "cat"
    assert 30 < found.shapes[0].mask((10, 10)).sum() < 50
    triangle, box = "0.1 0.1 0.9 0.1 0.9 0.9", "0 0.1 0.1 0.2 0.2"
    for line in ("1", "x", f"2 {triangle}", f"0.5 {triangle}", box, "0 1 2 3 nan 5 6", "0 9 9 1 1 1 0"):
        file.write_text(line)
        with pytest.raises(DataError, match="line 1") as caught:
            read(file, ["a", "cat"])
        assert str(caught.value).isprintable()
    (tmp_path / "data.yaml").write_text("names:")
    with pytest.raises(DataError, match="has no list"):
        read_names(tmp_path / "data.yaml")
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="not a text"):
        read(file, ["a"])
