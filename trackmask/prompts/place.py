"""Where in a video a prompt is: the frame that a moment means."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from trackmask.errors import PromptError
from trackmask.prompts.fitting import plain, plain_moment
from trackmask.prompts.prompt import Moment, Prompt

if TYPE_CHECKING:
    from trackmask.video import VideoReader


def frame_at(video: VideoReader, moment: Moment, default: int = 0) -> int:
    """The frame at a place in a video; `default` where no place is said. Raises what reading up to it raises."""
    moment = plain_moment(moment)
    if isinstance(moment, float):
        return next(video.frames(moment)).index
    return default if moment is None else moment


def placed(prompts: Iterable[Prompt], video: VideoReader, start: int = 0) -> list[Prompt]:
    """The prompts, each with its frame; one that names none belongs to `start`, the first frame that is tracked.

    Raises PromptError for one before the start, and what reading the video raises.
    """
    found = [replace(prompt, frame=frame_at(video, prompt.frame, start)) for prompt in map(plain, prompts)]
    for prompt in found:
        if prompt.at < start:
            raise PromptError(
                f"the prompt in frame {prompt.at} lies before the start, frame {start}; begin there or earlier"
            )
    return found
