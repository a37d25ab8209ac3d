"""The mask of an object in every frame of a video, on a plain CPU in real time.

from pathlib import Path
from trackmask import Prompt, Tracker, open_runtime, open_video

with open_video(Path("clip.mp4")) as video:
    tracker = Tracker(open_runtime(), video.info.size)
    for frame in video:
        prompts = [Prompt(object_id=1, frame=0, box=(40, 30, 120, 160))] if frame.index == 0 else []
        masks = tracker.step(frame.image, prompts)  # masks.labels: (H, W) uint8, the ids
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trackmask.data import Frame, Masks, State
    from trackmask.errors import TrackmaskError
    from trackmask.prompts import Prompt
    from trackmask.result import open_result
    from trackmask.runtime import open_runtime
    from trackmask.tracker import Settings, Tracker
    from trackmask.video import open_video

__all__ = [
    "Frame",
    "Masks",
    "Prompt",
    "Settings",
    "State",
    "Tracker",
    "TrackmaskError",
    "open_result",
    "open_runtime",
    "open_video",
]

_HOMES = {
    "data": ("Frame", "Masks", "State"),
    "errors": ("TrackmaskError",),
    "prompts": ("Prompt",),
    "result": ("open_result",),
    "runtime": ("open_runtime",),
    "tracker": ("Settings", "Tracker"),
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
