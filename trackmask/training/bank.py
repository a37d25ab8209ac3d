"""From a training's checkpoint to the files that ship."""

import pickle
import shutil
from pathlib import Path

import torch

from ..errors import WeightsError
from ..weights import CHECKPOINT, export_graphs, save_checkpoint


def bank(checkpoint: Path, folder: Path) -> tuple[Path, ...]:
    """Write the weights and their graphs into `folder`; the paths. A training's averaged weights are taken."""
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / CHECKPOINT
    if checkpoint.suffix == ".pt":
        try:
            state = torch.load(checkpoint, map_location="cpu", weights_only=True)
            save_checkpoint(target, state["mean"], state["config"])
        except (pickle.UnpicklingError, RuntimeError, KeyError, EOFError) as error:
            raise WeightsError(f"{checkpoint} is not a checkpoint that `trackmask train` wrote.") from error
    elif checkpoint.resolve() != target.resolve():
        shutil.copyfile(checkpoint, target)
    return target, *export_graphs(target, folder)
