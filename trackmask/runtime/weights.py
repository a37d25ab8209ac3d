"""The weights' files: where they are, what they hold, and the runtime's graphs made from them.

    trackmask.safetensors        the checkpoint: the network's weights, with its configuration in the header
    trackmask-encoder.onnx       made from it: a crop → features
    trackmask-head.onnx          made from it: features and memory → mask
    trackmask-confidence.json    fitted with them: what the confidence is made of; weights may lack it
    SHA256SUMS                   of all these, as sha256sum writes it: a changed bit is noticed before anything runs

In the wheel they lie in the package, in a checkout in `weights/`. Only safetensors is read: a pickle can run code.
Torch is imported where it is needed: finding and hashing the files must not wait for it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trackmask.errors import WeightsError
from trackmask.extras import need
from trackmask.files import open_regular, write_whole

if TYPE_CHECKING:
    from torch import Tensor

    from trackmask.network.model import TrackNet

CHECKPOINT = "trackmask.safetensors"
ENCODER = "trackmask-encoder.onnx"
HEAD = "trackmask-head.onnx"
CALIBRATION = "trackmask-confidence.json"
SUMS = "SHA256SUMS"
_MAX_SUMS = 1 << 16  # bytes


def shipped_folder() -> Path:
    """The folder of the weights that came with trackmask. Raises WeightsError."""
    package = Path(__file__).parent.parent
    for folder in (package / "model", package.parent / "weights"):
        if (folder / CHECKPOINT).exists():
            return folder
    raise WeightsError("the weights that ship with trackmask are missing; install it again from its wheel")


def fingerprint(path: Path) -> str:
    """sha256 of a file, in hex. Raises WeightsError where it cannot be read."""
    try:
        with open_regular(path) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise WeightsError(f"{path} cannot be read ({error.strerror}); check the path and its permissions") from error


def verified(folder: Path, *names: str) -> Mapping[str, str]:
    """sha256 of files of weights by their names, held against the folder's SHA256SUMS where it has one.

    Raises WeightsError where a file cannot be read, or is another one than its checksum says.
    """
    found = {name: fingerprint(folder / name) for name in names}
    known = _read_sums(folder / SUMS)
    for name, sha256 in found.items():
        if known.get(name, sha256) != sha256:
            raise WeightsError(
                f"{folder / name} is damaged: it is not what {SUMS} beside it says; install trackmask again, or make "
                "the files once more with trackmask weights export"
            )
    return found


def calibration_in(folder: Path) -> tuple[str, ...]:
    """The name of the calibration, where a folder of weights has one or its SHA256SUMS says so. Raises WeightsError."""
    known = (folder / CALIBRATION).exists() or CALIBRATION in _read_sums(folder / SUMS)
    return (CALIBRATION,) if known else ()


def write_sums(folder: Path) -> Path:
    """SHA256SUMS of the files in a folder of weights; its path. Raises WeightsError, OutputError."""
    names = CHECKPOINT, ENCODER, HEAD, *((CALIBRATION,) if (folder / CALIBRATION).exists() else ())
    lines = [f"{fingerprint(folder / name)}  {name}\n" for name in names]
    write_whole(folder / SUMS, "".join(lines).encode())
    return folder / SUMS


def _read_sums(path: Path) -> dict[str, str]:
    """By file name; none where there is no such file: folders of weights that are older than it have none."""
    try:
        with open_regular(path) as file:
            pairs = [line.split(maxsplit=1) for line in file.read(_MAX_SUMS).decode().splitlines()]
        return {name: sha256 for sha256, name in pairs}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise WeightsError(f"{path} cannot be read ({error}); install trackmask again") from error


def save_checkpoint(path: Path, state: Mapping[str, Tensor], config: Mapping[str, Any]) -> None:
    """Write weights by name and the fields of their NetworkConfig, in one piece. Raises OutputError."""
    from safetensors.torch import save

    blob = save({name: tensor.contiguous() for name, tensor in state.items()}, {"network": json.dumps(config)})
    write_whole(path, blob)


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
    """The network in torch, ready to run. Raises WeightsError, ExtraError."""
    need("torch", "the network's Python form", "torch")
    from trackmask.network.model import NetworkConfig, TrackNet

    state, config = read_checkpoint(path)
    try:
        net = TrackNet(NetworkConfig(config["size"], tuple(config["fusion"])))
        net.load_state_dict(state)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise WeightsError(f"{path} does not fit this version's network; train it again") from error
    return net.eval()
