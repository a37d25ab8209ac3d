"""Runs the network on any device that torch knows: a GPU, or the CPU to compare with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from trackmask.errors import CallError
from trackmask.extras import need
from trackmask.runtime.calibration import read_calibration
from trackmask.runtime.interface import Features, sigmoid
from trackmask.runtime.weights import CALIBRATION, CHECKPOINT, calibration_in, load_network, shipped_folder, verified

if TYPE_CHECKING:
    from torch import Tensor


class TorchRuntime:
    """On any device that torch knows: cpu, cuda, mps."""

    def __init__(self, checkpoint: Path | None = None, device: str = "cpu") -> None:
        """`checkpoint` None = the shipped one.

        Raises WeightsError, ExtraError; CallError where there is no such device.
        """
        need("torch", f"the device {device}", "torch")
        import torch

        self._torch, self._device = torch, device
        self.weights_folder = checkpoint.parent if checkpoint else None
        checkpoint = checkpoint or shipped_folder() / CHECKPOINT
        folder = checkpoint.parent
        self.files = verified(folder, checkpoint.name, *calibration_in(folder))
        self.weights_sha256 = self.files[checkpoint.name]
        self.calibration = read_calibration(folder / CALIBRATION, self.weights_sha256)
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
