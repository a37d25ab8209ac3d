"""Runs the network: ONNX Runtime on the CPU, torch on a GPU. Weights' files and the graphs made from them."""

import logging
import re
from collections.abc import Mapping
from pathlib import Path

from trackmask.errors import CallError
from trackmask.runtime.calibration import Calibration, read_calibration
from trackmask.runtime.graphs import export_graphs
from trackmask.runtime.interface import Features, Runtime, given_shapes, sigmoid
from trackmask.runtime.onnx import OnnxRuntime, cores
from trackmask.runtime.torch import TorchRuntime
from trackmask.runtime.weights import (
    CALIBRATION,
    CHECKPOINT,
    ENCODER,
    HEAD,
    calibration_in,
    fingerprint,
    load_network,
    read_checkpoint,
    save_checkpoint,
    shipped_folder,
    verified,
    write_sums,
)

__all__ = [
    "CALIBRATION",
    "CHECKPOINT",
    "ENCODER",
    "HEAD",
    "Calibration",
    "Features",
    "OnnxRuntime",
    "Runtime",
    "TorchRuntime",
    "check_device",
    "cores",
    "export_graphs",
    "fingerprint",
    "given_shapes",
    "load_network",
    "open_runtime",
    "read_calibration",
    "read_checkpoint",
    "running_files",
    "save_checkpoint",
    "shipped_folder",
    "sigmoid",
    "verified",
    "write_sums",
]


log = logging.getLogger(__name__)


def check_device(device: str) -> None:
    """Raises CallError for a name that is no device; whether this machine has it, torch knows."""
    if not re.fullmatch(r"cpu|mps|cuda(:\d+)?", device):
        raise CallError(f"there is no device {device!r}; give cpu, cuda (an NVIDIA GPU) or mps (a Mac's GPU)")


def running_files(folder: Path | None = None, device: str = "cpu") -> Mapping[str, str]:
    """sha256 by name of the files that `open_runtime` would run. Raises WeightsError."""
    names = (CHECKPOINT, ENCODER, HEAD) if device == "cpu" else (CHECKPOINT,)
    folder = folder or shipped_folder()
    return verified(folder, *names, *calibration_in(folder))


def open_runtime(folder: Path | None = None, device: str = "cpu", threads: int = 0) -> Runtime:
    """The network, ready to run: ONNX Runtime where `device` is "cpu", torch on any other.

    `folder`: of weights other than the shipped ones; `threads`: of the CPU, 0 = as many as there are cores.
    Raises WeightsError; for another device ExtraError without torch, and CallError where this machine has none such.
    """
    check_device(device)
    runtime: Runtime
    if device == "cpu":
        runtime = OnnxRuntime(folder, threads)
    else:
        runtime = TorchRuntime(folder / CHECKPOINT if folder else None, device)
    log.info(
        "the network runs on %s, weights %s of %s", device, runtime.weights_sha256[:12], folder or shipped_folder()
    )
    return runtime
