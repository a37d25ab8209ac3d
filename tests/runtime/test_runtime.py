import os
import pickle
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from networks import random_crops, random_net

from trackmask.errors import CallError, WeightsError
from trackmask.network.constants import KEY, VALUE, WEIGHTS
from trackmask.runtime import OnnxRuntime, TorchRuntime, export_graphs, open_runtime, sigmoid
from trackmask.runtime.weights import CHECKPOINT, ENCODER, HEAD, fingerprint, save_checkpoint
from trackmask.studio.network import trim
from trackmask.tracking.memory import join, remember, solve


@pytest.fixture(scope="module")
def runtimes(any_weights):
    return OnnxRuntime(any_weights, threads=1), TorchRuntime(any_weights / CHECKPOINT)


def soft_masks(count, side):
    """(count, side, side) float32, a disc each."""
    y, x = np.mgrid[:side, :side] / side
    return np.stack([(np.hypot(x - 0.3 - 0.1 * i, y - 0.5) < 0.25).astype(np.float32) for i in range(count)])


def decode_inputs(features, frames, size):
    """previous, prompts, keys, values, weights: each object remembers `frames` frames like its own."""
    count, cells = len(features.key), (size // 16) ** 2
    masks = soft_masks(count, size // 2)
    prompts = np.random.default_rng(0).random((count, 2, size // 4, size // 4), np.float32)
    if not frames:
        keys, values = np.zeros((count, 0, cells, KEY), np.float32), np.zeros((count, 0, cells, VALUE), np.float32)
        return masks[:, None], prompts, keys, values, np.zeros((count, WEIGHTS), np.float32)
    one = [remember(features.only(i), masks[i]) for i in range(count)]
    memories = [join([memory] * frames, []) for memory in one]
    keys, values = np.stack([m.keys for m in memories]), np.stack([m.values for m in memories])
    return masks[:, None], prompts, keys, values, np.stack([solve(m) for m in memories])


@pytest.mark.parametrize("weights", ["tiny_weights", "exact_weights"])
@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("frames", [0, 2])
def test_torch_and_onnx_agree(request, weights, count, frames):
    folder = request.getfixturevalue(weights)
    onnx, torch_ = OnnxRuntime(folder, threads=1), TorchRuntime(folder / CHECKPOINT)
    assert onnx.size == torch_.size
    assert onnx.weights_sha256 == torch_.weights_sha256
    crops = random_crops(count, size=onnx.size)
    features, twin = onnx.encode(crops), torch_.encode(crops)
    for name, ours, theirs in zip(features._fields, features, twin, strict=True):
        assert ours.dtype == theirs.dtype == np.float32
        assert ours.shape == theirs.shape, name
        assert np.abs(ours - theirs).max() < 1e-3, name
    inputs = decode_inputs(twin, frames, onnx.size)
    logits, quality = onnx.decode(twin, *inputs)
    logits_, quality_ = torch_.decode(twin, *inputs)
    assert logits.shape == logits_.shape == (count, onnx.size // 2, onnx.size // 2)
    assert quality.shape == quality_.shape == (count, 2)
    assert logits.std() > 0.01
    assert np.abs(logits - logits_).max() < 1e-3
    assert np.abs(quality - quality_).max() < 1e-4
    assert 0 <= quality.min() <= quality.max() <= 1


def test_the_same_again(runtimes):
    onnx, _ = runtimes
    crops = random_crops(2, size=onnx.size)
    features = onnx.encode(crops)
    inputs = decode_inputs(features, 2, onnx.size)
    first, again = onnx.decode(features, *inputs), onnx.decode(onnx.encode(crops), *inputs)
    assert (first[0] == again[0]).all()
    assert (first[1] == again[1]).all()


def test_features_of_some(runtimes):
    onnx, _ = runtimes
    features = onnx.encode(random_crops(3, size=onnx.size))
    some = features.at([2, 0])
    assert (some.key[0] == features.key[2]).all()
    assert (some.skip2[1] == features.skip2[0]).all()
    assert len(some.linear) == 2


@pytest.mark.parametrize("fusion", [(), ("solved",)])
def test_graphs_of_other_fusions(tmp_path, fusion):
    """The exporter drops inputs that such a network does not use; the runtime must not hand them over."""
    net = random_net(fusion)
    save_checkpoint(tmp_path / CHECKPOINT, net.state_dict(), {"size": net.config.size, "fusion": fusion})
    export_graphs(tmp_path / CHECKPOINT, tmp_path)
    onnx, torch_ = OnnxRuntime(tmp_path, 1), TorchRuntime(tmp_path / CHECKPOINT)
    features = torch_.encode(random_crops(2))
    inputs = decode_inputs(features, 1, onnx.size)
    assert np.abs(onnx.decode(features, *inputs)[0] - torch_.decode(features, *inputs)[0]).max() < 1e-3


@pytest.fixture
def folder(tmp_path, tiny_weights):
    """A copy that a test may break."""
    return shutil.copytree(tiny_weights, tmp_path / "weights")


def refused(folder, match):
    with pytest.raises(WeightsError, match=match) as caught:
        open_runtime(folder)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("name", [ENCODER, HEAD])
def test_graphs_of_other_weights_are_refused(folder, tmp_path, name):
    net = random_net(seed=1)
    save_checkpoint(tmp_path / CHECKPOINT, net.state_dict(), {"size": net.config.size, "fusion": net.config.fusion})
    export_graphs(tmp_path / CHECKPOINT, tmp_path)
    shutil.copy(tmp_path / name, folder / name)
    refused(folder, f"{name} was made of other weights")
    shutil.copytree(tmp_path, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("weights"))
    assert open_runtime(folder).weights_sha256 == fingerprint(tmp_path / CHECKPOINT)


@pytest.mark.parametrize("name", [ENCODER, HEAD])
@pytest.mark.parametrize("damage", ["gone", "empty", "noise", "cut"])
def test_broken_graphs_are_refused(folder, name, damage):
    path = folder / name
    content = path.read_bytes()
    path.unlink()
    if damage != "gone":
        path.write_bytes({"empty": b"", "noise": b"\x93noise" * 999, "cut": content[: len(content) // 2]}[damage])
    refused(folder, "make it with trackmask weights export")


def test_missing_and_broken_checkpoints_are_refused(folder):
    path = folder / CHECKPOINT
    path.write_bytes(path.read_bytes()[:-5])
    refused(folder, "made of other weights")
    path.unlink()
    refused(folder, "cannot be read")
    with pytest.raises(WeightsError, match="cannot be read"):
        TorchRuntime(path)


class Bomb:
    def __reduce__(self):
        return exec, ("raise SystemExit('a pickle was run')",)


@pytest.mark.parametrize("name", [CHECKPOINT, ENCODER, HEAD])
def test_no_pickle_is_ever_read(folder, name):
    (folder / name).write_bytes(pickle.dumps(Bomb()))
    refused(folder, "make it with trackmask weights export")
    torch.save(Bomb(), folder / name)
    refused(folder, "make it with trackmask weights export")
    if name == CHECKPOINT:
        with pytest.raises(WeightsError, match="cannot be read as weights"):
            TorchRuntime(folder / name)


@pytest.mark.parametrize(
    ("device", "words"), [("toaster", "there is no device 'toaster'"), ("cuda:99", "cannot use the device 'cuda:99'")]
)
def test_devices_that_are_not_there(tiny_weights, device, words):
    with pytest.raises(CallError, match=f"{words}.*give cpu"):
        open_runtime(tiny_weights, device)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_opened_anew_it_answers_the_same_and_its_memory_goes_back():
    def pages():
        trim()  # what is free and glibc keeps does not count
        return int(Path("/proc/self/statm").read_text().split()[1])

    runtime, began = OnnxRuntime(threads=1), pages()
    crops = random_crops(6, size=runtime.size)
    features = runtime.encode(crops)
    memories = [remember(features.only(i), mask) for i, mask in enumerate(soft_masks(6, runtime.size // 2))]
    logits = runtime.decode(features, *decode_inputs(features, 8, runtime.size))[0].copy()
    used, features = pages(), None
    runtime.renew()
    assert pages() - began < (used - began) / 5
    features = runtime.encode(crops)
    assert np.array_equal(logits, runtime.decode(features, *decode_inputs(features, 8, runtime.size))[0])
    assert len(memories) == 6  # what is remembered holds none of it


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_its_memory_does_not_grow_with_the_objects_that_come_and_go():
    def megabytes():
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6

    runtime, began = OnnxRuntime(threads=1), megabytes()
    for count in (1, 6, 3, 5, 2, 4):
        features = runtime.encode(random_crops(count, size=runtime.size))
        runtime.decode(features, *decode_inputs(features, 8, runtime.size))
    assert megabytes() - began < 350  # for all at once it would be 800


def test_where_it_cannot_be_opened_anew_it_goes_on_with_what_it_has(folder):
    runtime = OnnxRuntime(folder, threads=1)
    crops = random_crops(1, size=runtime.size)
    before = runtime.encode(crops)
    (folder / HEAD).unlink()
    with pytest.raises(WeightsError):
        runtime.renew()
    assert np.array_equal(before.key, runtime.encode(crops).key)


def test_sigmoid():
    x = np.array([-1000, -1, 0, 1, 1000], np.float32)
    found = sigmoid(x)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, [0, 0.26894142, 0.5, 0.7310586, 1], atol=1e-6)
