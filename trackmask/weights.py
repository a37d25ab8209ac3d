"""The weights' files: where they are, what they hold, and the runtime's graphs made from them.

    trackmask.safetensors        the checkpoint: the network's weights, with its configuration in the header
    trackmask-encoder.onnx       made from it: a crop → features
    trackmask-head.onnx          made from it: features and memory → mask

In the wheel they lie in the package, in a checkout in `weights/`. Only safetensors is read: a pickle can run code.
Torch is imported where it is needed: finding and hashing the files must not wait for it.
"""

from __future__ import annotations

import hashlib
import json
import os
import warnings
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from trackmask.errors import WeightsError
from trackmask.network.constants import KEY, VALUE, WEIGHTS
from trackmask.staging import writing

if TYPE_CHECKING:
    from torch import Tensor, nn

    from trackmask.network.model import TrackNet

CHECKPOINT = "trackmask.safetensors"
ENCODER = "trackmask-encoder.onnx"
HEAD = "trackmask-head.onnx"
# Names of the graphs' inputs and outputs, in order.
FEATURES = ("skip2", "skip4", "skip8", "skip16", "key", "memory_key", "linear", "linear4", "context", "objectness")
GIVEN = ("previous", "prompts", "keys", "values", "weights")
RESULTS = ("logits", "quality")
OPSET = 17


def given_shapes(size: int, frames: int) -> tuple[tuple[int, ...], ...]:
    """Of GIVEN, for one object with that many frames in memory and a crop of `size` pixels."""
    cells = (size // 16) ** 2
    return (
        (1, size // 2, size // 2),
        (2, size // 4, size // 4),
        (frames, cells, KEY),
        (frames, cells, VALUE),
        (WEIGHTS,),
    )


def shipped_folder() -> Path:
    """The folder of the weights that came with trackmask. Raises WeightsError."""
    package = Path(__file__).parent
    for folder in (package / "model", package.parent / "weights"):
        if (folder / CHECKPOINT).exists():
            return folder
    raise WeightsError("the weights that ship with trackmask are missing; install it again from its wheel")


def fingerprint(path: Path) -> str:
    """sha256 of a file, in hex. Raises WeightsError where it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise WeightsError(f"{path} cannot be read ({error.strerror}); check the path and its permissions") from error


def save_checkpoint(path: Path, state: Mapping[str, Tensor], config: Mapping[str, Any]) -> None:
    """Write weights by name and the fields of their NetworkConfig, in one piece. Raises OutputError."""
    from safetensors.torch import save

    blob = save({name: tensor.contiguous() for name, tensor in state.items()}, {"network": json.dumps(config)})
    write_whole(path, blob)


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that it holds its old content or the new one, whatever happens. Raises OutputError."""
    partial = path.with_suffix(".partial")
    with writing(path.parent):
        with partial.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)


def read_checkpoint(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The weights by name, and the fields of the NetworkConfig that they belong to. Raises WeightsError."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as file:
            header = (file.metadata() or {}).get("network")
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # not a dict
        if header is not None:
            return state, dict(json.loads(header))
    except (OSError, SafetensorError, TypeError, ValueError) as error:
        raise WeightsError(f"{path} cannot be read as weights ({error}); give a .safetensors of trackmask") from error
    raise WeightsError(f"{path} holds no trackmask network; give a file that `trackmask weights export` wrote")


def load_network(path: Path) -> TrackNet:
    """The network in torch, ready to run. Raises WeightsError."""
    from trackmask.network.model import NetworkConfig, TrackNet

    state, config = read_checkpoint(path)
    try:
        net = TrackNet(NetworkConfig(config["size"], tuple(config["fusion"])))
        net.load_state_dict(state)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise WeightsError(f"{path} does not fit this version's network; train it again") from error
    return net.eval()


class Graph(NamedTuple):
    """A part of the network with an example of its inputs, ready to be exported."""

    module: nn.Module
    example: tuple[Tensor, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


def export_graphs(checkpoint: Path, folder: Path) -> tuple[Path, Path]:
    """Write the runtime's two graphs beside each other into `folder`, and return their paths.

    The crop's size is fixed; the number of objects and of memory frames is free. Each graph carries the checkpoint's
    sha256, so that a graph of other weights is noticed. Raises WeightsError, and OutputError where it cannot write.
    """
    net = load_network(checkpoint)
    origin = {"checkpoint": fingerprint(checkpoint)} | asdict(net.config)
    encoder, head = graphs(net)
    write_graph(folder / ENCODER, encoder, origin)
    write_graph(folder / HEAD, head, origin)
    return folder / ENCODER, folder / HEAD


def graphs(net: TrackNet) -> tuple[Graph, Graph]:
    """Encoder and head, with examples of two objects that remember three frames."""
    import torch

    from trackmask.network.encoder import Features, folded

    class Head(torch.nn.Module):
        """The network with its features spread out: a graph's inputs are plain tensors."""

        def __init__(self) -> None:
            super().__init__()
            self.net = net

        def forward(self, *inputs: Tensor) -> Any:
            return self.net(Features(*inputs[: len(FEATURES)]), *inputs[len(FEATURES) :])

    size = net.config.size
    images = torch.zeros(2, size, size, 3, dtype=torch.uint8)
    with torch.no_grad():
        features = net.encoder(images)
    given = (torch.zeros(2, *shape) for shape in given_shapes(size, 3))
    return (
        Graph(folded(net.encoder), (images,), ("images",), FEATURES),
        Graph(Head(), (*features, *given), (*FEATURES, *GIVEN), RESULTS),
    )


def write_graph(path: Path, graph: Graph, metadata: Mapping[str, object]) -> None:
    """Export one graph, in one piece. Raises WeightsError where onnx is missing, OutputError where it cannot write."""
    from tempfile import TemporaryDirectory

    import torch

    try:
        import onnx
    except ImportError:
        raise WeightsError(
            "making graphs needs the package onnx; install it with pip install 'trackmask[train]'"
        ) from None
    axes: dict[str, dict[int, str]] = {name: {0: "objects"} for name in (*graph.inputs, *graph.outputs)}
    axes |= {name: {0: "objects", 1: "frames"} for name in ("keys", "values") if name in axes}
    with writing(path.parent), TemporaryDirectory() as room, warnings.catch_warnings():
        # torch announces the successor of this exporter, and constants that it folds; neither is the user's concern.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            graph.module,
            graph.example,
            Path(room) / path.name,
            input_names=list(graph.inputs),
            output_names=list(graph.outputs),
            dynamic_axes=axes,
            opset_version=OPSET,
            dynamo=False,
        )
        model = onnx.load(Path(room) / path.name)
    onnx.helper.set_model_props(model, {key: str(value) for key, value in metadata.items()})
    write_whole(path, model.SerializeToString())
