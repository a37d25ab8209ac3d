"""The runtime's encoder in 8 bits: integer convolutions in most of the backbone, at two thirds of the time.

Post-training quantisation (Jacob et al., CVPR 2018): each convolution's weights by channel, its inputs by their range
over calibration crops. Weights take 7 bits: processors without VNNI add up products of 8 bits in 16, which overflows.
The stem, the first two blocks and the layers behind the backbone stay float32: with them in 8 bits, too, masks lost
0.4 of J&F for a twentieth of the time.
"""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from trackmask.data import box_of
from trackmask.errors import DataError
from trackmask.extras import need
from trackmask.files import write_whole
from trackmask.tracking.crop import around, cut
from trackmask.training.films import Film

BLOCKS = tuple(f"/backbone/blocks.{index}/" for index in range(2, 11))  # where the names begin that become integers
EVERY = 20  # frames of a clip between two calibration crops


def calibration_crops(films: list[Film], size: int) -> Iterator[np.ndarray]:
    """Crops (1, size, size, 3) uint8 as the tracker takes them, from all along each clip.

    Raises DataError where the clips show no object.
    """
    none = True
    for film in films:
        for index in film.references[::EVERY]:
            box = box_of(film.masks[index])
            if box is not None:
                none = False
                yield cut(film.images[index], around(box, film.masks[index].shape), size)[None]
    if none:
        raise DataError("no clip for the calibration shows an object; give clips with masks")


class Reader:
    """The crops as ONNX Runtime asks for them."""

    def __init__(self, crops: Iterator[np.ndarray]) -> None:
        self.crops = crops

    def get_next(self) -> dict[str, np.ndarray] | None:
        crop = next(self.crops, None)
        return None if crop is None else {"images": crop}


def quantize_encoder(graph: Path, crops: Iterator[np.ndarray]) -> None:
    """Replace an encoder's float32 graph by its 8-bit twin: the same inputs, outputs and metadata.

    Raises ExtraError where onnx is missing, and OutputError where it cannot write.
    """
    need("train", "an 8-bit graph", "onnx")
    import onnx
    from onnxruntime import quantization
    from onnxruntime.quantization.shape_inference import quant_pre_process

    with TemporaryDirectory() as room:
        prepared, small = Path(room) / "prepared.onnx", Path(room) / "small.onnx"
        quant_pre_process(str(graph), str(prepared), skip_symbolic_shape=True)
        nodes = [node.name for node in onnx.load(prepared).graph.node if node.name.startswith(BLOCKS)]
        quantization.quantize_static(
            str(prepared),
            str(small),
            Reader(crops),
            quant_format=quantization.QuantFormat.QDQ,
            op_types_to_quantize=["Conv", "Clip", "Add"],
            nodes_to_quantize=nodes,
            per_channel=True,
            reduce_range=True,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
        )
        model = onnx.load(small)
    origin = {prop.key: prop.value for prop in onnx.load(graph).metadata_props}
    onnx.helper.set_model_props(model, origin | {"encoder": "int8"})
    write_whole(graph, model.SerializeToString())
