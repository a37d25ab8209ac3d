"""Out and in: exports, imports, sound, and the list of clips."""

import io
import os
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import av
import media
import numpy as np
import pytest
from PIL import Image
from studio_samples import SAMPLES, Studio, cat, runtime, studio, truth

from trackmask.pipeline import Options, run
from trackmask.prompts import Prompt
from trackmask.studio.exports import Downloads
from trackmask.studio.imports import upload


@pytest.fixture(scope="module")
def tracked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a clip and its result, 12 frames of it tracked."""
    folder = tmp_path_factory.mktemp("tracked")
    clip = cat(folder)
    run(clip, folder / "cat.mp4.trackmask", [Prompt(1, 0, mask=truth(0))], runtime(), Options(end=11, fast=True))
    return folder


@pytest.fixture
def one(tracked: Path, tmp_path: Path) -> Iterator[Studio]:
    folder = shutil.copytree(tracked, tmp_path / "here")
    with studio(folder / "cat.mp4.trackmask") as found:
        yield found


def test_a_download_is_one_zip_that_holds_the_export(one: Studio) -> None:
    one.post("export", format="davis", options={"every": 4}, to="download")
    one.wait()
    (about,) = one.heard("exported")
    answer = one.client.get(about["download"])
    assert "attachment" in answer.headers["content-disposition"]
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        masks = [name for name in archive.namelist() if "Annotations" in name and name.endswith(".png")]
    assert len(masks) == 3
    assert one.client.get(about["download"] + "x").status_code == 404


def test_who_exports_nothing_leaves_nothing_to_a_kill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    downloads = Downloads()
    assert not list(tmp_path.iterdir())
    assert downloads.place().is_dir()
    downloads.close()
    assert not list(tmp_path.iterdir())


def test_an_export_lies_beside_the_result_under_a_free_name(one: Studio, tmp_path: Path) -> None:
    for name in ("cat.mp4.csv", "cat.mp4-2.csv"):
        one.told.clear()
        one.post("export", format="csv", options={}, to="folder")
        one.wait()
        assert one.heard("exported")[0]["folder"] == name
        assert (tmp_path / "here" / name).read_text().count("\n") > 12


def test_not_here_is_taken_back_with_what_was_said_before_where_it_was_said_last(one: Studio) -> None:
    one.wait()
    for frame in (0, 4):  # in the first one something was said before
        before = one.mask(frame)
        one.post("absent", object=1, frame=frame)
        assert not one.mask(frame).any()
        state = one.post("absent", object=1, frame=frame, on=False)
        assert np.array_equal(one.mask(frame), before)
        assert [prompt["frame"] for prompt in state["prompts"]] == [0]
    one.post("absent", object=1, frame=4)
    one.post("name", object=1, name="cat")
    one.post("stroke", object=1, frame=6, points=[[30, 30], [60, 30]], radius=8, add=True)
    state = one.post("absent", object=1, frame=4, on=False)
    assert [prompt["frame"] for prompt in state["prompts"]] == [0, 6]
    assert state["objects"][0]["name"] == "cat"  # what was done since stays


def test_what_is_out_of_date_is_said_of_all_objects_and_by_their_names(one: Studio) -> None:
    one.wait()
    one.post("name", object=1, name="cat")
    assert "of cat in frame 4" in one.post("clear", 400, object=1, frame=4)["error"]
    one.post("stroke", object=1, frame=4, points=[[30, 30], [60, 30]], radius=8, add=True)
    one.post("stroke", object=None, frame=4, points=[[300, 30], [360, 30]], radius=8, add=True)
    one.post("export", format="csv", options={}, to="folder")
    one.wait()
    (note,) = one.heard("exported")[0]["notes"]
    assert note.startswith("frames 1 to 3 of cat and 3 more ranges are not tracked yet")


def test_what_a_killed_export_left_is_taken_away(tracked: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tracked, tmp_path / "here"))
    for name in (".cat.mp4.coco.partial", ".cat.mp4.mine.partial", ".other.mp4.coco.partial"):
        (folder / name).mkdir()
        (folder / name / "half.json").write_text("{")
    for name in (".cat.mp4.coco.partial", ".other.mp4.coco.partial"):
        (folder / name / ".lock").touch()  # the sign that it is ours
    with studio(folder / "cat.mp4.trackmask") as one:
        one.get()
    left = sorted(path.name for path in folder.iterdir() if path.suffix == ".partial")
    assert left == [".cat.mp4.mine.partial", ".other.mp4.coco.partial"]


def test_no_file_of_this_machine_is_named_by_an_option(one: Studio, tmp_path: Path) -> None:
    for options in (
        {"background": "/etc/passwd"},
        {"background": "black.png"},
        {"video": "/etc/passwd"},
        {"out": "/x"},
    ):
        one.post("export", 400, format="cutout", options=options, to="folder")
    one.post("export", 400, format="../x", options={}, to="folder")


def test_masks_of_another_tool_become_corrections_and_can_be_taken_back(one: Studio) -> None:
    before = one.mask(5)
    labels = np.zeros((360, 480), np.uint8)
    labels[100:200, 100:220] = 1
    buffer = io.BytesIO()
    picture = Image.fromarray(labels)
    picture.putpalette([0, 0, 0, 255, 0, 0])
    with zipfile.ZipFile(buffer, "w") as archive:
        file = io.BytesIO()
        picture.save(file, "PNG")
        archive.writestr("Annotations/cat/00005.png", file.getvalue())
    way = f"{one.way}/import?format=davis&name=../../fixed.zip"
    answer = one.client.post(way, content=buffer.getvalue(), headers={"Content-Type": "application/octet-stream"})
    assert answer.status_code == 200, answer.text
    assert answer.json()["brought"] == 1
    assert np.array_equal(one.mask(5), labels)
    assert one.get()["stale"] == {"1": [[1, 4], [6, 11]]}
    one.post("undo")
    assert np.array_equal(one.mask(5), before)
    way = f"{one.way}/import?format=davis&name=00005.png"  # as people choose it in the page
    answer = one.client.post(way, content=file.getvalue(), headers={"Content-Type": "application/octet-stream"})
    assert answer.json()["brought"] == 1
    one.post("undo")
    for bad, kind in ((b"no zip", "davis"), (buffer.getvalue(), "nothing"), (b"", "coco")):
        way = f"{one.way}/import?format={kind}&name=x.zip"
        answer = one.client.post(way, content=bad, headers={"Content-Type": "application/octet-stream"})
        assert answer.status_code == 400, answer.text
        assert str(Path.cwd()) not in answer.text  # what is wrong is their file, not a folder of ours


def test_two_uploads_at_once_are_in_nobodys_way(one: Studio) -> None:
    session = one.client.app._app.state.desk.session(one.clips[0]["id"])
    with upload(session, "00005.png", "davis") as first:
        first.write_bytes(b"first")
        with upload(session, "00005.png", "davis") as second:
            second.write_bytes(b"second")
        assert first.read_bytes() == b"first"
    assert not list(first.parent.parent.iterdir())


def test_the_main_object_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with studio(cat(tmp_path)) as one:
        one.post("auto", frame=0, count=1)
        state = one.wait()
        assert len(state["objects"]) == 1
        assert state["undo"] == "main object (1 mask)"
        (prompt,) = state["prompts"]
        assert prompt["kind"] == "mask"
        assert (one.mask(prompt["frame"]) == 1).any()


def test_sound_is_played_from_any_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    clip = media.write_clip(tmp_path / "loud.mkv", media.numbered_images(50), audio="pcm_s16le")
    with studio(clip) as one:
        assert one.get()["sound"]
        whole = one.client.get(f"{one.way}/sound")
        with av.open(io.BytesIO(whole.content)) as film:
            (stream,) = film.streams
            assert stream.codec_context.name == "aac"
            assert abs(float(stream.duration * stream.time_base) - 2.0) < 0.1
        part = one.client.get(f"{one.way}/sound", headers={"Range": "bytes=100-199"})
        assert part.status_code == 206
        assert part.content == whole.content[100:200]
    with studio(cat(tmp_path)) as one:
        assert one.client.get(f"{one.way}/sound").status_code == 404


def test_a_folder_lists_its_clips_and_what_is_left_to_do(tracked: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tracked, tmp_path / "here"))
    (folder / "day2").mkdir()
    shutil.copy(SAMPLES / "bunny.mp4", folder / "day2" / "bunny.mp4")
    (folder / "broken.mp4").write_bytes(b"no film")
    box = Path(shutil.copytree(folder / "cat.mp4.trackmask", folder / "by" / "box")) / "result.json"
    box.write_text(box.read_text().replace('"../cat.mp4"', '"../../cat.mp4"'))  # as `run -o by/box` leaves it
    with studio(folder) as one:
        one.heard("clips")
        about = one.client.get("/api/clips").json()
        assert not about["single"]
        clips = {clip["name"]: clip for clip in about["clips"]}
        assert list(clips) == ["broken.mp4", "by/box", "cat.mp4", "day2/bunny.mp4"]
        assert clips["cat.mp4"]["state"] == "tracked"
        assert clips["cat.mp4"]["objects"] == 1
        assert clips["day2/bunny.mp4"]["state"] == "new"
        assert clips["day2/bunny.mp4"]["width"] == 640
        assert clips["broken.mp4"]["error"].startswith("broken.mp4 ")  # no folder of this machine
        assert clips["broken.mp4"]["state"] == "broken"
        for clip in ("cat.mp4", "day2/bunny.mp4"):
            answer = one.client.get(f"/api/clips/{clips[clip]['id']}/thumbnail")
            assert answer.headers["content-type"] == "image/jpeg"
        assert one.client.get(f"/api/clips/{clips['broken.mp4']['id']}").status_code == 500
        os.utime(folder / "cat.mp4.trackmask" / "result.json", ns=(1, 1))
        pictures = {clip["name"]: clip["picture"] for clip in one.client.get("/api/clips").json()["clips"]}
        assert [name for name in clips if pictures[name] != clips[name]["picture"]] == ["cat.mp4"]


def test_formats_are_listed_with_their_options(one: Studio) -> None:
    about = one.client.get("/api/formats").json()
    by_name = {form["name"]: form for form in about["export"]}
    assert "polygon" in by_name["coco"]["options"]
    assert "background" in by_name["cutout"]["options"]
    ways_in = {form["name"]: form["suffixes"] for form in about["import"]}
    assert ways_in.keys() >= {"cvat", "coco", "labelme"}
    assert ways_in["labelme"] == [".json", ".zip"]
    assert ways_in["yolo-seg"] == [".zip"]  # a file of labels does not say what its numbers mean
