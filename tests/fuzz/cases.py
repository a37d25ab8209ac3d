"""A number → a broken file, how it was broken, and the door it is to go in by."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

from fuzz.mutate import EXTREME, MUTATIONS, renumbered, repacked, restructured, sized, splice, sums_mended

WHOLE_RUN = 20  # every so-manieth file goes through the whole command
_KINDS = ("film",) * 12 + ("pictures", "pictures", "mask", "mask", "prompts", "prompts", "result", "result")
_KINDS += ("import",) * 6 + ("use", "use", "use", "strange", "strange", "long")
# What can stand where a result has a file or a folder; see doors.lay.
STRANGE = ("link", "dangling", "up", "loop", "pipe", "socket", "zero", "folder", "file", "nothing")
_PLACES = (
    *("result.json", "masks", "masks/00000.png", "masks/a", "masks/00001.png", "soft", "overlay.mp4", "report.html"),
    *(".report.html.partial", "history", "history/001", "history/001/result.json", "history/001/masks/00000.png"),
    *("history/x", "edits", "edits/edits.json", "edits/00000.png", ".lock", ".edits.partial", ".edits.partial/.lock"),
    *("../.r.partial", "../.r.partial/.lock", "../.r.replaced", "../.r.replaced/.lock", "../.e.partial/.lock"),
)
_BOMBS = ((100_000, 100_000), (0x7FFFFFFF, 1), (1, 0x7FFFFFFF), (16_384, 16_384), (12_000, 11_000), (0, 0))


@dataclass(frozen=True)
class Case:
    number: int
    kind: str  # a key of doors.DOORS
    path: Path
    said: str  # which file was broken, and how


def build(number: int, seeds: Path, folder: Path) -> Case:
    """Write the broken file into `folder`, an empty one."""
    rng = Random(number)
    kind = kind_of(number, rng)
    path, said = _BUILDERS[kind](seeds, folder, rng)
    return Case(number, kind, path, said)


def kind_of(number: int, rng: Random | None = None) -> str:
    """A key of doors.DOORS."""
    return "run" if number % WHOLE_RUN == 0 else (rng or Random(number)).choice(_KINDS)


def _film(seeds: Path, folder: Path, rng: Random) -> tuple[Path, str]:
    seed = rng.choice(sorted((seeds / "films").iterdir()))
    data, said = seed.read_bytes(), [seed.name]
    if rng.random() < 0.15:
        others = sorted((seeds / "others").iterdir())
        other = seeds / "others" / seed.name if rng.random() < 0.6 else rng.choice(others)
        data = splice(data, other.read_bytes(), rng)
        said.append(f"splice {other.name}")
    if len(said) == 1 or rng.random() < 0.3:
        data, how = _broken(data, rng)
        said += how
    path = folder / f"clip{seed.suffix}"
    path.write_bytes(data)
    return path, ", ".join(said)


def _pictures(seeds: Path, folder: Path, rng: Random) -> tuple[Path, str]:
    seed = rng.choice(sorted((seeds / "pictures").iterdir()))
    (folder / "clip").mkdir()
    for number in range(2):
        shutil.copy(seed, folder / "clip" / f"{number}{seed.suffix}")
    return folder / "clip", _image(folder / "clip" / f"{rng.randrange(2)}{seed.suffix}", rng)


def _mask(seeds: Path, folder: Path, rng: Random) -> tuple[Path, str]:
    path = Path(shutil.copy(rng.choice(sorted((seeds / "masks").iterdir())), folder))
    return path, _image(path, rng)


def _prompts(seeds: Path, folder: Path, rng: Random) -> tuple[Path, str]:
    path = Path(shutil.copy(rng.choice(sorted((seeds / "prompts").iterdir())), folder))
    return path, _json(path, rng)


def _result(seeds: Path, folder: Path, rng: Random) -> tuple[Path, str]:
    path = Path(shutil.copytree(seeds / "result", folder / "result"))
    if rng.random() < 0.8:
        return path, _json(path / "result.json", rng)
    return path, _image(path / "masks" / "00001.png", rng)


def _strange(seeds: Path, folder: Path, rng: Random) -> tuple[Path, str]:
    """A whole result, and beside it what the door is to lay into its copy: links and special files."""
    shutil.copytree(seeds / "result", folder / "result")
    laid = {rng.choice(_PLACES): rng.choice(STRANGE) for _ in range(rng.choice((1, 1, 1, 2, 3)))}
    (folder / "strange.json").write_text(json.dumps(laid))
    return folder / "strange.json", json.dumps(laid)


def _long(seeds: Path, folder: Path, rng: Random) -> tuple[Path, str]:
    path = Path(shutil.copytree(seeds / "long", folder / "result"))
    data, how = (path / "result.json").read_bytes(), ["renumbered"]
    data, how = (renumbered(data, rng), how) if rng.random() < 0.5 else _broken(data, rng)
    (path / "result.json").write_bytes(data)
    return path, ", ".join(how)


def _import(seeds: Path, folder: Path, rng: Random) -> tuple[Path, str]:
    """One file of an export is broken; the result that it is for stands beside it."""
    shutil.copytree(seeds / "result", folder / "result")
    seed = rng.choice(sorted((seeds / "imports").iterdir()))
    path = Path(shutil.copytree(seed, folder / seed.name))
    files = sorted(
        file for file in path.rglob("*") if file.suffix in (".json", ".xml", ".png", ".txt", ".yaml", ".zip")
    )
    file = rng.choice([file for file in files if file.name not in ("labels.json", "label_config.xml")])
    if file.suffix == ".json":
        return path, _json(file, rng)
    if file.suffix == ".png":
        return path, _image(file, rng)
    if file.suffix in (".xml", ".txt") and rng.random() < 0.7:
        file.write_bytes(renumbered(file.read_bytes(), rng))
        return path, f"{file.name}, renumbered"
    data, how = _broken(file.read_bytes(), rng)
    file.write_bytes(data)
    return path, ", ".join((file.name, *how))


def _image(path: Path, rng: Random) -> str:
    data = path.read_bytes()
    if path.suffix == ".png" and rng.random() < 0.2:
        width, height = rng.choice((*_BOMBS, (rng.choice(EXTREME), rng.choice(EXTREME))))
        path.write_bytes(sized(data, width, height))
        return f"{path.name}, says {width} x {height}"
    if path.suffix == ".png" and rng.random() < 0.4:
        path.write_bytes(repacked(data, rng))
        return f"{path.name}, repacked"
    data, how = _broken(data, rng)
    if path.suffix == ".png" and rng.random() < 0.6:
        data, how = sums_mended(data), [*how, "sums mended"]
    path.write_bytes(data)
    return ", ".join((path.name, *how))


def _json(path: Path, rng: Random) -> str:
    data, how = path.read_bytes(), list[str]()
    if rng.random() < 0.8:
        data, how = restructured(data, rng), ["restructured"]
    if not how or rng.random() < 0.2:
        data, more = _broken(data, rng)
        how += more
    path.write_bytes(data)
    return ", ".join((path.name, *how))


def _broken(data: bytes, rng: Random) -> tuple[bytes, list[str]]:
    how = []
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        mutation = rng.choice(MUTATIONS)
        data = mutation(data, rng)
        how.append(mutation.__name__)
    return data, how


_BUILDERS: dict[str, Callable[[Path, Path, Random], tuple[Path, str]]] = {
    "film": _film,
    "run": _film,
    "pictures": _pictures,
    "mask": _mask,
    "prompts": _prompts,
    "result": _result,
    "use": _result,
    "strange": _strange,
    "long": _long,
    "import": _import,
}
