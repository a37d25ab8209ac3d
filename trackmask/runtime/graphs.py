"""The runtime's two graphs, made from a checkpoint by torch and onnx."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from trackmask.extras import need
from trackmask.files import write_whole, writing
from trackmask.runtime.interface import FEATURES, GIVEN, RESULTS, given_shapes
from trackmask.runtime.weights import ENCODER, HEAD, fingerprint, load_network

if TYPE_CHECKING:
    from torch import Tensor, nn

    from trackmask.network.model import TrackNet

OPSET = 17


class Graph(NamedTuple):
    """A part of the network with an example of its inputs, ready to be exported."""

    module: nn.Module
    example: tuple[Tensor, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


def export_graphs(checkpoint: Path, folder: Path) -> tuple[Path, Path]:
    """Write the runtime's two graphs beside each other into `folder`, and return their paths.

    The crop's size is fixed; the number of objects and of memory frames is free. Each graph carries the checkpoint's
    sha256, so that a graph of other weights is noticed.
    Raises WeightsError, ExtraError, and OutputError where it cannot write.
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
    """Export one graph, in one piece. Raises ExtraError, and OutputError where it cannot write."""
    from tempfile import TemporaryDirectory

    need("train", "making the graphs", "torch", "onnx")
    import onnx
    import torch

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
