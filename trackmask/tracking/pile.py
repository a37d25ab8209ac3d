"""What one direction found waits here for the other one: last in, first out."""

import json
import tempfile
import zlib
from dataclasses import asdict
from types import TracebackType
from typing import Self

import numpy as np

from trackmask.data import Doubt, Evidence, Masks, ObjectRecord, Patch, State, label_map
from trackmask.errors import OutputError


class Pile:
    """Frames' masks, compressed, in a temporary file; memory holds 8 bytes of each. Leaving it deletes the file.

    Of frames of `size` (height, width). Their label maps are not kept: the soft masks tell them.
    `push` raises OutputError where the temporary folder is full.
    """

    def __init__(self, size: tuple[int, int]) -> None:
        self._size = size
        # Without a buffer, whose fill would fail later on, or when the file is closed.
        self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 (closed by __exit__)
        self._ends = [0]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    def __len__(self) -> int:
        return len(self._ends) - 1

    def push(self, masks: Masks) -> None:
        try:
            self._file.seek(self._ends[-1])
            content = memoryview(zlib.compress(packed(masks), 1))
            size = len(content)
            while content:
                content = content[self._file.write(content) :]
        except OSError as error:
            raise OutputError(
                f"tracking in two directions needs room in {tempfile.gettempdir()} ({error.strerror}); "
                "free some space there or set TMPDIR to a larger disk"
            ) from error
        self._ends.append(self._ends[-1] + size)

    def pop(self) -> Masks:
        """Those that were pushed last. Raises IndexError where there are none."""
        masks = self[len(self) - 1]
        self._ends.pop()
        return masks

    def __getitem__(self, place: int) -> Masks:
        """Those that were pushed as the `place`-th, from 0 on. Raises IndexError where there are none."""
        if not 0 <= place < len(self):
            raise IndexError(place)
        start, end = self._ends[place : place + 2]
        self._file.seek(start)
        return unpacked(zlib.decompress(self._file.read(end - start)), self._size)


def packed(masks: Masks) -> bytes:
    """A line of JSON, and behind it the soft masks' bytes in its order."""
    places = {id_: (patch.x, patch.y, *patch.prob.shape) for id_, patch in masks.patches.items()}
    about = {"objects": [asdict(record) for record in masks.objects], "places": places, "cut": masks.cut}
    return b"".join([json.dumps(about).encode(), b"\n", *(patch.prob.tobytes() for patch in masks.patches.values())])


def unpacked(content: bytes, size: tuple[int, int]) -> Masks:
    """The reverse of `packed`, for a frame of `size` (height, width)."""
    line, _, probs = content.partition(b"\n")
    about = json.loads(line)
    patches, start = {}, 0
    for object_id, (x, y, height, width) in about["places"].items():
        prob = np.frombuffer(probs, np.uint8, height * width, start).reshape(height, width)
        patches[int(object_id)] = Patch(x, y, prob)
        start += height * width
    return Masks(label_map(patches.items(), size), tuple(map(_record, about["objects"])), patches, about["cut"])


def _record(raw: dict) -> ObjectRecord:
    box = None if raw["box"] is None else tuple(raw["box"])
    doubt = None if raw["doubt"] is None else Doubt(raw["doubt"])
    evidence = None if raw["evidence"] is None else Evidence(**raw["evidence"])
    return ObjectRecord(**raw | {"state": State(raw["state"]), "box": box, "doubt": doubt, "evidence": evidence})
