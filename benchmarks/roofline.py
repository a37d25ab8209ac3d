"""How much arithmetic a frame needs, and how much the machine can do."""

import math
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import NamedTuple

import numpy as np
import onnx
import onnxruntime
from onnx import helper

from trackmask.runtime import Features, Runtime, given_shapes
from trackmask.runtime.graphs import OPSET

FRAMES = 3  # in an object's memory while a clip is followed: its prompt and two recent ones
_HEAVY = ("Conv", "MatMul", "Gemm")  # nearly all of the arithmetic; the others move data


class Work(NamedTuple):
    """What one run of a graph asks for, in its convolutions and matrix products."""

    gflop: float  # a multiply-add counts as two
    megabytes: float  # their inputs, weights and outputs, each moved once
    nodes: int  # of the graph, with the shape arithmetic folded away

    @property
    def intensity(self) -> float:
        """FLOP a byte."""
        return 1000 * self.gflop / self.megabytes


class Machine(NamedTuple):
    gflops: float  # a second: the largest matrix product that was measured
    bandwidth: float  # GB/s of copying, read and written


def work(graph: Path, objects: int = 1) -> Work:
    """Of a graph of ours, for that many objects with FRAMES frames in memory each."""
    model = onnx.shape_inference.infer_shapes(_fixed(graph, objects), data_prop=True)
    known = (*model.graph.value_info, *model.graph.input, *model.graph.output)
    shapes = {value.name: tuple(d.dim_value for d in value.type.tensor_type.shape.dim) for value in known}
    shapes |= {weight.name: tuple(weight.dims) for weight in model.graph.initializer}
    flop = size = 0
    for node in model.graph.node:
        if node.op_type in _HEAVY:
            flop += 2 * multiply_adds(node, shapes)
            size += 4 * sum(math.prod(shapes[name]) for name in (*node.input, *node.output) if name)
    return Work(flop / 1e9, size / 1e6, len(model.graph.node))


def multiply_adds(node: onnx.NodeProto, shapes: dict[str, tuple[int, ...]]) -> int:
    """Of a Conv, MatMul or Gemm: the outputs, times the products that are summed in each."""
    first, second = (shapes[name] for name in node.input[:2])
    outputs = math.prod(shapes[node.output[0]])
    if node.op_type == "Conv":
        return outputs * math.prod(second[1:])  # weights (out, in / groups, kh, kw)
    if node.op_type == "Gemm":
        turned = any(attribute.name == "transA" and attribute.i for attribute in node.attribute)
        return outputs * first[0 if turned else 1]
    return outputs * first[-1]


def _fixed(graph: Path, objects: int) -> onnx.ModelProto:
    """The graph with every size known: ONNX Runtime folds the shape arithmetic, which onnx itself cannot follow."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.add_free_dimension_override_by_name("objects", objects)
    options.add_free_dimension_override_by_name("frames", FRAMES)
    with tempfile.TemporaryDirectory() as room:
        options.optimized_model_filepath = str(Path(room) / "fixed.onnx")
        onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
        return onnx.load(options.optimized_model_filepath)


def machine(side: int = 3072, runs: int = 7) -> Machine:
    """The best of several runs: a peak is what the machine can do, not what it usually does."""
    left, right = np.random.default_rng(0).standard_normal((2, side, side), np.float32)
    given = np.zeros(1 << 26, np.float32)  # larger than any cache
    taken = np.zeros_like(given)
    product = _product(side)
    multiply = min(_seconds(lambda: product.run(None, {"a": left, "b": right})) for _ in range(runs))
    copy = min(_seconds(lambda: np.copyto(taken, given)) for _ in range(runs))
    return Machine(2 * side**3 / multiply / 1e9, 2 * given.nbytes / copy / 1e9)


def _product(side: int) -> onnxruntime.InferenceSession:
    """A matrix product in the library that runs the network."""
    a, b, c = (helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, (side, side)) for name in "abc")
    graph = helper.make_graph([helper.make_node("MatMul", "ab", "c")], "product", [a, b], [c])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
    return onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


def network_seconds(runtime: Runtime, objects: int, runs: int) -> tuple[float, float]:
    """Medians of the encoder and of the head, alone, for that many objects with FRAMES frames in memory."""
    rng, size = np.random.default_rng(0), runtime.size
    crops = rng.integers(0, 256, (objects, size, size, 3), np.uint8)
    given = [rng.random((objects, *shape), np.float32) for shape in given_shapes(size, FRAMES)]
    features: Features = runtime.encode(crops)
    runtime.decode(features, *given)
    encoder = median(_seconds(lambda: runtime.encode(crops)) for _ in range(runs))
    head = median(_seconds(lambda: runtime.decode(features, *given)) for _ in range(runs))
    return encoder, head


def _seconds(function: Callable[[], object]) -> float:
    began = perf_counter()
    function()
    return perf_counter() - began
