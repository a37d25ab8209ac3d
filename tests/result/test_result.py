import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

import trackmask
from trackmask.data import Doubt, Frame, Masks, ObjectRecord, Patch, State, box_of
from trackmask.errors import OutputError, OutputExistsError, ResultError
from trackmask.prompts import Prompt
from trackmask.result import (
    FrameRecord,
    ObjectInfo,
    ResultWriter,
    Revision,
    Shot,
    Source,
    default_folder,
    document,
    open_result,
)
from trackmask.video import open_video

SIZE = (36, 50)


def frame(index):
    return Frame(index, index / 3, np.zeros((*SIZE, 3), np.uint8))


def masks(index, confidence=0.9):
    """Two objects: 1 moves to the right, 7 is lost in odd frames."""
    labels = np.zeros(SIZE, np.uint8)
    labels[5:15, index % 30 : index % 30 + 12] = 1
    state = State.LOST if index % 2 else State.TRACKED
    if state == State.TRACKED:
        labels[20:30, 10:20] = 7
    records = [
        ObjectRecord(1, State.TRACKED, confidence, int((labels == 1).sum()), box_of(labels == 1)),
        ObjectRecord(7, state, 0.625 if index % 2 else 0.875, int((labels == 7).sum()), box_of(labels == 7)),
    ]
    patch = Patch(3, 4, np.arange(60, dtype=np.uint8).reshape(6, 10))
    return Masks(labels, tuple(records), {1: patch})


def finish(writer, folder, **changes):
    source = Source(folder / "clip.mp4", "clip.mp4", 1234, "ab" * 32, 12, SIZE, Fraction(30000, 1001))
    prompts = [Prompt(1, 0, box=(1, 2, 3, 4)), Prompt(7, 0, mask=np.ones(SIZE, bool), source=str(folder / "m.png"))]
    objects = [ObjectInfo(1, "bird", 0, 0), ObjectInfo(7, "object 7", 0, 5)]
    values = {
        "source": source,
        "prompts": [prompt.as_json() for prompt in prompts],
        "objects": objects,
        "weights_sha256": "cd" * 32,
    }
    return writer.finish(**(values | changes))


def make(folder, name="out", order=range(12), **options):
    with ResultWriter(folder / name, **options) as writer:
        for index in order:
            writer.write(frame(index), masks(index))
        return finish(writer, folder)


def break_off(writer, error):
    writer.write(frame(0), masks(0))
    (writer.folder / "overlay.mp4").write_bytes(b"film")
    raise error


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_round_trip(tmp_path):
    path = make(tmp_path, soft=True)
    result = open_result(path)
    assert path == tmp_path / "out"
    assert (result.complete, result.reason, result.weights) == (True, None, "cd" * 32)
    assert result.tool == f"trackmask {trackmask.__version__}"
    assert result.source == Source(tmp_path / "clip.mp4", "clip.mp4", 1234, "ab" * 32, 12, SIZE, Fraction(30000, 1001))
    assert result.objects == (ObjectInfo(1, "bird", 0, 0), ObjectInfo(7, "object 7", 0, 5))
    assert tuple(result.frames) == tuple(FrameRecord(i, round(i / 3, 6), masks(i).objects) for i in range(12))
    assert {(item.object_id, item.reason) for item in result.review} == {(7, "lost"), (7, "found again")}
    assert (result.shots, result.cuts) == ((Shot(0, 11),), ())
    for index in range(12):
        np.testing.assert_array_equal(result.masks(index), masks(index).labels)
        np.testing.assert_array_equal(result.soft(1, index), masks(index).soft(1))


def test_shots_lie_between_the_cuts(tmp_path):
    with ResultWriter(tmp_path / "out") as writer:
        for index in range(30):
            writer.write(frame(index), replace(masks(index), cut=index in (4, 19)))
        result = open_result(finish(writer, tmp_path))
    assert result.shots == (Shot(0, 3), Shot(4, 18), Shot(19, 29))
    assert result.cuts == (4, 19)
    at = {(item.object_id, item.first) for item in result.review if item.reason in ("cut", "found again")}
    assert at >= {(1, 4), (7, 4), (1, 19), (7, 19)}
    with Revision(result.folder) as revision:
        revision.finish(list(result.prompts), result.objects, result.weights, ran={})
    assert open_result(result.folder).shots == result.shots


def test_a_result_from_before_the_shots_still_opens(tmp_path):
    path = make(tmp_path)
    text = (path / "result.json").read_text().replace('"schema":3', '"schema":1')
    (path / "result.json").write_text(text.replace('"shots":[{"first":0,"last":11}],\n', ""))
    assert '"shots"' not in (path / "result.json").read_text()
    result = open_result(path)
    assert (result.shots, result.cuts, len(result.frames)) == ((), (), 12)


def test_layout(tmp_path):
    path = make(tmp_path, order=[0, 123456], soft=True)
    files = sorted(entry.relative_to(path).as_posix() for entry in path.rglob("*") if entry.is_file())
    pngs = [f"{folder}/{index}.png" for folder in ("masks", "soft/1", "soft/7") for index in ("00000", "123456")]
    assert files == sorted(["result.json", *pngs])
    assert names(tmp_path) == ["out"]


def test_json_in_every_detail(tmp_path):
    with ResultWriter(tmp_path / "a" / "out") as writer:
        writer.write(frame(4), masks(4, confidence=np.float32(0.123456)))
        path = finish(writer, tmp_path, complete=False, reason="the video is cut off")
    raw = json.loads((path / "result.json").read_bytes())
    about = [
        "schema",
        "tool",
        "weights",
        "ran",
        "weights_folder",
        "overlay",
        "complete",
        "reason",
        "mask_names",
        "source",
    ]
    assert list(raw) == [*about, "prompts", "objects", "shots", "frames", "review"]
    assert (raw["weights_folder"], raw["overlay"]) == (None, None)
    assert (raw["schema"], raw["complete"], raw["reason"]) == (3, False, "the video is cut off")
    assert raw["source"] == {
        "path": "../../clip.mp4",
        "name": "clip.mp4",
        "bytes": 1234,
        "sha256": "ab" * 32,
        "frames": 12,
        "height": 36,
        "width": 50,
        "fps": "30000/1001",
        "timestamps": [1.333333],
    }
    assert raw["prompts"] == [
        {"object": 1, "frame": 0, "box": [1, 2, 3, 4]},
        {"object": 7, "frame": 0, "mask": "m.png"},
    ]
    assert raw["objects"][0] == {"id": 1, "name": "bird", "first_prompt": 0, "last_prompt": 0}
    one = {"id": 1, "state": "tracked", "confidence": 0.1235, "area": 120, "box": [4, 5, 12, 10]}
    seven = {"id": 7, "state": "tracked", "confidence": 0.875, "area": 100, "box": [10, 20, 10, 10]}
    assert raw["frames"] == [{"frame": 4, "objects": [one, seven]}]
    span = {"object": 1, "first": 4, "last": 4, "reason": "low confidence", "confidence": 0.1235}
    assert raw["review"] == [span | {"frame": 4, "worth": 0.29}]


def test_the_agreement_of_two_directions_is_kept_where_there_were_two(tmp_path):
    both = replace(masks(2, 0.6).objects[0], agreement=0.254321, doubt=Doubt.APART)
    with ResultWriter(tmp_path / "out") as writer:
        writer.write(frame(2), Masks(masks(2).labels, (both, masks(2).objects[1])))
        path = finish(writer, tmp_path)
    kept = json.loads((path / "result.json").read_bytes())["frames"][0]["objects"]
    assert [item.get("agreement") for item in kept] == [0.2543, None]
    result = open_result(path)
    assert [item.agreement for item in result.frames[0].objects] == [0.2543, None]
    assert [item.reason for item in result.review] == ["two directions disagree"]
    (path / "result.json").write_text((path / "result.json").read_text().replace("0.2543", "6.543"))
    with pytest.raises(ResultError, match="damaged"):
        open_result(path)


def test_a_result_that_is_too_large_is_not_read(tmp_path, monkeypatch):
    path = make(tmp_path)
    for bound in ("MAX_HEAD", "MAX_ANEW"):
        monkeypatch.setattr(document, bound, 100)
    with pytest.raises(ResultError, match="larger than"):
        open_result(path)


def test_masks_are_palette_pngs_in_the_colours_of_davis(tmp_path):
    def channel(i, place):
        return sum((i >> (3 * bit + place) & 1) << (7 - bit) for bit in range(3) if 3 * bit + place < 8)

    with Pillow.open(make(tmp_path) / "masks" / "00000.png") as picture:
        assert (picture.mode, picture.format, picture.size) == ("P", "PNG", SIZE[::-1])
        assert picture.getpalette() == [channel(i, place) for i in range(256) for place in range(3)]
        assert np.unique(np.asarray(picture)).tolist() == [0, 1, 7]


def test_two_runs_give_the_same_bytes_in_any_order(tmp_path):
    one = make(tmp_path, "one", soft=True)
    two = make(tmp_path, "two", [*range(6, 12), *range(5, -1, -1)], soft=True)
    files = [path.relative_to(one) for path in sorted(one.rglob("*.*"))]
    assert len(files) == 1 + 3 * 12
    for file in files:
        assert (one / file).read_bytes() == (two / file).read_bytes(), file


def test_a_frame_written_again_replaces_the_first(tmp_path):
    with ResultWriter(tmp_path / "out", soft=True) as writer:
        for index in (2, 1, 0):
            writer.write(frame(index), masks(index))
        alone = masks(20)
        writer.write(frame(1), Masks(alone.labels, alone.objects[:1], alone.patches))
        result = open_result(finish(writer, tmp_path))
    assert [(item.index, len(item.objects)) for item in result.frames] == [(0, 2), (1, 1), (2, 2)]
    assert result.frames[1].objects == masks(20).objects[:1]
    np.testing.assert_array_equal(result.masks(1), masks(20).labels)
    with pytest.raises(ResultError, match="there is no file"):
        result.soft(7, 1)


def test_no_frames_at_all(tmp_path):
    result = open_result(make(tmp_path, order=[]))
    assert (list(result.frames), result.review) == ([], ())


def test_only_some_frames_of_the_video(tmp_path):
    result = open_result(make(tmp_path, order=range(100, 103)))
    assert [(item.index, item.time) for item in result.frames] == [(100, 33.333333), (101, 33.666667), (102, 34.0)]
    with pytest.raises(ResultError, match=r"00000\.png"):
        result.masks(0)
    with pytest.raises(ResultError, match="again with --soft"):
        result.soft(1, 100)


def test_an_output_that_exists_is_kept(tmp_path):
    path = make(tmp_path)
    before = (path / "result.json").read_bytes()
    with pytest.raises(OutputExistsError, match="--overwrite"), ResultWriter(path):
        pass
    assert (path / "result.json").read_bytes() == before
    assert names(tmp_path) == ["out"]


def test_overwrite_replaces_a_result_whole(tmp_path):
    path = make(tmp_path, soft=True)
    (path / "overlay.mp4").write_bytes(b"film")
    make(tmp_path, order=[3], overwrite=True)
    assert names(path) == ["masks", "result.json"]
    assert names(path / "masks") == ["00003.png"]
    assert names(tmp_path) == ["out"]


def test_overwrite_through_a_link_keeps_the_link(tmp_path):
    make(tmp_path, "real")
    (tmp_path / "link").symlink_to("real")
    make(tmp_path, "link", order=[3], overwrite=True)
    assert (tmp_path / "link").is_symlink()
    assert names(tmp_path / "real" / "masks") == ["00003.png"]


def test_overwrite_that_fails_keeps_the_old_result(tmp_path):
    path = make(tmp_path)
    before = (path / "result.json").read_bytes()
    with pytest.raises(RuntimeError, match="tracker"), ResultWriter(path, overwrite=True) as writer:
        break_off(writer, RuntimeError("tracker"))
    assert (path / "result.json").read_bytes() == before
    assert names(tmp_path) == ["out"]


@pytest.mark.parametrize("kind", ["file", "folder", "empty folder", "other json", "result with a stranger"])
def test_what_is_not_a_result_is_never_overwritten(tmp_path, kind):
    path = tmp_path / "out"
    if kind == "file":
        path.write_text("mine")
    elif kind == "result with a stranger":
        (make(tmp_path) / "notes.txt").write_text("mine")
    else:
        path.mkdir()
        if kind == "folder":
            (path / "notes.txt").write_text("mine")
        elif kind == "other json":
            (path / "result.json").write_text('{"schema": 1, "tool": "other 1.0"}')
    before = sorted(path.rglob("*"))
    words = "also holds notes.txt" if kind == "result with a stranger" else "is not a trackmask result"
    with pytest.raises(OutputExistsError, match=words), ResultWriter(path, overwrite=True):
        pass
    assert sorted(path.rglob("*")) == before
    assert names(tmp_path) == ["out"]


def test_nothing_remains_of_a_failed_run(tmp_path):
    with pytest.raises(KeyboardInterrupt), ResultWriter(tmp_path / "a" / "b" / "out", soft=True) as writer:
        break_off(writer, KeyboardInterrupt())
    assert names(tmp_path) == []


def test_leaving_without_finish_gives_no_result(tmp_path):
    with ResultWriter(tmp_path / "out") as writer:
        writer.write(frame(0), masks(0))
    assert names(tmp_path) == []


def test_two_runs_on_one_folder(tmp_path):
    with ResultWriter(tmp_path / "out") as first:
        first.write(frame(0), masks(0))
        with pytest.raises(OutputExistsError, match="another run"), ResultWriter(tmp_path / "out"):
            pass
        first.write(frame(1), masks(1))
        result = open_result(finish(first, tmp_path))
    assert len(result.frames) == 2
    assert names(tmp_path) == ["out"]


def test_parent_that_cannot_hold_it(tmp_path):
    (tmp_path / "file").write_text("mine")
    for place in (tmp_path / "file" / "out", tmp_path / "file" / "a" / "out", tmp_path / ("x" * 300)):
        with pytest.raises(OutputError, match="cannot write"), ResultWriter(place):
            pass
    assert names(tmp_path) == ["file"]


def test_result_that_cannot_be_read(tmp_path):
    with pytest.raises(ResultError, match=r"it has no result\.json"):
        open_result(tmp_path / "missing")
    path = make(tmp_path)
    text = (path / "result.json").read_text()
    cases = {
        "not JSON": text[:-10],
        "not from trackmask": text.replace('"tool":"trackmask', '"tool":"other'),
        "newer trackmask .schema 4.; update": text.replace('"schema":3', '"schema":4'),
        "damaged": text.replace('"state":"tracked"', '"state":"happy"', 1),
        "damaged .*timestamps": text.replace('"timestamps":[0.0,', '"timestamps":[', 1),
        "damaged .*fps": text.replace('"fps"', '"rate"'),
        "damaged .*Zero": text.replace("30000/1001", "30000/0"),
        "damaged .*object": text.replace('"confidence":0.9,', '"confidence":NaN,', 1),
    }
    for words, changed in cases.items():
        assert changed != text, words
        (path / "result.json").write_text(changed)
        with pytest.raises(ResultError, match=words) as caught:
            open_result(path)
        assert "\n" not in str(caught.value)


def test_masks_that_are_not_of_the_result(tmp_path):
    path = make(tmp_path)
    Pillow.fromarray(np.zeros((10, 10), np.uint8)).save(path / "masks" / "00000.png")
    Pillow.fromarray(np.zeros((*SIZE, 3), np.uint8)).save(path / "masks" / "00001.png")
    (path / "masks" / "00002.png").write_bytes((path / "masks" / "00002.png").read_bytes()[:60])
    result = open_result(path)
    for index, words in enumerate(["is not a mask of this result", "is not a mask of this result", "cannot be read"]):
        with pytest.raises(ResultError, match=words):
            result.masks(index)


def test_a_result_has_the_name_that_was_given(tmp_path, monkeypatch):
    """A link to a video, or to a folder of images, has a name of its own."""
    (tmp_path / "VID_0001.mp4").touch()
    (tmp_path / "frames").mkdir()
    Pillow.new("RGB", (20, 10)).save(tmp_path / "frames" / "0.png")
    (tmp_path / "cat.mp4").symlink_to("VID_0001.mp4")
    (tmp_path / "dog").symlink_to("frames")
    monkeypatch.chdir(tmp_path / "frames")
    for video, name in (("../cat.mp4", "cat.mp4"), ("../dog", "dog"), (".", "frames"), (tmp_path / "dog", "dog")):
        assert default_folder(Path(video)) == Path(f"{name}.trackmask")
    assert open_video(tmp_path / "dog").info.name == "dog"
