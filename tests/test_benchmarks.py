"""benchmarks/: the script runs and writes its page; its counting is right. How fast it found us is not tested."""

import re
from itertools import islice

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from conftest import ROOT
from networks import write_data

BENCHMARKS = ROOT / "benchmarks"
onnx = pytest.importorskip("onnx")
pytest.importorskip("matplotlib")


@pytest.fixture(scope="module", autouse=True)
def benchmarks():
    """The scripts can be imported."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(BENCHMARKS)
        yield


@pytest.fixture(scope="module")
def written(benchmarks, tiny_weights, tmp_path_factory):
    """The quick version, once: the page it wrote, and what it said."""
    page = tmp_path_factory.mktemp("docs") / "figures.md"
    done = performance("--quick", "--out", page, "--weights", tiny_weights)
    assert done.exit_code == 0, done.output
    return page, done.stdout


def performance(*words):
    from performance import main

    return CliRunner().invoke(main, list(map(str, words)))


def rows(page, heading):
    """The cells of the first table under a heading, without its head."""
    section = page.read_text(encoding="utf-8").split(f"## {heading}\n")[1]
    lines = [line for line in re.split(r"\n## ", section)[0].splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_every_case_is_in_the_page(written):
    page, _ = written
    assert [row[0].split()[0] for row in rows(page, "End to end")] == ["480p", "1080p"]
    assert [row[0] for row in rows(page, "Stage by stage")] == [
        f"{size}, {objects} obj." for size in ("480p", "1080p") for objects in (1, 3)
    ]
    assert [row[0] for row in rows(page, "Memory")] == ["4", "8"]


def test_stages_make_up_their_sum(written):
    for row in rows(written[0], "Stage by stage"):
        *parts, total = map(float, row[1:])
        assert total > 0
        assert min(parts) >= -0.5  # the tracker's rest is a difference
        assert sum(parts) == pytest.approx(total, abs=0.06 * len(parts))


def test_bars_are_judged_by_what_was_measured(written):
    for what, bar, measured, held in rows(written[0], "The bars"):
        sign, limit = bar.split()
        better = float(measured) >= float(limit) if sign == "≥" else float(measured) <= float(limit)
        if float(measured) != float(limit):  # it was judged before it was rounded
            assert held == ("yes" if better else "**no**"), what


def test_pictures_lie_beside_the_page_and_are_in_it(written):
    page, said = written
    assert str(page) in said
    names = re.findall(r"\]\((.+?\.png)\)", page.read_text(encoding="utf-8"))
    assert {path.name for path in page.parent.glob("*.png")} == set(names)
    for name in names:
        picture = cv2.imread(str(page.with_name(name)))
        assert picture.shape[1] > 500
        assert picture.std() > 5  # not an empty sheet


def test_quick_figures_do_not_replace_the_real_page():
    done = performance("--quick")
    assert done.exit_code == 2
    assert "--out" in done.stderr


# --- counting ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "shapes", "options", "expected"),
    [
        ("Conv", [(1, 3, 8, 8), (4, 3, 3, 3)], {"pads": [1, 1, 1, 1]}, 8 * 8 * 4 * 27),
        ("Conv", [(2, 6, 8, 8), (6, 1, 5, 5)], {"group": 6, "strides": [2, 2], "pads": [2, 2, 2, 2]}, 2 * 16 * 6 * 25),
        ("MatMul", [(2, 5, 7), (2, 7, 3)], {}, 2 * 5 * 7 * 3),
        ("Gemm", [(4, 10), (6, 10)], {"transB": 1}, 4 * 10 * 6),
        ("Gemm", [(10, 4), (10, 6)], {"transA": 1}, 4 * 10 * 6),
    ],
)
def test_work_of_one_node_is_what_a_hand_counts(tmp_path, kind, shapes, options, expected):
    from onnx import TensorProto, helper
    from roofline import work

    names = ["a", "b"]
    inputs = [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in zip(names, shapes, strict=True)]
    result = helper.make_tensor_value_info("c", TensorProto.FLOAT, None)
    graph = helper.make_graph([helper.make_node(kind, names, ["c"], **options)], "one", inputs, [result])
    path = tmp_path / "one.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    assert work(path).gflop == pytest.approx(2 * expected / 1e9)


def test_work_grows_with_the_objects(tiny_weights):
    from roofline import work

    from trackmask.runtime.weights import ENCODER, HEAD

    for graph in (ENCODER, HEAD):
        one, five = work(tiny_weights / graph), work(tiny_weights / graph, objects=5)
        assert five.gflop == pytest.approx(5 * one.gflop)
        assert one.megabytes < five.megabytes < 5 * one.megabytes  # the weights are there once


# --- clips -------------------------------------------------------------------------------------------------------


def test_a_clip_shows_an_object_in_every_tile(tmp_path):
    from clips import Sample

    clip = Sample().clip(tmp_path, (90, 160), 3, 5)
    first, second, third = (prompt.mask for prompt in clip.prompts)
    assert np.array_equal(first[:45, :80], second[:45, 80:])
    assert np.array_equal(first[:45, :80], third[45:, :80])
    assert not (first | second | third)[45:, 80:].any()  # the fourth tile is nobody's


def test_looping_repeats_the_clip_and_its_time_goes_on(tmp_path):
    from clips import Sample, looped

    from trackmask.video import open_video

    sample = Sample()
    clip = sample.clip(tmp_path, (90, 160), 1, 7)
    with open_video(looped(clip.path, 20, tmp_path / "long.mp4")) as video:
        frames = list(video)
    assert len(frames) == 21
    assert np.diff([frame.time for frame in frames]) == pytest.approx(1 / 25)
    assert np.array_equal(frames[2].image, frames[9].image)
    assert np.array_equal(frames[2].image, frames[16].image)


def test_the_sample_runs_forth_and_back():
    from clips import Sample

    sample = Sample()
    pictures = list(islice(sample.pictures(), len(sample) + 1))
    assert pictures[0] is pictures[-1]
    assert pictures[1] is pictures[-2]


def test_limits(tiny_weights, tmp_path):
    """A square that moves: its truth passes the small map nearly whole; a network that knows nothing does worse."""
    write_data(tmp_path)
    from limits import main

    done = CliRunner().invoke(main, [str(tmp_path / "clips"), "--weights", str(tiny_weights)])
    assert done.exit_code == 0, done.output
    head, *clips, last = done.stdout.splitlines()
    assert head.split()[-3:] == ["map", "told", "tracked"]
    assert [line.split()[0] for line in clips] == ["ball", "disc"]
    j_map, f_map, j_told, _, j_tracked, _ = map(float, last.split()[1:])
    assert min(j_map, f_map) > 90
    assert max(j_told, j_tracked) < j_map


def test_a_wall_hides_the_truth_and_nothing_else(tmp_path):
    from walls import Walled

    from trackmask.evaluation.dataset import read_dataset

    write_data(tmp_path)
    for clip in read_dataset(tmp_path / "clips"):
        walled = Walled.of(clip)
        hidden = 0
        for frame, behind in zip(walled.frames(), clip.frames(), strict=True):
            columns = np.zeros(frame.image.shape[1], bool)
            columns[walled.place(frame.index, len(columns))[0]] = True
            truth, whole = walled.truth(frame.index), clip.truth(frame.index)
            assert (frame.image[:, ~columns] == behind.image[:, ~columns]).all()
            assert (truth[:, ~columns] == whole[:, ~columns]).all()
            assert not truth[:, columns].any()
            hidden += int(whole.sum()) - int(truth.sum())
        assert walled.truth(0).sum() == clip.truth(0).sum()
        assert hidden > clip.truth(0).sum() / 2


def test_what_the_second_pass_is_worth_is_printed_clip_by_clip(monkeypatch, tiny_weights, tmp_path):
    import passes

    _, clips = write_data(tmp_path)
    for name in ("dev", "train"):
        (tmp_path / name).symlink_to(clips, target_is_directory=True)
    monkeypatch.setattr(passes, "UNTRAINED", ("disc",))
    monkeypatch.setattr(passes, "SPARSE", 2)  # of six frames
    done = CliRunner().invoke(passes.main, [str(tmp_path), "--weights", str(tiny_weights), "--threads", "1"])
    assert done.exit_code == 0, done.output
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in done.stdout.splitlines()[2:]]
    assert [line[0] for line in lines] == ["ball", "disc", "**mean**", "disc", "**mean**"]
    assert all(re.fullmatch(r"[\d.]+ / [\d.]+", cell) for line in lines for cell in line[1:] if cell)
    assert lines[1][1] == lines[3][1]  # the same clip
