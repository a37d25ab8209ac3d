"""Label Studio: one task a frame, masks in its brush format.

clip/tasks.json             import it into a project
clip/images/00000.jpg       where Label Studio serves local files from: see docs/export.md
label_config.xml            the project's labelling interface
"""

from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import numpy as np

from trackmask.draw import palette
from trackmask.export.clip import Clip, Shown
from trackmask.export.job import Job
from trackmask.export.pictures import placed
from trackmask.export.pieces import Pieces, dumps, separated

_SIZES = (3, 4, 8, 16)  # bits that a run's length may take


def write(job: Job, folder: Path) -> list[str]:
    for clip in job.clips:
        (folder / clip.name).mkdir()
        with Pieces(folder) as pieces:
            for sample, name in placed(clip, folder / clip.name / "images"):
                results = [_result(clip, shown, job.category(shown.info)) for shown in sample.objects()]
                data = {"image": f"/data/local-files/?d={clip.name}/images/{name}", "frame": sample.index}
                pieces.add("tasks", dumps({"data": data, "annotations": [{"result": results}]}))
            with (folder / clip.name / "tasks.json").open("w", encoding="utf-8", newline="\n") as file:
                file.write("[\n")
                file.writelines(separated(pieces.texts("tasks")))
                file.write("\n]\n")
    (folder / "label_config.xml").write_text(_config(job), "utf-8")
    return []


def brush(mask: np.ndarray) -> list[int]:
    """A (H, W) bool mask as Label Studio's RLE (thi.ng's rle-pack), a list of bytes.

    The picture is RGBA with 0 or 255 in all four channels. Head: 32 bits its number of values, 5 bits the size of a
    value less 1, 4 x 4 bits the sizes of run lengths less 1. Then runs: a 1 bit, 2 bits for which of the sizes, the
    length less 1, the value.
    """
    flat = mask.ravel()
    starts = np.concatenate([[0], np.flatnonzero(flat[1:] != flat[:-1]) + 1])
    lengths = 4 * np.diff(np.append(starts, flat.size))
    bits = [f"{4 * flat.size:032b}{7:05b}", *(f"{size - 1:04b}" for size in _SIZES)]
    for length, value in zip(lengths.tolist(), flat[starts].tolist(), strict=True):
        bits += [_run(part, value) for part in _parts(length)]
    text = "".join(bits)
    text += "0" * (-len(text) % 8)
    return list(int(text, 2).to_bytes(len(text) // 8, "big"))


def _parts(length: int) -> list[int]:
    whole, rest = divmod(length, 1 << _SIZES[-1])
    return [1 << _SIZES[-1]] * whole + ([rest] if rest else [])


def _run(length: int, value: bool) -> str:
    which = next(place for place, size in enumerate(_SIZES) if length <= 1 << size)
    return f"1{which:02b}{length - 1:0{_SIZES[which]}b}{255 if value else 0:08b}"


def _result(clip: Clip, shown: Shown, label: str) -> dict[str, Any]:
    height, width = clip.size
    return {
        "id": f"object-{shown.info.id}",
        "type": "brushlabels",
        "from_name": "label",
        "to_name": "image",
        "original_width": width,
        "original_height": height,
        "image_rotation": 0,
        "value": {"format": "rle", "rle": brush(shown.mask), "brushlabels": [label]},
        "meta": {"text": [f"object {shown.info.id}"]},
    }


def _config(job: Job) -> str:
    labels = "".join(
        f'    <Label value={quoteattr(name)} background="#{palette()[(number - 1) % 255 + 1].tobytes().hex()}"/>\n'
        for name, number in job.categories.items()
    )
    return (
        '<View>\n  <Image name="image" value="$image" zoom="true"/>\n'
        f'  <BrushLabels name="label" toName="image">\n{labels}  </BrushLabels>\n</View>\n'
    )
