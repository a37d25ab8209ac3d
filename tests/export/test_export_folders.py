"""Results of folders of pictures keep the pictures' own names, which may begin anywhere and leave numbers out."""

import export_samples as samples
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from trackmask.cli import main
from trackmask.errors import DataError
from trackmask.evaluation.measure import score_folder
from trackmask.export import Options, export
from trackmask.formats.png import write_labels
from trackmask.importing import import_edits, read_edits
from trackmask.prompts import Target
from trackmask.result import open_result

NUMBERS = (0, 5, 10, 15, 20, 25, 30, 35)
WAYS = {
    "cvat-images": ("cvat", "shots/annotations.xml"),
    "davis": ("davis", "Annotations/480p/shots/00025.png"),
    "label-studio": ("label-studio", "shots/tasks.json"),
    "labelme": ("labelme", "shots/00025.json"),
    "via": ("via", "shots/via.json"),
    "yolo-seg": ("yolo-seg", "labels/train/shots_00025.txt"),
    "cvat": ("cvat", "shots.xml"),
}


@pytest.fixture
def shots(tmp_path):
    folder = tmp_path / "shots"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in NUMBERS:
        Image.fromarray(rng.integers(0, 255, (*samples.SIZE, 3), np.uint8)).save(folder / f"{number:05d}.jpg")
    return folder


def moved(index):
    labels = samples.labels_at(index)
    if index == 3:
        labels[0:20, 0:30] = 1
    return labels


@pytest.mark.parametrize("way", WAYS)
def test_exports_name_frames_as_the_pictures_and_imports_find_them(shots, tmp_path, way):
    result = samples.make(tmp_path / "result", shots)
    changed = samples.make(tmp_path / "changed", shots, labels=moved)
    export((changed,), way, tmp_path / "out", Options(images="none"))
    kind, file = WAYS[way]
    assert (tmp_path / "out" / file).is_file()
    import_edits(result, tmp_path / "out", kind)
    assert {edit.frame for edit in read_edits(result)} == {3}


def test_a_mask_of_no_picture_is_refused(shots, tmp_path):
    result = samples.make(tmp_path / "result", shots)
    (tmp_path / "masks").mkdir()
    write_labels(tmp_path / "masks" / "00003.png", samples.labels_at(3))
    with pytest.raises(DataError, match=r"shots/00003.png is called like no picture that was tracked"):
        import_edits(result, tmp_path / "masks", "davis")
    names = tuple(path.name for path in sorted(shots.iterdir()))
    assert Target("shots", images=names).frame("00025.png") == 5
    assert Target("shots", images=names).frame("00003.png") is None


def test_a_run_records_the_pictures_names(shots, tmp_path):
    out = tmp_path / "shots.trackmask"
    done = CliRunner().invoke(main, ["run", str(shots), "--box", "5,5,40,40", "--no-overlay", "-o", str(out)])
    assert done.exit_code == 0, done.output
    assert open_result(out).source.names == tuple(f"{number:05d}.jpg" for number in NUMBERS)


def test_score_matches_by_the_pictures_names(shots, tmp_path):
    """Truth for some pictures alone, in a folder without the pictures."""
    result = samples.make(tmp_path / "shots.trackmask", shots)
    (tmp_path / "truth" / "shots").mkdir(parents=True)
    for place in (0, 1, 3, 4, 6):
        write_labels(tmp_path / "truth" / "shots" / f"{NUMBERS[place]:05d}.png", samples.labels_at(place))
    (score,) = score_folder(result, tmp_path / "truth" / "shots")
    assert score.j == 1
