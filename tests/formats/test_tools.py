"""Files of Label Studio and VIA as they come out of the tools: what our own export never writes."""

import json

import numpy as np
import pytest

from trackmask.errors import DataError
from trackmask.formats import label_studio, via
from trackmask.formats.node import read_json
from trackmask.formats.runs import to_brush

SIZE = (20, 30)
BLOCK = np.zeros(SIZE, bool)
BLOCK[4:8, 3:9] = True


def read(tmp_path, module, content):
    path = tmp_path / "a.json"
    path.write_text(json.dumps(content))
    return module.read(read_json(path))


def region(kind, **value):
    about = {"original_width": 30, "original_height": 20, "image_rotation": 0, "type": kind, "id": "AbC12"}
    return about | {"value": {kind: ["cat"], **value}}


def task(*regions, **more):
    cancelled = {"result": [region("brushlabels", rle=[1])], "was_cancelled": True}
    old = {"result": [region("brushlabels", rle=[2])], "was_cancelled": False}
    done = {"result": list(regions), "was_cancelled": False}
    return {
        "id": 5,
        "data": {"image": "/data/upload/1/1234abcd-00007.jpg"} | more,
        "annotations": [old, done, cancelled],
    }


def test_label_studio(tmp_path):
    corners = [[10, 20], [30, 20], [30, 40], [10, 40]]
    found = read(
        tmp_path,
        label_studio,
        [
            task(
                region("brushlabels", rle=to_brush(BLOCK), format="rle"),
                region("polygonlabels", points=corners, closed=True),
                region("rectanglelabels", x=10, y=20, width=20, height=20),
                {"type": "choices", "value": {"choices": ["x"]}},
            )
        ],
    )
    brush, polygon, box = found.shapes
    assert np.array_equal(brush.mask(), BLOCK)
    assert np.array_equal(polygon.mask(), BLOCK)
    assert box.box == (3, 4, 6, 4)
    assert (brush.label, brush.number, brush.exact, polygon.exact) == ("cat", None, True, False)
    assert found.pictures[0].name.endswith("-00007.jpg")


@pytest.mark.parametrize(
    "broken",
    [
        {"rle": None},
        {"rle": "text"},
        {"rle": [0.5]},
        {"rle": [0] * 9},
        {"rle": to_brush(BLOCK[:5])},
        {"rle": to_brush(BLOCK), "brushlabels": []},
        {"rle": to_brush(BLOCK), "brushlabels": [{}]},
    ],
)
def test_label_studio_s_faults(tmp_path, broken):
    with pytest.raises(DataError) as caught:
        [shape.mask() for shape in read(tmp_path, label_studio, [task(region("brushlabels", **broken))]).shapes]
    assert "[0].annotations[1].result[0]" in str(caught.value)
    turned = region("brushlabels", rle=to_brush(BLOCK)) | {"image_rotation": 90}
    with pytest.raises(DataError, match="must not be turned"):
        read(tmp_path, label_studio, [task(turned)])


def page(*regions):
    return {"a.jpg12": {"filename": "a.jpg", "size": 12, "regions": list(regions), "file_attributes": {}}}


def test_via(tmp_path):
    shape = {"name": "polygon", "all_points_x": [3, 9, 9, 3], "all_points_y": [4, 4, 8, 8]}
    regions = [
        {"shape_attributes": shape, "region_attributes": {"kind": "cat", "object_id": "3"}},
        {"shape_attributes": shape, "region_attributes": {"colour": "red", "name": "dog", "object_id": ""}},
        {"shape_attributes": {"name": "rect", "x": 1, "y": 2, "width": 3, "height": 4}, "region_attributes": {}},
    ]
    for content in (page(*regions), {"_via_settings": {}, "_via_img_metadata": page(*regions)}):
        cat, dog, box = read(tmp_path, via, content).shapes
        assert np.array_equal(cat.mask(SIZE), BLOCK)
        assert [(cat.label, cat.number), (dog.label, dog.number)] == [("cat", 3), ("dog", None)]
        assert (box.label, box.box) == ("", (1, 2, 3, 4))
    old = page()
    old["a.jpg12"]["regions"] = {"0": regions[0]}
    assert len(read(tmp_path, via, old).shapes) == 1
    for broken in ({"name": "circle"}, shape | {"all_points_x": [1]}, shape | {"all_points_y": "x"}, {}):
        with pytest.raises(DataError, match="shape_attributes"):
            read(tmp_path, via, page({"shape_attributes": broken, "region_attributes": {}}))
