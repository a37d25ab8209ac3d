"""trackmask explain: what is replayed, what is looked at inside, and the sheet, with the shipped weights."""

from importlib import import_module
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from conftest import ROOT
from networks import random_net

from trackmask.cli import main
from trackmask.correct import references
from trackmask.lab.explain.explain import cell_at
from trackmask.lab.explain.inside import look_inside
from trackmask.lab.explain.replay import Moment, Replay
from trackmask.network.constants import LINEAR
from trackmask.network.model import TrackNet
from trackmask.pipeline import Options, run
from trackmask.prompts import Point, Prompt, read_mask
from trackmask.result import open_result
from trackmask.runtime import CHECKPOINT, OnnxRuntime, TorchRuntime, load_network
from trackmask.tracking.crop import Crop
from trackmask.video import open_video

SAMPLES = ROOT / "samples"
explaining = import_module("trackmask.lab.explain.explain")  # the room gives its function the same name
FRAME = 9


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory, tiny_weights: Path) -> Path:
    """The bunny, for some frames, tracked by a small network with random weights."""
    folder = tmp_path_factory.mktemp("explain") / "out"
    (mask,) = read_mask(SAMPLES / "bunny.mask.png").values()
    options = Options(end=FRAME + 2, style=None)
    run(SAMPLES / "bunny.mp4", folder, [Prompt(1, mask=mask)], OnnxRuntime(tiny_weights), options)
    return folder


@pytest.fixture(scope="module")
def moment(result: Path, tiny_weights: Path) -> Moment:
    with open_video(SAMPLES / "bunny.mp4") as reader:
        return Replay(reader, OnnxRuntime(tiny_weights), references(open_result(result), 1)).until(FRAME)


@pytest.fixture(scope="module")
def net(tiny_weights: Path) -> TrackNet:
    return load_network(tiny_weights / CHECKPOINT)


def call(result: Path, weights: Path, *words: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, ["explain", str(result), "--weights", str(weights), *words])
    return done.exit_code, done.output


def test_the_replay_is_the_run(result: Path, moment: Moment) -> None:
    assert moment.frame.index == FRAME
    assert (moment.masks.labels == open_result(result).masks(FRAME)).all()
    assert moment.memory[0].frame == 0
    assert moment.memory[0].given
    assert len(moment.memory) == moment.given[2].shape[1]
    assert moment.memory[0].picture.shape == moment.picture.shape


def test_backwards_from_a_later_prompt(result: Path, tiny_weights: Path) -> None:
    (mask,) = read_mask(SAMPLES / "bunny.mask.png").values()
    with open_video(SAMPLES / "bunny.mp4") as reader:
        moment = Replay(reader, OnnxRuntime(tiny_weights), {5: Prompt(1, 5, mask=mask)}).until(3)
    assert (moment.frame.index, moment.memory[0].frame) == (3, 5)


def test_two_prompts_are_both_remembered(tiny_weights: Path) -> None:
    (mask,) = read_mask(SAMPLES / "bunny.mask.png").values()
    prompts = {frame: Prompt(1, frame, mask=mask) for frame in (0, 4)}
    with open_video(SAMPLES / "bunny.mp4") as reader:
        moment = Replay(reader, OnnxRuntime(tiny_weights), prompts).until(5)
    assert sorted(what.frame for what in moment.memory if what.given) == [0, 4]


def test_a_frame_looked_at_through_several_crops(losing_weights: Path) -> None:
    """One of the looks is explained, not all of them at once."""
    (mask,) = read_mask(SAMPLES / "bunny.mask.png").values()
    with open_video(SAMPLES / "bunny.mp4") as reader:
        replay = Replay(reader, OnnxRuntime(losing_weights), {0: Prompt(1, 0, mask=mask)})
        moment = replay.until(FRAME)
    assert len(replay.witness.looks()) > 1
    assert {len(x) for x in (*moment.features, *moment.given)} == {1}
    assert look_inside(load_network(losing_weights / CHECKPOINT), moment, (3, 4)).mask.ndim == 2


def test_inside(net: TrackNet, moment: Moment, tiny_weights: Path) -> None:
    """The whole mask is the runtime's; each map says what it should."""
    inside = look_inside(net, moment, (3, 4))
    logits, _ = TorchRuntime(tiny_weights / CHECKPOINT).decode(moment.features, *moment.given)
    np.testing.assert_allclose(inside.mask, 1 / (1 + np.exp(-logits[0])), atol=1e-4)
    assert set(inside.without) == {"computed", "solved", "learned", "last mask"}
    assert all(np.abs(mask - inside.mask).max() > 1e-6 for mask in inside.without.values())
    assert inside.connections is not None
    assert inside.connections.shape[0] == len(moment.memory)
    assert 0 < inside.connections.sum() <= 1.0001
    assert (inside.connections >= 0).all()
    assert inside.carried is not None
    assert inside.score is not None
    weights = moment.given[4][0, : LINEAR + 1]
    score = (moment.features.linear[0] * weights[:-1, None, None]).sum(0) + weights[-1]
    np.testing.assert_allclose(inside.score, score, rtol=1e-3, atol=1e-4)


def test_another_place_has_other_connections(net: TrackNet, moment: Moment) -> None:
    one, other = (look_inside(net, moment, place).connections for place in ((0, 0), (5, 5)))
    assert not np.allclose(one, other)


def test_a_network_without_fusion_has_no_such_maps(moment: Moment) -> None:
    inside = look_inside(random_net(()), moment, (0, 0))
    assert inside.connections is inside.score is inside.learned is None
    assert set(inside.without) == {"last mask"}


def test_cells() -> None:
    crop = Crop(-10, 20, 80, 40)
    assert cell_at(crop, (-10, 20), 8) == (0, 0)
    assert cell_at(crop, (69.9, 59.9), 8) == (7, 7)
    assert cell_at(crop, (5, 30), 8) == (2, 1)
    assert cell_at(crop, (70, 40), 8) is None
    assert cell_at(crop, (-10.5, 40), 8) is None


def test_the_sheet(result: Path, tiny_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "new" / "sheet.png"
    code, said = call(result, tiny_weights, "--frame", str(FRAME), "-o", str(out))
    assert (code, "how frame 9 was tracked" in said) == (0, True)
    sheet = cv2.imread(str(out))
    assert sheet.shape[0] > 1000
    assert sheet.std() > 30
    before = out.read_bytes()
    assert call(result, tiny_weights, "--frame", "8", "-o", str(out))[0] == 2
    assert out.read_bytes() == before
    asked: list[Point] = []
    monkeypatch.setattr(explaining, "draw_sheet", lambda moment, inside, place, about: asked.append(place) or b"new")
    x, y, _, _ = open_result(result).frames[8].objects[0].box  # a corner of the mask, which the crop holds
    assert call(result, tiny_weights, "--frame", "8", "--place", f"{x},{y}", "--overwrite", "-o", str(out))[0] == 0
    assert (asked, out.read_bytes()) == ([(x, y)], b"new")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--frame", "0"), "was prompted"),
        (("--frame", "99"), "it has frames 0 to 11"),
        (("--frame", "5", "--object", "2"), "it has 1 (object 1)"),
        (("--frame", "5", "--place", "2000,0"), "is not in what the network saw"),
        (("--frame", "5", "--place", "here"), "is not a point"),
        (("--frame", "5", "--video", str(SAMPLES / "cat.mp4")), "is not the video of this result"),
    ],
)
def test_wrong_calls(result: Path, tiny_weights: Path, tmp_path: Path, words: tuple[str, ...], says: str) -> None:
    code, said = call(result, tiny_weights, *words, "-o", str(tmp_path / "sheet.png"))
    assert (code, len(said.splitlines())) == (2, 1), said
    assert says in said
    assert not (tmp_path / "sheet.png").exists()


def test_the_shipped_weights_say_so_where_others_made_the_result(
    result: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not (SAMPLES.parent / "weights" / CHECKPOINT).exists():
        pytest.skip("this checkout has no weights yet")
    monkeypatch.setattr(explaining, "draw_sheet", lambda *_: b"")  # test_readme.py draws theirs
    done = CliRunner().invoke(main, ["explain", str(result), "--frame", "1", "-o", str(tmp_path / "sheet.png")])
    assert done.exit_code == 0, done.output
    assert "made with other weights" in done.output
