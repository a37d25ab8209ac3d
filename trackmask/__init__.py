"""The mask of an object in every frame of a video, on a plain CPU in real time.

import trackmask

for frame in trackmask.track("clip.mp4", box=(40, 30, 120, 160)):
    frame.masks  # (H, W) uint8: the object's pixels are 1
    frame.confidence  # [0, 1]
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trackmask.api import TrackedFrame, run, track
    from trackmask.correct import correct, undo
    from trackmask.data import Frame, Masks, ObjectRecord, State
    from trackmask.errors import TrackmaskError
    from trackmask.export import export
    from trackmask.prompts import Prompt
    from trackmask.report import write_report
    from trackmask.result import Result, open_result
    from trackmask.runtime import open_runtime
    from trackmask.tracking import Settings, Tracker
    from trackmask.video import open_video

__version__ = "0.1.0"

_HOMES = {
    "api": ("TrackedFrame", "run", "track"),
    "correct": ("correct", "undo"),
    "data": ("Frame", "Masks", "ObjectRecord", "State"),
    "errors": ("TrackmaskError",),
    "export": ("export",),
    "prompts": ("Prompt",),
    "report": ("write_report",),
    "result": ("Result", "open_result"),
    "runtime": ("open_runtime",),
    "tracking": ("Settings", "Tracker"),
    "video": ("open_video",),
}

__all__ = [
    "Frame",
    "Masks",
    "ObjectRecord",
    "Prompt",
    "Result",
    "Settings",
    "State",
    "TrackedFrame",
    "Tracker",
    "TrackmaskError",
    "correct",
    "export",
    "open_result",
    "open_runtime",
    "open_video",
    "run",
    "track",
    "undo",
    "write_report",
]


class _Package(ModuleType):
    """`correct` and `export` are functions here and rooms as well: importing the room must not hide the function."""

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in __all__ and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __getattr__(name: str) -> Any:
    """Import on first use: `trackmask --help` must not wait for numpy and OpenCV."""
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"trackmask.{home}"), name)
    raise AttributeError(f"module 'trackmask' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
