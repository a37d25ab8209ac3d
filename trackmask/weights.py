"""The weights' files: where they are, what they hold, and the runtime's graphs made from them.

    trackmask.safetensors        the checkpoint: the network's weights, with its configuration in the header
    trackmask-encoder.onnx       made from it: a crop → features
    trackmask-head.onnx          made from it: features and memory → mask

In the wheel they lie in the package, in a checkout in `weights/`. Only safetensors is read: a pickle can run code.
"""

from __future__ import annotations

import hashlib
import json
import os
import warnings
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import WeightsError

if TYPE_CHECKING:
    from torch import Tensor

    from .network.model import TrackNet

CHECKPOINT = "trackmask.safetensors"
ENCODER = "trackmask-encoder.onnx"
HEAD = "trackmask-head.onnx"
FEATURES = ("skip2", "skip4", "skip8", "skip16", "key", "memory_key", "linear", "context", "objectness")
GIVEN = ("previous", "prompts", "keys", "values", "weights")
OPSET = 17


def shipped_folder() -> Path:
    """The folder of the weights that came with trackmask."""
    package = Path(__file__).parent
    for folder in (package / "model", package.parent / "weights"):
        if (folder / CHECKPOINT).exists():
            return folder
    raise WeightsError("The weights that ship with trackmask are missing: install it again from its wheel.")


def fingerprint(path: Path) -> str:
    """sha256 of a file, hexadecimal"""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def save_checkpoint(path: Path, state: dict[str, Tensor], config: dict) -> None:
    from safetensors.torch import save

    blob = save({k: v.contiguous() for k, v in state.items()}, {"network": json.dumps(config)})
    partial = path.with_suffix(".partial")
    with partial.open("wb") as file:
        file.write(blob)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def read_checkpoint(path: Path) -> tuple[dict[str, Tensor], dict]:
    """The weights by name, and the configuration of the network that they belong to."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as file:
            header = (file.metadata() or {}).get("network")
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118: not a dict
    except (OSError, SafetensorError) as error:
        raise WeightsError(f"{path} cannot be read as weights (.safetensors): {error}") from error
    if header is None:
        raise WeightsError(f"{path} holds no trackmask network: choose a file that `trackmask train` wrote.")
    return state, json.loads(header)


def load_network(path: Path) -> TrackNet:
    """The network in torch, ready to run."""
    from .network.model import NetworkConfig, TrackNet

    state, config = read_checkpoint(path)
    net = TrackNet(NetworkConfig(size=config["size"], fusion=tuple(config["fusion"])))
    try:
        net.load_state_dict(state)
    except RuntimeError as error:
        raise WeightsError(f"{path} does not fit this version's network: train it again.") from error
    return net.eval()


def export_graphs(checkpoint: Path, folder: Path) -> tuple[Path, Path]:
    """Write the runtime's two graphs beside each other into `folder`, and return their paths.

    The crop's size is fixed; the number of objects and of memory frames is free. Each graph carries the checkpoint's
    sha256, so that a graph of other weights is noticed.
    """
    import torch

    from .network.encoder import Features
    from .network.fusion import remember

    net = load_network(checkpoint)
    size = net.config.size
    images = torch.zeros(2, size, size, 3, dtype=torch.uint8)
    with torch.no_grad():
        features = net.encoder(images)
        memory = remember(features, torch.ones(2, 1, size // 2, size // 2))
    keys, values = (torch.cat((x, x, x), 1) for x in (memory.keys, memory.values))
    previous, prompts = torch.zeros(2, 1, size // 2, size // 2), torch.zeros(2, 2, size // 4, size // 4)

    class Head(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = net

        def forward(self, *inputs: Tensor) -> tuple[Tensor, Tensor]:
            given = inputs[len(FEATURES) :]
            return self.net(Features(*inputs[: len(FEATURES)]), *given)

    paths = folder / ENCODER, folder / HEAD
    jobs = (
        (net.encoder, (images,), ("images",), FEATURES),
        (Head(), (*features, previous, prompts, keys, values, memory.target), (*FEATURES, *GIVEN), ("logits", "quality")),
    )
    for path, (module, example, inputs, outputs) in zip(paths, jobs, strict=True):
        axes = {name: {0: "objects"} for name in (*inputs, *outputs)}
        for name in ("keys", "values"):
            if name in axes:
                axes[name][1] = "frames"
        write_graph(path, module, example, inputs, outputs, axes, {"checkpoint": fingerprint(checkpoint)} | asdict(net.config))
    return paths


def write_graph(
    path: Path,
    module: torch.nn.Module,
    example: tuple,
    inputs: tuple[str, ...],
    outputs: tuple[str, ...],
    axes: dict,
    metadata: dict,
) -> None:
    import onnx
    import torch

    partial = path.with_suffix(".partial")
    with warnings.catch_warnings():
        # torch announces the successor of this exporter, and constants that it folds; neither is the user's concern.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module,
            example,
            str(partial),
            input_names=list(inputs),
            output_names=list(outputs),
            dynamic_axes=axes,
            opset_version=OPSET,
            dynamo=False,
        )
    model = onnx.load(str(partial))
    onnx.helper.set_model_props(model, {key: str(value) for key, value in metadata.items()})
    onnx.save(model, str(partial))
    partial.replace(path)
