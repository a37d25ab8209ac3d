"""Numbers, texts and sizes in annotation files that no tool writes: one sentence each, whatever it is."""

import base64
import json
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from trackmask.errors import DataError
from trackmask.formats import coco, cvat, labelme, limits, pictures
from trackmask.formats.node import read_json
from trackmask.formats.polygons import drawn, fill

SIZE = (20, 30)


def read(tmp_path, module, content):
    """All masks of a file, painted."""
    path = tmp_path / "a.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    found = module.read(path if module is cvat else read_json(path))
    return [shape.mask(SIZE) for shape in found.shapes]


def refused(tmp_path, module, content):
    with pytest.raises(DataError) as caught:
        read(tmp_path, module, content)
    sentence = str(caught.value)
    assert sentence.isprintable()
    assert len(sentence) < 400
    return sentence


def marked(**mark):
    image = {"id": 1, "file_name": "1.jpg", "height": 20, "width": 30}
    return {"images": [image], "categories": [], "annotations": [{"image_id": 1, **mark}]}


@pytest.mark.parametrize("counts", [None, 7, {}, "", [1, "2"], [True, 599], [599, 1.0], [0.5, 599.5], [None], [10**30]])
def test_coco_counts(tmp_path, counts):
    assert "counts" in refused(tmp_path, coco, marked(segmentation={"size": [20, 30], "counts": counts}))


@pytest.mark.parametrize("size", [None, 20, [20], [20, "30"], [0, 600], [-20, -30], [20, 10**30], [16384, 16384]])
def test_coco_sizes(tmp_path, size):
    assert "size" in refused(tmp_path, coco, marked(segmentation={"size": size, "counts": [600]}))


def test_coco_shapes(tmp_path):
    for ring in ([1e999, 1, 2, 2, 3, 3], [1, 1, 2], [[1, 2]], ["1", 1, 2, 2, 3, 3], [10**300] * 6, [1, 2, 3, 4]):
        refused(tmp_path, coco, marked(segmentation=[ring]))
    refused(tmp_path, coco, marked(segmentation="polygon"))
    refused(tmp_path, coco, marked(segmentation=[[0.5] * (2 * limits.MAX_CORNERS + 2)]))
    refused(tmp_path, coco, marked(bbox=[1, 2, 0, 1]))
    refused(tmp_path, coco, marked(image_id=2))
    refused(tmp_path, coco, marked(image_id=[1]))
    refused(tmp_path, coco, marked(bbox=[1, 2, 3, 4], track_id="one" * 99))
    refused(tmp_path, coco, {"images": {}, "annotations": []})
    many = f'{{"images": [], "annotations": [{"0," * limits.MAX_SHAPES}0]}}'
    assert "at most 500000" in refused(tmp_path, coco, many)
    assert "8 million values" in refused(tmp_path, coco, f"[{',' * limits.MAX_VALUES}]")


def test_ids_and_names_of_either_kind(tmp_path):
    """Text ids of images and categories, and whole numbers as names, are what some tools write."""
    content = marked(category_id="c", bbox=[1, 2, 3, 4], track_id="12")
    content["categories"] = [{"id": "c", "name": 7}]
    path = tmp_path / "a.json"
    path.write_text(json.dumps(content))
    (shape,) = coco.read(read_json(path)).shapes
    assert (shape.label, shape.number) == ("7", 12)


def masked(**mask):
    return f'<a><image name="0.jpg" width="30" height="20"><mask label="x" {attributes(mask)}/></image></a>'


def attributes(values):
    return " ".join(f'{key}="{value}"' for key, value in values.items())


WHOLE = {"left": 0, "top": 0, "width": 4, "height": 4, "rle": "0, 16"}


def test_cvat_masks(tmp_path):
    assert read(tmp_path, cvat, masked(**WHOLE))[0].sum() == 16
    huge = "9223372036854775807,9223372036854775807,102"
    for rle in (huge, "0, 99999999999999", "1", "", "-1, 17", "a", "1,,15", "0, 17", "9" * 5000):
        assert "rle" in refused(tmp_path, cvat, masked(**WHOLE | {"rle": rle})) or rle in ("1", "0, 17")
    for key in ("left", "top", "width", "height"):
        for value in ("", "nan", "inf", "1e400", "0.5", "-99999999", "9" * 400):
            assert key in refused(tmp_path, cvat, masked(**WHOLE | {key: value}))


def test_a_mask_that_hangs_over_the_edge_is_cut(tmp_path):
    assert read(tmp_path, cvat, masked(**WHOLE | {"left": -2, "top": 18}))[0].sum() == 4
    assert read(tmp_path, cvat, masked(**WHOLE | {"left": 16000, "top": -16000}))[0].sum() == 0


def test_cvat_files(tmp_path):
    def track(inside):
        return f"<a><track label='x'>{inside}</track></a>"

    for points in (
        "",
        "1,2",
        "1,2;3,4",
        "1,2;3;4,5",
        "1,2;nan,4;5,6",
        "1,2;1e999,4;5,6",
        "1,2;;3,4;5,6",
        "a,b;c,d;e,f",
    ):
        assert "polygon" in refused(tmp_path, cvat, track(f'<polygon frame="0" points="{points}"/>'))
    for frame in ("", "-1", "1.5", "inf", "99999999999", "x" * 9999):
        assert "frame" in refused(tmp_path, cvat, track(f'<polygon frame="{frame}" points="1,1;9,1;9,9"/>'))
    assert "is a box named 'x'" in refused(tmp_path, cvat, track('<box frame="0"/>'))
    assert "label" in refused(tmp_path, cvat, '<a><track><polygon frame="0" points="1,1;9,1;9,9"/></track></a>')
    number = '<polygon frame="0" points="1,1;9,1;9,9"><attribute name="object_id">1e9</attribute></polygon>'
    assert read(tmp_path, cvat, track(number))[0].sum() > 0  # too large an id is the import's business
    assert "object_id" in refused(tmp_path, cvat, track(number.replace("1e9", "many")))
    assert "no XML" in refused(tmp_path, cvat, "<a>")
    assert "no XML" in refused(tmp_path, cvat, '<?xml version="1.0" encoding="x"?><a/>')
    lol = '<!DOCTYPE a [<!ENTITY a "xxxxxxxxxxxxxxxxxxxx">' + "".join(
        f'<!ENTITY {chr(98 + i)} "{f"&{chr(97 + i)};" * 50}">' for i in range(8)
    )
    refused(tmp_path, cvat, f"{lol}]><a>&i;</a>")


def shaped(**shape):
    return {"imageHeight": 20, "imageWidth": 30, "shapes": [{"label": "x", "points": [[1, 1], [9, 9]]} | shape]}


def png(picture, kind="PNG"):
    buffer = BytesIO()
    picture.save(buffer, kind)
    return base64.b64encode(buffer.getvalue()).decode()


def test_labelme_masks(tmp_path):
    for mask in (None, 7, {}, [], "", "%%%", "abc", base64.b64encode(b"no png").decode()):
        assert "mask" in refused(tmp_path, labelme, shaped(shape_type="mask", mask=mask))
    for points in (None, [], [[1]], [["a", 1]], [[1e300, 1]], {}):
        assert "points" in refused(tmp_path, labelme, shaped(shape_type="mask", mask="", points=points))
    wide = Image.new("1", (limits.MAX_SIDE + 1, 1))
    assert "more than a frame" in refused(tmp_path, labelme, shaped(shape_type="mask", mask=png(wide)))
    whole = png(Image.fromarray(np.ones((3, 2), bool)))
    assert read(tmp_path, labelme, shaped(shape_type="mask", mask=whole))[0].sum() == 6


def test_an_eps_never_reaches_ghostscript(tmp_path, monkeypatch):
    """Under any name and in any wrapping: the kinds of pictures that are opened are named in one place."""
    eps = tmp_path / "0.png"
    Image.new("L", (8, 8)).save(eps, "EPS")
    monkeypatch.setattr("PIL.EpsImagePlugin.Ghostscript", lambda *_, **__: pytest.fail("Ghostscript was called"))
    with pytest.raises(DataError, match="not an image of a kind that is read"):
        pictures.read_picture(eps, DataError)
    text = base64.b64encode(eps.read_bytes()).decode()
    assert "mask" in refused(tmp_path, labelme, shaped(shape_type="mask", mask=text))


def test_polygons_cost_little():
    """20,000 corners, each edge from the top of a frame to its bottom: seconds with a row at a time."""
    ring = np.array([[x % 700, 480 * (x % 2)] for x in range(limits.MAX_CORNERS)], float)
    assert fill([ring], (480, 854)).any()
    with pytest.raises(DataError, match="3 to 20000 points"):
        drawn([np.concatenate([ring, ring])])


def test_a_polygon_holds_the_pixels_whose_centres_it_holds():
    rng = np.random.default_rng(3)
    points = [(float(x), float(y)) for x, y in rng.uniform(-5, 25, (7, 2))]
    mask = fill([np.array(points)], (18, 22))
    assert 20 < mask.sum() < 300
    for row in range(18):
        for column in range(22):
            x, y = column + 0.5, row + 0.5
            inside = False
            for (x0, y0), (x1, y1) in zip(points, points[1:] + points[:1], strict=True):
                if (y0 <= y) != (y1 <= y) and x < x0 + (y - y0) / (y1 - y0) * (x1 - x0):
                    inside = not inside
            assert mask[row, column] == inside
