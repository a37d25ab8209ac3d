"""From a training's checkpoint to the files that ship."""

from pathlib import Path

from trackmask.staging import writing
from trackmask.training.state import read_state
from trackmask.weights import CHECKPOINT, export_graphs, load_network, save_checkpoint, write_whole


def bank(checkpoint: Path, folder: Path) -> tuple[Path, ...]:
    """Write the weights and their graphs into `folder`; the paths.

    `checkpoint` is a training's checkpoint.pt, whose averaged weights are taken, or a trackmask.safetensors.
    Raises WeightsError, and OutputError where it cannot write.
    """
    target = folder / CHECKPOINT
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    if checkpoint.suffix == ".pt":
        state = read_state(checkpoint)
        save_checkpoint(target, state["mean"], state["config"])
    elif checkpoint.resolve() != target.resolve():
        load_network(checkpoint)  # a file that is none must not replace one
        write_whole(target, checkpoint.read_bytes())
    return target, *export_graphs(target, folder)
