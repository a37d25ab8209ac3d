"""Runs the network: ONNX Runtime on the CPU, torch on a GPU. Numpy in, numpy out, so that the tracker knows neither."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from trackmask.errors import CallError, WeightsError
from trackmask.weights import CHECKPOINT, ENCODER, FEATURES, GIVEN, HEAD, fingerprint, load_network, shipped_folder

if TYPE_CHECKING:
    import onnxruntime
    from torch import Tensor


class Features(NamedTuple):
    """What is known of N crops: `network.encoder.Features` as float32 arrays."""

    skip2: np.ndarray
    skip4: np.ndarray
    skip8: np.ndarray
    skip16: np.ndarray
    key: np.ndarray
    memory_key: np.ndarray
    linear: np.ndarray
    linear4: np.ndarray
    context: np.ndarray
    objectness: np.ndarray

    def at(self, indices: list[int]) -> Features:
        """Those of some of the crops."""
        return Features(*(x[indices] for x in self))


class Runtime(Protocol):
    """What the tracker needs of a network."""

    size: int  # S: the side of the crop in pixels
    weights_sha256: str  # of the checkpoint

    def encode(self, crops: np.ndarray) -> Features:
        """crops (N, S, S, 3) uint8 RGB"""
        ...

    def decode(
        self,
        features: Features,
        previous: np.ndarray,
        prompts: np.ndarray,
        keys: np.ndarray,
        values: np.ndarray,
        weights: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray]:
        """The inputs of `network.model.TrackNet.forward`, float32 → logits (N, S/2, S/2), and (N, 2) in [0, 1]: the
        predicted IoU and the probability that the object is visible.
        """
        ...


class OnnxRuntime:
    """On the CPU. The graphs lie beside the checkpoint and must be made from it."""

    def __init__(self, folder: Path | None = None, threads: int = 0) -> None:
        """`folder` None = the shipped weights; `threads` 0 = as many as there are cores. Raises WeightsError."""
        folder = folder or shipped_folder()
        self.weights_sha256 = fingerprint(folder / CHECKPOINT)
        self._encoder, self._head = (_session(folder / name, self.weights_sha256, threads) for name in (ENCODER, HEAD))
        self.size: int = self._encoder.get_inputs()[0].shape[1]
        # The exporter drops what a network does not use, and the session refuses what it does not know.
        self._wanted = {given.name for given in self._head.get_inputs()}

    def encode(self, crops: np.ndarray) -> Features:
        return Features(*self._encoder.run(FEATURES, {"images": crops}))

    def decode(self, features: Features, *given: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        inputs = dict(zip((*FEATURES, *GIVEN), (*features, *given), strict=True))
        logits, quality = self._head.run(None, {name: inputs[name] for name in self._wanted})
        return logits[:, 0], sigmoid(quality)


def _session(graph: Path, weights_sha256: str, threads: int) -> onnxruntime.InferenceSession:
    # Since 1.29 it reports models and machine to its maker, by network and from a file in the user's home, unless this
    # is said before it is loaded.
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime
    from onnxruntime.capi import onnxruntime_pybind11_state as refusals

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    # Waiting threads must not burn the cores that decode and write the video.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3  # errors alone
    try:
        session = onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
    except (
        refusals.Fail,  # these have no common ancestor of their own
        refusals.InvalidArgument,
        refusals.InvalidGraph,
        refusals.InvalidProtobuf,
        refusals.NoSuchFile,
        refusals.NotImplemented,
        refusals.RuntimeException,
    ) as error:
        raise WeightsError(f"the graph {graph} cannot be loaded; make it with trackmask weights export") from error
    if session.get_modelmeta().custom_metadata_map.get("checkpoint") != weights_sha256:
        raise WeightsError(f"the graph {graph} was made of other weights; make it with trackmask weights export")
    return session


class TorchRuntime:
    """On any device that torch knows: cpu, cuda, mps."""

    def __init__(self, checkpoint: Path | None = None, device: str = "cpu") -> None:
        """`checkpoint` None = the shipped one. Raises WeightsError; CallError where there is no such device."""
        import torch

        self._torch, self._device = torch, device
        checkpoint = checkpoint or shipped_folder() / CHECKPOINT
        self.weights_sha256 = fingerprint(checkpoint)
        net = load_network(checkpoint)
        try:
            self._net = net.to(device)
        except (RuntimeError, AssertionError) as error:  # the second where torch was built without CUDA
            reason = str(error).splitlines()[0]
            raise CallError(f"torch cannot use the device {device!r} here ({reason}); give cpu") from error
        self.size = net.config.size

    def encode(self, crops: np.ndarray) -> Features:
        with self._torch.inference_mode():
            return Features(*(x.cpu().numpy() for x in self._net.encoder(self._tensor(crops))))

    def decode(self, features: Features, *given: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        from trackmask.network.encoder import Features as TorchFeatures

        with self._torch.inference_mode():
            logits, quality = self._net(TorchFeatures(*map(self._tensor, features)), *map(self._tensor, given))
            return logits[:, 0].cpu().numpy(), sigmoid(quality.cpu().numpy())

    def _tensor(self, x: np.ndarray) -> Tensor:
        return self._torch.from_numpy(np.ascontiguousarray(x)).to(self._device)


def open_runtime(folder: Path | None = None, device: str = "cpu", threads: int = 0) -> Runtime:
    """The network, ready to run: ONNX Runtime where `device` is "cpu", torch on any other.

    `folder`: of weights other than the shipped ones; `threads`: of the CPU, 0 = as many as there are cores.
    Raises WeightsError; CallError where there is no such device.
    """
    if device == "cpu":
        return OnnxRuntime(folder, threads)
    return TorchRuntime(folder / CHECKPOINT if folder else None, device)


def sigmoid(x: np.ndarray) -> np.ndarray:
    """Of logits, any shape, float32; the ends are clipped, where exp would overflow."""
    result: np.ndarray = 1 / (1 + np.exp(-np.clip(x, -30, 30)))
    return result
