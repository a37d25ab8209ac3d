"""High dynamic range seen on a usual screen: BT.2100's PQ and HLG to BT.709, one table for a whole video."""

import tempfile
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Literal, cast

import av
import numpy as np
from av.filter import Graph

Transfer = Literal["PQ", "HLG"]
TRANSFERS: dict[int, Transfer] = {16: "PQ", 18: "HLG"}  # by FFmpeg's number of the transfer characteristics

WHITE = 203.0  # nits: the white of a page, BT.2408; it becomes nearly the white of the screen
PEAK = 1000.0  # nits: how bright the brightest is where the video does not say it, and for HLG always (BT.2100)
_NODES = 33  # of the table, along each colour
_GAMMA = 2.4  # of the screen that the picture is made for, BT.1886
# BT.2087: linear RGB of BT.2020 to that of BT.709
_TO_709 = np.array([[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]])
_LUMINANCE = np.array([0.2627, 0.6780, 0.0593])  # of linear RGB of BT.2020


def pq_light(signal: np.ndarray) -> np.ndarray:
    """Nits of a signal in [0, 1], SMPTE ST 2084."""
    power = np.power(np.clip(signal, 0, 1), 32 / 2523)
    light = np.maximum(power - 3424 / 4096, 0) / (2413 / 128 - 2392 / 128 * power)
    return np.asarray(10000 * np.power(light, 16384 / 2610))


def pq_signal(nits: np.ndarray) -> np.ndarray:
    """The signal in [0, 1] of light up to 10000 nits, SMPTE ST 2084."""
    power = np.power(np.clip(nits, 0, 10000) / 10000, 2610 / 16384)
    return np.asarray(np.power((3424 / 4096 + 2413 / 128 * power) / (1 + 2392 / 128 * power), 2523 / 32))


def hlg_light(signal: np.ndarray) -> np.ndarray:
    """Nits of a signal (..., 3) in [0, 1] on a screen of 1000 nits, BT.2100."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene = np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12)
    return np.asarray(PEAK * scene * np.power(scene @ _LUMINANCE, 0.2)[..., None])


def shown(nits: np.ndarray, peak: float) -> np.ndarray:
    """(..., 3) in [0, 1]: linear light of BT.709 on a screen whose white is 203 nits, from that of BT.2020.

    Up to the knee of BT.2390's curve all stays as bright as it is; above it, what is up to `peak` nits bright finds
    room below white. The curve goes by the brightest of the three colours, so that hues stay.
    """
    bright = nits.max(-1, keepdims=True)
    scale = np.divide(_rolled_off(bright, peak), bright, out=np.zeros_like(bright), where=bright > 0)
    return np.asarray(np.clip((nits * scale / WHITE) @ _TO_709.T, 0, 1))


def _rolled_off(nits: np.ndarray, peak: float) -> np.ndarray:
    """BT.2390-10, 5.4.1: the electrical-electrical transfer function, without a lift of black."""
    top = pq_signal(np.array(max(peak, WHITE)))
    signal, most = np.clip(pq_signal(nits) / top, 0, 1), pq_signal(np.array(WHITE)) / top
    knee = 1.5 * most - 0.5
    t = (signal - knee) / (1 - knee) if knee < 1 else np.zeros_like(signal)
    curve = (2 * t**3 - 3 * t**2 + 1) * knee + (t**3 - 2 * t**2 + t) * (1 - knee) + (3 * t**2 - 2 * t**3) * most
    return pq_light(np.where(signal < knee, signal, curve) * top)


@lru_cache(4)
def table(transfer: Transfer, peak: float) -> str:
    """The text of a .cube file: RGB of BT.709 for RGB of BT.2020 with a transfer, both in [0, 1], red running first."""
    steps = np.linspace(0, 1, _NODES)
    blue, green, red = np.meshgrid(steps, steps, steps, indexing="ij")
    signal = np.stack([red, green, blue], -1)
    light = pq_light(signal) if transfer == "PQ" else hlg_light(signal)
    out = shown(light, peak) ** (1 / _GAMMA)
    rows = (f"{red:.6f} {green:.6f} {blue:.6f}\n" for red, green, blue in out.reshape(-1, 3))
    return f"LUT_3D_SIZE {_NODES}\n" + "".join(rows)


def tone_mapper(frame: av.VideoFrame, transfer: Transfer, peak: float) -> Callable[[av.VideoFrame], av.VideoFrame]:
    """What makes RGB of 8 bits, in BT.709, of frames that are like `frame`."""
    graph = Graph()
    buffer = graph.add_buffer(width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base)
    with tempfile.TemporaryDirectory(prefix="trackmask-") as folder:  # FFmpeg reads it now, and never again
        cube = Path(folder) / "table.cube"
        cube.write_text(table(transfer, peak))
        wide = graph.add("scale", in_color_matrix="bt2020", out_color_matrix="bt2020")
        deep = graph.add("format", pix_fmts="gbrp16le")
        curve = graph.add("lut3d", file=str(cube), interp="tetrahedral")
        graph.link_nodes(buffer, wide, deep, curve, graph.add("format", pix_fmts="rgb24"), graph.add("buffersink"))
        graph.configure()

    def mapped(frame: av.VideoFrame) -> av.VideoFrame:
        graph.push(frame)
        return cast(av.VideoFrame, graph.pull())

    return mapped
