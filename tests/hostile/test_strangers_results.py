"""A result.json, edits, weights, lists and manifests that a stranger wrote: read, or refused in one sentence."""

import json
import os
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from click.testing import CliRunner, Result
from fuzz.seeds import make_result
from media import numbered_images, write_clip
from PIL import Image

from trackmask.batch.find import find_clips
from trackmask.batch.manifest import FOLDER
from trackmask.cli import main
from trackmask.correct import runtime_of
from trackmask.errors import CallError, OutputExistsError, PromptError, ResultError, WeightsError
from trackmask.importing import read_edits
from trackmask.prompts import read_prompt_file
from trackmask.result import ResultWriter, open_result
from trackmask.runtime import CHECKPOINT, HEAD, OnnxRuntime, fingerprint, write_sums


def call(*words: str | Path) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


def refused(done: Result) -> bool:
    """With one sentence that a terminal can show."""
    said = done.output.removesuffix("\n")
    return done.exit_code in (1, 2) and said.isprintable() and len(said) <= 1100 and "unexpected" not in said


@pytest.fixture
def result(tmp_path: Path) -> Path:
    make_result(tmp_path / "r")
    return tmp_path / "r"


def rewritten(result: Path, key: str, value: Any) -> Path:
    raw = json.loads((result / "result.json").read_text())
    head, _, last = key.rpartition(".")
    (raw[head] if head else raw)[last] = value
    (result / "result.json").write_text(json.dumps(raw))
    return result


def an_object(**more: Any) -> list[dict[str, Any]]:
    return [{"id": 1, "name": "cat", "first_prompt": 0, "last_prompt": 0} | more]


# --- what result.json says -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("objects", an_object(name=5)),
        ("objects", an_object(name=None)),
        ("objects", an_object(name=["x"])),
        ("objects", an_object(id=999)),
        ("objects", an_object(id="../..")),
        ("objects", an_object(first_prompt="x")),
        ("objects", an_object() * 2),
        ("objects", [{"id": 1, "name": "x" * 125_000}]),
        ("source.name", "../../x"),
        ("source.name", "a\0b.mp4"),
        ("source.name", 5),
        ("source.width", -1),
        ("source.height", 0),
        ("source.fps", "-25/1"),
        ("source.path", "a\0b.mp4"),
        ("weights_folder", "a\0b"),
        ("weights_folder", 5),
        ("overlay", "../../x"),
        ("ran", [1]),
    ],
)
def test_what_no_run_writes_is_refused_when_it_is_opened(result: Path, key: str, value: Any) -> None:
    with pytest.raises(ResultError, match="is damaged"):
        open_result(rewritten(result, key, value))
    for words in (("report", result), ("export", result, "--to", "csv", "-o", result.parent / "x")):
        done = call(*words)
        assert refused(done), done.output


@pytest.mark.parametrize("name", ["../../x", "\x1b[31mred", "two\nlines", "\0", "\udcff", "=1+1", "x" * 100_000])
def test_any_name_of_an_object_is_exported_and_reported(result: Path, name: str) -> None:
    rewritten(result, "objects", an_object(name=name))
    out = result.parent / "out"
    for form in ("csv", "cvat", "cvat-images", "coco", "labelme", "via", "label-studio", "yolo-seg", "mots"):
        done = call("export", result, "--to", form, "-o", out / form, "--images", "none")
        assert done.exit_code == 0, done.output
        assert all(line.isprintable() and len(line) < 1100 for line in done.output.splitlines())
    assert call("report", result).exit_code == 0
    assert {path.name for path in result.parent.iterdir()} == {"r", "out"}


def test_a_video_s_name_of_any_bytes_is_exported_and_reported(result: Path) -> None:
    rewritten(result, "source.name", "\x1b[31m\udcff\n.mp4")
    for form in ("csv", "cvat", "coco"):
        done = call("export", result, "--to", form, "-o", result.parent / form, "--images", "none")
        assert done.exit_code == 0, done.output
    assert call("report", result).exit_code == 0
    assert r"\udcff" in (result / "report.html").read_text("utf-8")


def test_pictures_names_lead_nowhere(result: Path) -> None:
    rewritten(result, "source.names", ["../../../a.png", "/etc/b.png", "..\\c.png"])
    done = call("export", result, "--to", "davis", "-o", result.parent / "out", "--images", "none")
    assert done.exit_code == 0, done.output
    assert {path.name for path in result.parent.iterdir()} == {"r", "out"}


def test_a_result_without_objects_has_nothing_to_correct(result: Path) -> None:
    done = call("correct", rewritten(result, "objects", []), "--frame", "1", "--absent")
    assert refused(done), done.output


def test_2_gb_on_one_line_are_refused(result: Path) -> None:
    with (result / "result.json").open("r+b") as file:
        file.truncate(2 << 30)  # a hole: zeros that take no disk
    with pytest.raises(ResultError):
        open_result(result)


# --- edits, prompts --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content", ["[" * 200_000, '{"edits":[{"frame":0,"object":1,"name":"a","change":"x","iou":1}]}']
)
def test_damaged_edits(result: Path, content: str) -> None:
    (result / "edits").mkdir()
    (result / "edits" / "edits.json").write_text(content)
    with pytest.raises(ResultError, match="damaged"):
        read_edits(result)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs a named pipe")
def test_edits_that_are_a_pipe_or_a_link(result: Path) -> None:
    (result / "edits").mkdir()
    path = result / "edits" / "edits.json"
    os.mkfifo(path)
    with pytest.raises(ResultError, match="not a regular file"):
        read_edits(result)
    path.unlink()
    path.symlink_to(result / "result.json")
    with pytest.raises(ResultError, match="link"):
        read_edits(result)


def test_a_person_s_file_among_the_edits_is_kept(result: Path) -> None:
    shutil.copytree(result / "masks", result.parent / "edited")
    words = ("import", result, result.parent / "edited", "--from", "davis", "--absent", "--overwrite")
    Image.fromarray(np.zeros((64, 96), np.uint8)).convert("P").save(result.parent / "edited" / "00001.png")
    assert call(*words).exit_code == 0
    mine = result / "edits" / "notes.txt"
    mine.write_text("mine")
    done = call(*words)
    assert refused(done), done.output
    with (
        pytest.raises(OutputExistsError, match=r"also holds edits/notes\.txt"),
        ResultWriter(result, overwrite=True, discard=True),
    ):
        pass
    assert mine.read_text() == "mine"


@pytest.mark.parametrize("mask", ["m.png", "d/m.png"])
def test_masks_that_prompts_name_are_no_links_out_of_their_folder(tmp_path: Path, mask: str) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "in").mkdir()
    Image.fromarray(np.full((8, 8), 255, np.uint8)).save(tmp_path / "out" / "m.png")
    prompts = {"objects": [{"prompts": [{"frame": 0, "mask": mask}]}]}
    (tmp_path / "in" / "p.json").write_text(json.dumps(prompts))
    (tmp_path / "in" / "m.png").symlink_to(tmp_path / "out" / "m.png")
    (tmp_path / "in" / "d").symlink_to(tmp_path / "out")
    with pytest.raises(PromptError, match="link that leads elsewhere"):
        read_prompt_file(tmp_path / "in" / "p.json")


# --- weights ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def weights(tiny_weights: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_weights, tmp_path / "weights"))


@pytest.mark.parametrize("change", ["input", "output", "shape"])
def test_a_graph_with_other_inputs_or_outputs(weights: Path, change: str) -> None:
    model = onnx.load(weights / HEAD)
    if change == "input":
        model.graph.input.append(onnx.helper.make_tensor_value_info("more", onnx.TensorProto.FLOAT, [1]))
    elif change == "output":
        del model.graph.output[1]
    else:
        name = model.graph.output[0].name
        model.graph.node.append(onnx.helper.make_node("Neg", [model.graph.output[1].name], ["other"]))
        model.graph.output[0].CopyFrom(onnx.helper.make_tensor_value_info("other", onnx.TensorProto.FLOAT, None))
        assert name != "other"
    onnx.save(model, weights / HEAD)
    write_sums(weights)
    clip = write_clip(weights.parent / "a.mp4", numbered_images(2))
    done = call("run", clip, "--box", "10,10,20,20", "--weights", weights, "-o", weights.parent / "out", "-q")
    assert refused(done), done.output
    assert "cannot be run" in done.output


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs a named pipe")
@pytest.mark.parametrize("name", [CHECKPOINT, "SHA256SUMS"])
def test_weights_that_are_a_pipe(weights: Path, name: str) -> None:
    (weights / name).unlink(missing_ok=True)
    os.mkfifo(weights / name)
    with pytest.raises(WeightsError, match=r"regular file|cannot be read"):
        OnnxRuntime(weights)


def test_a_correction_opens_only_the_files_that_ran(weights: Path, result: Path) -> None:
    """The checkpoint is the one that ran, the graph beside it is not: the shipped weights take its place."""
    rewritten(result, "weights", fingerprint(weights / CHECKPOINT))
    rewritten(result, "weights_folder", str(weights))
    assert runtime_of(open_result(result), threads=1).weights_folder == weights
    rewritten(result, "ran", {HEAD: "0" * 64})
    assert runtime_of(open_result(result), threads=1).weights_folder is None


# --- batches ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("/,,", "names no clip"),
        ("a.mp4,,failures.csv", "that batches use"),
        ("a.mp4,,Failures-1-of-2.csv", "that batches use"),
        (f"a.mp4,,{FOLDER}/x", "that batches use"),
        ("a.mp4,,.x.partial", "that batches use"),
        ("a.mp4,,../x", "not a path below OUT"),
        ("a.mp4,,x\nb.mp4,,x/masks", "would lie in the result"),
    ],
)
def test_a_list_s_clips_and_outputs(tmp_path: Path, row: str, said: str) -> None:
    (tmp_path / "list.csv").write_text(f"clip,prompt,output\n{row}\n")
    with pytest.raises(CallError, match=said):
        find_clips(str(tmp_path / "list.csv"), tmp_path / "out")


@pytest.fixture(scope="module")
def batch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """in/ and out/ of a batch of one file that is no video."""
    room = tmp_path_factory.mktemp("batch")
    (room / "in").mkdir()
    (room / "in" / "a.mp4").write_text("no video")
    assert call("batch", room / "in", "-o", room / "out", "--jobs", "1", "-q").exit_code == 3
    return room


@pytest.mark.parametrize(
    ("column", "value"),
    [("error", 5), ("state", None), ("clip", "text"), ("frames", "x"), ("output", b"../x"), ("output", b"/x")],
)
def test_a_strangers_manifest(batch: Path, tmp_path: Path, column: str, value: object) -> None:
    out = Path(shutil.copytree(batch, tmp_path / "all") / "out")
    with sqlite3.connect(out / FOLDER / "all.sqlite") as manifest:
        manifest.execute(f"UPDATE clips SET {column} = ?", (value,))
    for words in (("batch-status", out), ("batch", tmp_path / "all" / "in", "-o", out, "-q")):
        done = call(*words)
        assert refused(done), done.output


def test_what_a_manifest_says_is_shown_on_one_line(batch: Path, tmp_path: Path) -> None:
    out = Path(shutil.copytree(batch, tmp_path / "all") / "out")
    with sqlite3.connect(out / FOLDER / "all.sqlite") as manifest:
        manifest.execute("UPDATE clips SET error = ?, listed = 1", ("\x1b[31mred",))
    said = call("batch-status", out).output
    assert "\x1b" not in said
    assert "red" in said
