"""Masks as lengths of runs, which begin with the background: COCO's down the columns, CVAT's along the rows, and
Label Studio's bits.

Reading is our own: pycocotools leaves what a file's counts do not cover as it finds it in memory, and needs an install
of its own. Writing COCO's is pycocotools'. All readers raise DataError for what does not fill the picture exactly.
"""

from collections.abc import Sequence

import numpy as np

from trackmask.errors import DataError
from trackmask.formats.shape import Size

_BRUSH_SIZES = (3, 4, 8, 16)  # bits that the length of one of Label Studio's runs may take, as we write them


def from_coco(counts: str | Sequence[int], size: Size) -> np.ndarray:
    """COCO's counts, packed into a text or as a list → (H, W) bool."""
    lengths = _unpacked(counts) if isinstance(counts, str) else counts
    return _filled(lengths, size[0] * size[1]).reshape(size[::-1]).T


def to_coco(mask: np.ndarray) -> dict[str, object]:
    """(H, W) bool → {"size": [H, W], "counts": text}. Needs pycocotools."""
    from pycocotools import mask as rle

    found = rle.encode(np.asfortranarray(mask, np.uint8))
    return {"size": [int(side) for side in found["size"]], "counts": found["counts"].decode("ascii")}


def from_rows(lengths: Sequence[int], size: Size) -> np.ndarray:
    """CVAT's run lengths along the rows → (h, w) bool."""
    return _filled(lengths, size[0] * size[1]).reshape(size)


def to_rows(mask: np.ndarray) -> list[int]:
    """(h, w) bool → run lengths along the rows, background first: 0 where it begins with the object."""
    lengths = np.diff(_starts(mask.ravel()), append=mask.size).tolist()
    return [0, *lengths] if mask.flat[0] else lengths


def from_brush(values: Sequence[int], size: Size) -> np.ndarray:
    """Label Studio's RLE (see `to_brush`) → (H, W) bool, where the last of the four channels is above 127."""
    if min(values, default=-1) < 0 or max(values) > 255:
        raise DataError("the brush's run lengths are no bytes; export them again")
    bits = _Bits(bytes(values))
    total, width = bits.take(32), bits.take(5) + 1
    sizes = [bits.take(4) + 1 for _ in range(4)]
    if total != 4 * size[0] * size[1] or width != 8:
        raise DataError(f"the brush's run lengths are not those of {size[1]}x{size[0]} pixels; export them again")
    pieces, missing = [], total
    while missing > 0:
        repeated = bits.take(1)
        length = bits.take(sizes[bits.take(2)]) + 1
        if length > missing:
            raise DataError(f"the brush's run lengths reach beyond {size[1]}x{size[0]} pixels; export them again")
        if repeated:
            pieces.append(np.full(length, bits.take(8), np.uint8))
        else:
            pieces.append(np.array([bits.take(8) for _ in range(length)], np.uint8))
        missing -= length
    alpha = np.concatenate(pieces)[3::4]
    mask: np.ndarray = alpha.reshape(size) > 127
    return mask


def to_brush(mask: np.ndarray) -> list[int]:
    """A (H, W) bool mask as Label Studio's RLE (thi.ng's rle-pack), a list of bytes.

    The picture is RGBA with 0 or 255 in all four channels. Head: 32 bits its number of values, 5 bits the size of a
    value less 1, 4 x 4 bits the sizes of run lengths less 1. Then runs: a 1 bit, 2 bits for which of the sizes, the
    length less 1, the value; or a 0 bit, the same, and as many values.
    """
    flat = mask.ravel()
    starts = _starts(flat)
    lengths = 4 * np.diff(starts, append=flat.size)
    bits = [f"{4 * flat.size:032b}{7:05b}", *(f"{size - 1:04b}" for size in _BRUSH_SIZES)]
    for length, value in zip(lengths.tolist(), flat[starts].tolist(), strict=True):
        bits += [_brush_run(part, value) for part in _parts(length)]
    text = "".join(bits)
    text += "0" * (-len(text) % 8)
    return list(int(text, 2).to_bytes(len(text) // 8, "big"))


class _Bits:
    """Bits of `data` from the first on; DataError behind its end."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def take(self, count: int) -> int:
        end = self._at + count
        if end > 8 * len(self._data):
            raise DataError("the brush's run lengths end too early; export them again")
        piece = int.from_bytes(self._data[self._at // 8 : (end + 7) // 8], "big")
        self._at = end
        return piece >> (-end % 8) & (1 << count) - 1


def _filled(lengths: Sequence[int], total: int) -> np.ndarray:
    """(total,) bool, by turns False and True."""
    if not len(lengths) or min(lengths) < 0 or max(lengths) > total or sum(lengths) != total:
        raise DataError(f"the run lengths do not add up to the mask's {total} pixels; export it again")
    return np.repeat(np.arange(len(lengths)) % 2 == 1, lengths)


def _unpacked(text: str) -> list[int]:
    """COCO's counts: 5 bits a character from '0' on, the sixth says that more follow; from the fourth count on the
    difference to the one before the last.
    """
    lengths: list[int] = []
    value = shift = 0
    for letter in text:
        code = ord(letter) - 48
        if not 0 <= code < 64 or shift > 30:
            raise DataError("the text is none of COCO's compressed run lengths; export it again")
        value |= (code & 31) << shift
        shift += 5
        if code & 32:
            continue
        if code & 16:
            value -= 1 << shift
        lengths.append(value + lengths[-2] if len(lengths) > 2 else value)
        value = shift = 0
    if shift:
        raise DataError("COCO's compressed run lengths end too early; export them again")
    return lengths


def _starts(flat: np.ndarray) -> np.ndarray:
    """Where the runs of a (n,) bool array begin."""
    return np.concatenate([[0], np.flatnonzero(flat[1:] != flat[:-1]) + 1])


def _parts(length: int) -> list[int]:
    whole, rest = divmod(length, 1 << _BRUSH_SIZES[-1])
    return [1 << _BRUSH_SIZES[-1]] * whole + ([rest] if rest else [])


def _brush_run(length: int, value: bool) -> str:
    which = next(place for place, size in enumerate(_BRUSH_SIZES) if length <= 1 << size)
    return f"1{which:02b}{length - 1:0{_BRUSH_SIZES[which]}b}{255 if value else 0:08b}"
