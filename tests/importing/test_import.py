import base64
import io
import json
import shutil

import export_samples as samples
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from trackmask.cli.export import import_ as command
from trackmask.data import State
from trackmask.errors import CallError, DataError, OutputExistsError
from trackmask.export import Options, export
from trackmask.formats.png import write_labels
from trackmask.formats.polygons import overlap
from trackmask.importing import import_edits, read_edits

# numpy warns of pycocotools' decoder.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

WAYS = {  # format: what export calls it, what of the export is imported, options
    "coco": ("coco", "", {}),
    "coco polygons": ("coco", "annotations/instances_default.json", {"polygon": True}),
    "cvat": ("cvat", "clip.xml", {}),
    "cvat masks": ("cvat-images", "clip/annotations.xml", {}),
    "labelme": ("labelme", "", {}),
    "labelme polygons": ("labelme", "clip", {"polygon": True}),
    "davis": ("davis", "", {}),
    "label-studio": ("label-studio", "", {}),
    "via": ("via", "", {}),
    "yolo-seg": ("yolo-seg", "", {}),
    "davis folder": ("davis", "Annotations/480p/clip", {}),
}
POLYGONS = ("polygons", "cvat", "via", "yolo-seg")


@pytest.fixture
def result(tmp_path):
    return samples.make(tmp_path / "result", samples.film(tmp_path / "clip.mp4", audio=None))


def moved(index):
    """What a person made of it: object 1 grew by a block in frame 3, 200 became larger in frame 4."""
    labels = samples.labels_at(index)
    if index == 3:
        labels[0:20, 0:30] = 1
    if index == 4:
        labels[0:3, 70:80] = 200
    return labels


def exported(folder, labels, way):
    """An export of the same clip with other masks, as a tool that a person worked with would write it."""
    kind, inside, options = WAYS[way]
    if kind == "coco":
        pytest.importorskip("pycocotools")
    (folder / "work").mkdir()
    shutil.copy(folder / "clip.mp4", folder / "work" / "clip.mp4")
    changed = samples.make(folder / "work" / "result", folder / "work" / "clip.mp4", labels=labels)
    export((changed,), kind, folder / "export", Options(images="none", **options))
    return folder / "export" / inside


@pytest.mark.parametrize("way", WAYS)
def test_only_what_changed_comes_back(result, tmp_path, way):
    path = exported(tmp_path, moved, way)
    tally = import_edits(result, path, way.split()[0])
    assert (tally.changed, tally.new, tally.absent) == (2, 0, 0)
    edits = read_edits(result)
    assert [(e.frame, e.object_id, e.change) for e in edits] == [(3, 1, "changed"), (4, 200, "changed")]
    for edit in edits:
        prompt = edit.prompt()
        assert (prompt.frame, prompt.object_id) == (edit.frame, edit.object_id)
        wanted = moved(edit.frame) == edit.object_id
        assert overlap(prompt.mask, wanted) >= (0.98 if way.split()[-1] in POLYGONS else 1)
        assert 0 < edit.iou < 1 or edit.object_id == 200
    assert sorted(p.name for p in (result / "edits").iterdir()) == ["00003.png", "00004.png", "edits.json"]


@pytest.mark.parametrize("way", WAYS)
def test_nothing_changed(result, tmp_path, way):
    path = exported(tmp_path, samples.labels_at, way)
    tally = import_edits(result, path, way.split()[0])
    assert (tally.changed, tally.new, tally.absent) == (0, 0, 0)
    assert tally.frames
    assert not (result / "edits").exists()
    assert read_edits(result) == []


def test_objects_taken_away_count_only_when_asked_for(result, tmp_path):
    def without(index):
        return np.where(samples.labels_at(index) == 7, 0, samples.labels_at(index)).astype(np.uint8)

    path = exported(tmp_path, without, "labelme")
    assert import_edits(result, path, "labelme").absent == 0
    tally = import_edits(result, path, "labelme", absent=True)
    assert tally.absent == 5
    assert {(e.object_id, e.change) for e in read_edits(result)} == {(7, "absent")}
    assert read_edits(result)[0].prompt() is None


def labelme(folder, frame, shapes):
    folder.mkdir(exist_ok=True)
    page = {"imageHeight": samples.SIZE[0], "imageWidth": samples.SIZE[1], "shapes": shapes}
    (folder / f"{frame:05d}.json").write_text(json.dumps(page))
    return folder


def square(label, **more):
    return {"label": label, "shape_type": "polygon", "points": [[10, 10], [20, 10], [20, 20], [10, 20]]} | more


def test_objects_without_an_id_are_known_by_name_or_new(result, tmp_path):
    import_edits(
        result, labelme(tmp_path / "l", 5, [square("dot"), square("dog", points=[[0, 0], [9, 0], [0, 9]])]), "labelme"
    )
    dog, dot = read_edits(result)
    assert (dot.object_id, dot.change, int(dot.mask().sum())) == (200, "new", 100)
    assert (dog.object_id, dog.name, dog.change) == (2, "dog", "new")


def test_a_tool_that_drops_unknown_keys(result, tmp_path):
    pytest.importorskip("pycocotools")
    file = exported(tmp_path, moved, "coco") / "annotations" / "instances_default.json"
    raw = json.loads(file.read_text(encoding="utf-8"))
    keep = {"id", "image_id", "category_id", "segmentation", "area", "bbox", "iscrowd", "attributes"}
    raw["annotations"] = [{k: v for k, v in entry.items() if k in keep} for entry in raw["annotations"]]
    raw["images"] = [
        {k: v for k, v in entry.items() if k in ("id", "file_name", "height", "width")} for entry in raw["images"]
    ]
    for image in raw["images"]:
        image["file_name"] = image["file_name"].removeprefix("clip/")
    file.write_text(json.dumps(raw))
    assert import_edits(result, file, "coco").changed == 2


def refused(result, path, kind, message, error=DataError, **options):
    with pytest.raises(error, match=message):
        import_edits(result, path, kind, **options)
    assert sorted(p.name for p in result.iterdir()) == ["masks", "result.json"]


def test_bad_input(result, tmp_path):
    refused(result, tmp_path, "labelmee", "did you mean labelme", CallError)
    refused(result, tmp_path / "none.json", "coco", "there is no")
    (tmp_path / "empty").mkdir()
    refused(result, tmp_path / "empty", "labelme", "holds no frame of clip")
    broken = tmp_path / "broken"
    for text, said in (
        ("", "broken is not JSON"),
        ("[]", "broken: the whole file must be an object"),
        ("{}", "images is missing"),
        ('{"categories": [], "images": [{"id": 1}], "annotations": []}', r"images\[0\].file_name is missing"),
    ):
        broken.write_text(text)
        refused(result, broken, "coco", said)
    broken.write_text("<annotations><track label='a'><polygon frame='x'/></track></annotations>")
    refused(result, broken, "cvat", "polygon 1.frame must be a whole number")
    broken.write_text("<annotations>")
    refused(result, broken, "cvat", "broken is no XML")
    refused(result, labelme(tmp_path / "a", 0, [square("dot", shape_type="circle")]), "labelme", "shape_type must be")
    refused(result, labelme(tmp_path / "b", 99, [square("dot")]), "labelme", "frame 99, which .* does not have")
    refused(result, labelme(tmp_path / "c", 0, [square("dot", group_id=256)]), "labelme", "ids go from 1 to 255")
    labelme(tmp_path / "e", 0, []).joinpath("00000.json").rename(tmp_path / "e" / "cover.json")
    refused(result, tmp_path / "e", "labelme", "does not end in the number")
    (tmp_path / "d").mkdir()
    write_labels(tmp_path / "d" / "00000.png", np.zeros((5, 7), np.uint8))
    refused(result, tmp_path / "d", "davis", "is 7x5 and the result.s video is 83x61")
    Image.new("RGB", samples.SIZE[::-1], "red").save(tmp_path / "d" / "00000.png")
    refused(result, tmp_path / "d", "davis", "is a colour picture")


def test_a_damaged_mask_leaves_nothing(result, tmp_path):
    text = base64.b64encode(b"no png").decode()
    shape = square("dot", shape_type="mask", mask=text, points=[[0, 0], [1, 1]])
    refused(result, labelme(tmp_path / "l", 0, [shape]), "labelme", "is no PNG in base64")
    shape = square("dot", points=[[0, 0], [float("nan"), 5], [3, 9]])
    refused(result, labelme(tmp_path / "l", 0, [shape]), "labelme", "must be a number of pixels")
    mask = '<mask label="dot" left="0" top="0" width="4" height="4" rle="0, 99999999999999"/>'
    (tmp_path / "x.xml").write_text(f'<a><image name="0.jpg" width="83" height="61">{mask}</image></a>')
    refused(result, tmp_path / "x.xml", "cvat", "mask 1.rle must be run lengths")


def test_a_mask_that_hangs_over_the_edge_is_cut(result, tmp_path):
    buffer = io.BytesIO()
    Image.fromarray(np.ones((4, 6), bool)).save(buffer, "PNG")
    shape = square(
        "dot", shape_type="mask", mask=base64.b64encode(buffer.getvalue()).decode(), points=[[-3, -2], [2, 1]]
    )
    import_edits(result, labelme(tmp_path / "l", 5, [shape]), "labelme")
    expected = np.zeros(samples.SIZE, bool)
    expected[:2, :3] = True
    assert np.array_equal(read_edits(result)[0].mask(), expected)


def test_names_that_are_not_enough(tmp_path):
    video = samples.film(tmp_path / "clip.mp4", audio=None)
    result = samples.make(tmp_path / "result", video, names={1: "bird", 7: "bird"})
    path = labelme(tmp_path / "l", 5, [square("bird")])
    with pytest.raises(DataError, match="a 'bird' without an id, and there are several"):
        import_edits(result, path, "labelme")


def test_clips_of_a_larger_export(tmp_path):
    pytest.importorskip("pycocotools")
    results = []
    for name in ("one", "two"):
        video = samples.film(tmp_path / f"{name}.mp4", audio=None)
        results.append(samples.make(tmp_path / name, video, labels=moved if name == "two" else samples.labels_at))
    export(tuple(results), "coco", tmp_path / "coco", Options(images="none", states=frozenset(State)))
    assert import_edits(results[0], tmp_path / "coco", "coco").changed == 0
    assert import_edits(results[0], tmp_path / "coco", "coco", clip="two").changed == 2
    with pytest.raises(DataError, match="there is no clip 'three' in it, but one, two"):
        import_edits(results[1], tmp_path / "coco", "coco", clip="three")


def test_edits_are_not_replaced_unasked(result, tmp_path):
    path = labelme(tmp_path / "l", 5, [square("dot")])
    import_edits(result, path, "labelme")
    with pytest.raises(OutputExistsError, match="say --overwrite"):
        import_edits(result, path, "labelme")
    import_edits(result, labelme(path, 5, [square("bird")]), "labelme", overwrite=True)
    assert [edit.object_id for edit in read_edits(result)] == [1]


def test_command(result, tmp_path):
    path = labelme(tmp_path / "l", 5, [square("dot")])
    done = CliRunner().invoke(command, [str(result), str(path), "--from", "labelme"])
    assert done.output.startswith(f"{result / 'edits'}: in 1 frame, 0 masks changed, 1 new, 0 taken away")


def test_one_file_of_a_folder_is_enough(result, tmp_path):
    folder = labelme(tmp_path / "l", 5, [square("dot")])
    (file,) = folder.glob("*.json")
    assert import_edits(result, file, "labelme").new == 1
    with pytest.raises(DataError, match="json is neither a folder nor a whole zip"):
        import_edits(result, file, "yolo-seg", overwrite=True)


def test_nothing_new_is_no_failure(result, tmp_path):
    path = exported(tmp_path, samples.labels_at, "labelme")
    done = CliRunner().invoke(command, [str(result), str(path), "--from", "labelme"])
    assert (done.exit_code, done.stderr) == (0, "")
    assert "nothing to bring in" in done.stdout
