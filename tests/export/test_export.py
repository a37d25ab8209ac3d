import csv
import json
import subprocess
import sys
import tracemalloc
from fractions import Fraction

import export_samples as samples
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from trackmask.cli.export import export as command
from trackmask.data import State
from trackmask.errors import (
    CallError,
    ExtraError,
    OutputError,
    OutputExistsError,
    ResultError,
    TrackmaskError,
    VideoError,
)
from trackmask.export import FORMATS, Options, export
from trackmask.export.mark import FILE
from trackmask.export.options import parse_categories, parse_fps, parse_split, parse_states


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    folder = tmp_path_factory.mktemp("export")
    return samples.make(folder / "result", samples.film(folder / "clip.mp4"))


def csv_frames(path):
    with path.open(encoding="utf-8", newline="") as file:
        return sorted({int(row["frame"]) for row in csv.DictReader(file)})


def tree(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_written_whole_and_alike_each_time(result, tmp_path, name):
    if FORMATS[name].needs:
        pytest.importorskip(FORMATS[name].needs)
    trees = []
    for attempt in ("one", "two"):
        report = export((result,), name, tmp_path / attempt)
        assert report.clips == 1
        trees.append(tree(tmp_path / attempt))
    assert trees[0] == trees[1]
    assert trees[0]
    assert all(trees[0].values()) or name == "yolo-seg"  # there, an empty file is a frame without objects
    assert [path for path in trees[0] if path.startswith(".") or "/." in path] == [FILE]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one", "two"]


def test_csv(result, tmp_path):
    export((result,), "csv", tmp_path / "table.csv")
    with (tmp_path / "table.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == samples.FRAMES * 3
    corner = next(row for row in rows if row["object"] == "200")
    assert corner == {
        "frame": "0", "time": "0.000000", "object": "200", "name": "dot", "state": "tracked", "confidence": "0.7500",
        "x": "82", "y": "0", "width": "1", "height": "1", "centre_x": "82.50", "centre_y": "0.50", "area": "1",
    }  # fmt: skip
    absent = next(row for row in rows if row["object"] == "7" and row["frame"] == "2")
    assert (absent["state"], absent["x"], absent["centre_y"], absent["area"]) == ("absent", "", "", "0")
    for row in rows:
        assert int(row["area"]) == (samples.labels_at(int(row["frame"])) == int(row["object"])).sum()


def test_a_name_is_no_formula(result, tmp_path):
    odd = samples.make(tmp_path / "odd", result.parent / "clip.mp4", names={1: "=1+1", 7: "@x", 200: "-"})
    export((odd,), "csv", tmp_path / "table.csv")
    with (tmp_path / "table.csv").open(encoding="utf-8", newline="") as file:
        assert {row["name"] for row in csv.DictReader(file)} == {"'=1+1", "'@x", "'-"}


@pytest.mark.parametrize(
    ("options", "frames"),
    [
        (Options(), list(range(8))),
        (Options(every=3), [0, 3, 6]),
        (Options(fps=Fraction(10)), [0, 3, 4, 7]),  # at 0, 0.16 (the first past 0.1), 0.2 and 0.4 s
        (Options(fps=Fraction(1000)), list(range(8))),
        (Options(fps=Fraction(1, 10)), [0]),
    ],
)
def test_frames(result, tmp_path, options, frames):
    export((result,), "csv", tmp_path / "out", options)
    assert csv_frames(tmp_path / "out" / "clip.csv") == frames


def test_objects_states_and_areas(result, tmp_path):
    def ids(name, **options):
        export((result,), "davis", tmp_path / name, Options(images="none", **options))
        masks = sorted((tmp_path / name / "Annotations" / "480p" / "clip").iterdir())
        return [sorted(set(samples.read_ids(path).ravel().tolist()) - {0}) for path in masks]

    assert ids("all")[0] == [1, 7, 200]
    assert ids("area", min_area=2)[0] == [1, 7]
    assert ids("name", objects=("dot", "7"))[0] == [7, 200]
    assert ids("states", states=frozenset({State.LOST})) == [[]] * samples.FRAMES


def test_split_keeps_clips_whole_and_categories_alike(tmp_path):
    pytest.importorskip("pycocotools")
    results = []
    for number in range(5):
        video = samples.film(tmp_path / f"clip{number}.mp4", times=[0, 0.04], audio=None)
        name = {1: f"thing {number % 2}"}
        results.append(samples.make(tmp_path / f"r{number}", video, frames=2, names=name))
    options = Options(split={"train": 0.6, "val": 0.4}, images="none")
    export(tuple(results), "coco", tmp_path / "coco", options)
    export(tuple(reversed(results)), "labelme", tmp_path / "labelme", options)
    parts = [json.loads((tmp_path / f"coco/annotations/instances_{name}.json").read_text()) for name in options.split]
    videos = [{video["name"] for video in part["videos"]} for part in parts]
    assert [len(names) for names in videos] == [3, 2]
    assert videos[0] | videos[1] == {f"clip{n}" for n in range(5)}
    assert parts[0]["categories"] == parts[1]["categories"]
    by_folder = [{path.name for path in (tmp_path / "labelme" / name).iterdir()} for name in options.split]
    assert by_folder == videos  # whatever the order on the command line
    with pytest.raises(CallError, match="1 clips cannot fill 2 splits"):
        export((results[0],), "davis", tmp_path / "few", options)


def test_clips_of_the_same_name_stay_apart(tmp_path):
    results = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        video = samples.film(tmp_path / name / "C0001.mp4", times=[0, 0.04], audio=None)
        results.append(samples.make(tmp_path / f"r{name}", video, frames=2))
    export(tuple(results), "csv", tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [FILE, "C0001-2.csv", "C0001.csv"]
    with pytest.raises(CallError, match="2 results do not fit into the one file"):
        export(tuple(results), "csv", tmp_path / "one.csv")


def test_images_of_a_folder_are_copied_or_linked(tmp_path):
    (tmp_path / "shots").mkdir()
    for number in range(2):
        Image.fromarray(np.full((*samples.SIZE, 3), number, np.uint8)).save(
            tmp_path / "shots" / f"shot{number + 5}.png"
        )
    result = samples.make(tmp_path / "result", tmp_path / "shots", frames=2)
    for mode in ("copy", "link"):
        export((result,), "labelme", tmp_path / mode, Options(images=mode))
        image = tmp_path / mode / "shots" / "shot6.png"
        assert image.read_bytes() == (tmp_path / "shots" / "shot6.png").read_bytes()
        assert image.is_symlink() == (mode == "link")
    assert not (tmp_path / "link" / "shots" / "shot6.png").readlink().is_absolute()


def test_images_turned_by_their_exif_are_written_upright(tmp_path):
    (tmp_path / "shots").mkdir()
    image = Image.fromarray(
        np.repeat(np.arange(samples.SIZE[1], dtype=np.uint8)[:, None, None], samples.SIZE[0], 1).repeat(3, 2)
    )
    exif = Image.Exif()
    exif[0x0112] = 6
    image.save(tmp_path / "shots" / "0.jpg", exif=exif)
    result = samples.make(tmp_path / "result", tmp_path / "shots", frames=1)
    export((result,), "labelme", tmp_path / "out")
    with Image.open(tmp_path / "out" / "shots" / "0.jpg") as picture:
        assert picture.size == samples.SIZE[::-1]
        assert not picture.getexif()


def test_moved_video(result, tmp_path):
    (result.parent / "clip.mp4").rename(tmp_path / "moved.mp4")
    try:
        with pytest.raises(VideoError, match=r"clip\.mp4 is not at .*--video"):
            export((result,), "alpha", tmp_path / "out")
        export((result,), "alpha", tmp_path / "out", Options(video=tmp_path / "moved.mp4"))
    finally:
        (tmp_path / "moved.mp4").rename(result.parent / "clip.mp4")
    other = samples.film(tmp_path / "other.mp4", times=[0, 0.04], audio=None)
    with pytest.raises(CallError, match="is not the video of"):
        export((result,), "alpha", tmp_path / "two", Options(video=other))
    assert not (tmp_path / "two").exists()


def test_incomplete_results_only_with_partial(tmp_path):
    result = samples.make(tmp_path / "result", samples.film(tmp_path / "clip.mp4"), frames=5, complete=False)
    with pytest.raises(CallError, match=r"is not complete \(clip.mp4 is cut off\).*--partial"):
        export((result,), "csv", tmp_path / "out")
    export((result,), "alpha", tmp_path / "out", partial=True)
    assert len(list((tmp_path / "out" / "clip").iterdir())) == 5


def test_bad_calls_leave_nothing(result, tmp_path, monkeypatch):
    def refused(error, message, name="csv", results=(result,), **options):
        with pytest.raises(error, match=message):
            export(results, name, tmp_path / "out", Options(**options))
        assert list(tmp_path.iterdir()) == []

    refused(CallError, "there is no format 'coko'; give one of coco, yt-vis, davis", "coko")
    refused(ResultError, "is not a trackmask result", results=(tmp_path / "none",))
    refused(CallError, "is given twice", results=(result, result))
    refused(CallError, "has no object 'cat'; it has 1", objects=("cat",))
    refused(CallError, "a film, there are no image files to link to", "labelme", images="link")
    refused(CallError, "neither a colour nor an image file", "cutout", background="bleu")
    refused(CallError, "'Bird' and 'bird' are the same", "yolo-seg", categories={"dot": "bird", "bird": "Bird"})
    refused(CallError, "has no readable name", "cvat", categories={"dot": " "})
    refused(CallError, "--video says where one video is", results=(result, tmp_path), video=tmp_path)
    monkeypatch.setitem(sys.modules, "pycocotools", None)
    refused(ExtraError, r"pip install 'trackmask\[export\]'", "coco")
    (tmp_path / "out").write_text("mine")
    with pytest.raises(OutputExistsError, match="exists already"):
        export((result,), "csv", tmp_path / "out")
    assert (tmp_path / "out").read_text() == "mine"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Options(every=0), "--every 0"),
        (lambda: Options(every=2, fps=Fraction(2)), "cannot stand beside --every"),
        (lambda: Options(tolerance=float("nan")), "--tolerance nan"),
        (lambda: Options(split={"a": 0.5}), "add up to 1"),
        (lambda: Options(states=frozenset()), "names no state"),
        (lambda: parse_split("train=0.8,../x=0.2"), "is not a split"),
        (lambda: parse_split("train"), "is not a split"),
        (lambda: parse_states("sure"), "unknown state"),
        (lambda: parse_categories(("cat",)), "write NAME=CATEGORY"),
        (lambda: parse_fps("1/0"), "not a frame rate"),
        (lambda: parse_fps("1e99999999"), "not a frame rate"),
        (lambda: parse_fps("9" * 400), "not a frame rate"),
    ],
)
def test_bad_options(call, message):
    with pytest.raises(CallError, match=message):
        call()


def test_full_disk(result, tmp_path):
    import media

    for name in ("alpha", "prores", "labelme", "csv"):
        with media.full_disk(400), pytest.raises(OutputError, match=r"cannot be written|cannot write"):
            export((result,), name, tmp_path / "out")
        assert list(tmp_path.iterdir()) == []


def test_memory_does_not_grow_with_the_frames(tmp_path):
    pytest.importorskip("pycocotools")
    video = samples.film(tmp_path / "clip.mp4")
    peaks = []
    for frames in (100, 1000):
        result = samples.make(tmp_path / f"r{frames}", video, frames=frames, names={1: "bird", 200: "dot"})
        export((result,), "coco", tmp_path / f"warm{frames}", Options(images="none", every=50))
        tracemalloc.start()
        export((result,), "coco", tmp_path / f"coco{frames}", Options(images="none"))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        found = json.loads((tmp_path / f"coco{frames}" / "annotations" / "instances_default.json").read_text())
        assert len(found["images"]) == frames
    assert peaks[1] - peaks[0] < 900 * 3000  # bytes a frame: the records of result.json, and no masks (5 kB each)


def test_command(result, tmp_path):
    run = CliRunner().invoke
    listed = run(command, ["--list"]).output.splitlines()
    assert [line.split()[0] for line in listed] == ["FORMAT", *FORMATS]
    out = tmp_path / "out"
    done = run(command, [str(result), "--to", "cvat", "--cvat-masks", "-o", str(out), "--every", "2"])
    assert done.exit_code == 0, done.output
    assert done.output == f"{out}: 1 clip as cvat\n"
    assert (out / "clip" / "annotations.xml").exists()
    assert "give the result folders" in run(command, [str(result)]).output
    assert "--cvat-masks goes with" in run(command, [str(result), "--to", "csv", "-o", "x", "--cvat-masks"]).output
    wrong = run(command, [str(result), "--to", "csv", "-o", str(tmp_path / "x"), "--split", "a"])
    assert isinstance(wrong.exception, TrackmaskError)


def test_formats_are_imported_only_when_asked_for():
    code = "import sys, trackmask.export; print({'pycocotools', 'supervision', 'torch'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"


@pytest.mark.parametrize(("name", "file"), [("coco", "coco.json"), ("yt-vis", "tracks.json"), ("cvat", "clip.xml")])
def test_annotations_alone_are_one_file(result, tmp_path, name, file):
    if FORMATS[name].needs:
        pytest.importorskip(FORMATS[name].needs)
    export((result,), name, tmp_path / file)
    assert [path.name for path in tmp_path.iterdir()] == [file]
    export((result,), name, tmp_path / "folder")
    (whole,) = (tmp_path / "folder").rglob(f"*{FORMATS[name].suffix}")
    assert (tmp_path / file).read_bytes() == whole.read_bytes()


def test_one_file_holds_the_annotations_of_several_clips(result, tmp_path):
    pytest.importorskip("pycocotools")
    other = samples.make(tmp_path / "other", samples.film(tmp_path / "two.mp4", times=[0, 0.04], audio=None), frames=2)
    export((result, other), "coco", tmp_path / "coco.json")
    assert [video["name"] for video in json.loads((tmp_path / "coco.json").read_text())["videos"]] == ["clip", "two"]
    with pytest.raises(CallError, match="--split makes several files"):
        export((result, other), "coco", tmp_path / "split.json", Options(split={"a": 0.5, "b": 0.5}))


@pytest.mark.parametrize(
    ("name", "file"), [("coco", "a.mp4"), ("csv", "a.json"), ("prores", "a.mp4"), ("davis", "a.zip")]
)
def test_the_name_of_another_kind_of_file_is_refused(result, tmp_path, name, file):
    with pytest.raises(CallError, match="is the name of something else"):
        export((result,), name, tmp_path / file)
    assert list(tmp_path.iterdir()) == []
    export((result,), "csv", tmp_path / "clip.v2")
    assert (tmp_path / "clip.v2" / "clip.csv").is_file()


def test_an_unknown_format_gets_the_list(result, tmp_path):
    done = CliRunner().invoke(command, [str(result), "--to", "foo", "-o", str(tmp_path / "out")])
    assert done.exit_code == 2
    assert all(f"'{name}'" in done.stderr for name in FORMATS)


def test_mots_says_what_trackeval_scores(result, tmp_path):
    pytest.importorskip("pycocotools")
    (note,) = export((result,), "mots", tmp_path / "a").notes
    assert "to be scored, give bird the category pedestrian" in note  # the studio says so as well: no option is named
    assert export((result,), "mots", tmp_path / "b", Options(categories={"dot": "pedestrian"})).notes == ()
