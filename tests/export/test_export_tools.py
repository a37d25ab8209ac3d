"""What the tools themselves read out of our exports. They are the extra [check], in an environment of its own:

pip install -e '.[check]' && pytest tests/export/test_export_tools.py tests/export/test_export_annotation.py
"""

from collections import defaultdict

import export_samples as samples
import numpy as np
import pytest
from export_samples import LARGE, same

from trackmask.export import Options, export
from trackmask.formats.polygons import overlap

# numpy warns of the decoder of pycocotools, which datumaro uses.
pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),  # labelme leaves files open
]


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tools")
    return samples.make(folder / "result", samples.film(folder / "clip.mp4"))


@pytest.mark.parametrize("polygon", [False, True])
def test_labelme(result, tmp_path, polygon):
    pytest.importorskip("labelme", exc_type=ImportError)  # where Qt finds no display library, too
    from labelme._label_file import LabelFile

    export((result,), "labelme", tmp_path / "out", Options(polygon=polygon))
    for index in range(samples.FRAMES):
        page = LabelFile(str(tmp_path / "out" / "clip" / f"{index:05d}.json"))
        assert page.image_data
        masks = {}
        for shape in page.shapes:
            assert shape["label"] == samples.NAMES[shape["group_id"]]
            if not polygon:
                (x0, y0), (x1, y1) = np.array(shape["points"], int)
                masks[shape["group_id"]] = np.zeros(samples.SIZE, bool)
                masks[shape["group_id"]][y0 : y1 + 1, x0 : x1 + 1] = shape["mask"]
        assert polygon or same(masks, index)


def test_datumaro_reads_coco(result, tmp_path):
    pytest.importorskip("pycocotools")
    pytest.importorskip("datumaro")
    from datumaro.components.dataset import Dataset

    export((result,), "coco", tmp_path / "out")
    data = Dataset.import_from(str(tmp_path / "out"), "coco_instances")
    seen = set()
    for item in data:
        index = item.attributes.get("frame_id", int(item.id[-5:]))
        masks = defaultdict(lambda: np.zeros(samples.SIZE, bool))
        for annotation in item.annotations:
            if annotation.type.name != "mask":  # the box, which COCO has beside it
                continue
            masks[int(annotation.attributes["track_id"])] |= np.asarray(annotation.image, bool)
        assert same(masks, int(index))
        seen.add(int(index))
    assert seen == set(range(samples.FRAMES))


def test_ultralytics_fills_the_masks(result, tmp_path):
    """Its own reading of the labels, its resampling of polygons and its filling; IoU as our export prints it."""
    pytest.importorskip("ultralytics", exc_type=ImportError)
    from ultralytics.data.utils import polygons2masks, verify_image_label
    from ultralytics.utils.ops import resample_segments

    report = export((result,), "yolo-seg", tmp_path / "out")
    overlaps = []
    for index in range(samples.FRAMES):
        image = tmp_path / "out" / "images" / "train" / f"clip_{index:05d}.jpg"
        label = tmp_path / "out" / "labels" / "train" / f"clip_{index:05d}.txt"
        _, rows, shape, segments, _, _, _, _, corrupt, message = verify_image_label(
            (str(image), str(label), "", False, len(samples.NAMES), 0, 0, False)
        )
        assert not corrupt, message
        assert tuple(shape) == samples.SIZE
        segments = resample_segments([segment * samples.SIZE[::-1] for segment in segments]) if segments else []
        masks = polygons2masks(samples.SIZE, segments, color=1)
        labels = samples.labels_at(index)
        for row, mask in zip(rows, masks, strict=True):
            wanted = labels == list(samples.NAMES)[int(row[0])]
            overlaps.append(overlap(mask > 0, wanted))
            assert overlaps[-1] >= 0.95 or wanted.sum() <= LARGE
    assert len(overlaps) == sum(len(np.unique(samples.labels_at(i))) - 1 for i in range(samples.FRAMES))
    printed = float(report.notes[0].split("IoU of ")[1].split(",")[0])
    assert np.mean(overlaps) == pytest.approx(printed, abs=0.01)
