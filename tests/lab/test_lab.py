import json
import shutil
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image as Picture

from trackmask.cli import main
from trackmask.errors import DataError, ExtraError
from trackmask.evaluation.measure import ClipScore
from trackmask.lab import EXPERIMENTS, hierarchy
from trackmask.lab import bench as benches
from trackmask.lab.bench import Bench, run
from trackmask.lab.hierarchy import ORIENTATIONS, View, away, best_patches, draw_places, orientation, part, probe
from trackmask.lab.ladder import Held, draw, row

S = 64


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench((), tmp_path / "dev", tmp_path / "deep" / "out")


class TestBench:
    def test_figures_are_sorted_rounded_and_read_back(self, bench):
        bench.write("ladder", {"b": 0.123456789, "a": {16: [1234567, 1234.5678, None, True]}})
        text = (bench.out / "ladder.json").read_text()
        assert text.index('"a"') < text.index('"b"')
        assert bench.read("ladder") == {"a": {"16": [1234567, 1235.0, None, True]}, "b": 0.1235}
        assert bench.has("ladder")
        assert not bench.has("receptive")

    def test_figures_that_cannot_be_read(self, bench):
        bench.write("ladder", {})
        (bench.out / "ladder.json").write_text("{")
        with pytest.raises(DataError, match=r"ladder\.json"):
            bench.read("ladder")

    def test_a_figure_becomes_a_small_picture(self, bench):
        with bench.figure("one", 3, 2) as figure:
            figure.subplots().imshow(np.random.default_rng(0).random((40, 40, 3)))
        with Picture.open(bench.out / "one.png") as picture:
            assert picture.size == (300, 200)
        assert (bench.out / "one.png").stat().st_size < 40_000
        assert sorted(path.name for path in bench.out.iterdir()) == ["one.png"]

    def test_a_drawing_that_fails_leaves_no_picture(self, bench):
        with pytest.raises(ZeroDivisionError), bench.figure("one"):
            _ = 1 / 0
        assert not bench.out.exists()


class TestRun:
    @pytest.fixture
    def ran(self, monkeypatch):
        """The names of the experiments that ran; none of them does anything but write its figures."""
        names = []

        class Module:
            def __init__(self, name):
                self.name = name.rpartition(".")[2]

            def run(self, bench):
                names.append(self.name)
                bench.write(self.name, {})

        monkeypatch.setattr(benches, "import_module", Module)
        return names

    def test_what_was_done_is_left_as_it_is(self, bench, ran):
        run(bench, ("ladder",))
        run(bench, ("ladder", "receptive"))
        assert ran == ["ladder", "receptive"]
        run(bench, ("ladder",), again=True)
        assert ran == ["ladder", "receptive", "ladder"]

    def test_missing_packages_are_named(self, bench, ran, monkeypatch):
        monkeypatch.setitem(sys.modules, "sklearn", None)
        with pytest.raises(ExtraError, match=r"sklearn.*trackmask\[lab\]"):
            run(bench, EXPERIMENTS)
        assert ran == []

    def test_every_name_is_a_module_with_run(self):
        folder = Path(benches.__file__).parent
        for name in EXPERIMENTS:
            assert "\ndef run(bench: Bench) -> None:" in (folder / f"{name}.py").read_text()


class TestCommand:
    def test_a_folder_that_is_no_data_set(self, tmp_path):
        result = CliRunner().invoke(main, ["lab", "--dev", str(tmp_path), "--out", str(tmp_path), "--only", "ladder"])
        assert result.exit_code == 1
        assert result.stderr.strip() == f"trackmask: {tmp_path} is not a data set; it needs JPEGImages/CLIP/ or " + (
            "videos/CLIP.mp4, and Annotations/"
        )

    @pytest.mark.parametrize("wrong", [["--only", "stairs"], ["--dev", "nowhere"], ["--minutes", "0"]])
    def test_wrong_calls(self, tmp_path, wrong):
        result = CliRunner().invoke(main, ["lab", "--dev", str(tmp_path), "--out", str(tmp_path), *wrong])
        assert result.exit_code == 2
        assert wrong[1] in result.stderr

    def test_done_before(self, tmp_path):
        Bench((), tmp_path, tmp_path).write("ladder", {})
        result = CliRunner().invoke(main, ["lab", "--dev", str(tmp_path), "--out", str(tmp_path), "--only", "ladder"])
        assert result.exit_code == 0
        assert "done before" in result.stdout


def moving_square(folder: Path, name: str, frames: int = 12) -> None:
    """A clip in DAVIS's layout: a striped square on noise."""
    random = np.random.default_rng(len(name))
    ground = cv2.GaussianBlur(random.integers(0, 256, (60, 80, 3), np.uint8), (0, 0), 2)
    for index in range(frames):
        image, mask = ground.copy(), np.zeros((60, 80), np.uint8)
        mask[15:40, 10 + index : 35 + index] = 255
        image[mask > 0] = (np.arange(60) // 3 % 2 * 200)[np.nonzero(mask)[0], None]
        for kind, picture in (("JPEGImages", image), ("Annotations", mask)):
            path = folder / kind / name / f"{index:05d}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Picture.fromarray(picture).save(path)


@pytest.fixture
def small_lab(tmp_path, tiny_weights, monkeypatch) -> Bench:
    """Four clips and a small network in the place of the shipped one."""
    for name in ("a", "bb", "ccc", "dddd"):
        moving_square(tmp_path / "dev", name)
    for module in ("runtime.onnx", "lab.receptive", "lab.hierarchy"):
        monkeypatch.setattr(f"trackmask.{module}.shipped_folder", lambda: tiny_weights)
    return Bench((), tmp_path / "dev", tmp_path / "out")


class TestExperiments:
    def test_ladder(self, small_lab):
        for name in ("bb", "ccc", "dddd"):
            shutil.rmtree(small_lab.dev / "JPEGImages" / name)
            shutil.rmtree(small_lab.dev / "Annotations" / name)
        run(small_lab, ("ladder",))
        rungs = {one["name"]: one for one in small_lab.read("ladder")["rungs"]}
        names = list(rungs)
        assert (names[0], names[-1]) == ("copy", "trackmask")
        for one in rungs.values():
            assert one["jf"] == pytest.approx((one["j"] + one["f"]) / 2, abs=1e-3)
            assert one["clips"] == {"a": one["jf"]}
            assert one["ms"] > 0
        assert rungs["HOG + SVM"]["j"] > rungs["copy"]["j"] + 0.2
        assert (small_lab.out / "ladder.png").is_file()

    def test_receptive(self, small_lab):
        run(small_lab, ("receptive",))
        figures = small_lab.read("receptive")
        assert figures["places"] == 16
        by_name = {one["fusion"]: one for one in figures["fusions"]}
        assert by_name["none (1x1)"]["reference"] == {"places": 1, "share": 1 / 16, "most": 1}
        assert by_name["none (1x1)"]["weights"] == "random"
        assert by_name["all three"]["weights"] == "shipped"
        assert by_name["solved"]["reference"]["share"] == 1
        assert (small_lab.out / "receptive.png").is_file()

    def test_receptive_needs_truth(self, small_lab):
        for path in small_lab.dev.glob("Annotations/*/00009.png"):
            path.unlink()
        with pytest.raises(DataError, match="9 and 10"):
            run(small_lab, ("receptive",))

    def test_hierarchy(self, small_lab, monkeypatch):
        monkeypatch.setattr(hierarchy, "FRAMES", 3)
        monkeypatch.setattr(hierarchy, "EACH", 8)
        run(small_lab, ("hierarchy",))
        tasks = small_lab.read("hierarchy")["tasks"]
        assert tasks["edge orientation"]["chance"] == 1 / ORIENTATIONS
        for figures in tasks.values():
            for kind in ("trained", "components", "random"):
                assert set(figures[kind]) == {"2", "4", "8", "16"}
                assert all(0 <= value <= 1 for value in figures[kind].values())
        assert (small_lab.out / "hierarchy.png").is_file()
        assert (small_lab.out / "hierarchy-patches.png").is_file()

    def test_hierarchy_needs_clips_to_hold_out(self, small_lab):
        shutil.rmtree(small_lab.dev / "JPEGImages" / "a")
        with pytest.raises(DataError, match="got 3"):
            run(small_lab, ("hierarchy",))


def view(clip: int = 0, picture: np.ndarray | None = None) -> View:
    """A bright disc in the middle of a dark frame."""
    rows, columns = np.indices((S, S)) - S / 2 + 0.5
    mask = rows**2 + columns**2 < 20**2
    picture = (mask * 200).astype(np.uint8)[..., None].repeat(3, 2) if picture is None else picture
    return View(clip, picture, mask, np.full((S, S), 255, np.uint8))


class TestProbes:
    def test_orientation_follows_the_slope_without_its_sign(self):
        steps = orientation(view())
        centre = S // 2
        right, left, below = steps[centre, centre + 20], steps[centre, centre - 20], steps[centre + 20, centre]
        assert {int(right), int(left)} <= {0, ORIENTATIONS - 1}
        assert int(below) in (ORIENTATIONS // 2 - 1, ORIENTATIONS // 2)
        assert steps[centre, centre] == -1

    def test_parts(self):
        classes = part(view())
        centre = S // 2
        assert classes[centre, centre] == 0
        assert classes[centre, centre + 20] == 1
        assert classes[2, 2] == 2
        assert classes[centre, centre + 17] == -1

    def test_nothing_is_asked_beyond_the_frame(self):
        half = view()._replace(inside=np.where(np.arange(S) < 32, 255, 0).astype(np.uint8) * np.ones((S, 1), np.uint8))
        assert away(half, 4)[:, 4:28].any()
        assert not away(half, 4)[:, 28:].any()
        assert not away(half, 4)[:4].any()

    def test_the_probe_reads_what_is_there_and_no_more(self):
        views = [view(clip) for clip in range(4)]
        random = np.random.default_rng(0)
        places = draw_places([one.mask.astype(int) for one in views], random)
        telling = np.stack([one.mask[None, ::2, ::2] * 1.0 for one in views]).astype(np.float32)
        noise = random.normal(size=telling.shape).astype(np.float32)
        assert probe(telling, places, views) > 0.95
        assert 0.35 < probe(noise, places, views) < 0.65

    def test_the_best_patch_shows_what_excites_the_unit(self):
        random = np.random.default_rng(0)
        views = [view(clip, random.integers(0, 60, (S, S, 3), np.uint8)) for clip in range(3)]
        features = random.normal(size=(3, 2, S // 2, S // 2)).astype(np.float32) * 0.01
        for number, one in enumerate(views):
            row, column = 10 + number, 20 - number
            one.picture[2 * row : 2 * row + 2, 2 * column : 2 * column + 2] = 255
            features[number, 1, row, column] = 9
        sheet = best_patches(features, views, 2)
        middle = [patch[24:32, 24:32].mean() for patch in sheet[0]]
        assert len(middle) == 3
        assert min(middle) > 200


def test_a_row_of_the_ladder_and_its_plot(bench):
    score = ClipScore("a", 0.8, 0.6, 0.7, 1, 0, 1, 0, {}, frames=10, fps=20.0)
    figures = row("copy", [score, score])
    assert (figures["jf"], figures["ms"], figures["clips"]) == (pytest.approx(0.7), 50, {"a": 0.7})
    with bench.figure("ladder") as figure:
        draw(figure, [figures])
        assert figure.axes[0].lines[0].get_xydata().tolist() == [[50.0, pytest.approx(70.0)]]


def test_held_clips_decode_once(small_lab):
    clip = small_lab.clips()[0]
    held = Held(**vars(clip), kept=tuple(clip.frames()))
    assert len(list(held.frames())) == len(list(held.frames())) == len(clip) == 12
    assert json.dumps(sorted(map(str, held.truths.values()))) == json.dumps(sorted(map(str, clip.truths.values())))
