import numpy as np
import onnx
import pytest
from networks import SIZE, random_crops, write_data

from trackmask.errors import CallError, DataError
from trackmask.runtime import OnnxRuntime
from trackmask.runtime.weights import CHECKPOINT, ENCODER
from trackmask.training.bank import bank
from trackmask.training.films import Film, read_films
from trackmask.training.quantize import calibration_crops


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    return write_data(tmp_path_factory.mktemp("data"))[1]


@pytest.fixture(scope="module")
def small(tmp_path_factory, tiny_weights, clips):
    folder = tmp_path_factory.mktemp("int8")
    bank(tiny_weights / CHECKPOINT, folder, calibrate=clips)
    return folder


def test_eight_bits_say_nearly_the_same(small, tiny_weights, clips):
    (film, _) = read_films(clips, frozenset())
    (crop,) = next(calibration_crops([film], SIZE))
    exact, ours = OnnxRuntime(tiny_weights).encode(crop[None]), OnnxRuntime(small).encode(crop[None])
    for name, theirs, got in zip(exact._fields, exact, ours, strict=True):
        assert got.shape == theirs.shape, name
        assert got.dtype == np.float32
        assert np.corrcoef(got.ravel(), theirs.ravel())[0, 1] > 0.9, name
    assert (ours.key != exact.key).any()  # it is another computation


def test_the_graph_is_small_and_keeps_its_origin(small, tiny_weights):
    assert (small / ENCODER).stat().st_size < 0.5 * (tiny_weights / ENCODER).stat().st_size
    exact, ours = (
        {p.key: p.value for p in onnx.load(folder / ENCODER).metadata_props} for folder in (tiny_weights, small)
    )
    assert ours == exact | {"encoder": "int8"}


def test_any_number_of_objects(small):
    runtime = OnnxRuntime(small)
    crops = random_crops(3)
    together, alone = runtime.encode(crops), runtime.encode(crops[1:2])
    assert np.allclose(together.key[1], alone.key[0], atol=1e-5)


def test_left_out_clips_are_not_seen(tmp_path, tiny_weights, clips):
    with pytest.raises(DataError, match="no clips"):
        bank(tiny_weights / CHECKPOINT, tmp_path, calibrate=clips, leave_out=frozenset({"disc", "ball"}))


def test_clips_without_an_object(clips):
    film = Film("disc", [np.zeros((96, 128, 3), np.uint8)] * 2, [np.full((96, 128), 255, np.uint8)] * 2)
    film.references = []
    with pytest.raises(DataError, match="shows an object"):
        list(calibration_crops([film], SIZE))


def test_another_size(tmp_path, tiny_weights):
    bank(tiny_weights / CHECKPOINT, tmp_path, size=96)
    assert OnnxRuntime(tmp_path).size == 96
    with pytest.raises(CallError, match="multiple of 16"):
        bank(tiny_weights / CHECKPOINT, tmp_path, size=100)
