"""The tables of docs/why-fully-connected.md, each made from what one experiment wrote and from nothing else.

A table stands between <!-- lab:NAME --> and <!-- /lab:NAME -->; NAME.json is where its numbers come from. Nothing of
the experiments themselves is imported, so that the page can be checked without their packages.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from trackmask.errors import DataError
from trackmask.files import write_whole, writing

BLOCK = re.compile(r"(<!-- lab:(\w+) -->\n)(.*?)(<!-- /lab:\2 -->)", re.DOTALL)

Figures = Mapping[str, Any]


def update(page: Path, out: Path) -> None:
    """Put the figures that lie in `out` into the page's tables. Raises DataError, and OutputError."""
    try:
        text = page.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise DataError(f"the page {page} cannot be read ({error}); give a Markdown file") from error
    with writing(page.parent):
        write_whole(page, fill(text, out).encode())


def fill(text: str, out: Path) -> str:
    """The page's text with the table of every experiment that `out` has, and a word on the others. Raises DataError."""

    def block(match: re.Match[str]) -> str:
        begin, name, _, end = match.groups()
        if name not in TABLES:
            raise DataError(f"the page asks for {name!r}, which no experiment is; name one of {', '.join(TABLES)}")
        file = out / f"{name}.json"
        return f"{begin}{TABLES[name](read(file)) if file.exists() else missing(name)}\n{end}"

    return BLOCK.sub(block, text)


def missing(name: str) -> str:
    return f"*Not run yet: `trackmask lab --only {name}` makes the table and its pictures.*"


def read(file: Path) -> Figures:
    """What an experiment wrote. Raises DataError."""
    try:
        return dict(json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise DataError(f"{file} cannot be read ({error}); run that experiment again") from error


# --- an experiment each ------------------------------------------------------------------------------------------


def ablation(found: Figures) -> str:
    head = (
        "fusion",
        "J&F",
        "each seed",
        "J, first quarter",
        "last quarter",
        "weights in the fusion",
        "in all",
        "multiply-adds of the fusion",
        "in all",
        "ms a frame",
        f"weights of the fusion at {found['paper_size']} pixels",
    )
    rows = []
    for kind in ("none", "learned", "computed", "solved", "all", "full"):
        one = found["kinds"][kind]
        seeds = ", ".join(per_cent(run["jf"]) for run in one["runs"])
        rows.append(
            (
                kind,
                f"**{per_cent(one['jf'])}**",
                seeds,
                per_cent(one["j_first"]),
                per_cent(one["j_last"]),
                short(one["fusion_parameters"]),
                short(one["parameters"]),
                short(one["fusion_multiply_adds"]),
                short(one["multiply_adds"]),
                f"{one['ms']:.1f}",
                short(one["paper"]["fusion_parameters"]),
            )
        )
    runs = sum(len(one["runs"]) for one in found["kinds"].values())
    said = (
        f"{runs} trainings of {found['steps']} steps at {found['size']} pixels, {found['minutes']:.0f} minutes in all."
    )
    return f"{table(head, rows)}\n\n{said}"


def adversarial(found: Figures) -> str:
    head = ("hidden at training", "J&F", "J", "J, first quarter", "last quarter")
    names = ("jf", "j", "j_first", "j_last")
    kinds = ("nothing", "by chance", "by the adversary")
    rows = [(kind, *(per_cent(found["kinds"][kind][name]) for name in names)) for kind in kinds]
    hidden = {when: f"{100 * share:.0f} %" for when, share in found["on_object"].items()}
    said = (
        f"{100 * found['share']:.0f} % of the cells, in half of the clips; {found['steps']} steps a run at "
        f"{found['size']} pixels. In the picture {hidden['of_all_cells']} of the cells lie on the object; of those "
        f"that the adversary hides, {hidden['early']} early in the training and {hidden['late']} at its end."
    )
    return f"{table(head, rows)}\n\n{said}"


def ladder(found: Figures) -> str:
    rows = [
        (one["name"], f"**{per_cent(one['jf'])}**", per_cent(one["j"]), per_cent(one["f"]), f"{one['ms']:.1f}")
        for one in found["rungs"]
    ]
    return table(("method", "J&F", "J", "F", "ms a frame"), rows)


def receptive(found: Figures) -> str:
    head = ("fusion", "its weights", "reference", "previous mask", "current frame", "places that matter most")
    rows = []
    for one in found["fusions"]:
        seen = (f"{100 * one[source]['share']:.1f} %" for source in head[2:5])
        rows.append((one["fusion"], one["weights"], *seen, str(one["reference"]["most"])))
    said = (
        f"Shares of {found['places']} places each that change the fused map at all. Last column: how many of the "
        f"reference's carry {100 * found['most']:.0f} % of the gradient."
    )
    return f"{table(head, rows)}\n\n{said}"


def hierarchy(found: Figures) -> str:
    strides = sorted(map(int, found["channels"]))
    head = ("probe", "features", *(f"stride {stride}" for stride in strides), "by chance")
    kinds = {
        "trained": "all channels",
        "components": f"their {found['components']} main components",
        "random": "the same network, untrained",
    }
    rows = [
        (task, label, *(per_cent(one[kind][str(stride)]) for stride in strides), per_cent(one["chance"]))
        for task, one in found["tasks"].items()
        for kind, label in kinds.items()
    ]
    return table(head, rows)


TABLES: dict[str, Callable[[Figures], str]] = {
    "ladder": ladder,
    "receptive": receptive,
    "hierarchy": hierarchy,
    "ablation": ablation,
    "adversarial": adversarial,
}


# --- cells -------------------------------------------------------------------------------------------------------


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [f"| {' | '.join(cells)} |" for cells in (head, *rows)]
    return "\n".join([lines[0], "|---" * len(head) + "|", *lines[1:]])


def per_cent(share: float) -> str:
    return f"{100 * share:.1f}"


def short(count: float) -> str:
    """1664 → 1.7 k, 16643200 → 17 M"""
    for unit, name in ((1e6, " M"), (1e3, " k")):
        if count >= unit:
            return f"{count / unit:.{0 if count >= 10 * unit else 1}f}{name}"
    return f"{count:.0f}"
