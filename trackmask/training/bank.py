"""From a training's checkpoint to the files that ship."""

from pathlib import Path

from trackmask.files import writing
from trackmask.runtime import (
    CALIBRATION,
    CHECKPOINT,
    export_graphs,
    load_network,
    read_checkpoint,
    save_checkpoint,
    write_sums,
)
from trackmask.training.films import read_films
from trackmask.training.quantize import calibration_crops, quantize_encoder
from trackmask.training.resize import resize
from trackmask.training.state import read_state
from trackmask.training.train import configure


def bank(
    checkpoint: Path,
    folder: Path,
    *,
    size: int | None = None,
    calibrate: Path | None = None,
    leave_out: frozenset[str] = frozenset(),
) -> tuple[Path, ...]:
    """Write the weights, their graphs and the checksums of these into `folder`; the paths.

    `checkpoint` is a training's checkpoint.pt, whose averaged weights are taken, or a trackmask.safetensors.
    `size`: of the crop, pixels, where it is to be another one than the training's. `calibrate`: clips with masks, as
    for training, without those that `leave_out` names; with them the encoder's graph computes in 8 bits.
    Raises WeightsError, DataError, CallError for a size that no network has, and OutputError where it cannot write.
    """
    target = folder / CHECKPOINT
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    if checkpoint.suffix == ".pt":
        saved = read_state(checkpoint)
        state, config = saved["mean"], saved["config"]
    else:
        load_network(checkpoint)  # a file that is none must not replace one
        state, config = read_checkpoint(checkpoint)
    if size is not None:
        configure(size, tuple(config["fusion"]))
        state, config = resize(state, config["size"], size), config | {"size": size}
    (folder / CALIBRATION).unlink(missing_ok=True)  # it was fitted with other weights
    save_checkpoint(target, state, config)
    encoder, head = export_graphs(target, folder)
    if calibrate is not None:
        films = read_films(calibrate, leave_out)
        quantize_encoder(encoder, calibration_crops(films, config["size"]))
    return target, encoder, head, write_sums(folder)
