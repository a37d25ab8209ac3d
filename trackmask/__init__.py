"""The mask of an object in every frame of a video, on a plain CPU in real time.

import trackmask

for frame in trackmask.track("clip.mp4", box=(40, 30, 120, 160)):
    frame.masks  # (H, W) uint8: the object's pixels are 1
    frame.confidence  # [0, 1]
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trackmask.api import TrackedFrame, track
    from trackmask.data import Frame, Masks, State
    from trackmask.errors import TrackmaskError
    from trackmask.prompts import Prompt
    from trackmask.result import open_result
    from trackmask.runtime import open_runtime
    from trackmask.tracking import Settings, Tracker
    from trackmask.video import open_video

__version__ = "0.1.0"

__all__ = [
    "Frame",
    "Masks",
    "Prompt",
    "Settings",
    "State",
    "TrackedFrame",
    "Tracker",
    "TrackmaskError",
    "open_result",
    "open_runtime",
    "open_video",
    "track",
]

_HOMES = {
    "api": ("TrackedFrame", "track"),
    "data": ("Frame", "Masks", "State"),
    "errors": ("TrackmaskError",),
    "prompts": ("Prompt",),
    "result": ("open_result",),
    "runtime": ("open_runtime",),
    "tracking": ("Settings", "Tracker"),
    "video": ("open_video",),
}


def __getattr__(name: str) -> Any:
    """Import on first use: `trackmask --help` must not wait for numpy and OpenCV."""
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"trackmask.{home}"), name)
    raise AttributeError(f"module 'trackmask' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
