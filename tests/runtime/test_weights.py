import hashlib
import json
import os
import pickle
import shutil
import subprocess

import pytest
import torch
from networks import random_net
from safetensors.torch import save_file

from trackmask.errors import OutputError, WeightsError
from trackmask.network.model import NetworkConfig, TrackNet
from trackmask.runtime import OnnxRuntime, export_graphs, weights
from trackmask.runtime.weights import CHECKPOINT, ENCODER, HEAD, fingerprint, load_network, save_checkpoint


def as_json(config):
    return {"size": config.size, "fusion": config.fusion}


@pytest.mark.parametrize("fusion", [NetworkConfig.fusion, ("solved",), ()])
def test_round_trip(tmp_path, fusion):
    net = random_net(fusion, size=96)
    save_checkpoint(tmp_path / "a.safetensors", net.state_dict(), as_json(net.config))
    loaded = load_network(tmp_path / "a.safetensors")
    assert loaded.config == NetworkConfig(96, fusion)
    assert not loaded.training
    state = net.state_dict()
    assert loaded.state_dict().keys() == state.keys()
    assert all(torch.equal(value, state[name]) for name, value in loaded.state_dict().items())
    assert [p.name for p in tmp_path.iterdir()] == ["a.safetensors"]


def test_parameter_names_stay():
    """Checkpoints are read by these names: whoever renames a module makes every one of them useless."""
    lines = sorted(f"{name} {tuple(value.shape)}" for name, value in TrackNet(NetworkConfig()).state_dict().items())
    assert "encoder.backbone.blocks.10.project.bias (112,)" in lines
    assert "fusion.learned.squeeze.weight (256, 1024)" in lines
    assert hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16] == "22b51b41232c29e6"


def foreign(folder):
    """Files that are no checkpoint of ours, and what is said of them."""
    net = random_net()
    path = folder / "x.safetensors"
    state = {name: value.contiguous() for name, value in net.state_dict().items()}
    config = json.dumps(as_json(net.config))
    yield path, "cannot be read as weights"  # there is none
    path.write_bytes(b"")
    yield path, "cannot be read as weights"
    path.write_bytes(b"no weights at all" * 100)
    yield path, "cannot be read as weights"
    save_file({"a": torch.zeros(3)}, path)
    yield path, "holds no trackmask network"
    save_file(state, path, {"network": "{"})
    yield path, "cannot be read as weights"
    save_file(state, path, {"network": "[1, 2]"})
    yield path, "cannot be read as weights"
    save_file(state, path, {"network": "{}"})
    yield path, "does not fit this version's network"
    save_file(state, path, {"network": config.replace("64", "128")})
    yield path, "does not fit this version's network"
    save_file(state, path, {"network": config.replace("solved", "dreamt")})
    yield path, "does not fit this version's network"
    save_file(state | {"more": torch.zeros(1)}, path, {"network": config})
    yield path, "does not fit this version's network"
    save_file(state, path, {"network": config})
    path.write_bytes(path.read_bytes()[:-1000])
    yield path, "cannot be read as weights"
    yield folder, "cannot be read as weights"


def test_foreign_files_are_refused(tmp_path):
    for path, message in foreign(tmp_path):
        with pytest.raises(WeightsError, match=message) as caught:
            load_network(path)
        assert len(str(caught.value).splitlines()) == 1


class Bomb:
    def __reduce__(self):
        return exec, ("raise SystemExit('a pickle was run')",)


def test_a_pickle_is_not_run(tmp_path):
    path = tmp_path / CHECKPOINT
    for protocol in (0, 2, 4):
        path.write_bytes(pickle.dumps(Bomb(), protocol))
        with pytest.raises(WeightsError):
            load_network(path)
    torch.save({"net": Bomb()}, path)
    with pytest.raises(WeightsError):
        load_network(path)


def test_saving_keeps_the_old_file_until_the_new_one_is_whole(tmp_path, monkeypatch):
    path, net = tmp_path / CHECKPOINT, random_net()
    save_checkpoint(path, net.state_dict(), as_json(net.config))
    before = fingerprint(path)

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match="No space left"):
        save_checkpoint(path, random_net(seed=1).state_dict(), as_json(net.config))
    assert fingerprint(path) == before


@pytest.mark.parametrize("name", [CHECKPOINT, ENCODER, HEAD])
def test_a_flipped_bit_is_noticed_before_anything_runs(tmp_path, tiny_weights, name):
    folder = tmp_path / "weights"
    shutil.copytree(tiny_weights, folder)
    weights.write_sums(folder)
    assert set(OnnxRuntime(folder).files) == {CHECKPOINT, ENCODER, HEAD}
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(WeightsError, match=f"{name} is damaged"):
        OnnxRuntime(folder)


def test_the_checksums_are_those_of_sha256sum(tmp_path, tiny_weights):
    folder = tmp_path / "weights"
    shutil.copytree(tiny_weights, folder)
    sums = weights.write_sums(folder)
    subprocess.run(["sha256sum", "--check", "--quiet", sums.name], cwd=folder, check=True)


def test_the_shipped_weights_have_their_checksums():
    folder = weights.shipped_folder()
    assert (folder / weights.SUMS).is_file()
    assert set(weights.verified(folder, CHECKPOINT, ENCODER, HEAD)) == {CHECKPOINT, ENCODER, HEAD}


def test_fingerprint(tmp_path):
    file = tmp_path / "a"
    file.write_bytes(b"abc")
    assert fingerprint(file) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    with pytest.raises(WeightsError, match="cannot be read"):
        fingerprint(tmp_path / "missing")


def test_graphs_name_their_checkpoint(tiny_weights):
    onnx = pytest.importorskip("onnx")
    for name in (ENCODER, HEAD):
        given = {p.key: p.value for p in onnx.load(tiny_weights / name).metadata_props}
        assert given["checkpoint"] == fingerprint(tiny_weights / CHECKPOINT)
        assert given["size"] == "64"


def test_files_are_small_enough_to_ship(any_weights):
    for name in (CHECKPOINT, ENCODER, HEAD):
        assert (any_weights / name).stat().st_size <= 12_000_000


def test_graphs_cannot_be_written(tmp_path, tiny_weights):
    with pytest.raises(OutputError, match="cannot write"):
        export_graphs(tiny_weights / CHECKPOINT, tmp_path / "missing")


def test_shipped_weights_are_found_or_missed_in_words(tmp_path, monkeypatch, tiny_weights):
    monkeypatch.setattr(weights, "__file__", str(tmp_path / "trackmask" / "runtime" / "weights.py"))
    with pytest.raises(WeightsError, match="install it again"):
        weights.shipped_folder()
    shutil.copytree(tiny_weights, tmp_path / "weights")
    assert weights.shipped_folder() == tmp_path / "weights"
    shutil.copytree(tiny_weights, tmp_path / "trackmask" / "model")
    assert weights.shipped_folder() == tmp_path / "trackmask" / "model"
