"""Runs the network: ONNX Runtime on the CPU, torch on a GPU. Numpy in, numpy out, so that the tracker knows neither."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

from .errors import WeightsError
from .weights import CHECKPOINT, ENCODER, FEATURES, GIVEN, HEAD, fingerprint, load_network, shipped_folder


class Features(NamedTuple):
    """What is known of N crops: `network.encoder.Features` as float32 arrays."""

    skip2: np.ndarray
    skip4: np.ndarray
    skip8: np.ndarray
    skip16: np.ndarray
    key: np.ndarray
    memory_key: np.ndarray
    linear: np.ndarray
    context: np.ndarray
    objectness: np.ndarray

    def at(self, indices: list[int]) -> Features:
        return Features(*(x[indices] for x in self))


class Runtime(Protocol):
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
        """The inputs of `network.model.TrackNet.forward` → logits (N, S/2, S/2) and quality (N, 2) in [0, 1]."""
        ...


class OnnxRuntime:
    """On the CPU. The graphs lie beside the checkpoint and must be made from it."""

    def __init__(self, folder: Path | None = None, threads: int = 0) -> None:
        """`threads` 0 = as many as there are cores."""
        import onnxruntime

        folder = folder or shipped_folder()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        # Waiting threads must not burn the cores that decode and write the video.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        try:
            self.sessions = [
                onnxruntime.InferenceSession(str(folder / name), options, providers=["CPUExecutionProvider"])
                for name in (ENCODER, HEAD)
            ]
        except Exception as error:  # noqa: BLE001: onnxruntime's errors have no common ancestor
            raise WeightsError(f"The graphs in {folder} cannot be loaded; make them by `trackmask weights export`.") from error
        self.weights_sha256 = fingerprint(folder / CHECKPOINT)
        for session in self.sessions:
            if session.get_modelmeta().custom_metadata_map.get("checkpoint") != self.weights_sha256:
                raise WeightsError(f"The graphs in {folder} belong to other weights: run `trackmask weights export`.")
        self.size = self.sessions[0].get_inputs()[0].shape[1]
        self.wanted = {i.name for i in self.sessions[1].get_inputs()}  # the exporter drops what a network does not use

    def encode(self, crops: np.ndarray) -> Features:
        return Features(*self.sessions[0].run(FEATURES, {"images": crops}))

    def decode(self, features: Features, *given: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        inputs = dict(zip((*FEATURES, *GIVEN), (*features, *given), strict=True))
        logits, quality = self.sessions[1].run(None, {k: v for k, v in inputs.items() if k in self.wanted})
        return logits[:, 0], sigmoid(quality)


class TorchRuntime:
    """On any device that torch knows: cpu, cuda, mps."""

    def __init__(self, checkpoint: Path | None = None, device: str = "cpu") -> None:
        import torch

        self.torch, self.device = torch, device
        checkpoint = checkpoint or shipped_folder() / CHECKPOINT
        try:
            self.net = load_network(checkpoint).to(device)
        except (RuntimeError, AssertionError) as error:
            raise WeightsError(f"torch cannot use the device {device!r} here: {str(error).splitlines()[0]}") from error
        self.size, self.weights_sha256 = self.net.config.size, fingerprint(checkpoint)

    def encode(self, crops: np.ndarray) -> Features:
        with self.torch.inference_mode():
            return Features(*(x.cpu().numpy() for x in self.net.encoder(self.tensor(crops))))

    def decode(self, features: Features, *given: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        from .network.encoder import Features as TorchFeatures

        with self.torch.inference_mode():
            logits, quality = self.net(TorchFeatures(*map(self.tensor, features)), *map(self.tensor, given))
            return logits[:, 0].cpu().numpy(), sigmoid(quality.cpu().numpy())

    def tensor(self, x: np.ndarray):  # noqa: ANN201: torch is not imported here
        return self.torch.from_numpy(np.ascontiguousarray(x)).to(self.device)


def open_runtime(folder: Path | None = None, device: str = "cpu", threads: int = 0) -> Runtime:
    """`folder`: of weights other than the shipped ones. Raises WeightsError."""
    if device == "cpu":
        return OnnxRuntime(folder, threads)
    return TorchRuntime(folder / CHECKPOINT if folder else None, device)


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-np.clip(x, -30, 30)))
