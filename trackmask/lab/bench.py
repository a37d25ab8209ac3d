"""What every experiment is given, and how it leaves its figures and pictures."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image as Picture

from trackmask.evaluation.dataset import Clip, read_dataset
from trackmask.extras import need
from trackmask.files import write_whole, writing
from trackmask.lab.page import Figures, read

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_DPI = 100
_COLOURS = 128  # of a picture: a palette keeps the files small
_DIGITS = 4  # significant ones, of every figure


@dataclass(frozen=True)
class Bench:
    """The bench that all experiments share."""

    data: tuple[Path, ...]  # folders to train on, as for `trackmask train`
    dev: Path  # clips to measure on, in DAVIS's layout
    out: Path  # where NAME.json and the pictures go
    seed: int = 0
    minutes: float = 5.0  # of training, each run
    report: Callable[[str], None] = lambda line: None  # told what happens

    def clips(self) -> list[Clip]:
        """Those to measure on. Raises DataError."""
        return read_dataset(self.dev)

    def has(self, name: str) -> bool:
        """Whether the experiment was done before."""
        return self._json(name).is_file()

    def read(self, name: str) -> Figures:
        """The figures that an experiment wrote. DataError where they cannot be read."""
        return read(self._json(name))

    def write(self, name: str, figures: Mapping[str, Any]) -> None:
        """NAME.json in one piece: keys sorted, floats rounded. Raises OutputError."""
        text = json.dumps(_rounded(figures), indent=1, sort_keys=True)
        self._make()
        write_whole(self._json(name), f"{text}\n".encode())

    @contextmanager
    def figure(self, name: str, width: float = 8, height: float = 4.5) -> Iterator[Figure]:
        """An empty matplotlib figure, width x height in units of 100 pixels, that becomes NAME.png. Raises OutputError.

        with bench.figure("ladder") as figure:
            figure.subplots().plot(x, y)
        """
        import matplotlib

        matplotlib.use("agg")
        from matplotlib import pyplot

        with pyplot.rc_context({"font.size": 10, "axes.spines.top": False, "axes.spines.right": False}):
            figure = pyplot.figure(figsize=(width, height), dpi=_DPI, layout="constrained")
            try:
                yield figure
                drawn = BytesIO()
                figure.savefig(drawn, dpi=_DPI)
            finally:
                pyplot.close(figure)
        small = BytesIO()
        Picture.open(drawn).convert("RGB").quantize(_COLOURS).save(small, format="PNG", optimize=True)
        self._make()
        write_whole(self.out / f"{name}.png", small.getvalue())

    def _json(self, name: str) -> Path:
        return self.out / f"{name}.json"

    def _make(self) -> None:
        with writing(self.out):
            self.out.mkdir(parents=True, exist_ok=True)


def run(bench: Bench, names: tuple[str, ...], again: bool = False) -> None:
    """The experiments of these names; those done before only where `again`.

    ExtraError where a package for them is missing; raises what the experiments raise.
    """
    need("lab", "trackmask lab", "torch", "matplotlib", "skimage", "sklearn")
    for name in names:
        if bench.has(name) and not again:
            bench.report(f"{name}: done before (--again runs it anew)")
            continue
        bench.report(f"{name} ...")
        import_module(f"trackmask.lab.{name}").run(bench)


def _rounded(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _rounded(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(one) for one in value]
    return float(f"{value:.{_DIGITS}g}") if isinstance(value, float) else value
