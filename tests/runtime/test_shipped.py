"""The weights that ship: their float graphs are torch's twins, and the 8-bit encoder gives the same masks."""

import numpy as np
import onnx
import pytest
from conftest import ROOT

from trackmask.prompts import Prompt, read_mask
from trackmask.runtime import OnnxRuntime, TorchRuntime
from trackmask.runtime.weights import ENCODER, shipped_folder
from trackmask.tracking import Tracker
from trackmask.video import open_video

SAMPLES = ROOT / "samples"
FRAMES = 16
PROMPTS = {"bunny.mp4": {"mask": "bunny.mask.png"}, "cat.mp4": {"box": (20, 119, 138, 104)}}


def masks_of(runtime, name):
    """(FRAMES, H, W) bool: the object of a sample, tracked."""
    given = dict(PROMPTS[name])
    if "mask" in given:
        given["mask"] = read_mask(SAMPLES / given["mask"])[1]
    with open_video(SAMPLES / name) as video:
        frames = [frame.image for frame, _ in zip(video, range(FRAMES), strict=False)]
    tracker = Tracker(runtime, frames[0].shape[:2])
    prompt = Prompt(1, 0, **given)
    return np.stack([tracker.step(image, [prompt] if i == 0 else ()).labels > 0 for i, image in enumerate(frames)])


def overlaps(a, b):
    """IoU of each frame."""
    return (a & b).sum((1, 2)) / (a | b).sum((1, 2))


@pytest.mark.parametrize("name", PROMPTS)
def test_torch_onnx_and_eight_bits_give_the_same_masks(exact_weights, name):
    ours = masks_of(OnnxRuntime(exact_weights), name)
    assert ours.any((1, 2)).all()
    assert overlaps(ours, masks_of(TorchRuntime(), name)).min() >= 0.999
    shipped = overlaps(ours, masks_of(OnnxRuntime(), name))
    assert shipped.mean() > 0.98
    assert shipped.min() > 0.95


def test_the_shipped_encoder_computes_in_eight_bits():
    graph = onnx.load(shipped_folder() / ENCODER)
    kinds = [node.op_type for node in graph.graph.node]
    assert kinds.count("QuantizeLinear") > 20
    assert {prop.key: prop.value for prop in graph.metadata_props}["encoder"] == "int8"
