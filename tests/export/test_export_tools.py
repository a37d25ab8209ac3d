"""What the tools themselves read out of our exports. They are the extra [check], in an environment of its own:

    python .ci/tools.py    makes that environment and runs all tests that need it

FFmpeg's ffprobe is no package: the machine has it or not.
"""

import json
import re
import shutil
import subprocess
from collections import defaultdict

import export_samples as samples
import numpy as np
import pytest
from export_samples import LARGE, same
from PIL import Image

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


def test_ultralytics_fills_the_masks(result, tmp_path, monkeypatch):
    """Its own reading of the labels, its resampling of polygons and its filling; IoU as our export prints it."""
    monkeypatch.setattr(Image, "open", Image.open)  # it puts one of its own there, which other tests must not meet
    pytest.importorskip("ultralytics", exc_type=ImportError)
    from ultralytics.data.utils import check_det_dataset, polygons2masks, verify_image_label
    from ultralytics.utils.ops import resample_segments

    report = export((result,), "yolo-seg", tmp_path / "out")
    data = check_det_dataset(str(tmp_path / "out" / "data.yaml"), autodownload=False)
    assert (data["train"], data["names"]) == (
        str(tmp_path / "out" / "images" / "train"),
        dict(enumerate(samples.NAMES.values())),
    )
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


# What ffprobe says of the picture and of the sound of each film: docs/formats.md.
TAGGED = {"color_space": "bt709", "color_transfer": "bt709", "color_primaries": "bt709", "color_range": "tv"}
FILMS = {
    "matte.mp4": ({"codec_name": "h264", "pix_fmt": "yuv420p", **TAGGED}, "aac"),
    "cutout.mp4": ({"codec_name": "h264", "pix_fmt": "yuv420p", **TAGGED}, "aac"),
    "blur.mp4": ({"codec_name": "h264", "pix_fmt": "yuv420p", **TAGGED}, "aac"),
    "prores.mov": (
        {
            "codec_name": "prores",
            "codec_tag_string": "ap4h",
            "profile": "4444",
            **TAGGED,
            "color_range": None,
        },  # no place
        "aac",
    ),
    "webm.webm": ({"codec_name": "vp9", "pix_fmt": "yuv420p", **TAGGED}, "opus"),
}
# FFmpeg says that at the end of each track of Opus, of its own ones, too.
SAID = re.compile(r"(\[opus @ \w+\] Error parsing Opus packet header\.\s+)?")


@pytest.mark.skipif(shutil.which("ffprobe") is None, reason="no ffprobe here")
@pytest.mark.parametrize("name", FILMS)
def test_ffprobe(result, tmp_path, name):
    export((result,), name.partition(".")[0], tmp_path / name)
    words = "-v warning -count_frames -show_streams -show_format -of json"
    done = subprocess.run(["ffprobe", *words.split(), str(tmp_path / name)], capture_output=True, text=True, check=True)
    assert SAID.fullmatch(done.stderr)
    told = json.loads(done.stdout)
    picture, sound = sorted(told["streams"], key=lambda stream: stream["codec_type"], reverse=True)
    wanted, codec = FILMS[name]
    assert {key: picture.get(key) for key in wanted} == wanted
    assert (sound["codec_type"], sound["codec_name"]) == ("audio", codec)
    assert int(picture["nb_read_frames"]) == samples.FRAMES
    assert float(picture["start_time"]) == pytest.approx(0, abs=0.001)
    assert float(told["format"]["duration"]) == pytest.approx(samples.TIMES[-1] + 0.04, abs=0.03)
