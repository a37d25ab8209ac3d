"""Runs the network: ONNX Runtime on the CPU, torch on a GPU. Weights' files and the graphs made from them."""

from pathlib import Path

from trackmask.runtime.graphs import export_graphs
from trackmask.runtime.interface import Features, Runtime, given_shapes, sigmoid
from trackmask.runtime.onnx import OnnxRuntime
from trackmask.runtime.torch import TorchRuntime
from trackmask.runtime.weights import (
    CHECKPOINT,
    fingerprint,
    load_network,
    read_checkpoint,
    save_checkpoint,
    shipped_folder,
)

__all__ = [
    "CHECKPOINT",
    "Features",
    "OnnxRuntime",
    "Runtime",
    "TorchRuntime",
    "export_graphs",
    "fingerprint",
    "given_shapes",
    "load_network",
    "open_runtime",
    "read_checkpoint",
    "save_checkpoint",
    "shipped_folder",
    "sigmoid",
]


def open_runtime(folder: Path | None = None, device: str = "cpu", threads: int = 0) -> Runtime:
    """The network, ready to run: ONNX Runtime where `device` is "cpu", torch on any other.

    `folder`: of weights other than the shipped ones; `threads`: of the CPU, 0 = as many as there are cores.
    Raises WeightsError; for another device ExtraError without torch, and CallError where this machine has none such.
    """
    if device == "cpu":
        return OnnxRuntime(folder, threads)
    return TorchRuntime(folder / CHECKPOINT if folder else None, device)
