"""Masks that are called after the pictures of a folder: all that reads a result finds them, and nothing else does."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import trackmask
from trackmask.batch.batch import Batch, run_batch
from trackmask.cli import main
from trackmask.correct import correct, undo
from trackmask.errors import CallError, DataError, OutputExistsError, ResultError
from trackmask.evaluation.measure import score_folder
from trackmask.export import Options as ExportOptions
from trackmask.export import export
from trackmask.importing import import_edits, read_edits
from trackmask.pipeline import Options, run
from trackmask.prompts import Prompt
from trackmask.report import write_report
from trackmask.result import open_result
from trackmask.runtime import OnnxRuntime

SAMPLES = Path(__file__).parent.parent / "samples"
BOX = (20, 119, 138, 104)
# In natural order. Numbers with gaps, so that a mask by number would be taken for another frame's; what means something
# to globs, and two dots.
PICTURES = ("00000.png", "00002.png", "00004.png", "shot [1] é.1001.png", "shot [1] é.1002.JPG", "x*.png")
MASKS = ["00000.png", "00002.png", "00004.png", "shot [1] é.1001.png", "shot [1] é.1002.png", "x_.png"]


@pytest.fixture(scope="module")
def runtime() -> OnnxRuntime:
    return OnnxRuntime(threads=2)


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory, runtime: OnnxRuntime) -> Path:
    """The cat as pictures, its truth by the same names, and a result."""
    room = tmp_path_factory.mktemp("named")
    (room / "cat").mkdir()
    (room / "truth").mkdir()
    for index, frame in enumerate(trackmask.open_video(SAMPLES / "cat.mp4").frames(0, len(PICTURES) - 1)):
        Image.fromarray(frame.image).save(room / "cat" / PICTURES[index])
        shutil.copy(SAMPLES / "cat.truth" / f"{index:05d}.png", room / "truth" / MASKS[index])
    options = Options(style=None, soft=True, mask_names="source")
    run(room / "cat", room / "cat.trackmask", [Prompt(1, box=BOX)], runtime, options)
    return room


@pytest.fixture
def result(room: Path, tmp_path: Path) -> Path:
    """A copy to change, as deep in the tree: a result knows its video by the way there."""
    shutil.copytree(room / "cat", tmp_path / "cat")
    return Path(shutil.copytree(room / "cat.trackmask", tmp_path / "cat.trackmask"))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def truth(index: int) -> np.ndarray:
    with Image.open(SAMPLES / "cat.truth" / f"{index:05d}.png") as picture:
        return np.asarray(picture) > 0


def test_masks_are_called_as_the_pictures(room: Path) -> None:
    result = open_result(room / "cat.trackmask")
    assert names(result.folder / "masks") == sorted(MASKS) == names(result.folder / "soft" / "1")
    for index in range(len(PICTURES)):
        mask = result.masks(index) == 1
        assert (mask & truth(index)).sum() > 0.9 * (mask | truth(index)).sum()
        assert np.array_equal(result.soft(1, index) > 127, mask)


def test_the_same_masks_by_number_and_by_name(room: Path, tmp_path: Path, runtime: OnnxRuntime) -> None:
    plain = trackmask.run(room / "cat", tmp_path / "out", box=BOX, style=None, soft=True, runtime=runtime)
    assert names(plain.folder / "masks") == [f"{index:05d}.png" for index in range(len(PICTURES))]
    named = open_result(room / "cat.trackmask")
    assert tuple(plain.frames) == tuple(named.frames)
    assert all(np.array_equal(plain.masks(index), named.masks(index)) for index in range(len(PICTURES)))


def test_a_correction_and_its_undo(result: Path, runtime: OnnxRuntime) -> None:
    before = files(result)
    empty = np.zeros(open_result(result).source.size, bool)
    corrected = correct(result, [Prompt(1, 3, mask=empty)], runtime)
    assert not corrected.masks(3).any()
    assert not corrected.soft(1, 3).any()
    assert names(result / "masks") == names(result / "soft" / "1") == sorted(MASKS)
    kept = files(result / "history" / "001")
    assert all(kept[name] == before[name] for name in kept)
    assert {"result.json", f"masks/{MASKS[3]}", f"soft/1/{MASKS[3]}"} <= kept.keys()
    again = correct(result, [Prompt(1, 3, mask=truth(3))], runtime)
    assert np.array_equal(again.masks(3) == 1, truth(3))
    undo(result)
    undo(result)
    assert files(result) == before


def test_score_finds_them_in_the_result_and_alone(room: Path, tmp_path: Path) -> None:
    wanted = score_folder(room / "cat.trackmask", room / "truth")[0].jf
    assert wanted > 0.9
    (tmp_path / "data" / "JPEGImages").mkdir(parents=True)
    shutil.copytree(room / "cat", tmp_path / "data" / "JPEGImages" / "cat")
    (tmp_path / "data" / "JPEGImages" / "cat" / "x*.png").rename(tmp_path / "data" / "JPEGImages" / "cat" / "x_.png")
    shutil.copytree(room / "truth", tmp_path / "data" / "Annotations" / "cat")
    for name in ("masks", "cat"):  # without result.json
        shutil.copytree(room / "cat.trackmask" / "masks", tmp_path / "alone" / name)
    for place in (room / "cat.trackmask", tmp_path / "alone" / "masks", tmp_path / "alone" / "cat"):
        assert score_folder(place, tmp_path / "data")[0].jf == wanted
    for name in ("y1.png", "y2.png"):  # two pictures more than were tracked
        shutil.copy(room / "cat" / "00000.png", tmp_path / "data" / "JPEGImages" / "cat" / name)
        shutil.copy(room / "truth" / "00000.png", tmp_path / "data" / "Annotations" / "cat" / name)
    with pytest.raises(DataError, match=r"has no mask y1\.png in"):
        score_folder(room / "cat.trackmask", tmp_path / "data")


def test_exports_the_report_and_imports_read_them(result: Path, tmp_path: Path) -> None:
    export((result,), "davis", tmp_path / "davis", ExportOptions())
    assert np.array_equal(
        _ids(tmp_path / "davis" / "Annotations" / "480p" / "cat" / "00004.png"), open_result(result).masks(2)
    )
    write_report(result)
    assert "not read" not in (result / "report.html").read_text("utf-8")
    edited = tmp_path / "edited"
    shutil.copytree(result / "masks", edited)
    Image.open(edited / "00004.png").transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(edited / "00004.png")
    import_edits(result, edited, "davis")
    assert [edit.frame for edit in read_edits(result)] == [2]
    done = CliRunner().invoke(main, ["correct", str(result), "--edits"])
    assert done.exit_code == 0, done.output
    assert np.array_equal(open_result(result).masks(2), _ids(edited / "00004.png"))


def _ids(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.array(picture)


@pytest.mark.parametrize("by", ["number", "source"])
def test_a_result_is_replaced_but_no_file_of_somebody_else(result: Path, runtime: OnnxRuntime, by: str) -> None:
    correct(result, [Prompt(1, 3, mask=truth(3))], runtime)
    options = Options(style=None, end=1, mask_names=by, overwrite=True, discard=True)  # type: ignore[arg-type]
    video = result.parent / "cat"
    for mine in (
        result / "masks" / "notes.png",
        result / "soft" / "1" / "shot.png",
        result / "history" / "001" / "a.png",
    ):
        mine.write_bytes(b"mine")
        with pytest.raises(OutputExistsError, match=f"also holds {mine.relative_to(result)}, which --overwrite"):
            run(video, result, [Prompt(1, box=BOX)], runtime, options)
        assert mine.read_bytes() == b"mine"
        mine.unlink()
    run(video, result, [Prompt(1, box=BOX)], runtime, options)
    assert names(result) == ["masks", "result.json"]
    assert names(result / "masks") == (["00000.png", "00001.png"] if by == "number" else ["00000.png", "00002.png"])


def test_pictures_whose_masks_would_be_one_file(room: Path, tmp_path: Path) -> None:
    for one, other in (("a.png", "a.jpg"), ("a.png", "A.png"), ("a?.png", "a*.png"), ("\u00e9.png", "e\u0301.png")):
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        folder.mkdir()
        for name in (one, other):
            Image.open(room / "cat" / "00000.png").save(folder / name)
        said = ["run", str(folder), "--no-overlay", "--box", "20,119,138,104", "-o", str(tmp_path / "out")]
        done = CliRunner().invoke(main, [*said, "--names", "source"])
        assert done.exit_code == 2
        assert isinstance(done.exception, SystemExit)
        assert "would be one file; rename one, or leave out --names source" in done.output
        assert not (tmp_path / "out").exists()
    done = CliRunner().invoke(main, said)
    assert done.exit_code == 0, done.output
    assert names(tmp_path / "out" / "masks") == ["00000.png", "00001.png"]


def test_a_film_has_numbers_alone(tmp_path: Path, runtime: OnnxRuntime) -> None:
    result = trackmask.run(
        SAMPLES / "cat.mp4", tmp_path / "out", box=BOX, end=1, style=None, mask_names="source", runtime=runtime
    )
    assert names(result.folder / "masks") == ["00000.png", "00001.png"]
    assert json.loads((result.folder / "result.json").read_bytes())["mask_names"] == "number"


def test_another_word_is_refused(tmp_path: Path, runtime: OnnxRuntime) -> None:
    with pytest.raises(CallError, match="'name'; give one of number, source"):
        trackmask.run(SAMPLES / "cat.mp4", tmp_path / "out", mask_names="name", runtime=runtime)  # type: ignore[arg-type]


def test_a_batch_of_folders_and_films(room: Path, tmp_path: Path) -> None:
    shutil.copytree(room / "cat", tmp_path / "in" / "cat")
    shutil.copy(SAMPLES / "cat.mp4", tmp_path / "in" / "film.mp4")
    options = Options(style=None, end=1, mask_names="source")
    summary = run_batch(Batch(str(tmp_path / "in"), tmp_path / "out", options, jobs=1))
    assert (summary.tracked, summary.failures) == (2, [])
    assert names(tmp_path / "out" / "cat.trackmask" / "masks") == ["00000.png", "00002.png"]
    assert names(tmp_path / "out" / "film.mp4.trackmask" / "masks") == ["00000.png", "00001.png"]


@pytest.mark.parametrize(
    "pictures", [["a.png", "A.png"], ["00000.png"], [], ["\ud800.png", "\ud800.jpg"], [7] * 6, {"a": 1}, "a", None]
)
def test_a_stranger_s_names_are_held_against_the_frames(result: Path, pictures: object) -> None:
    raw = json.loads((result / "result.json").read_bytes())
    raw["source"]["names"] = pictures
    (result / "result.json").write_text(json.dumps(raw))
    with pytest.raises(ResultError, match=r"result\.json is damaged|there is no file"):
        open_result(result).masks(1)
    with pytest.raises(OutputExistsError, match=r"also holds masks/"):
        trackmask.run(result.parent / "cat", result, box=BOX, overwrite=True)


def test_names_that_lead_elsewhere_lead_nowhere(result: Path) -> None:
    """The pictures themselves lie where these names lead."""
    raw = json.loads((result / "result.json").read_bytes())
    raw["source"]["names"] = [f"../../cat/{name}" for name in PICTURES]
    before = open_result(result).masks(0)
    (result / "result.json").write_text(json.dumps(raw))
    assert np.array_equal(open_result(result).masks(0), before)
    (result / "masks" / "00000.png").unlink()
    with pytest.raises(ResultError, match=r"there is no file .*cat\.trackmask/masks/00000\.png"):
        open_result(result).masks(0)
