"""The formats of annotation tools, read back with readers that are not ours and compared pixel by pixel."""

import base64
import io
import json
import os
import shutil
from collections import defaultdict
from xml.etree import ElementTree

import export_samples as samples
import numpy as np
import pytest
from export_samples import alike, drawn, same
from PIL import Image

from trackmask.export import Options, export
from trackmask.formats.runs import to_brush, to_rows
from trackmask.importing import import_edits


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    folder = tmp_path_factory.mktemp("formats")
    return samples.make(folder / "result", samples.film(folder / "clip.mp4"))


def test_cvat_for_video(result, tmp_path):
    export((result,), "cvat", tmp_path / "out", Options(every=2))
    root = ElementTree.parse(tmp_path / "out" / "clip.xml").getroot()
    assert root.findtext("version") == "1.1"
    assert root.findtext("meta/task/frame_filter") == "step=2"
    polygons, outside = defaultdict(lambda: defaultdict(list)), set()
    for track in root.iter("track"):
        frames = [int(shape.attrib["frame"]) for shape in track]
        assert frames == sorted(set(frames))
        for shape in track:
            object_id = int(shape.findtext("attribute"))
            assert track.attrib["label"] == samples.NAMES[object_id]
            if shape.attrib["outside"] == "1":
                outside.add((int(shape.attrib["frame"]), object_id))
                continue
            points = [[float(v) for v in point.split(",")] for point in shape.attrib["points"].split(";")]
            polygons[int(shape.attrib["frame"])][object_id].append(points)
    assert (2, 7) in outside  # the object is away there
    for index in range(0, samples.FRAMES, 2):
        assert alike({i: drawn(parts) for i, parts in polygons[index].items()}, index)
    labels = json.loads((tmp_path / "out" / "labels.json").read_text("utf-8"))
    assert [label["name"] for label in labels] == list(samples.NAMES.values())


@pytest.mark.parametrize(("frames", "counted", "closed"), [(5, None, True), (5, 8, True), (8, 8, False)])
def test_cvat_closes_what_is_seen_in_the_last_exported_frame(result, tmp_path, frames, counted, closed):
    """Else CVAT shows it to the end of its task. Where the video ends with it there is no frame to say so in."""
    part = samples.make(tmp_path / "part", result.parent / "clip.mp4", frames=frames)
    raw = json.loads((part / "result.json").read_text())
    raw["source"]["frames"] = counted
    (part / "result.json").write_text(json.dumps(raw))
    export((part,), "cvat", tmp_path / "out.xml")
    last = {}
    for track in ElementTree.parse(tmp_path / "out.xml").getroot().iter("track"):
        shape = track[-1]
        last[int(shape.findtext("attribute"))] = (int(shape.attrib["frame"]), shape.attrib["outside"])
    assert last[1] == ((frames, "1") if closed else (7, "0"))
    tally = import_edits(part, tmp_path / "out.xml", "cvat")
    assert (tally.changed, tally.new, tally.frames) == (0, 0, frames)


def test_cvat_s_xml_of_a_video_with_an_odd_name(result, tmp_path):
    name = os.fsdecode(b"a\x1b[31m\n\xff&<.mp4")
    shutil.copy(result.parent / "clip.mp4", tmp_path / name)
    export((samples.make(tmp_path / "odd", tmp_path / name),), "cvat", tmp_path / "out.xml")
    source = ElementTree.parse(tmp_path / "out.xml").getroot().findtext("meta/source")
    assert source == r"a\x1b[31m\n\udcff&<.mp4"


def test_cvat_for_images(result, tmp_path):
    export((result,), "cvat-images", tmp_path / "out")
    root = ElementTree.parse(tmp_path / "out" / "clip" / "annotations.xml").getroot()
    images = list(root.iter("image"))
    assert [image.attrib["name"] for image in images] == [f"{i:05d}.jpg" for i in range(samples.FRAMES)]
    for index, image in enumerate(images):
        masks = {}
        for shape in image:
            x, y, w, h = (int(shape.attrib[key]) for key in ("left", "top", "width", "height"))
            flat = [value for n, run in enumerate(shape.attrib["rle"].split(",")) for value in [n % 2] * int(run)]
            masks[int(shape.findtext("attribute"))] = np.zeros(samples.SIZE, bool)
            masks[int(shape.findtext("attribute"))][y : y + h, x : x + w] = np.array(flat).reshape(h, w)
        assert same(masks, index)


# numpy warns of the decoder of pycocotools, which datumaro uses.
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.parametrize(("name", "file"), [("cvat", "clip.xml"), ("cvat-images", "clip/annotations.xml")])
def test_cvat_opens_in_datumaro(result, tmp_path, name, file):
    pytest.importorskip("datumaro")
    from datumaro.components.dataset import Dataset

    export((result,), name, tmp_path / "out")
    data = Dataset.import_from(str(tmp_path / "out" / file), "cvat")
    assert set(data.categories()[next(iter(data.categories()))]._indices) == set(samples.NAMES.values())
    items = {item.attributes.get("frame", int(item.id[-5:])): item for item in data}
    assert len(items) >= samples.FRAMES - 1  # datumaro does not know of a frame without shapes
    if name == "cvat-images":
        for index, item in items.items():
            assert same({int(a.attributes["object_id"]): a.image.astype(bool) for a in item.annotations}, index)


def test_row_runs():
    assert to_rows(np.array([[0, 1, 1], [1, 0, 0]], bool)) == [1, 3, 2]
    assert to_rows(np.array([[1, 0]], bool)) == [0, 1, 1]
    assert to_rows(np.array([[True]])) == [0, 1]


def unpack(data):
    """thi.ng's rle-pack, bit by bit after its description."""
    bits = "".join(f"{byte:08b}" for byte in data)
    at = 0

    def take(count):
        nonlocal at
        at += count
        return int(bits[at - count : at], 2)

    total, word = take(32), take(5) + 1
    sizes = [take(4) + 1 for _ in range(4)]
    values = []
    while len(values) < total:
        repeated, size = take(1), sizes[take(2)]
        count = take(size) + 1
        values += [take(word)] * count if repeated else [take(word) for _ in range(count)]
    return np.array(values, np.uint8)


@pytest.mark.parametrize("kind", ["description", "label-studio-sdk"])
def test_label_studio(result, tmp_path, kind):
    decode = unpack
    if kind == "label-studio-sdk":
        decode = pytest.importorskip("label_studio_sdk.converter.brush").decode_rle
    export((result,), "label-studio", tmp_path / "out", Options(every=3))
    tasks = json.loads((tmp_path / "out" / "clip" / "tasks.json").read_text("utf-8"))
    assert [task["data"]["frame"] for task in tasks] == [0, 3, 6]
    config = ElementTree.parse(tmp_path / "out" / "label_config.xml").getroot()
    assert [label.attrib["value"] for label in config.iter("Label")] == list(samples.NAMES.values())
    if kind == "label-studio-sdk":
        from label_studio_sdk.label_interface import LabelInterface

        interface = LabelInterface((tmp_path / "out" / "label_config.xml").read_text("utf-8"))
        interface.validate()
        assert all(interface.validate_annotation(task["annotations"][0]) for task in tasks)
    for task in tasks:
        assert (tmp_path / "out" / task["data"]["image"].partition("?d=")[2]).is_file()
        masks = {}
        for region in task["annotations"][0]["result"]:
            pixels = np.array(decode(region["value"]["rle"]), np.uint8).reshape(*samples.SIZE, 4)
            assert (pixels == pixels[..., :1]).all()
            masks[int(region["id"].removeprefix("object-"))] = pixels[..., 3] == 255
        assert same(masks, task["data"]["frame"])


def test_label_studio_brush_of_a_long_run():
    mask = np.zeros((200, 301), bool)
    mask[199, 300] = True
    assert np.array_equal(unpack(to_brush(mask)).reshape(200, 301, 4)[..., 0] > 0, mask)


@pytest.mark.parametrize("polygon", [False, True])
def test_labelme(result, tmp_path, polygon):
    export((result,), "labelme", tmp_path / "out", Options(polygon=polygon))
    for index in range(samples.FRAMES):
        page = json.loads((tmp_path / "out" / "clip" / f"{index:05d}.json").read_text("utf-8"))
        assert (tmp_path / "out" / "clip" / page["imagePath"]).is_file()
        assert (page["imageHeight"], page["imageWidth"]) == samples.SIZE
        masks, polygons = {}, defaultdict(list)
        for shape in page["shapes"]:
            assert shape["label"] == samples.NAMES[shape["group_id"]]
            polygons[shape["group_id"]].append(shape["points"])
            if not polygon:
                (x0, y0), (x1, y1) = shape["points"]
                with Image.open(io.BytesIO(base64.b64decode(shape["mask"]))) as picture:
                    crop = np.array(picture) > 0
                assert crop.shape == (y1 - y0 + 1, x1 - x0 + 1)
                masks[shape["group_id"]] = np.zeros(samples.SIZE, bool)
                masks[shape["group_id"]][y0 : y1 + 1, x0 : x1 + 1] = crop
        assert alike({i: drawn(parts) for i, parts in polygons.items()}, index) if polygon else same(masks, index)


def test_via(result, tmp_path):
    export((result,), "via", tmp_path / "out")
    pages = json.loads((tmp_path / "out" / "clip" / "via.json").read_text("utf-8"))
    assert len(pages) == samples.FRAMES
    for key, page in pages.items():
        assert key == f"{page['filename']}{(tmp_path / 'out' / 'clip' / page['filename']).stat().st_size}"
        parts = defaultdict(list)
        for region in page["regions"]:
            shape = region["shape_attributes"]
            points = list(zip(shape["all_points_x"], shape["all_points_y"], strict=True))
            parts[int(region["region_attributes"]["object_id"])].append(points)
        assert alike({i: drawn(polygons) for i, polygons in parts.items()}, int(page["filename"][:5]))
