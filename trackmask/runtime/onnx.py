"""Runs the network on the CPU, with ONNX Runtime."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from trackmask.errors import WeightsError
from trackmask.runtime.calibration import read_calibration
from trackmask.runtime.interface import FEATURES, GIVEN, RESULTS, Features, sigmoid
from trackmask.runtime.weights import CALIBRATION, CHECKPOINT, ENCODER, HEAD, calibration_in, shipped_folder, verified

if TYPE_CHECKING:
    import onnxruntime

AWAKE = "20"  # microseconds that a thread waits before it sleeps; what longer ones gave is in docs/runtime.md


class OnnxRuntime:
    """On the CPU. The graphs lie beside the checkpoint and must be made from it.

    They are asked for one object at a time, which takes no longer: for several at once ONNX Runtime keeps memory for
    each number of them, 1.4 GB for up to six objects in place of 0.4.
    """

    def __init__(self, folder: Path | None = None, threads: int = 0) -> None:
        """`folder` None = the shipped weights; `threads` 0 = as many as there are cores. Raises WeightsError."""
        self.weights_folder = folder
        folder = folder or shipped_folder()
        for graph in (folder / ENCODER, folder / HEAD):
            if not graph.is_file():
                raise WeightsError(f"there is no graph {graph}; make it with trackmask weights export")
        self.files = verified(folder, CHECKPOINT, ENCODER, HEAD, *calibration_in(folder))
        self.weights_sha256 = self.files[CHECKPOINT]
        self.calibration = read_calibration(folder / CALIBRATION, self.weights_sha256)
        self._folder, self._threads = folder, threads
        self.renew()
        self.size = _crop_size(folder / ENCODER, self._encoder)
        # The exporter drops what a network does not use, and the session refuses what it does not know.
        self._wanted = {given.name for given in self._head.get_inputs()}
        if not self._wanted <= {*FEATURES, *GIVEN} or len(self._head.get_outputs()) != len(RESULTS):
            raise _not_ours(folder / HEAD)

    def renew(self) -> None:
        """Open the graphs anew, so that memory goes back: ONNX Runtime keeps what it ever took, anew for each number of
        remembered frames. It goes back once nobody has answers any more that lie in it. Who asks
        meanwhile is answered. Raises WeightsError; then all is as it was.
        """
        opened = [_session(self._folder / name, self.weights_sha256, self._threads) for name in (ENCODER, HEAD)]
        self._encoder, self._head = opened

    def encode(self, crops: np.ndarray) -> Features:
        with _running(self._folder / ENCODER):
            found = [self._encoder.run(FEATURES, {"images": crop[None]}) for crop in crops]
        return Features(*map(_joined, zip(*found, strict=True)))

    def decode(self, features: Features, *given: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        all_ = dict(zip((*FEATURES, *GIVEN), (*features, *given), strict=True))
        wanted = [(name, all_[name]) for name in self._wanted]
        with _running(self._folder / HEAD):
            found = [
                self._head.run(None, {name: values[place : place + 1] for name, values in wanted})
                for place in range(len(features.key))
            ]
        logits, quality = map(_joined, zip(*found, strict=True))
        count, side = len(features.key), self.size // 2
        if (logits.shape, quality.shape) != ((count, 1, side, side), (count, 2)):
            raise _not_ours(self._folder / HEAD)
        return logits[:, 0], sigmoid(quality)


def _joined(parts: Sequence[np.ndarray]) -> np.ndarray:
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def cores() -> int:
    """Those that this process may use."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _session(graph: Path, weights_sha256: str, threads: int) -> onnxruntime.InferenceSession:
    # Since 1.29 it reports models and machine to its maker, by network and from a file in the user's home, unless this
    # is said before it is loaded.
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime

    options = onnxruntime.SessionOptions()
    # Left to choose their number, it ties each thread to a core, where it waits for what decodes and writes the video.
    options.intra_op_num_threads = threads or cores()
    # Waiting threads must not burn the cores that decode and write the video; but from one layer to the next, to fall
    # asleep and be woken takes longer than the wait. Runtimes before 1.27 cannot be told how long to stay awake.
    brief = tuple(map(int, onnxruntime.__version__.split(".")[:2])) >= (1, 27)
    options.add_session_config_entry("session.intra_op.allow_spinning", "1" if brief else "0")
    options.add_session_config_entry("session.intra_op.spin_duration_us", AWAKE)
    options.add_session_config_entry("session.force_spinning_stop", "1")
    options.log_severity_level = 3  # errors alone
    with _running(graph):
        session = onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
    if session.get_modelmeta().custom_metadata_map.get("checkpoint") != weights_sha256:
        raise WeightsError(f"the graph {graph} was made of other weights; make it with trackmask weights export")
    return session


@contextmanager
def _running(graph: Path) -> Iterator[None]:
    """What ONNX Runtime does not take becomes a WeightsError: a graph may come from anybody."""
    from onnxruntime.capi import onnxruntime_pybind11_state as refusals

    try:
        yield
    except (
        refusals.Fail,  # these have no common ancestor of their own
        refusals.InvalidArgument,
        refusals.InvalidGraph,
        refusals.InvalidProtobuf,
        refusals.NoSuchFile,
        refusals.NotImplemented,
        refusals.RuntimeException,
        ValueError,  # a name or a kind of value that the graph does not have
    ) as error:
        raise _not_ours(graph) from error


def _crop_size(graph: Path, encoder: onnxruntime.InferenceSession) -> int:
    """The side S of the crops (N, S, S, 3) that an encoder takes. Raises WeightsError where it is none of ours."""
    shapes = {given.name: given.shape for given in encoder.get_inputs()}
    size = shapes["images"][1] if shapes.keys() == {"images"} and len(shapes["images"]) == 4 else None
    if type(size) is not int or not {*FEATURES} <= {given.name for given in encoder.get_outputs()}:
        raise _not_ours(graph)
    return size


def _not_ours(graph: Path) -> WeightsError:
    return WeightsError(f"the graph {graph} cannot be run; make it with trackmask weights export")
