"""The formats for training, read back with readers that are not ours and compared pixel by pixel."""

import json
from collections import defaultdict

import export_samples as samples
import numpy as np
import pytest
from export_samples import alike, drawn, same
from PIL import Image

from trackmask.errors import CallError
from trackmask.export import Options, export

# numpy warns of pycocotools' decoder.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    folder = tmp_path_factory.mktemp("formats")
    return samples.make(folder / "result", samples.film(folder / "clip.mp4"))


@pytest.mark.parametrize("polygon", [False, True])
def test_coco(result, tmp_path, polygon):
    tools = pytest.importorskip("pycocotools.coco")
    report = export((result,), "coco", tmp_path / "out", Options(polygon=polygon))
    assert bool(report.notes) == polygon
    coco = tools.COCO(tmp_path / "out" / "annotations" / "instances_default.json")
    assert [item["name"] for item in coco.loadCats(coco.getCatIds())] == list(samples.NAMES.values())
    for index in range(samples.FRAMES):
        image = coco.loadImgs(index + 1)[0]
        assert (image["file_name"], image["frame_id"]) == (f"clip/{index:05d}.jpg", index)
        with Image.open(tmp_path / "out" / "images" / "default" / image["file_name"]) as picture:
            assert picture.size == (image["width"], image["height"]) == samples.SIZE[::-1]
        found = coco.loadAnns(coco.getAnnIds(index + 1))
        masks = {item["track_id"]: coco.annToMask(item).astype(bool) for item in found}
        assert (alike if polygon else same)(masks, index)
        for item in found:
            mask = samples.labels_at(index) == item["track_id"]
            x, y, w, h = item["bbox"]
            assert item["area"] == mask.sum() == mask[y : y + h, x : x + w].sum()
            assert coco.cats[item["category_id"]]["name"] == samples.NAMES[item["track_id"]]


def test_coco_opens_in_supervision(result, tmp_path):
    pytest.importorskip("pycocotools")
    supervision = pytest.importorskip("supervision")
    export((result,), "coco", tmp_path / "out")
    data = supervision.DetectionDataset.from_coco(
        str(tmp_path / "out" / "images" / "default"),
        str(tmp_path / "out" / "annotations" / "instances_default.json"),
        force_masks=True,
    )
    assert data.classes == list(samples.NAMES.values())
    for path, _, found in data:
        index = int(path[-9:-4])
        ids = [list(samples.NAMES)[number] for number in found.class_id]
        assert same(dict(zip(ids, found.mask if len(ids) else [], strict=True)), index)


def test_coco_opens_in_datumaro_and_goes_on_to_pascal_voc(result, tmp_path):
    pytest.importorskip("pycocotools")
    pytest.importorskip("datumaro")
    from datumaro.components.dataset import Dataset

    names = {samples.NAMES[7]: "cat"}
    export((result,), "coco", tmp_path / "out", Options(categories=names))
    data = Dataset.import_from(str(tmp_path / "out"), "coco")
    seen = 0
    for item in data:
        masks = {int(a.attributes["track_id"]): a.image.astype(bool) for a in item.annotations if hasattr(a, "image")}
        assert same(masks, int(item.id[-5:]))
        seen += 1
    assert seen == samples.FRAMES
    data.export(str(tmp_path / "voc"), "voc", save_media=False)
    assert len(list((tmp_path / "voc").rglob("SegmentationObject/**/*.png"))) == 7


def test_youtube_vis(result, tmp_path):
    coco = pytest.importorskip("pycocotools.mask")
    export((result,), "yt-vis", tmp_path / "out")
    raw = json.loads((tmp_path / "out" / "instances.json").read_text(encoding="utf-8"))
    (video,) = raw["videos"]
    assert (video["length"], video["height"], video["width"]) == (samples.FRAMES, *samples.SIZE)
    assert all((tmp_path / "out" / "JPEGImages" / name).is_file() for name in video["file_names"])
    tracks = {track["track_id"]: track for track in raw["annotations"]}
    names = {item["id"]: item["name"] for item in raw["categories"]}
    assert {i: names[track["category_id"]] for i, track in tracks.items()} == samples.NAMES
    for index in range(samples.FRAMES):
        masks = {}
        for object_id, track in tracks.items():
            found = [track[key][index] for key in ("segmentations", "bboxes", "areas")]
            assert len({value is None for value in found}) == 1
            if found[0] is not None:
                masks[object_id] = coco.decode(found[0]).astype(bool)
                assert found[2] == masks[object_id].sum()
        assert same(masks, index)


def test_davis(result, tmp_path):
    export((result,), "davis", tmp_path / "out")
    assert (tmp_path / "out" / "ImageSets" / "2017" / "train.txt").read_text() == "clip\n"
    for index in range(samples.FRAMES):
        path = tmp_path / "out" / "Annotations" / "480p" / "clip" / f"{index:05d}.png"
        assert np.array_equal(samples.read_ids(path), samples.labels_at(index))
        with Image.open(path) as picture:
            assert picture.getpalette()[3:6] == [128, 0, 0]
        assert (tmp_path / "out" / "JPEGImages" / "480p" / "clip" / f"{index:05d}.jpg").is_file()


def crowd(_index):
    """255 objects of one pixel and more."""
    return np.minimum(np.arange(samples.SIZE[0] * samples.SIZE[1]) // 19, 255).reshape(samples.SIZE).astype(np.uint8)


def test_255_objects(tmp_path):
    pytest.importorskip("pycocotools")
    video = samples.film(tmp_path / "clip.mp4", times=[0, 0.04], audio=None)
    names = {number: "bird" for number in range(1, 256)}
    result = samples.make(tmp_path / "result", video, frames=2, names=names, labels=crowd)
    export((result,), "mots", tmp_path / "mots")
    with Image.open(tmp_path / "mots" / "clip" / "instances" / "000002.png") as picture:
        values = np.array(picture)
    assert np.array_equal(values, np.where(crowd(1) > 0, 3000 + crowd(1).astype(int), 0))
    with pytest.raises(CallError, match="object 255 of clip would be 'void' in DAVIS"):
        export((result,), "davis", tmp_path / "davis")
    assert not (tmp_path / "davis").exists()


def test_mots(result, tmp_path):
    coco = pytest.importorskip("pycocotools.mask")
    names = {"bird": "pedestrian"}
    export((result,), "mots", tmp_path / "out", Options(categories=names, every=2))
    folder = tmp_path / "out" / "clip"
    masks = defaultdict(dict)
    for line in (folder / "gt" / "gt.txt").read_text().splitlines():
        frame, code, kind, height, width, counts = line.split(" ")
        assert int(code) // 1000 == int(kind)
        mask = coco.decode({"size": [int(height), int(width)], "counts": counts}).astype(bool)
        masks[int(frame)][int(code) % 1000] = mask
    labels = dict(
        line.split(" ", 1)[::-1] for line in (tmp_path / "out" / "labels.txt").read_text("utf-8").splitlines()
    )
    assert labels == {"pedestrian": "2", samples.NAMES[7]: "3", "dot": "4"}
    for number in range(1, 5):
        assert same(masks[number], 2 * (number - 1))
        with Image.open(folder / "instances" / f"{number:06d}.png") as picture:
            assert np.array_equal(np.array(picture) % 1000, samples.labels_at(2 * (number - 1)))
        assert (folder / "img1" / f"{number:06d}.jpg").is_file()
    assert "seqLength=4\nimWidth=83\nimHeight=61\n" in (folder / "seqinfo.ini").read_text()
    with pytest.raises(CallError, match="class 2 in MOTS"):
        export((result,), "mots", tmp_path / "no", Options(categories=names | {"dot": "Person"}))


def test_yolo(result, tmp_path):
    export((result,), "yolo-seg", tmp_path / "out")
    lines = (tmp_path / "out" / "data.yaml").read_text("utf-8").splitlines()
    names = [json.loads(line.split(": ", 1)[1]) for line in lines[lines.index("names:") + 1 :]]
    assert names == list(samples.NAMES.values())
    assert {"train: images/train", "val: images/train"} <= set(lines)
    for index in range(samples.FRAMES):
        assert (tmp_path / "out" / "images" / "train" / f"clip_{index:05d}.jpg").is_file()
        masks = {}
        for line in (tmp_path / "out" / "labels" / "train" / f"clip_{index:05d}.txt").read_text().splitlines():
            kind, *values = line.split()
            points = np.array(values, float).reshape(-1, 2)
            assert points.min() >= 0
            assert points.max() <= 1
            masks[list(samples.NAMES)[int(kind)]] = drawn([points * samples.SIZE[::-1]])
        assert alike(masks, index)


def test_supervision_files(result, tmp_path):
    export((result,), "supervision", tmp_path / "out")
    assert (tmp_path / "out" / "classes.txt").read_text("utf-8").splitlines() == list(samples.NAMES.values())
    for index in range(samples.FRAMES):
        with np.load(tmp_path / "out" / "clip" / f"{index:05d}.npz") as file:
            assert same(dict(zip(file["tracker_id"].tolist(), file["mask"], strict=True)), index)
            for (x0, y0, x1, y1), mask in zip(file["xyxy"].astype(int), file["mask"], strict=True):
                assert mask[y0:y1, x0:x1].sum() == mask.sum()


def test_supervision_in_python(result, tmp_path):
    supervision = pytest.importorskip("supervision")
    from trackmask.export.detections import detections

    export((result,), "supervision", tmp_path / "out")
    for index, found in detections(result):
        assert same(dict(zip(found.tracker_id.tolist(), found.mask, strict=True)), index)
        with np.load(tmp_path / "out" / "clip" / f"{index:05d}.npz") as file:
            assert supervision.Detections(**file) == found
